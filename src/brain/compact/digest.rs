//! What stands for the beginning of a conversation: the person's requests word for word, what was refused and what still
//! runs as pryx knows it, and the model's own summary as data.

use super::trim::cut;
use crate::context::{Fence, excerpt, last_today, refusal_words};
use crate::message::{Message, Part, Role};
use crate::window::Window;
use pryx_terms::{JobState, ToolResult};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

/// How data of a digest is labelled; by that a later digest knows an earlier one.
pub(super) const SUMMARY: &str = "summary of the beginning of this conversation";
pub(super) const STATE: &str = "what pryx knows from the beginning of this conversation";

/// The first words of a digest.
const OPENING: &str =
    "The beginning of this conversation was summarized to save room. What the person asked for in it, word for word:";

/// How a job that ran is told among what pryx knows.
const RUNS: &str = "still ran then, job ";

/// Bytes kept of the last request: it is most likely the one that is worked on.
const LAST_REQUEST: usize = 6_000;

/// Bytes kept of each earlier one, and of all of them.
const EARLIER_REQUEST: usize = 600;
const EARLIER_REQUESTS: usize = 4_000;

/// Facts kept: the last ones.
const FACTS: usize = 30;

/// Bytes of a result in what is summarized.
const RESULT: usize = 1_200;

/// The share of what it stands for that a digest may have.
const SHARE: f64 = 0.5;

/// A message for the first messages of a conversation; nothing when none would be smaller than they are. An empty
/// summary is left out.
pub(crate) fn digest(first: &[Message], summary: &str, window: &Window) -> Option<Vec<Part>> {
    let cost: f64 = first.iter().map(|message| window.estimator().message(message, window.fence())).sum();
    let state = state(first);
    let parts = |last: usize, earlier: usize, summary: &str| {
        let mut parts = vec![Part::Text { text: requests(first, last, earlier) }];
        for (label, text) in [(STATE, state.trim()), (SUMMARY, summary.trim())] {
            if !text.is_empty() {
                parts.push(Part::Data { label: label.to_owned(), text: text.to_owned() });
            }
        }
        parts.extend(last_today(first).map(|note| Part::Note { note: note.to_owned() }));
        let message = Message { role: Role::User, parts };
        let fits = window.estimator().message(&message, window.fence()) <= cost * SHARE;
        (message.parts, fits)
    };
    // The summary gives way first, then the requests.
    let mut room = summary.len();
    while room > 200 {
        let shorter = cut(summary, room);
        let (parts, fits) = parts(LAST_REQUEST, EARLIER_REQUESTS, shorter.as_deref().unwrap_or(summary));
        if fits {
            return Some(parts);
        }
        room /= 2;
    }
    [(LAST_REQUEST, EARLIER_REQUESTS), (LAST_REQUEST / 4, EARLIER_REQUESTS / 4), (400, 0)]
        .into_iter()
        .map(|(last, earlier)| parts(last, earlier, if room == summary.len() { summary } else { "" }))
        .find_map(|(parts, fits)| fits.then_some(parts))
}

/// The requests of a part of the conversation. Those that an earlier digest holds come first.
fn requests(first: &[Message], last: usize, all_earlier: usize) -> String {
    let (mut said, mut earlier) = (Vec::new(), String::new());
    let is_result = |part: &Part| matches!(part, Part::ToolResult { .. });
    let asks = |message: &&Message| message.role == Role::User && !message.parts.iter().any(is_result);
    for part in first.iter().filter(asks).flat_map(|message| &message.parts) {
        let Part::Text { text } = part else { continue };
        match text.strip_prefix(OPENING) {
            Some(before) => earlier = before.trim().to_owned(),
            None => said.push(text.trim()),
        }
    }
    let newest = said.pop();
    for text in said {
        let _ = write!(earlier, "\n- {}", shortened(text, EARLIER_REQUEST));
    }
    let mut text = format!("{OPENING}\n{}", shortened(earlier.trim(), all_earlier));
    if let Some(newest) = newest {
        let _ = write!(text, "\n- {}", shortened(newest, last));
    }
    text
}

fn shortened(text: &str, keep: usize) -> String {
    if keep == 0 && !text.is_empty() {
        return "(earlier requests left out)".to_owned();
    }
    cut(text, keep).unwrap_or_else(|| text.to_owned())
}

/// What was refused, and which jobs run as far as the conversation tells.
fn state(first: &[Message]) -> String {
    let mut commands: HashMap<&str, String> = HashMap::new();
    let (mut refused, mut running): (Vec<String>, BTreeMap<String, String>) = (Vec::new(), BTreeMap::new());
    for part in first.iter().flat_map(|message| &message.parts) {
        match part {
            Part::Data { label, text } if label == STATE => {
                for line in text.lines() {
                    match line.strip_prefix(RUNS).and_then(|rest| rest.split_once(": ")) {
                        Some((job, command)) => drop(running.insert(job.to_owned(), command.to_owned())),
                        None => refused.push(line.to_owned()),
                    }
                }
            }
            Part::ToolCall(call) => {
                let command = call.arguments.get("command").and_then(|command| command.as_str());
                commands.insert(&call.id, command.map_or_else(|| call.arguments.to_string(), str::to_owned));
            }
            Part::ToolResult { id, result } => match result {
                ToolResult::Refused { refusal, .. } => {
                    let command = commands.get(id.as_str()).map_or("a call", String::as_str);
                    refused.push(format!("not run, {}: {}", refusal_words(refusal), one_line(command)));
                }
                ToolResult::Ran { job, .. } | ToolResult::Waits { job, .. } => match job.state {
                    JobState::Running { .. } => drop(running.insert(job.id.to_string(), one_line(&job.command))),
                    JobState::Ended { .. } => drop(running.remove(job.id.as_str())),
                },
                ToolResult::Text { .. } | ToolResult::Failed { .. } => {}
            },
            Part::Text { .. } | Part::Note { .. } | Part::Data { .. } | Part::Image(_) | Part::Opaque { .. } => {}
        }
    }
    let running = running.into_iter().map(|(job, command)| format!("{RUNS}{job}: {command}"));
    let facts: Vec<String> = refused.into_iter().chain(running).collect();
    facts.get(facts.len().saturating_sub(FACTS)..).unwrap_or_default().join("\n")
}

fn one_line(command: &str) -> String {
    crate::clean::line(command, 200)
}

/// A part of the conversation as text, to be summarized.
pub(crate) fn transcript(first: &[Message], fence: &Fence) -> String {
    let mut text = String::new();
    for message in first {
        let who = if message.role == Role::User { "PERSON" } else { "YOU" };
        for part in &message.parts {
            let _ = match part {
                Part::Text { text: said } => writeln!(text, "{who}: {said}"),
                Part::Data { label, text: data } => writeln!(text, "DATA ({label}): {}", shortened(data, 4 * RESULT)),
                Part::Image(_) => writeln!(text, "{who}: (a picture)"),
                Part::ToolCall(call) => {
                    writeln!(text, "CALL {}: {}", call.tool, shortened(&call.arguments.to_string(), RESULT))
                }
                Part::ToolResult { result, .. } => writeln!(text, "RESULT: {}", brief(result, fence)),
                Part::Note { .. } | Part::Opaque { .. } => Ok(()),
            };
        }
    }
    text
}

fn brief(result: &ToolResult, fence: &Fence) -> String {
    match result {
        ToolResult::Ran { job, output } | ToolResult::Waits { job, output, .. } => {
            let how = match &job.state {
                JobState::Running { .. } => "still runs".to_owned(),
                JobState::Ended { outcome, .. } => outcome.to_string(),
            };
            format!("{how}, job {}: {}", job.id, shortened(&excerpt(output), RESULT))
        }
        ToolResult::Text { text } => shortened(text, RESULT),
        ToolResult::Refused { .. } | ToolResult::Failed { .. } => fence.tool_result(result),
    }
}
