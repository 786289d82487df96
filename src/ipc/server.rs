//! The server's half: connections, hello, lanes, cancellation. What an action does is the handler's matter.

use crate::frame::{FrameError, Frames};
use crate::older::{Older, OlderReply};
use crate::outgoing::{Outgoing, plain, write_all};
use crate::wire::{self, Incoming};
use crate::{
    Cancel, Done, ErrorCode, Event, HELLO_DEADLINE, HelloReply, Listener, PROTOCOL_VERSION, Peer, Reply, Request,
    WireError,
};
use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::sync::{mpsc, watch};

/// Frames that wait to be written on one connection. A reader that stalls makes its own requests wait, nobody
/// else's: output is read from the job's log at the pace it is taken.
const OUTGOING: usize = 64;

/// Connections at once. A client that leaks them must not take all the descriptors that jobs need.
const MAX_CONNECTIONS: usize = 400;

/// Requests under way on one connection. Without a bound one client could hold any number of tasks.
const MAX_IN_FLIGHT: usize = 256;

/// Ordered requests (input, plain ones) that wait on one connection; more are answered with `busy`.
const ORDERED: usize = 64;

/// Bytes of output that the plain form's one reply carries. The rest is in the log. Each may take six bytes as a JSON
/// escape, and the reply must fit into a frame.
const PLAIN_OUTPUT: usize = 128 * 1024;

/// How long the connections get to write their last replies when the server ends.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Pause after a failed accept (out of descriptors): without it the loop would spin until some are free.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What the server asks of the hands.
pub trait Handler: Send + Sync + 'static {
    /// Our side of the greeting.
    fn hello(&self) -> HelloReply;

    /// Carries out one request. `hello` and `cancel` never arrive here.
    fn handle(
        self: Arc<Self>,
        request: Request,
        context: RequestContext,
    ) -> impl Future<Output = Result<Reply, WireError>> + Send;

    /// Carries out one request of the older protocol.
    fn older(self: Arc<Self>, _request: Older, _context: RequestContext) -> impl Future<Output = OlderReply> + Send {
        async { OlderReply::failed("the older protocol is not spoken here", false) }
    }

    /// How many connections there are now.
    fn connections(&self, _now: usize) {}
}

/// Why a request should stop early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interrupt {
    /// The client said `cancel`.
    Cancelled,
    /// The client is gone. Whoever can go on without it, does.
    HungUp,
    /// The server ends.
    ShuttingDown,
}

/// Tells a handler that its request should stop early.
#[derive(Debug, Clone)]
pub struct Interrupted(watch::Receiver<Option<Interrupt>>);

impl Interrupted {
    /// Resolves when the request should stop early; else never.
    pub async fn wait(&mut self) -> Interrupt {
        match self.0.wait_for(Option::is_some).await.map(|why| *why) {
            Ok(Some(why)) => why,
            // The connection dropped its end without a word: it is gone.
            _ => Interrupt::HungUp,
        }
    }

    /// Resolves when the client said `cancel` or the server ends; a hang-up alone does not count.
    pub async fn wait_for_cancel(&mut self) -> Interrupt {
        let ends = |why: &Option<Interrupt>| matches!(why, Some(Interrupt::Cancelled | Interrupt::ShuttingDown));
        // The value is copied out at once: the guard must not live on into the waiting below.
        match self.0.wait_for(ends).await.map(|why| *why) {
            Ok(why) => why.unwrap_or(Interrupt::Cancelled),
            Err(_) => std::future::pending().await,
        }
    }
}

/// What a handler knows of the request besides its data.
pub struct RequestContext {
    /// Who asks.
    pub peer: Peer,
    /// Says when to stop early.
    pub interrupted: Interrupted,
    sink: Sink,
}

enum Sink {
    Events { request: u64, out: mpsc::Sender<Outgoing> },
    Text(Arc<Mutex<Vec<u8>>>),
}

impl RequestContext {
    /// Sends an event; waits while the client is slow. False when the client is gone.
    pub async fn send(&self, event: Event) -> bool {
        match &self.sink {
            Sink::Events { request, out } => out.send(Outgoing::Event { request: *request, event }).await.is_ok(),
            Sink::Text(text) => {
                if let Event::Output(output) = event {
                    let mut text = lock(text);
                    let room = PLAIN_OUTPUT.saturating_sub(text.len()).min(output.data.0.len());
                    text.extend_from_slice(&output.data.0[..room]);
                }
                true
            }
        }
    }

    /// Whether the client takes events: in the plain form it doesn't, so a question would reach nobody.
    #[must_use]
    pub fn takes_events(&self) -> bool {
        matches!(self.sink, Sink::Events { .. })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves connections until `shutdown` resolves: then stops accepting, tells all, and waits for them a moment.
pub async fn serve<H: Handler>(listener: Listener, handler: Arc<H>, shutdown: impl Future<Output = ()>) {
    let (stop, stopped) = watch::channel(false);
    let (alive, mut all_gone) = mpsc::channel::<()>(1);
    let open = Arc::new(Mutex::new(0_usize));
    tokio::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, peer)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        if *lock(&open) >= MAX_CONNECTIONS {
            // Hung up on, which its client tells as a lost connection.
            continue;
        }
        let (handler, stopped, alive, open) = (Arc::clone(&handler), stopped.clone(), alive.clone(), Arc::clone(&open));
        count(&*handler, &open, 1);
        tokio::spawn(async move {
            let (reader, writer) = tokio::io::split(stream);
            serve_connection(reader, writer, peer, Arc::clone(&handler), stopped).await;
            count(&*handler, &open, -1);
            drop(alive);
        });
    }
    drop(listener);
    drop(alive);
    stop.send_replace(true);
    // Receives nothing: it resolves when the last connection dropped its end.
    let _ = tokio::time::timeout(LAST_WORDS, all_gone.recv()).await;
}

fn count<H: Handler>(handler: &H, open: &Mutex<usize>, change: isize) {
    let now = {
        let mut open = lock(open);
        *open = open.saturating_add_signed(change);
        *open
    };
    handler.connections(now);
}

/// Serves one connection over any pair of byte streams until the client hangs up or `stopped` turns true.
pub async fn serve_connection<H, R, W>(
    reader: R,
    writer: W,
    peer: Peer,
    handler: Arc<H>,
    stopped: watch::Receiver<bool>,
) where
    H: Handler,
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let (out, outgoing) = mpsc::channel(OUTGOING);
    let writing = tokio::spawn(write_all(writer, outgoing));
    let connection = Connection::new(peer, handler, out);
    let why = connection.read_until_gone(reader, stopped).await;
    connection.interrupt_all(why);
    drop(connection);
    // The writer ends when the last handler has dropped its sender: the replies of those still at work go out first.
    let _ = writing.await;
}

type InFlight = Arc<Mutex<HashMap<u64, watch::Sender<Option<Interrupt>>>>>;

struct Connection<H: Handler> {
    peer: Peer,
    handler: Arc<H>,
    out: mpsc::Sender<Outgoing>,
    in_flight: InFlight,
    /// Keeps the interrupts of plain requests, which have no id to be cancelled by.
    gone: watch::Sender<Option<Interrupt>>,
    ordered: mpsc::Sender<Ordered>,
}

/// A request of the ordered lane. What could not be read waits there too when it has no id: the sender of plain
/// requests knows its replies by their order alone.
enum Ordered {
    Request(Option<u64>, Result<Request, WireError>),
    Older(Result<Older, String>),
}

impl<H: Handler> Connection<H> {
    fn new(peer: Peer, handler: Arc<H>, out: mpsc::Sender<Outgoing>) -> Self {
        let (ordered, mut queue) = mpsc::channel::<Ordered>(ORDERED);
        let (gone, interrupted) = watch::channel(None);
        let (lane_handler, lane_out) = (Arc::clone(&handler), out.clone());
        tokio::spawn(async move {
            while let Some(next) = queue.recv().await {
                let interrupted = Interrupted(interrupted.clone());
                let answer = match next {
                    Ordered::Request(_, Err(error)) => plain(Err(error), Vec::new()),
                    Ordered::Request(id, Ok(request)) => {
                        carry_out(&lane_handler, peer, &lane_out, id, request, interrupted).await
                    }
                    Ordered::Older(Err(error)) => Outgoing::Older(Box::new(OlderReply::failed(error, false))),
                    Ordered::Older(Ok(older)) => {
                        let context = RequestContext { peer, interrupted, sink: Sink::Text(Arc::default()) };
                        Outgoing::Older(Box::new(Arc::clone(&lane_handler).older(older, context).await))
                    }
                };
                let _ = lane_out.send(answer).await;
            }
        });
        Self { peer, handler, out, in_flight: InFlight::default(), gone, ordered }
    }

    async fn read_until_gone<R: AsyncRead + Unpin>(
        &self,
        mut reader: R,
        mut stopped: watch::Receiver<bool>,
    ) -> Interrupt {
        let mut frames = Frames::default();
        let mut chunk = vec![0_u8; 64 * 1024];
        let mut greeted = false;
        let mut silent = true;
        let patience = tokio::time::sleep(HELLO_DEADLINE);
        tokio::pin!(patience);
        loop {
            let read = tokio::select! {
                _ = stopped.wait_for(|s| *s) => return Interrupt::ShuttingDown,
                () = &mut patience, if silent => return Interrupt::HungUp,
                read = reader.read(&mut chunk) => read,
            };
            let Ok(count @ 1..) = read else { return Interrupt::HungUp };
            frames.push(&chunk[..count]);
            loop {
                match frames.next_line() {
                    Ok(None) => break,
                    Ok(Some(line)) if line.iter().all(u8::is_ascii_whitespace) => {}
                    Ok(Some(line)) => {
                        silent = false;
                        self.take(line, &mut greeted).await;
                    }
                    Err(FrameError::TooLarge) => {
                        let error = WireError::new(ErrorCode::FrameTooLarge, FrameError::TooLarge.to_string())
                            .hint("send long input in several requests");
                        let _ = self.out.send(Outgoing::Stray(error)).await;
                        return Interrupt::HungUp;
                    }
                }
            }
        }
    }

    async fn take(&self, line: &[u8], greeted: &mut bool) {
        let incoming = match wire::decode_line(line) {
            Incoming::Request(incoming) => incoming,
            Incoming::Older(older) => return self.wait_in_line(Ordered::Older(older)).await,
        };
        let request = match (incoming.id, incoming.request) {
            (Some(id), Err(error)) => return self.reply(id, Err(error)).await,
            (None, Err(error)) => return self.enqueue(None, Err(error)).await,
            (_, Ok(request)) => request,
        };
        match (incoming.id, request) {
            (Some(id), Request::Hello(hello)) => {
                *greeted = hello.protocol == PROTOCOL_VERSION;
                let reply = if *greeted {
                    Ok(Reply::Hello(self.handler.hello()))
                } else {
                    Err(mismatch(&self.handler.hello(), hello.protocol))
                };
                self.reply(id, reply).await;
            }
            (Some(id), _) if !*greeted => {
                let error = WireError::new(ErrorCode::HelloRequired, "the first request must be hello");
                self.reply(
                    id,
                    Err(error.hint(format!(
                        r#"{{"id": 1, "action": "hello", "data": {{"protocol": {PROTOCOL_VERSION}, "client": "…"}}}}"#
                    ))),
                )
                .await;
            }
            (Some(id), Request::Cancel(cancel)) => {
                let reply = self.cancel(&cancel);
                self.reply(id, reply).await;
            }
            (None, Request::Hello(_) | Request::Cancel(_)) => {
                let error = WireError::new(ErrorCode::BadData, "hello and cancel are for requests with an id");
                self.enqueue(None, Err(error.hint("a request without an id needs no hello"))).await;
            }
            (None, request) => self.enqueue(None, Ok(request)).await,
            (Some(id), request @ (Request::SendInput(_) | Request::Resize(_))) => {
                self.enqueue(Some(id), Ok(request)).await;
            }
            (Some(id), request) => self.spawn(id, request).await,
        }
    }

    async fn enqueue(&self, id: Option<u64>, request: Result<Request, WireError>) {
        self.wait_in_line(Ordered::Request(id, request)).await;
    }

    async fn wait_in_line(&self, next: Ordered) {
        let Err(mpsc::error::TrySendError::Full(next) | mpsc::error::TrySendError::Closed(next)) =
            self.ordered.try_send(next)
        else {
            return;
        };
        let busy = WireError::new(ErrorCode::Busy, "too many requests wait on this connection");
        match next {
            Ordered::Request(Some(id), _) => self.reply(id, Err(busy)).await,
            Ordered::Request(None, _) => self.send(plain(Err(busy), Vec::new())).await,
            Ordered::Older(_) => {
                self.send(Outgoing::Older(Box::new(OlderReply::failed(busy.message, false)))).await;
            }
        }
    }

    async fn spawn(&self, id: u64, request: Request) {
        let (interrupt, interrupted) = watch::channel(None);
        let refused = {
            let mut in_flight = lock(&self.in_flight);
            if in_flight.contains_key(&id) {
                Some(WireError::new(ErrorCode::BadData, format!("a request with id {id} is under way already")))
            } else if in_flight.len() >= MAX_IN_FLIGHT {
                Some(WireError::new(
                    ErrorCode::Busy,
                    format!("{MAX_IN_FLIGHT} requests are under way on this connection"),
                ))
            } else {
                in_flight.insert(id, interrupt);
                None
            }
        };
        if let Some(error) = refused {
            return self.reply(id, Err(error)).await;
        }
        let (handler, out, in_flight, peer) =
            (Arc::clone(&self.handler), self.out.clone(), Arc::clone(&self.in_flight), self.peer);
        tokio::spawn(async move {
            let answer = carry_out(&handler, peer, &out, Some(id), request, Interrupted(interrupted)).await;
            // Before the reply goes out: whoever has it may use the id again at once.
            lock(&in_flight).remove(&id);
            let _ = out.send(answer).await;
        });
    }

    fn cancel(&self, cancel: &Cancel) -> Result<Reply, WireError> {
        match lock(&self.in_flight).get(&cancel.request) {
            Some(interrupt) => {
                interrupt.send_replace(Some(Interrupt::Cancelled));
                Ok(Reply::Cancel(Done {}))
            }
            None => Err(WireError::new(ErrorCode::NotFound, format!("no request {} is under way", cancel.request))),
        }
    }

    fn interrupt_all(&self, why: Interrupt) {
        for interrupt in lock(&self.in_flight).values() {
            interrupt.send_if_modified(|now| now.is_none() && now.replace(why).is_none());
        }
        self.gone.send_replace(Some(why));
    }

    async fn reply(&self, id: u64, reply: Result<Reply, WireError>) {
        self.send(Outgoing::Reply { id, reply }).await;
    }

    async fn send(&self, message: Outgoing) {
        // A failure means that the writer is gone, and with it the client; the reader will see it next.
        let _ = self.out.send(message).await;
    }
}

async fn carry_out<H: Handler>(
    handler: &Arc<H>,
    peer: Peer,
    out: &mpsc::Sender<Outgoing>,
    id: Option<u64>,
    request: Request,
    interrupted: Interrupted,
) -> Outgoing {
    let text = Arc::new(Mutex::new(Vec::new()));
    let sink = match id {
        Some(request) => Sink::Events { request, out: out.clone() },
        None => Sink::Text(Arc::clone(&text)),
    };
    let reply = Arc::clone(handler).handle(request, RequestContext { peer, interrupted, sink }).await;
    match id {
        Some(id) => Outgoing::Reply { id, reply },
        None => plain(reply, std::mem::take(&mut *lock(&text))),
    }
}

fn mismatch(own: &HelloReply, theirs: u32) -> WireError {
    let message =
        format!("these hands are pryx {} and speak protocol {}, the client speaks {theirs}", own.version, own.protocol);
    WireError::new(ErrorCode::VersionMismatch, message)
        .hint("run `pryx hands stop`: the next command starts hands of its own version, running jobs go on")
}
