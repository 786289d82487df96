//! A question to the person at the terminal: the card, and one key for the answer.

use crate::cli::approvals::card;
use crate::cli::context::Context;
use crate::cli::out;
use crate::cli::terminal::{Keys, Pressed};
use pryx_terms::{Answer, Approval, ApprovalId};
use std::io;
use std::time::Duration;
use tokio::sync::mpsc;

/// Lines of a difference on a card: with its other lines it fits on a screen. `pryx approvals` shows all.
const MAX_DIFF: usize = 40;

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
        out::mutter(&card(context, approval, MAX_DIFF));
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

/// A key counts only if nothing was typed right before or behind it: somebody who was writing something else when the
/// card appeared, or pastes, has not said yes.
const ALONE: Duration = Duration::from_millis(150);

/// After anything that is no answer, keys count again when none came for so long.
const QUIET: Duration = Duration::from_secs(1);

fn wait(keys: &Keys, stopped: &io::PipeReader, id: ApprovalId) -> Option<Reply> {
    let mut held: Option<u8> = None;
    let mut typing = false;
    loop {
        let patience = if held.is_some() { Some(ALONE) } else { typing.then_some(QUIET) };
        match (keys.next(stopped, patience), held.take()) {
            (Ok(Pressed::Stopped), _) => {
                out::talk("(no longer asked)");
                return None;
            }
            (Ok(Pressed::Nothing), Some(key)) => {
                let (word, reply) = answer(key, id)?;
                out::talk(word);
                return Some(reply);
            }
            (Ok(Pressed::Nothing), None) => {
                out::mutter("(one key: y, s, n or q) ");
                typing = false;
            }
            (Ok(Pressed::Key(key)), None) if !typing && answer(key, id.clone()).is_some() => held = Some(key),
            (Ok(Pressed::Key(_) | Pressed::Several), _) => typing = true,
            // The terminal is gone, so nobody can say yes.
            (Err(_), _) => return Some(Reply::Answer(id, Answer::No)),
        }
    }
}

/// What a key means; Enter, above all, means nothing.
fn answer(key: u8, id: ApprovalId) -> Option<(&'static str, Reply)> {
    match key {
        b'y' | b'Y' => Some(("yes", Reply::Answer(id, Answer::Once))),
        b's' | b'S' => Some(("yes, for this session", Reply::Answer(id, Answer::Session))),
        b'n' | b'N' => Some(("no", Reply::Answer(id, Answer::No))),
        b'q' | b'Q' => Some(("stop", Reply::Stop)),
        _ => None,
    }
}
