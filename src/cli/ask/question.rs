//! A question to the person at the terminal: a text, and one deliberate key. Enter, above all, means nothing.

use crate::cli::out;
use crate::cli::terminal::{Keys, Pressed};
use pryx_terms::ApprovalId;
use std::io;
use std::time::Duration;
use tokio::sync::mpsc;

/// A key for a question, or the loss of the terminal it was asked on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// A key that the question knows.
    Key(Subject, u8),
    /// Nobody can say yes any more.
    Lost(Subject),
}

/// What is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// An act that the gate holds.
    Act(ApprovalId),
    /// A request that a budget doesn't hold.
    Budget,
}

/// A question on the screen. Dropping it takes the question back.
pub struct Question {
    /// About what.
    pub about: Subject,
    /// Its other end wakes the thread that waits for a key, by closing.
    _stop: io::PipeWriter,
}

impl Question {
    /// Shows a text and begins to wait for one of the keys; the reply goes to `replies`.
    ///
    /// # Errors
    /// When there is no terminal to ask on.
    pub fn ask(text: &str, about: Subject, known: &'static [u8], replies: mpsc::Sender<Reply>) -> io::Result<Self> {
        let (stopped, stop) = io::pipe()?;
        let keys = Keys::open()?;
        out::mutter(text);
        let asked = about.clone();
        std::thread::spawn(move || {
            if let Some(reply) = wait(&keys, &stopped, known, asked) {
                drop(keys);
                // The turn may have ended meanwhile; then nobody wants the answer.
                let _ = replies.blocking_send(reply);
            }
        });
        Ok(Self { about, _stop: stop })
    }
}

/// A key counts only if nothing was typed right before or behind it: somebody who was writing something else when the
/// card appeared, or pastes, has not said yes.
const ALONE: Duration = Duration::from_millis(150);

/// After anything that is no answer, keys count again when none came for so long.
const QUIET: Duration = Duration::from_secs(1);

fn wait(keys: &Keys, stopped: &io::PipeReader, known: &[u8], about: Subject) -> Option<Reply> {
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
                out::talk(word(key));
                return Some(Reply::Key(about, key));
            }
            (Ok(Pressed::Nothing), None) => {
                out::mutter(&format!("(one key: {}) ", listed(known)));
                typing = false;
            }
            (Ok(Pressed::Key(key)), None) if !typing && known.contains(&key.to_ascii_lowercase()) => held = Some(key),
            (Ok(Pressed::Key(_) | Pressed::Several), _) => typing = true,
            // The terminal is gone, so nobody can say yes.
            (Err(_), _) => return Some(Reply::Lost(about)),
        }
    }
}

/// What is said back to a key.
fn word(key: u8) -> &'static str {
    match key.to_ascii_lowercase() {
        b'y' => "yes",
        b's' => "yes, for this session",
        b'n' => "no",
        b'q' => "stop",
        _ => "",
    }
}

/// `y, s, n or q`.
fn listed(keys: &[u8]) -> String {
    let keys: Vec<String> = keys.iter().map(|key| char::from(*key).to_string()).collect();
    match keys.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => keys.concat(),
    }
}
