//! A turn as a person sees it: the answer on stdout, everything else on stderr.

use crate::cli::context::Context;
use crate::cli::cost::amount;
use crate::cli::jobs::duration;
use crate::cli::out::{self, OutError};
use pryx_brain::Spent;
use pryx_brain::event::{ContextCompacted, Event, Payload, RanEnd, Status, ToolEnd, TurnCompleted};
use pryx_terms::{Activity, ByteCount, CallKey, Keep, PlainFilter, Refusal, upright, visible};
use std::collections::{HashMap, VecDeque};
use std::io::IsTerminal;

/// Lines of a command's output shown as they come; what follows is folded.
const HEAD_LINES: usize = 6;

/// Last lines shown after the fold.
const TAIL_LINES: usize = 3;

/// Jobs linked under an answer; `pryx trace` has all.
const LINKS: usize = 3;

/// Characters of a command in such a link.
const LINK_COMMAND: usize = 40;

/// Longest line shown; the rest is in the log.
const MAX_LINE: usize = 400;

/// Shows events.
pub struct View<'a> {
    context: &'a Context,
    /// Whether stdout is looked at: then text streams as it arrives. Else only the answer is data.
    live: bool,
    /// The embedded planner's answer is the command's output: no need to show it twice.
    offline: bool,
    filter: PlainFilter,
    /// Whether the last text on stdout ended its line.
    line_open: bool,
    /// Whether the message at hand was shown as it arrived.
    streamed: bool,
    fold: Option<Fold>,
    /// What calls that are no commands are about, until they end.
    acts: HashMap<CallKey, String>,
    /// What the turn has cost so far.
    spent: Spent,
}

impl<'a> View<'a> {
    /// A view of one turn.
    pub fn new(context: &'a Context, offline: bool) -> Self {
        let live = std::io::stdout().is_terminal();
        Self {
            context,
            live,
            offline,
            filter: PlainFilter::new(Keep::Text),
            line_open: false,
            streamed: false,
            fold: None,
            spent: Spent::default(),
            acts: HashMap::new(),
        }
    }

    /// Shows one event.
    ///
    /// # Errors
    /// When stdout is closed or full.
    pub fn show(&mut self, event: &Event) -> Result<(), OutError> {
        if self.context.json {
            return out::line(&serde_json::to_string(event).unwrap_or_default());
        }
        match &event.payload {
            Payload::MessageDelta(delta) if self.live => self.answer(&delta.text)?,
            Payload::MessageText(_) if std::mem::take(&mut self.streamed) => self.end_line()?,
            Payload::MessageText(message) if message.answer && self.live => {
                self.answer(&message.text)?;
                self.streamed = false;
                self.end_line()?;
            }
            Payload::MessageText(message) if message.answer => {
                out::data(message.text.as_bytes())?;
                if !message.text.ends_with('\n') {
                    out::data(b"\n")?;
                }
            }
            Payload::MessageText(message) if !message.text.trim().is_empty() => {
                let plain = PlainFilter::strip(upright(message.text.trim()).as_bytes());
                self.talk(&self.context.style.dim(&String::from_utf8_lossy(&plain)))?
            }
            Payload::ToolExecuting(run) => {
                let style = self.context.style;
                self.talk(&format!("{} {}", style.dim("$"), style.command(&visible(&run.command))))?;
                self.fold = Some(Fold::default());
            }
            Payload::ToolOutput(output) if !self.offline => self.output(&output.text)?,
            Payload::ToolRequest(request) => {
                let words = super::acts::words(&request.tool, &request.arguments);
                self.acts.extend(words.map(|words| (request.call.clone(), words)));
            }
            Payload::ToolComplete(complete) => {
                let act = self.acts.remove(&complete.call);
                if let (Some(act), ToolEnd::Answered { .. }) = (act, &complete.end) {
                    self.acted(&complete.tool, &act)?;
                }
                self.complete(&complete.tool, &complete.end)?;
            }
            Payload::ContextCompacted(compacted) => self.talk(&self.context.style.dim(&room_line(compacted)))?,
            Payload::Notice(notice) => self.talk(&self.context.style.dim(&visible(&notice.message)))?,
            Payload::Error(error) => self.error(&error.message, error.hint.as_deref())?,
            Payload::ModelUsage(usage) => {
                self.spent.calls += 1;
                self.spent.unknown += u64::from(usage.cost_micros.is_none());
                self.spent.micros = self.spent.micros.saturating_add(usage.cost_micros.unwrap_or(0));
            }
            Payload::TurnCompleted(turn) => {
                self.end_line()?;
                self.evidence(turn);
                self.footer(turn);
            }
            _ => {}
        }
        Ok(())
    }

    /// Makes room for a question on stderr.
    ///
    /// # Errors
    /// As [`Self::show`].
    pub fn end_line(&mut self) -> Result<(), OutError> {
        if std::mem::take(&mut self.line_open) {
            out::data(b"\n")?;
        }
        Ok(())
    }

    fn answer(&mut self, text: &str) -> Result<(), OutError> {
        self.streamed = true;
        let mut clean = Vec::new();
        self.filter.push(upright(text).as_bytes(), &mut clean);
        if let Some(last) = clean.last() {
            self.line_open = *last != b'\n';
        }
        out::data(&clean)
    }

    fn talk(&mut self, text: &str) -> Result<(), OutError> {
        self.end_line()?;
        self.context.talk(text);
        Ok(())
    }

    /// What was done without a command.
    fn acted(&mut self, tool: &str, act: &str) -> Result<(), OutError> {
        let style = self.context.style;
        if super::acts::can_be_undone(tool) {
            self.talk(&format!("{} {}  {}", style.warn("✎"), style.command(act), style.dim("pryx undo")))
        } else {
            self.talk(&style.dim(&format!("· {act}")))
        }
    }

    fn output(&mut self, text: &str) -> Result<(), OutError> {
        let Some(mut fold) = self.fold.take() else { return Ok(()) };
        for line in fold.push(text) {
            self.talk(&self.context.style.dim(&format!("  {line}")))?;
        }
        self.fold = Some(fold);
        Ok(())
    }

    fn complete(&mut self, tool: &str, end: &ToolEnd) -> Result<(), OutError> {
        let style = self.context.style;
        if let Some(fold) = self.fold.take() {
            for line in fold.finish() {
                self.talk(&style.dim(&format!("  {line}")))?;
            }
        }
        match end {
            ToolEnd::Ran(ran) => {
                self.talk(&ran_line(self.context, ran))?;
                match waits_line(self.context, ran) {
                    Some(line) => self.talk(&line),
                    None => Ok(()),
                }
            }
            ToolEnd::Answered { .. } => Ok(()),
            ToolEnd::Refused { refusal, ruling } => {
                let why = format!("{} (rule {}, {})", visible(&ruling.reason), ruling.rule.name, ruling.rule.source);
                self.talk(&format!("{} {}: {why}", style.warn("✋"), refused(refusal)))?;
                if *refusal == Refusal::NobodyToAsk {
                    let how = "to allow it, run pryx in a terminal and answer its question, or run it yourself: pryx exec -- …";
                    self.talk(&format!("  {} {how}", style.bold("→")))?;
                }
                Ok(())
            }
            ToolEnd::Failed { message } => self.talk(&format!("{} {tool}: {}", style.error("✗"), visible(message))),
            ToolEnd::Cancelled => self.talk(&format!("{} stopped", style.warn("✗"))),
        }
    }

    fn error(&mut self, message: &str, hint: Option<&str>) -> Result<(), OutError> {
        self.end_line()?;
        let style = self.context.style;
        out::talk(&format!("{} {}", style.error("error:"), visible(message)));
        if let Some(hint) = hint {
            out::talk(&format!("  {} {}", style.bold("→"), visible(hint)));
        }
        Ok(())
    }

    /// The jobs behind the answer, and a failure that it passes over.
    fn evidence(&self, turn: &TurnCompleted) {
        if self.offline {
            return;
        }
        let style = self.context.style;
        if let Some(failure) = &turn.unsaid_failure {
            let words = format!("the answer doesn't say that the last step failed: {}", visible(failure));
            self.context.talk(&style.warn(&format!("⚠ {words}")));
        }
        if turn.status == Status::Done && !turn.jobs.is_empty() {
            self.context.talk(&style.dim(&jobs_line(turn)));
        }
    }

    fn footer(&self, turn: &TurnCompleted) {
        let (Some(input), Some(output)) = (turn.usage.input_tokens, turn.usage.output_tokens) else { return };
        if self.live && !self.offline {
            let cached = turn.usage.cache_read_tokens.unwrap_or(0);
            let input = input.saturating_add(cached);
            let cost = amount(&self.spent);
            let words = format!("{} model calls · {input} tokens in, {output} out · cost {cost}", turn.steps);
            self.context.talk(&self.context.style.dim(&words));
        }
    }
}

/// The jobs behind an answer.
fn jobs_line(turn: &TurnCompleted) -> String {
    let shown = turn.jobs.iter().rev().take(LINKS).rev().map(|link| {
        let how = match (link.exit_code, link.signal) {
            (Some(code), _) => format!("exit {code}"),
            (_, Some(signal)) => format!("signal {signal}"),
            _ if link.runs => "still runs".to_owned(),
            _ => "lost".to_owned(),
        };
        let command: String = visible(&link.command).chars().take(LINK_COMMAND).collect();
        format!("{command} → {how} (pryx log {})", link.job)
    });
    let shown: Vec<String> = shown.collect();
    let before = turn.jobs.len().saturating_sub(LINKS) as u64 + u64::from(turn.more_jobs);
    let more = if before > 0 { format!("{before} before · ") } else { String::new() };
    format!("jobs: {more}{}", shown.join(" · "))
}

/// What room was made, and how.
fn room_line(made: &ContextCompacted) -> String {
    let ContextCompacted { before, after, window, trimmed, summarized } = made;
    let how = [(trimmed, "messages trimmed"), (summarized, "messages summarized")];
    let how: Vec<String> = how.iter().filter(|(n, _)| **n > 0).map(|(n, words)| format!("{n} {words}")).collect();
    format!("context: {before} → {after} of {window} tokens ({}); the whole history is kept", how.join(", "))
}

fn ran_line(context: &Context, ran: &RanEnd) -> String {
    let style = context.style;
    let how = match (ran.exit_code, ran.signal, &ran.lost) {
        (Some(0), ..) => style.good("✓ exit 0"),
        (Some(code), ..) => style.warn(&format!("✗ exit {code}")),
        (_, Some(signal), _) => style.warn(&format!("✗ signal {signal}")),
        (.., Some(why)) => style.error(&format!("✗ lost: {}", visible(why))),
        _ => style.warn("… still runs"),
    };
    let mut parts = vec![how];
    parts.extend(ran.duration_ms.map(duration));
    parts.push(ByteCount(ran.bytes).to_string());
    parts.push(style.dim(&format!("pryx log {}", ran.job)));
    if !ran.survivors.is_empty() {
        parts.push(style.warn(&format!("{} processes of it still run", ran.survivors.len())));
    }
    format!("  {}", parts.join(" · "))
}

/// What a command waits for, and how the person gives it.
fn waits_line(context: &Context, ran: &RanEnd) -> Option<String> {
    let what = match ran.waits? {
        Activity::NeedsSecret => "a secret; only you can type it, and nobody else sees it",
        Activity::FullScreen => "keys",
        _ => "input",
    };
    let how = format!("pryx attach {}", ran.job);
    Some(format!("  {} job {} waits for {what}: {}", context.style.warn("⌨"), ran.job, context.style.bold(&how)))
}

fn refused(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Policy => "forbidden".to_owned(),
        Refusal::NobodyToAsk => "needs a yes, and nobody can be asked here".to_owned(),
        Refusal::Person => "you said no".to_owned(),
        Refusal::Timeout => "nobody answered in time".to_owned(),
        Refusal::Cancelled => "the question was withdrawn".to_owned(),
        Refusal::Drift { what } => format!("changed since it was approved: {}", visible(what)),
    }
}

/// Output of one command: the first lines as they come, then a count, then the last lines.
#[derive(Default)]
struct Fold {
    partial: String,
    shown: usize,
    folded: usize,
    last: VecDeque<String>,
}

impl Fold {
    /// Takes in text; gives back lines to show now.
    fn push(&mut self, text: &str) -> Vec<String> {
        self.partial.push_str(text);
        let mut now = Vec::new();
        while let Some(end) = self.partial.find('\n') {
            let line = clean(&self.partial[..end]);
            self.partial.drain(..=end);
            self.line(line, &mut now);
        }
        // A line without end must not be held whole: only its beginning would be shown anyway.
        if self.partial.len() > 16 * MAX_LINE {
            let keep = self.partial.floor_char_boundary(8 * MAX_LINE);
            self.partial.truncate(keep);
        }
        now
    }

    fn line(&mut self, line: String, now: &mut Vec<String>) {
        if self.shown < HEAD_LINES {
            self.shown += 1;
            now.push(line);
            return;
        }
        self.last.push_back(line);
        if self.last.len() > TAIL_LINES {
            self.last.pop_front();
            self.folded += 1;
        }
    }

    fn finish(mut self) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.partial.is_empty() {
            let line = clean(&std::mem::take(&mut self.partial));
            self.line(line, &mut lines);
        }
        if self.folded > 0 {
            lines.push(format!("… {} more lines", self.folded));
        }
        lines.extend(self.last);
        lines
    }
}

/// One line of output, fit for the screen: what a redrawn line ended as, without control sequences.
fn clean(line: &str) -> String {
    let plain = PlainFilter::strip(line.as_bytes());
    let text = upright(&String::from_utf8_lossy(&plain)).into_owned();
    let last = text.trim_end_matches('\r').rsplit('\r').next().unwrap_or_default();
    let mut shown: String = last.chars().take(MAX_LINE).collect();
    if last.chars().count() > MAX_LINE {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str, portion: usize) -> Vec<String> {
        let mut fold = Fold::default();
        let mut lines = Vec::new();
        for part in text.as_bytes().chunks(portion) {
            lines.extend(fold.push(std::str::from_utf8(part).unwrap()));
        }
        lines.extend(fold.finish());
        lines
    }

    #[test]
    fn short_output_is_whole_and_long_output_is_folded_with_an_honest_count() {
        let text: String = (1..=20).map(|n| format!("line {n}\r\n")).collect();
        for portion in [1, 7, 1000] {
            let lines = folded(&text, portion);
            assert_eq!(lines[5..8], ["line 6", "… 11 more lines", "line 18"]);
            assert_eq!(lines.len(), 10);
        }
        assert_eq!(folded("a\nb", 1), ["a", "b"]);
        let nine: String = (1..=9).map(|n| format!("{n}\n")).collect();
        assert_eq!(folded(&nine, 3).len(), 9, "nothing is folded when everything fits");
    }

    #[test]
    fn redrawn_lines_show_their_last_state() {
        assert_eq!(folded("a\u{202e}b\n", 9), ["a\\u{202e}b"]);
        assert_eq!(folded("10%\r50%\r100%\r\n\x1b[31mred\x1b[0m\n", 4), ["100%", "red"]);
    }
}
