//! A question to the person at the terminal: the card, and one key for the answer.

use crate::cli::approvals::card;
use crate::cli::budget;
use crate::cli::context::Context;
use crate::cli::out;
use crate::cli::terminal::{Keys, Pressed};
use pryx_brain::event::BudgetReached;
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
    /// Whether to go on beyond a budget.
    Spend(bool),
    /// Stop the whole turn.
    Stop,
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
    /// Shows the card and begins to wait for a key; the reply goes to `replies`.
    ///
    /// # Errors
    /// When there is no terminal to ask on.
    pub fn ask(context: &Context, approval: &Approval, replies: mpsc::Sender<Reply>) -> io::Result<Self> {
        let style = context.style;
        let keys = Keys::open()?;
        out::mutter(&card(context, approval, MAX_DIFF));
        out::mutter(&format!(
            "  {} yes, once   {} yes, this command for the rest of the session   {} no   {} stop  ",
            style.bold("[y]"),
            style.bold("[s]"),
            style.bold("[n]"),
            style.bold("[q]")
        ));
        Self::listen(keys, Subject::Act(approval.id.clone()), replies)
    }

    /// The same about a budget.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn spend(context: &Context, reached: &BudgetReached, replies: mpsc::Sender<Reply>) -> io::Result<Self> {
        let style = context.style;
        let keys = Keys::open()?;
        out::mutter(&budget::card(context, reached));
        let (yes, no) = (style.bold("[y]"), style.bold("[n]"));
        out::mutter(&format!("  {yes} yes: {}   {no} no, end the turn  ", budget::meaning(reached)));
        Self::listen(keys, Subject::Budget, replies)
    }

    fn listen(keys: Keys, about: Subject, replies: mpsc::Sender<Reply>) -> io::Result<Self> {
        let (stopped, stop) = io::pipe()?;
        let asked = about.clone();
        std::thread::spawn(move || {
            if let Some(reply) = wait(&keys, &stopped, &asked) {
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

fn wait(keys: &Keys, stopped: &io::PipeReader, about: &Subject) -> Option<Reply> {
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
                let (word, reply) = answer(key, about)?;
                out::talk(word);
                return Some(reply);
            }
            (Ok(Pressed::Nothing), None) => {
                out::mutter(if *about == Subject::Budget { "(one key: y or n) " } else { "(one key: y, s, n or q) " });
                typing = false;
            }
            (Ok(Pressed::Key(key)), None) if !typing && answer(key, about).is_some() => held = Some(key),
            (Ok(Pressed::Key(_) | Pressed::Several), _) => typing = true,
            // The terminal is gone, so nobody can say yes.
            (Err(_), _) => return answer(b'n', about).map(|(_, reply)| reply),
        }
    }
}

/// What a key means; Enter, above all, means nothing.
fn answer(key: u8, about: &Subject) -> Option<(&'static str, Reply)> {
    let key = key.to_ascii_lowercase();
    let Subject::Act(id) = about else {
        return match key {
            b'y' => Some(("yes", Reply::Spend(true))),
            b'n' | b'q' => Some(("no", Reply::Spend(false))),
            _ => None,
        };
    };
    let said = |answer| Reply::Answer(id.clone(), answer);
    match key {
        b'y' => Some(("yes", said(Answer::Once))),
        b's' => Some(("yes, for this session", said(Answer::Session))),
        b'n' => Some(("no", said(Answer::No))),
        b'q' => Some(("stop", Reply::Stop)),
        _ => None,
    }
}
