//! `pryx sessions`: conversations, listed, read, found, copied, and deleted.

use super::args::{self, ExportFormat, SessionsAction};
use super::ask;
use super::context::Context;
use super::exit;
use super::failure::Failure;
use super::remote::Host;
use super::terminal;
use pryx_brain::{Hit, Kind, Listing, Session, Store, StoreError, Transcript, place_of};
use pryx_terms::{Timestamp, visible};
use serde::Serialize;
use serde_json::json;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

/// Lines of a command's output in `show`. `pryx log` has all of it.
const SHOWN_LINES: usize = 12;

/// Does what was asked for.
pub async fn run(context: &Context, action: Option<SessionsAction>) -> Result<u8, Failure> {
    let store = open(context)?;
    match action.unwrap_or(SessionsAction::List { all: false, here: false, limit: 30 }) {
        SessionsAction::List { all, here, limit } => list(context, &store, all, here, limit),
        SessionsAction::Show { session } => show(context, &store, &session),
        SessionsAction::Search { words, limit } => search(context, &store, &words.join(" "), limit),
        SessionsAction::Resume { session, ask } => {
            return ask::run(context, args::Ask { resume: Some(session), go_on: false, ..ask }).await;
        }
        SessionsAction::Export { session, format, unredacted } => {
            export(&store, &session, if context.json { ExportFormat::Json } else { format }, unredacted)
        }
        SessionsAction::Rename { session, title } => rename(context, &store, &session, &title.join(" ")),
        SessionsAction::Archive { sessions, undo } => archive(context, &store, &sessions, undo),
        SessionsAction::Delete { sessions, yes } => delete(context, &store, &sessions, yes),
        SessionsAction::Branch { session, turn } => branch(context, &store, &session, turn),
    }?;
    Ok(exit::DONE)
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let failure = Self::new(error.to_string());
        match error {
            StoreError::NoSession { .. } | StoreError::Ambiguous { .. } => failure.code(exit::USAGE),
            _ => failure,
        }
    }
}

/// Opens what the brain remembers.
///
/// # Errors
/// When it can't be opened.
pub fn open(context: &Context) -> Result<Store, Failure> {
    context.paths.prepare()?;
    Ok(Store::open(&context.paths.home.join("brain.db"))?)
}

/// The session that a request goes on with, if it does.
///
/// # Errors
/// When it isn't there.
pub fn to_go_on_with(ask: &args::Ask, store: &Store, here: &Path) -> Result<Option<Session>, Failure> {
    if let Some(wanted) = &ask.resume {
        return Ok(Some(store.session(wanted)?));
    }
    if !ask.go_on {
        return Ok(None);
    }
    let last = store.last_session(here)?;
    last.map(Some).ok_or_else(|| Failure::usage("there is no session to go on with").hint("pryx \"…\" begins one"))
}

/// Where a session works: it stays on its machine, and in its directory as long as that is there.
///
/// # Errors
/// When it worked on another machine than the one whose hands are used.
pub fn directory(context: &Context, session: Option<&Session>, cwd: PathBuf) -> Result<PathBuf, Failure> {
    let Some(session) = session else { return Ok(cwd) };
    let (host, before) = place_of(&session.workspace);
    if host.as_deref() != context.route.host().map(Host::as_str) {
        let place = host.as_deref().unwrap_or("local");
        return Err(Failure::usage(format!("session {} worked on another machine ({place})", session.id))
            .hint(format!("pryx --host {place} -r {} \"…\"", session.id)));
    }
    if before == cwd || (host.is_none() && !before.is_dir()) {
        return Ok(cwd);
    }
    context.talk(&context.style.dim(&format!("going on in {}", visible(&before.display().to_string()))));
    Ok(before)
}

fn print_json<T: Serialize>(value: &T) -> Result<(), Failure> {
    super::print_line(&serde_json::to_string(value).unwrap_or_default())
}

fn list(context: &Context, store: &Store, all: bool, here: bool, limit: u32) -> Result<(), Failure> {
    let limit = if limit == 0 { u32::MAX } else { limit };
    let workspace = here.then_some(context.cwd.as_path());
    // One more than is shown tells whether there are more.
    let mut sessions = store.sessions(Listing { workspace, archived: all, limit: limit.saturating_add(1) })?;
    let more = sessions.len() as u64 > u64::from(limit);
    sessions.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    if more {
        context.talk(&context.style.dim("there are more: --limit 0 shows all, `pryx sessions search` finds them"));
    }
    if context.json {
        return print_json(&sessions);
    }
    if sessions.is_empty() {
        context.talk("no sessions yet; pryx \"…\" begins one");
        return Ok(());
    }
    let now = Timestamp::now();
    let mut text = format!("{:<12} {:>8} {:>5}  {}\n", "SESSION", "AGO", "TURNS", "TITLE");
    for session in &sessions {
        let mark = if session.archived { " (archived)" } else { "" };
        text.push_str(&format!(
            "{:<12} {:>8} {:>5}  {}{mark}\n",
            session.id,
            ago(session.updated, now),
            session.turns,
            visible(&session.title)
        ));
    }
    super::print_data(text.as_bytes())?;
    Ok(())
}

/// `12s`, `5m`, `3h`, `9d`.
fn ago(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second().saturating_sub(then.as_second()).max(0);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

fn transcript(store: &Store, wanted: &str) -> Result<Transcript, Failure> {
    let session = store.session(wanted)?;
    Ok(store.transcript(&session.id)?)
}

fn show(context: &Context, store: &Store, wanted: &str) -> Result<(), Failure> {
    let transcript = transcript(store, wanted)?;
    let session = &transcript.session;
    let spent = store.spent(None, Some(&session.id))?;
    if context.json {
        let mut printed = serde_json::to_value(&transcript).unwrap_or_default();
        printed["cost"] = json!(spent);
        return print_json(&printed);
    }
    let cost = if spent.calls == 0 { String::new() } else { format!("{}\n", super::cost::line(&spent).trim_start()) };
    let mut text = format!(
        "{}\n{} · {} · {} · {:.0}\n{cost}",
        visible(&session.title),
        session.id,
        visible(&session.model),
        visible(&session.workspace.display().to_string()),
        session.created
    );
    for entry in transcript.entries() {
        text.push_str(&match entry.kind {
            Kind::Request(words) => format!("\n> {}\n", words.trim_end().replace('\n', "\n> ")),
            Kind::Handed { label, text } => format!("  ({label}: {} bytes)\n", text.len()),
            Kind::Picture { media_type, bytes } => format!("  (a picture: {media_type}, {bytes} bytes)\n"),
            Kind::Answer(words) => format!("\n{}\n", words.trim_end()),
            Kind::Act { what, outcome, output, .. } => {
                let outcome = outcome.unwrap_or_else(|| "its end was not seen".to_owned());
                format!("\n  $ {}\n{}  {outcome}\n", what.replace('\n', "\n    "), folded(&output))
            }
        });
    }
    super::print_data(text.as_bytes())
}

/// The first lines, and how many follow.
fn folded(output: &str) -> String {
    let count = output.lines().count();
    let mut text: String = output.lines().take(SHOWN_LINES).map(|line| format!("    {line}\n")).collect();
    if count > SHOWN_LINES {
        text.push_str(&format!("    … {} more lines\n", count - SHOWN_LINES));
    }
    text
}

fn search(context: &Context, store: &Store, wanted: &str, limit: u32) -> Result<(), Failure> {
    if !wanted.chars().any(char::is_alphanumeric) {
        return Err(Failure::usage("there is no word to search for").hint("pryx sessions search disk usage"));
    }
    let hits = store.search_sessions(wanted, limit)?;
    if context.json {
        return print_json(&hits);
    }
    if hits.is_empty() {
        context.talk("nothing was found");
    }
    let colour = std::io::stdout().is_terminal();
    let text: String = hits.iter().map(|hit| found(context, hit, colour)).collect();
    super::print_data(text.as_bytes())
}

fn found(context: &Context, hit: &Hit, colour: bool) -> String {
    let place = hit.snippet.iter().map(|piece| {
        let text = visible(&piece.text);
        if piece.matched && colour { context.style.bold(&text) } else { text }
    });
    let more = if hit.messages > 1 { format!(" · {} messages", hit.messages) } else { String::new() };
    format!(
        "{} · {:.0}{more} · {}\n    {}\n",
        hit.session.id,
        hit.at,
        visible(&hit.session.title),
        place.collect::<String>()
    )
}

fn export(store: &Store, wanted: &str, format: ExportFormat, unredacted: bool) -> Result<(), Failure> {
    let transcript = transcript(store, wanted)?;
    let transcript = if unredacted { transcript } else { transcript.redacted() };
    match format {
        ExportFormat::Md => super::print_data(transcript.markdown().as_bytes()),
        ExportFormat::Html => super::print_data(transcript.html().as_bytes()),
        ExportFormat::Json => print_json(&transcript),
    }
}

fn rename(context: &Context, store: &Store, wanted: &str, title: &str) -> Result<(), Failure> {
    let title = title.trim();
    if title.is_empty() {
        return Err(Failure::usage("the name is empty"));
    }
    let session = store.session(wanted)?;
    store.rename_session(&session.id, title)?;
    if context.json {
        return print_json(&store.session(session.id.as_str())?);
    }
    context.talk(&format!("{} is now called {}", session.id, visible(title)));
    Ok(())
}

/// Finds all before anything is done to one.
fn each(store: &Store, wanted: &[String]) -> Result<Vec<Session>, Failure> {
    let mut found: Vec<Session> = Vec::new();
    for wanted in wanted {
        let session = store.session(wanted)?;
        if !found.iter().any(|known| known.id == session.id) {
            found.push(session);
        }
    }
    Ok(found)
}

fn archive(context: &Context, store: &Store, wanted: &[String], undo: bool) -> Result<(), Failure> {
    let sessions = each(store, wanted)?;
    for session in &sessions {
        store.archive_session(&session.id, !undo)?;
    }
    told(context, if undo { "unarchived" } else { "archived" }, &sessions)
}

fn told(context: &Context, done: &str, sessions: &[Session]) -> Result<(), Failure> {
    if context.json {
        let ids: Vec<&str> = sessions.iter().map(|session| session.id.as_str()).collect();
        return print_json(&json!({ done: ids }));
    }
    for session in sessions {
        context.talk(&format!("{done} {} · {}", session.id, visible(&session.title)));
    }
    Ok(())
}

fn delete(context: &Context, store: &Store, wanted: &[String], yes: bool) -> Result<(), Failure> {
    let sessions = each(store, wanted)?;
    if !yes && !confirmed(context, &sessions)? {
        return Err(Failure::new("nothing was deleted").code(exit::DECLINED));
    }
    for session in &sessions {
        store.delete_session(&session.id)?;
    }
    told(context, "deleted", &sessions)
}

fn confirmed(context: &Context, sessions: &[Session]) -> Result<bool, Failure> {
    let nobody = || {
        Failure::usage("deleting needs a yes, and nobody can be asked here").hint("pryx sessions delete --yes SESSION…")
    };
    if !terminal::can_ask() {
        return Err(nobody());
    }
    for session in sessions {
        super::out::talk(&format!("  {} · {} · {}", session.id, turns(session.turns), visible(&session.title)));
    }
    let what = if sessions.len() == 1 { "this session" } else { "these sessions" };
    let question = format!("{} delete {what} for good?", context.style.warn("?"));
    terminal::yes_or_no(&question).ok_or_else(nobody)
}

fn turns(count: u64) -> String {
    format!("{count} turn{}", if count == 1 { "" } else { "s" })
}

fn branch(context: &Context, store: &Store, wanted: &str, turn: Option<u64>) -> Result<(), Failure> {
    let session = store.session(wanted)?;
    if turn.is_some_and(|turn| turn == 0 || turn > session.turns) {
        return Err(Failure::usage(format!("session {} has {}", session.id, turns(session.turns))));
    }
    let new = store.branch_session(&session.id, turn)?;
    if context.json {
        return print_json(&new);
    }
    super::print_line(new.id.as_str())?;
    context.talk(&format!("a copy of {} with {}; go on with pryx -r {} \"…\"", session.id, turns(new.turns), new.id));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        let now: Timestamp = "2026-11-20T10:00:00Z".parse().expect("a time");
        let shown = |then: &str| ago(then.parse().expect("a time"), now);
        assert_eq!(shown("2026-11-20T09:59:48.5Z"), "12s");
        assert_eq!(shown("2026-11-20T09:00:01Z"), "59m");
        assert_eq!(shown("2026-11-17T10:00:00Z"), "3d");
        assert_eq!(shown("2026-11-20T10:05:00Z"), "0s", "a clock that went back");
    }

    #[test]
    fn long_output_is_folded_with_an_honest_count() {
        let text: String = (1..=20).map(|n| format!("{n}\n")).collect();
        let shown = folded(&text);
        assert_eq!(shown.lines().count(), SHOWN_LINES + 1);
        assert!(shown.ends_with("… 8 more lines\n"));
        assert_eq!(folded(""), "");
    }
}
