//! Our stdin on its way to a job.

use super::terminal::Resizes;
use pryx_ipc::{Blob, Client, Resize, SendInput};
use pryx_terms::JobId;
use std::io::Read;
use tokio::sync::mpsc;

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

/// Forwards a pipe or file on stdin until it ends, and then its end.
pub fn forward_pipe(client: Client, job: JobId) {
    tokio::spawn(async move {
        let mut chunks = stdin_chunks();
        while let Some(chunk) = chunks.recv().await {
            // One request at a time: the job's pace is ours.
            let data = SendInput { job: job.to_string(), data: Blob(chunk), eof: false };
            if client.call(data).await.is_err() {
                return;
            }
        }
        let _ = client.call(SendInput { job: job.to_string(), data: Blob::default(), eof: true }).await;
    });
}

/// Forwards keys, and the window's size when it changes.
pub fn forward_terminal(client: Client, job: JobId) {
    forward_sizes(client.clone(), job.to_string());
    tokio::spawn(async move {
        let mut chunks = stdin_chunks();
        while let Some(chunk) = chunks.recv().await {
            let data = SendInput { job: job.to_string(), data: Blob(chunk), eof: false };
            if client.call(data).await.is_err() {
                return;
            }
        }
    });
}

/// Tells the job the window's size whenever it changes.
pub fn forward_sizes(client: Client, job: String) {
    tokio::spawn(async move {
        let Ok(mut resizes) = Resizes::watch() else { return };
        loop {
            let size = resizes.next().await;
            if client.call(Resize { job: job.clone(), rows: size.rows, cols: size.cols }).await.is_err() {
                return;
            }
        }
    });
}
