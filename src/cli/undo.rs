//! `pryx undo`: files become what they were before the agent changed them.

use super::args;
use super::context::Context;
use super::exit;
use super::failure::Failure;
use pryx_ipc::{ListChanges, Undo, UndoEnd, UndoTarget, UndoneChange};
use pryx_terms::{FileChange, FileDiff, visible};
use std::fmt::Write as _;

/// Lines of a difference shown for each change.
const MAX_DIFF: usize = 40;

/// Takes changes back, or lists them.
pub async fn run(context: &Context, args: args::Undo) -> Result<u8, Failure> {
    let client = super::connect::connect(&context.route).await?;
    if args.list {
        let changes = client.call(ListChanges { session: args.session }).await?.changes;
        return list(context, &changes);
    }
    let target = match (args.change, args.session) {
        (Some(change), _) => UndoTarget::Change { change },
        (None, Some(session)) => UndoTarget::Session { session },
        (None, None) => UndoTarget::Last,
    };
    let undone = client.call(Undo { target, force: args.force }).await?.changes;
    if context.json {
        super::print_line(&serde_json::to_string(&undone).unwrap_or_default())?;
    } else {
        for one in &undone {
            tell(context, one);
        }
    }
    let all = undone.iter().all(|one| matches!(one.end, UndoEnd::Done { .. } | UndoEnd::Already));
    Ok(if all { exit::DONE } else { exit::FAILED })
}

fn list(context: &Context, changes: &[FileChange]) -> Result<u8, Failure> {
    if context.json {
        super::print_line(&serde_json::to_string(changes).unwrap_or_default())?;
        return Ok(exit::DONE);
    }
    if changes.is_empty() {
        context.talk("no change to a file is kept");
        return Ok(exit::DONE);
    }
    let mut text = String::new();
    for change in changes {
        let what = match (&change.before, &change.after) {
            (None, _) => "made".to_owned(),
            (_, None) => "removed".to_owned(),
            (Some(before), Some(after)) => format!("{} → {} bytes", before.bytes, after.bytes),
        };
        let session = change.session.as_ref().map_or("-", |session| session.as_str());
        let undone = if change.undone.is_some() { "  (taken back)" } else { "" };
        let at = change.at.strftime("%Y-%m-%d %H:%M:%SZ");
        let path = visible(&change.path.display().to_string());
        let _ = writeln!(text, "{}  {at}  {session:<12}  {:<8}  {path}  {what}{undone}", change.id, change.tool);
    }
    super::print_data(text.as_bytes())?;
    Ok(exit::DONE)
}

fn tell(context: &Context, one: &UndoneChange) {
    let style = context.style;
    let (id, path) = (&one.change.id, visible(&one.change.path.display().to_string()));
    match &one.end {
        UndoEnd::Done { by, diff: done } => {
            context.talk(&format!("{} {path} is as it was before {id}; back again: pryx undo {by}", style.good("✓")));
            context.talk(diff(context, done, MAX_DIFF, "").trim_end());
        }
        UndoEnd::Already => context.talk(&format!("{} {path} was as before {id} already", style.good("✓"))),
        UndoEnd::Changed { diff: would } => {
            super::out::talk(&format!("{} {path} was changed since {id}, and was left as it is", style.error("✗")));
            super::out::talk(diff(context, would, MAX_DIFF, "").trim_end());
            super::out::talk(&format!("  {} to do that all the same: pryx undo {id} --force", style.bold("→")));
        }
        UndoEnd::Failed { message } => {
            super::out::talk(&format!("{} {path}: {}", style.error("✗"), visible(message)));
            super::out::talk(&format!("  {} `pryx undo --list` lists what is kept", style.bold("→")));
        }
    }
}

/// A difference as a person reads it, at most so many lines of it. Nothing in it can act on the terminal.
/// `rest` says where the other lines are.
pub fn diff(context: &Context, diff: &FileDiff, most: usize, rest: &str) -> String {
    let style = context.style;
    let mut text =
        format!("  {} {}\n", style.good(&format!("+{}", diff.added)), style.error(&format!("-{}", diff.removed)));
    let lines: Vec<&str> = diff.text.lines().collect();
    for line in lines.iter().take(most) {
        let shown = visible_line(line);
        let shown = match line.as_bytes().first() {
            Some(b'+') => style.good(&shown),
            Some(b'-') => style.error(&shown),
            Some(b'@') => style.dim(&shown),
            _ => shown,
        };
        let _ = writeln!(text, "  {shown}");
    }
    if lines.len() > most {
        let _ = writeln!(text, "  … {} more lines{rest}", lines.len() - most);
    }
    text
}

/// Tabs stay tabs: a person reads code.
fn visible_line(line: &str) -> String {
    line.split('\t').map(visible).collect::<Vec<_>>().join("\t")
}
