//! Our stdin on its way to a job.

use super::link::Link;
use super::terminal::Resizes;
use pryx_ipc::{Blob, InputPart, Resize, SendInput};
use pryx_terms::{CallKey, JobId};
use std::io::Read;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Bytes read from stdin at once, and so the size of one request.
const CHUNK: usize = 32 * 1024;

/// Chunks read ahead while the job is slow to take them.
const AHEAD: usize = 4;

/// Reads stdin on a thread of its own: a read can't be given up, and the process must not wait for it.
pub fn stdin_chunks() -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    std::thread::spawn(move || {
        let mut stdin = std::io::stdin().lock();
        let mut chunk = vec![0_u8; CHUNK];
        loop {
            match stdin.read(&mut chunk) {
                Ok(0) => return,
                Ok(count) => {
                    if sender.blocking_send(chunk[..count].to_vec()).is_err() {
                        return;
                    }
                }
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    });
    receiver
}

/// Types somebody's bytes into a job: in order and each once, over lost connections too.
pub struct Typist {
    link: Link,
    job: String,
    part: InputPart,
    /// The bytes are a terminal's, which says something by itself too.
    window: bool,
}

impl Typist {
    /// One who has typed nothing yet.
    pub fn new(link: Link, job: String, window: bool) -> Self {
        Self { link, job, part: InputPart { key: CallKey::generate(), offset: 0 }, window }
    }

    /// Types on, or ends the job's input. One request at a time: the job's pace is ours. False when it takes no more.
    pub async fn send(&mut self, bytes: Vec<u8>, eof: bool) -> bool {
        let length = bytes.len() as u64;
        let input = SendInput {
            job: self.job.clone(),
            data: Blob(bytes),
            eof,
            part: Some(self.part.clone()),
            window: self.window,
        };
        let taken = self.link.call(input).await.is_ok();
        self.part.offset += length;
        taken
    }
}

/// Forwards a pipe or file on stdin until it ends, and then its end.
pub fn forward_pipe(link: Link, job: &JobId) {
    let mut typist = Typist::new(link, job.to_string(), false);
    tokio::spawn(async move {
        let mut chunks = stdin_chunks();
        while let Some(chunk) = chunks.recv().await {
            if !typist.send(chunk, false).await {
                return;
            }
        }
        typist.send(Vec::new(), true).await;
    });
}

/// The key that interrupts, in raw mode a byte like others.
const INTERRUPT: u8 = 3;

/// Forwards keys, and the window's size when it changes. While there is no connection, Ctrl-C is for us.
pub fn forward_terminal(link: Link, job: &JobId) {
    forward_sizes(link.clone(), job.to_string());
    let keys = Keys::forward(link.clone(), job.to_string());
    tokio::spawn(async move {
        let mut chunks = stdin_chunks();
        while let Some(chunk) = chunks.recv().await {
            if link.is_away() && chunk.contains(&INTERRUPT) {
                link.give_up();
            }
            if !keys.send(chunk).await {
                return;
            }
        }
    });
}

/// Chunks of keys that wait to be typed while there is no connection: a line or two.
const KEYS_AHEAD: usize = 256;

/// Keys on their way, without holding up whoever reads them.
pub struct Keys {
    waiting: mpsc::Sender<Vec<u8>>,
    typing: JoinHandle<()>,
}

impl Keys {
    /// Begins to type into a job.
    pub fn forward(link: Link, job: String) -> Self {
        let (waiting, mut keys) = mpsc::channel::<Vec<u8>>(KEYS_AHEAD);
        let mut typist = Typist::new(link, job, true);
        let typing = tokio::spawn(async move {
            while let Some(chunk) = keys.recv().await {
                if !typist.send(chunk, false).await {
                    return;
                }
            }
        });
        Self { waiting, typing }
    }

    /// Types these after those before. False when the job takes no more.
    pub async fn send(&self, keys: Vec<u8>) -> bool {
        keys.is_empty() || self.waiting.send(keys).await.is_ok()
    }

    /// Resolves when all are typed.
    pub async fn finish(self) {
        drop(self.waiting);
        let _ = self.typing.await;
    }
}

/// Tells the job the window's size whenever it changes.
pub fn forward_sizes(link: Link, job: String) {
    tokio::spawn(async move {
        let Ok(mut resizes) = Resizes::watch() else { return };
        loop {
            let size = resizes.next().await;
            if link.call(Resize { job: job.clone(), rows: size.rows, cols: size.cols }).await.is_err() {
                return;
            }
        }
    });
}
