//! The embedded planner: everyday requests become commands without a model, a key or a network.
//!
//! A pure function from a sentence to a [`Proposal`], or nothing. Each room of everyday life (files, ports, git…)
//! is a table of intents; sentences are matched word by word and every word must be accounted for, so
//! that a request which merely resembles a known one is left to a model.

mod archives;
mod change;
mod containers;
mod disks;
mod files;
mod git;
mod intent;
mod lexicon;
mod logs;
mod matching;
mod network;
mod packages;
mod ports;
mod processes;
mod quote;
mod services;
mod slot;
mod system;
mod template;
mod text;
mod time;
mod users;
mod value;
mod words;
mod zones;

#[cfg(test)]
mod tests;

use intent::Intent;
use value::Args;

/// The operating system a command is written for: flags and tools differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Os {
    /// GNU userland, procps, iproute2; systemd where a service manager matters.
    Linux,
    /// BSD userland, launchd, Homebrew.
    MacOs,
}

/// What the planner suggests for a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The name of the intent that was recognised.
    pub intent: &'static str,
    /// A command for `sh`. It is a proposal: the gate rules on it like on anybody's.
    pub command: String,
    /// The answer when the command printed nothing.
    pub when_empty: String,
    /// One line that says what is shown, with the parameters as they were understood.
    pub intro: String,
}

/// One kind of request that the planner knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IntentInfo {
    /// Its name.
    pub name: &'static str,
    /// A sentence that asks for it.
    pub example: &'static str,
    /// Whether its command changes something.
    pub changes: bool,
}

/// Longest request that is looked at, in bytes. An everyday request is one sentence; whatever is longer is a task
/// for a model, and the matcher's work stays bounded.
const MAX_REQUEST: usize = 400;

/// The intents by what they are about, in the order of the documentation.
const ROOMS: [(&str, &[Intent]); 16] = [
    ("Files", files::INTENTS),
    ("Text", text::INTENTS),
    ("Changing files", change::INTENTS),
    ("Archives", archives::INTENTS),
    ("Disks", disks::INTENTS),
    ("Processes", processes::INTENTS),
    ("Ports", ports::INTENTS),
    ("Network", network::INTENTS),
    ("Git", git::INTENTS),
    ("Packages", packages::INTENTS),
    ("Services and scheduled jobs", services::INTENTS),
    ("Logs", logs::INTENTS),
    ("System", system::INTENTS),
    ("Time", time::INTENTS),
    ("Users", users::INTENTS),
    ("Containers", containers::INTENTS),
];

fn table() -> impl Iterator<Item = &'static Intent> {
    ROOMS.iter().flat_map(|(_, intents)| intents.iter())
}

/// Every kind of request the planner knows, for documentation and listings.
pub fn intents() -> impl Iterator<Item = &'static IntentInfo> {
    table().map(|intent| &intent.info)
}

/// The command for an everyday request, or nothing when the sentence isn't wholly understood.
#[must_use]
pub fn propose(request: &str, os: Os) -> Option<Proposal> {
    let (intent, args) = recognise(request)?;
    Some(Proposal {
        intent: intent.info.name,
        command: template::command(intent.run.on(os), &args)?,
        when_empty: template::prose(intent.empty, &args)?,
        intro: template::prose(intent.intro, &args)?,
    })
}

/// The one intent a sentence fits best. Two that fit equally well are a tie: the first that only reads wins, and a
/// tie with one that changes something is nobody's.
fn recognise(request: &str) -> Option<(&'static Intent, Args)> {
    let mut fits = candidates(request);
    let best = fits.iter().map(|fit| fit.0).max()?;
    fits.retain(|fit| fit.0 == best);
    if fits.len() > 1 && fits.iter().any(|fit| fit.1.info.changes) {
        return None;
    }
    fits.into_iter().next().map(|(_, intent, args)| (intent, args))
}

/// All intents that account for every word of the sentence, with how specific each is.
fn candidates(request: &str) -> Vec<(u32, &'static Intent, Args)> {
    if request.len() > MAX_REQUEST || request.chars().any(char::is_control) {
        return Vec::new();
    }
    let tokens = words::tokens(request);
    if tokens.is_empty() || words::asks_for_a_definition(&tokens) {
        return Vec::new();
    }
    let (order, several) = (words::gives_an_order(&tokens), words::means_several(&tokens));
    let may_mean = |intent: &Intent| if intent.info.changes { !several } else { !order };
    matching::fits(&tokens).into_iter().filter(|(_, intent, _)| may_mean(intent)).collect()
}
