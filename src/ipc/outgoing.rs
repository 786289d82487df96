//! What goes out on a connection: one line each, in the order it was said, none longer than a frame.

use crate::frame::MAX_FRAME;
use crate::older::OlderReply;
use crate::wire::{self, PlainReply};
use crate::{ErrorCode, Event, Reply, WireError};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

/// A line to be.
pub(crate) enum Outgoing {
    Event {
        request: u64,
        event: Event,
    },
    Reply {
        id: u64,
        reply: Result<Reply, WireError>,
    },
    Plain(Box<PlainReply>),
    Older(Box<OlderReply>),
    /// An error that answers no request.
    Stray(WireError),
}

/// Writes until nobody has anything to say any more, or nobody listens.
pub(crate) async fn write_all<W: AsyncWrite + Unpin>(mut writer: W, mut outgoing: mpsc::Receiver<Outgoing>) {
    let mut seq = 0_u64;
    while let Some(message) = outgoing.recv().await {
        let line = match &message {
            Outgoing::Event { request, event } => {
                seq += 1;
                wire::encode_event(*request, seq, event)
            }
            Outgoing::Reply { id, reply } => wire::encode_reply(Some(*id), reply),
            Outgoing::Plain(reply) => wire::line(reply),
            Outgoing::Older(reply) => wire::line(reply),
            Outgoing::Stray(error) => wire::encode_reply(None, &Err(error.clone())),
        };
        let line = match line {
            // The newline isn't counted.
            Ok(line) if line.len() <= MAX_FRAME + 1 => line,
            Ok(_) => {
                let words = format!("what there is to tell is longer than a frame of {MAX_FRAME} bytes");
                instead(&message, WireError::new(ErrorCode::FrameTooLarge, words).hint("ask for less at once"))
            }
            Err(error) => {
                let words = format!("what there is to tell can't be put into JSON: {error}");
                instead(&message, WireError::new(ErrorCode::Machine, words))
            }
        };
        if writer.write_all(&line).await.is_err() {
            break;
        }
        // In a flood there is always more to write: other connections must get their turn in between.
        tokio::task::yield_now().await;
    }
    let _ = writer.shutdown().await;
}

/// The line that stands for one that can't be sent. An event is then missing: that, too, ends its connection in words
/// rather than leaving a client to wait for what it never saw.
fn instead(message: &Outgoing, error: WireError) -> Vec<u8> {
    let id = match message {
        Outgoing::Reply { id, .. } => Some(*id),
        Outgoing::Older(reply) => {
            return wire::line(&OlderReply::failed(error.message, reply.exists)).unwrap_or_default();
        }
        Outgoing::Plain(_) => return wire::line(&plain_reply(Err(error), Vec::new())).unwrap_or_default(),
        Outgoing::Event { .. } | Outgoing::Stray(_) => None,
    };
    wire::encode_reply(id, &Err(error)).unwrap_or_default()
}

/// The answer to a request without an id.
pub(crate) fn plain(reply: Result<Reply, WireError>, output: Vec<u8>) -> Outgoing {
    Outgoing::Plain(Box::new(plain_reply(reply, output)))
}

fn plain_reply(reply: Result<Reply, WireError>, output: Vec<u8>) -> PlainReply {
    match reply {
        Ok(reply) => PlainReply {
            success: true,
            output: Some(String::from_utf8_lossy(&output).into_owned()),
            error: None,
            result: serde_json::to_value(reply).ok(),
        },
        Err(error) => {
            let hint = error.hint.map(|h| format!(" ({h})")).unwrap_or_default();
            PlainReply { success: false, output: None, error: Some(format!("{}{hint}", error.message)), result: None }
        }
    }
}
