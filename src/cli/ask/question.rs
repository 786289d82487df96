//! A question to the person at the terminal: the card, and one key for the answer.

use crate::cli::approvals::card;
use crate::cli::context::Context;
use crate::cli::out;
use crate::cli::terminal::Keys;
use pryx_terms::{Answer, Approval, ApprovalId};
use std::io;
use tokio::sync::mpsc;

/// What a key said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// An answer to the question.
    Answer(ApprovalId, Answer),
    /// Stop the whole turn.
    Stop,
}

/// A question on the screen. Dropping it takes the question back.
pub struct Question {
    /// Which.
    pub id: ApprovalId,
    /// Its other end wakes the thread that waits for a key, by closing.
    _stop: io::PipeWriter,
}

impl Question {
    /// Shows the card and begins to wait for a key; the reply goes to `replies`.
    ///
    /// # Errors
    /// When there is no terminal to ask on.
    pub fn ask(context: &Context, approval: &Approval, replies: mpsc::Sender<Reply>) -> io::Result<Self> {
        let style = context.style;
        let (stopped, stop) = io::pipe()?;
        let keys = Keys::open()?;
        out::mutter(&card(context, approval));
        out::mutter(&format!(
            "  {} yes, once   {} yes, this command for the rest of the session   {} no   {} stop  ",
            style.bold("[y]"),
            style.bold("[s]"),
            style.bold("[n]"),
            style.bold("[q]")
        ));
        let id = approval.id.clone();
        std::thread::spawn(move || {
            if let Some(reply) = wait(&keys, &stopped, id) {
                drop(keys);
                // The turn may have ended meanwhile; then nobody wants the answer.
                let _ = replies.blocking_send(reply);
            }
        });
        Ok(Self { id: approval.id.clone(), _stop: stop })
    }
}

fn wait(keys: &Keys, stopped: &io::PipeReader, id: ApprovalId) -> Option<Reply> {
    loop {
        let (word, reply) = match keys.next(stopped) {
            Ok(Some(b'y' | b'Y')) => ("yes", Reply::Answer(id, Answer::Once)),
            Ok(Some(b's' | b'S')) => ("yes, for this session", Reply::Answer(id, Answer::Session)),
            Ok(Some(b'n' | b'N')) => ("no", Reply::Answer(id, Answer::No)),
            Ok(Some(b'q' | b'Q')) => ("stop", Reply::Stop),
            // Any other key, Enter above all, is no answer: a yes must be meant.
            Ok(Some(_)) => continue,
            Ok(None) => {
                out::talk("(no longer asked)");
                return None;
            }
            // The terminal is gone, so nobody can say yes.
            Err(_) => ("no", Reply::Answer(id, Answer::No)),
        };
        out::talk(word);
        return Some(reply);
    }
}
