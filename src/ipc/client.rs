//! The client's half: requests in any number over one connection, each with its events and its reply.

use crate::frame::Frames;
use crate::wire::{self, Answered, FromServer};
use crate::{Action, Cancel, Event, Hello, HelloReply, WireError};
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::io;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

/// Events that wait for the caller of one request. The connection is read no faster than its slowest call.
const WAITING: usize = 64;

/// How long the greeting may take. Hands that don't answer by then are hung, and saying so beats waiting.
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

type Pending = Arc<Mutex<HashMap<u64, mpsc::Sender<Inbound>>>>;

/// A connection that has been greeted. Cloning it shares the connection.
#[derive(Clone)]
pub struct Client {
    lines: mpsc::Sender<Vec<u8>>,
    pending: Pending,
    next_id: Arc<AtomicU64>,
}

fn lock(pending: &Pending) -> MutexGuard<'_, HashMap<u64, mpsc::Sender<Inbound>>> {
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
        let (lines, outgoing) = mpsc::channel(WAITING);
        let pending = Pending::default();
        tokio::spawn(write_all(writer, outgoing));
        tokio::spawn(read_all(reader, Arc::clone(&pending)));
        let client = Self { lines, pending, next_id: Arc::new(AtomicU64::new(1)) };
        let greeting = tokio::time::timeout(GREETING, client.call(hello)).await;
        let reply = greeting.map_err(|_| ClientError::Lost)??;
        Ok((client, reply))
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
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let line = wire::encode_request(Some(id), &action.into()).map_err(ClientError::Unsendable)?;
        let (sender, inbound) = mpsc::channel(WAITING);
        lock(&self.pending).insert(id, sender);
        if self.lines.send(line).await.is_err() {
            lock(&self.pending).remove(&id);
            return Err(ClientError::Lost);
        }
        Ok(Call { id, inbound, client: self.clone(), answer: PhantomData })
    }
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
    /// it came to before.
    ///
    /// # Errors
    /// When the connection has ended.
    pub async fn cancel(&self) -> Result<(), ClientError> {
        match self.client.call(Cancel { request: self.id }).await {
            // It ended by itself in the meantime.
            Ok(_) | Err(ClientError::Answer(_)) => Ok(()),
            Err(error) => Err(error),
        }
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
    while let Ok(count @ 1..) = reader.read(&mut chunk).await {
        frames.push(&chunk[..count]);
        while let Ok(Some(line)) = frames.next_line() {
            let Ok(message) = wire::decode_from_server(line) else { continue };
            if !deliver(&pending, message).await {
                break;
            }
        }
        // An endless line leaves no way to find the next one.
        if frames.next_line().is_err() {
            break;
        }
    }
    // Dropping the senders tells every caller that no reply will come.
    lock(&pending).clear();
}

/// False when the connection is of no more use.
async fn deliver(pending: &Pending, message: FromServer) -> bool {
    match message {
        FromServer::Event { request, event, .. } => {
            let sender = lock(pending).get(&request).cloned();
            if let Some(sender) = sender
                && sender.send(Inbound::Event(event)).await.is_err()
            {
                lock(pending).remove(&request);
            }
            true
        }
        FromServer::Reply(Answered { id, result }) => {
            let sender = lock(pending).remove(&id);
            if let Some(sender) = sender {
                let _ = sender.send(Inbound::Reply(result)).await;
            }
            true
        }
        FromServer::Broken(_) => false,
    }
}
