//! The client's half: requests in any number over one connection, each with its events and its reply.

use crate::frame::{Frames, MAX_FRAME};
use crate::wire::{self, Answered, FromServer};
use crate::{Action, Cancel, ErrorCode, Event, Hello, HelloReply, Machine, Request, WireError};
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::io;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

/// Events that wait for the caller of one request. The connection is read no faster than its slowest call: whoever
/// awaits another call meanwhile must go on taking these.
const WAITING: usize = 64;

/// How long the greeting may take on this machine. Hands that don't answer by then are hung, and saying so beats waiting.
const GREETING: Duration = Duration::from_secs(5);

/// Why a request has no reply.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens there.
    #[error("the hands can't be reached at {path}")]
    Unreachable {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The connection ended before the reply.
    #[error("the connection to the hands was lost")]
    Lost,
    /// The server sent what can't be understood.
    #[error("the hands sent something that is not of the protocol: {0}")]
    Garbled(String),
    /// The request can't be put on the wire (a path that is no UTF-8).
    #[error("the request can't be put into JSON: {0}")]
    Unsendable(#[source] serde_json::Error),
    /// The hands answered with an error.
    #[error(transparent)]
    Answer(#[from] WireError),
}

enum Inbound {
    Event(Event),
    Reply(Result<Box<RawValue>, WireError>),
}

/// Who waits for what; nothing once the connection has ended, so that nobody starts to wait then.
type Waiting = Option<HashMap<u64, mpsc::Sender<Inbound>>>;

type Pending = Arc<Mutex<Waiting>>;

/// A connection that has been greeted. Cloning it shares the connection; when the last clone and the last call are
/// dropped, it is closed.
#[derive(Clone)]
pub struct Client {
    _reading: Arc<Reading>,
    lines: mpsc::Sender<Vec<u8>>,
    pending: Pending,
    next_id: Arc<AtomicU64>,
    server: Arc<OnceLock<HelloReply>>,
}

/// The task that reads. Without an end of it, a connection nobody wants any more would go on taking a flood of events.
struct Reading(tokio::task::AbortHandle);

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn lock(pending: &Pending) -> MutexGuard<'_, Waiting> {
    pending.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Client {
    /// Connects to a socket and greets.
    ///
    /// # Errors
    /// When nobody listens there, or the versions don't fit.
    pub async fn connect(path: &Path, hello: Hello) -> Result<(Self, HelloReply), ClientError> {
        let unreachable = |source| ClientError::Unreachable { path: path.to_owned(), source };
        let stream = crate::connect(path).await.map_err(unreachable)?;
        let (reader, writer) = tokio::io::split(stream);
        Self::over(reader, writer, hello).await
    }

    /// Greets over any pair of byte streams.
    ///
    /// # Errors
    /// When the greeting gets no answer or a refusal.
    pub async fn over<R, W>(reader: R, writer: W, hello: Hello) -> Result<(Self, HelloReply), ClientError>
    where
        R: AsyncRead + Unpin + Send + 'static,
        W: AsyncWrite + Unpin + Send + 'static,
    {
        Self::over_within(reader, writer, hello, GREETING).await
    }

    /// The same where the greeting may take its time: over a network, with a password to type.
    ///
    /// # Errors
    /// When the greeting gets no answer in time, or a refusal.
    pub async fn over_within<R, W>(
        reader: R,
        writer: W,
        hello: Hello,
        patience: Duration,
    ) -> Result<(Self, HelloReply), ClientError>
    where
        R: AsyncRead + Unpin + Send + 'static,
        W: AsyncWrite + Unpin + Send + 'static,
    {
        let (lines, outgoing) = mpsc::channel(WAITING);
        let pending = Arc::new(Mutex::new(Some(HashMap::new())));
        tokio::spawn(write_all(writer, outgoing));
        let reading = tokio::spawn(read_all(reader, Arc::clone(&pending)));
        let client = Self {
            _reading: Arc::new(Reading(reading.abort_handle())),
            lines,
            pending,
            next_id: Arc::new(AtomicU64::new(1)),
            server: Arc::new(OnceLock::new()),
        };
        let greeting = tokio::time::timeout(patience, client.call(hello)).await;
        let reply = greeting.map_err(|_| ClientError::Lost)??;
        let _ = client.server.set(reply.clone());
        Ok((client, reply))
    }

    /// The machine the hands are on, if they told.
    #[must_use]
    pub fn machine(&self) -> Option<&Machine> {
        self.server.get()?.machine.as_ref()
    }

    /// Sends a request and waits for its reply; its events are dropped.
    ///
    /// # Errors
    /// When the hands answer with an error or the connection ends first.
    pub async fn call<A: Action>(&self, action: A) -> Result<A::Reply, ClientError> {
        let mut call = self.start(action).await?;
        loop {
            if let Update::Reply(reply) = call.next().await? {
                return Ok(reply);
            }
        }
    }

    /// Sends a request whose events matter.
    ///
    /// # Errors
    /// When the connection has ended.
    pub async fn start<A: Action>(&self, action: A) -> Result<Call<A>, ClientError> {
        let (id, line) = self.encode(&action.into())?;
        let (sender, inbound) = mpsc::channel(WAITING);
        lock(&self.pending).as_mut().ok_or(ClientError::Lost)?.insert(id, sender);
        if self.lines.send(line).await.is_err() {
            forget(&self.pending, id);
            return Err(ClientError::Lost);
        }
        Ok(Call { id, inbound, client: self.clone(), answer: PhantomData })
    }

    fn encode(&self, request: &Request) -> Result<(u64, Vec<u8>), ClientError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let line = wire::encode_request(Some(id), request).map_err(ClientError::Unsendable)?;
        // The server would close the connection, with all that is under way on it.
        if line.len() > MAX_FRAME {
            let words = format!("the request has {} bytes, the limit is {MAX_FRAME}", line.len());
            return Err(WireError::new(ErrorCode::FrameTooLarge, words).hint("put long input into a file").into());
        }
        Ok((id, line))
    }
}

fn forget(pending: &Pending, id: u64) -> Option<mpsc::Sender<Inbound>> {
    lock(pending).as_mut()?.remove(&id)
}

/// What comes of a request that is under way.
#[derive(Debug)]
pub enum Update<R> {
    /// Something happened; more will come.
    Event(Event),
    /// The end.
    Reply(R),
}

/// A request under way.
pub struct Call<A: Action> {
    id: u64,
    inbound: mpsc::Receiver<Inbound>,
    client: Client,
    answer: PhantomData<fn() -> A::Reply>,
}

impl<A: Action> Call<A> {
    /// The next event, or the reply, after which there is nothing more. Safe to drop and call again.
    ///
    /// # Errors
    /// When the hands answer with an error, the reply doesn't fit, or the connection ends first.
    pub async fn next(&mut self) -> Result<Update<A::Reply>, ClientError> {
        match self.inbound.recv().await {
            Some(Inbound::Event(event)) => Ok(Update::Event(event)),
            Some(Inbound::Reply(Ok(result))) => serde_json::from_str(result.get())
                .map(Update::Reply)
                .map_err(|e| ClientError::Garbled(format!("the reply to {}: {e}", A::NAME))),
            Some(Inbound::Reply(Err(error))) => Err(error.into()),
            None => Err(ClientError::Lost),
        }
    }

    /// Asks the hands to give the request up. Its reply still comes: an error with the code `cancelled`, or what
    /// it came to before. Doesn't wait for the hands' word on this: it may stand behind events that nobody takes.
    ///
    /// # Errors
    /// When the connection has ended.
    pub async fn cancel(&self) -> Result<(), ClientError> {
        let (_, line) = self.client.encode(&Cancel { request: self.id }.into())?;
        self.client.lines.send(line).await.map_err(|_| ClientError::Lost)
    }
}

async fn write_all<W: AsyncWrite + Unpin>(mut writer: W, mut outgoing: mpsc::Receiver<Vec<u8>>) {
    while let Some(line) = outgoing.recv().await {
        if writer.write_all(&line).await.is_err() {
            return;
        }
    }
    let _ = writer.shutdown().await;
}

async fn read_all<R: AsyncRead + Unpin>(mut reader: R, pending: Pending) {
    let mut frames = Frames::default();
    let mut chunk = vec![0_u8; 64 * 1024];
    'connection: while let Ok(count @ 1..) = reader.read(&mut chunk).await {
        frames.push(&chunk[..count]);
        loop {
            // After a line that is endless or can't be understood, somebody might wait for ever for what was in it.
            let line = match frames.next_line() {
                Ok(Some(line)) => line,
                Ok(None) => break,
                Err(_) => break 'connection,
            };
            let Ok(message) = wire::decode_from_server(line) else { break 'connection };
            if !deliver(&pending, message).await {
                break 'connection;
            }
        }
        // In a flood there is always more to read: whoever sends a word meanwhile must get their turn.
        tokio::task::yield_now().await;
    }
    // Dropping the senders tells every caller that no reply will come.
    lock(&pending).take();
}

/// False when the connection is of no more use.
async fn deliver(pending: &Pending, message: FromServer) -> bool {
    match message {
        FromServer::Event { request, event, .. } => {
            let sender = lock(pending).as_ref().and_then(|waiting| waiting.get(&request).cloned());
            if let Some(sender) = sender
                && sender.send(Inbound::Event(event)).await.is_err()
            {
                forget(pending, request);
            }
            true
        }
        FromServer::Reply(Answered { id, result }) => {
            if let Some(sender) = forget(pending, id) {
                let _ = sender.send(Inbound::Reply(result)).await;
            }
            true
        }
        FromServer::Broken(error) => {
            for sender in lock(pending).take().unwrap_or_default().into_values() {
                // Whoever has no room for it still learns that the connection is lost.
                let _ = sender.try_send(Inbound::Reply(Err(error.clone())));
            }
            false
        }
    }
}
