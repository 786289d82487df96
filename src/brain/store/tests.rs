//! The store on real files.

use super::*;
use crate::event::{
    ModelUsage, SessionStarted, Status, ToolComplete, ToolEnd, ToolRequest, TurnCompleted, TurnStarted,
};
use crate::message::Part;
use pryx_terms::{CallKey, Usage};
use rusqlite::types::FromSql;
use serde_json::json;

fn owner(session: &str) -> Owner {
    Owner { session: SessionId::parse(session).unwrap(), surface: "cli".into() }
}

fn started() -> Record {
    Record::Event(Payload::SessionStarted(SessionStarted { model: "offline/planner".into(), workspace: "/w".into() }))
}

fn turn(id: &str) -> TurnId {
    TurnId::parse(id).unwrap()
}

fn versions(events: &[Event]) -> Vec<u64> {
    events.iter().map(|event| event.version).collect()
}

fn one<T: FromSql>(path: &Path, sql: &str) -> T {
    Connection::open(path).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

fn full_turn(id: &str) -> Vec<Record> {
    let call = CallKey::parse(&format!("{id}-1")).unwrap();
    let usage = Usage { input_tokens: Some(7), ..Usage::default() };
    vec![
        Record::Event(Payload::TurnStarted(TurnStarted { turn: turn(id), request: "list".into() })),
        Record::Message(Message::request("list".into(), Vec::new())),
        Record::Event(Payload::ModelUsage(ModelUsage { model: "a/b".into(), tokens: usage, cost_micros: None })),
        Record::Event(Payload::ToolRequest(ToolRequest {
            call: call.clone(),
            tool: "shell.exec".into(),
            arguments: json!({"command": "ls"}),
        })),
        Record::Event(Payload::ToolComplete(Box::new(ToolComplete {
            call,
            tool: "shell.exec".into(),
            end: ToolEnd::Cancelled,
        }))),
        Record::Event(Payload::TurnCompleted(TurnCompleted {
            turn: turn(id),
            status: Status::NothingToRun,
            steps: 1,
            usage,
            jobs: Vec::new(),
            more_jobs: 0,
            unsaid_failure: None,
        })),
    ]
}

#[test]
fn a_turn_is_in_every_table_and_survives_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("brain.db");
    let owner = owner("s1");
    let store = Store::open(&path).unwrap();
    assert_eq!(versions(&store.append(&owner, None, vec![started()]).unwrap().events), [1]);
    let events = store.append(&owner, Some(&turn("t1")), full_turn("t1")).unwrap().events;
    assert_eq!(versions(&events), [2, 3, 4, 5, 6]);
    drop(store);

    let store = Store::open(&path).unwrap();
    assert_eq!(versions(&store.append(&owner, Some(&turn("t2")), full_turn("t2")).unwrap().events), [7, 8, 9, 10, 11]);
    assert_eq!(one::<i64>(&path, "SELECT count(*) FROM events"), 11);
    assert_eq!(one::<String>(&path, "SELECT model FROM sessions WHERE id = 's1'"), "offline/planner");
    assert_eq!(one::<String>(&path, "SELECT status FROM turns WHERE id = 't1'"), "nothing_to_run");
    assert_eq!(one::<String>(&path, "SELECT arguments FROM tool_calls WHERE call = 't2-1'"), r#"{"command":"ls"}"#);
    assert_eq!(one::<String>(&path, "SELECT result FROM tool_calls WHERE call = 't1-1'"), r#"{"status":"cancelled"}"#);
    assert_eq!(one::<i64>(&path, "SELECT sum(input_tokens) FROM usage WHERE session = 's1'"), 14);
    assert_eq!(one::<Option<i64>>(&path, "SELECT output_tokens FROM usage LIMIT 1"), None);
    let content: String = one(&path, "SELECT content FROM messages WHERE turn = 't1'");
    assert_eq!(serde_json::from_str::<Vec<Part>>(&content).unwrap(), [Part::Text { text: "list".into() }]);
    let event: String = one(&path, "SELECT event FROM events WHERE version = 2");
    assert_eq!(serde_json::from_str::<Event>(&event).unwrap(), events[0]);
}

#[test]
fn a_batch_is_kept_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("brain.db");
    let store = Store::open(&path).unwrap();
    store.append(&owner("s1"), None, full_turn("t1")).unwrap();
    let mut twice = full_turn("t2");
    twice.extend(full_turn("t1"));
    assert!(matches!(store.append(&owner("s1"), None, twice), Err(StoreError::Write { .. })));
    assert_eq!(one::<i64>(&path, "SELECT count(*) FROM turns"), 1);
    assert_eq!(one::<i64>(&path, "SELECT max(version) FROM events"), 5);
}

#[test]
fn two_processes_share_a_file_and_a_session() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("brain.db");
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let path = path.clone();
            std::thread::spawn(move || {
                let store = Store::open(&path).unwrap();
                for n in 0..25 {
                    store.append(&owner("s1"), None, full_turn(&format!("t{writer}-{n}"))).unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.join().unwrap();
    }
    assert_eq!(one::<i64>(&path, "SELECT count(*) FROM events"), 500);
    assert_eq!(one::<i64>(&path, "SELECT max(version) FROM events"), 500);
    assert_eq!(one::<String>(&path, "PRAGMA integrity_check"), "ok");
}

#[test]
fn a_newer_file_is_refused_untouched() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("brain.db");
    drop(Store::open(&path).unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let before = std::fs::read(&path).unwrap();
    let error = Store::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 99, .. }), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert!(error.to_string().contains("update pryx"), "{error}");
}

#[test]
fn a_file_that_is_no_database_is_refused_untouched() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("brain.db");
    let text = b"dear diary, this is no database at all. ".repeat(100);
    std::fs::write(&path, &text).unwrap();
    let error = Store::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), text);
}

#[test]
fn a_place_that_is_not_there_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let error = Store::open(&dir.path().join("missing/brain.db")).unwrap_err();
    assert!(matches!(error, StoreError::Unusable { .. }), "{error}");
    assert!(error.to_string().contains("brain.db"));
}

#[cfg(unix)]
#[test]
fn nobody_else_may_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("brain.db");
    std::fs::write(&path, b"").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let store = Store::open(&path).unwrap();
    store.append(&owner("s1"), None, vec![started()]).unwrap();
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let metadata = entry.unwrap().metadata().unwrap();
        let expected = if metadata.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(metadata.permissions().mode() & 0o777, expected);
    }
}

/// A file as the first version left it, with a turn that was cut off.
const FIRST_VERSION: &[u8] = include_bytes!("../golden/brain-v1.db");

#[test]
fn a_file_of_the_first_version_is_brought_up_to_date() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("brain.db");
    std::fs::write(&path, FIRST_VERSION).unwrap();
    assert_eq!(one::<i64>(&path, "PRAGMA user_version"), 1);
    let openers: Vec<_> = (0..4)
        .map(|_| {
            let path = path.clone();
            std::thread::spawn(move || drop(Store::open(&path).unwrap()))
        })
        .collect();
    for opener in openers {
        opener.join().unwrap();
    }
    let store = Store::open(&path).unwrap();
    assert_eq!(one::<i64>(&path, "PRAGMA user_version"), schema::VERSION);
    assert_eq!(one::<String>(&path, "PRAGMA integrity_check"), "ok");
    let listing = crate::sessions::Listing { workspace: None, archived: false, limit: 10 };
    let sessions = store.sessions(listing).unwrap();
    let titles: Vec<&str> = sessions.iter().map(|session| session.title.as_str()).collect();
    assert_eq!(titles, ["show disk space", "write me a poem", "list files"]);
    assert_eq!(store.search_sessions("a.txt", 10).unwrap().len(), 1);
    let cut_off = store.load(&sessions[0].id).unwrap();
    let open = cut_off.open.unwrap();
    assert_eq!((open.calls.len(), open.calls[0].job.as_ref().unwrap().as_str()), (1, "fex3bhr"));
    assert_eq!(cut_off.boundary, None);
    let (spans, _) = store.trace(&sessions[2].id, 100).unwrap();
    let kinds: Vec<&str> = spans.iter().map(|span| span.kind.as_str()).collect();
    assert_eq!((kinds, spans[1].parent), (vec!["turn", "tool"], Some(spans[0].id)));
    assert!(spans[0].duration_us.is_some_and(|us| (100_000..200_000).contains(&us)), "{spans:?}");
    store.append(&owner(sessions[0].id.as_str()), Some(&turn("t1")), full_turn("t1")).unwrap();
}

/// A file as the second version left it, with a call that was counted before there were prices.
const SECOND_VERSION: &[u8] = include_bytes!("../golden/brain-v2.db");

#[test]
fn a_file_of_the_second_version_has_unknown_costs() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("brain.db");
    std::fs::write(&path, SECOND_VERSION).unwrap();
    assert_eq!(one::<i64>(&path, "PRAGMA user_version"), 2);
    let store = Store::open(&path).unwrap();
    assert_eq!(one::<i64>(&path, "PRAGMA user_version"), schema::VERSION);
    let session = store.session("4d5c").unwrap();
    let spent = store.spent(None, Some(&session.id)).unwrap();
    assert_eq!((spent.calls, spent.unknown, spent.micros, spent.tokens.input_tokens), (1, 1, 0, Some(1_200)));
    let (spans, _) = store.trace(&session.id, 10).unwrap();
    assert!(spans.iter().all(|span| span.cost_micros.is_none()) && spans.len() == 3, "{spans:?}");
    store.append(&owner("4d5cbbrx6v01"), Some(&turn("t1")), full_turn("t1")).unwrap();
}

/// A file as the third version left it: with a cost, a budget, and a request that was never settled.
const THIRD_VERSION: &[u8] = include_bytes!("../golden/brain-v3.db");

#[test]
fn a_file_of_the_third_version_keeps_its_costs_and_budgets() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("brain.db");
    std::fs::write(&path, THIRD_VERSION).unwrap();
    assert_eq!(one::<i64>(&path, "PRAGMA user_version"), 3);
    let store = Store::open(&path).unwrap();
    assert_eq!(one::<i64>(&path, "PRAGMA user_version"), schema::VERSION);
    assert_eq!(one::<String>(&path, "PRAGMA integrity_check"), "ok");
    let session = store.session("4d5c").unwrap();
    let spent = store.spent(None, Some(&session.id)).unwrap();
    assert_eq!((spent.calls, spent.unknown, spent.micros), (2, 1, 5_200));
    assert_eq!(one::<i64>(&path, "SELECT micros FROM budgets WHERE period = 'day'"), 5_000_000);
    // What room was made in since is the newest thing that is kept.
    let resumed = store.load(&session.id).unwrap();
    let row = resumed.rows.iter().flatten().next().copied().unwrap();
    let shorter = vec![Part::Text { text: "shorter".into() }];
    store
        .append(&owner("4d5cbbrx6v01"), None, vec![Record::Rewrite { message: row, parts: Some(shorter.clone()) }])
        .unwrap();
    assert_eq!(store.load(&session.id).unwrap().history[0].parts, shorter);
}

#[test]
fn every_version_before_has_a_file_among_the_tests() {
    for version in 1..schema::VERSION {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("golden/brain-v{version}.db"));
        let copy = tempfile::NamedTempFile::new().unwrap();
        std::fs::copy(&file, copy.path()).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        assert_eq!(one::<i64>(copy.path(), "PRAGMA user_version"), version);
    }
}

fn plan(store: &Store, sql: &str) -> String {
    let rows = store.with(|connection| {
        let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
        let columns = explain.parameter_count();
        let rows =
            explain.query_map(rusqlite::params_from_iter(vec![1_i64; columns]), |row| row.get::<_, String>(3))?;
        rows.collect::<rusqlite::Result<Vec<_>>>()
    });
    rows.unwrap().join("; ")
}

#[test]
fn no_span_is_looked_for_by_reading_them_all() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("brain.db")).unwrap();
    for sql in super::spans::STATEMENTS.into_iter().chain([crate::trace::TIMELINE]) {
        let plan = plan(&store, sql);
        assert!(!plan.contains("SCAN"), "{sql}\n{plan}");
    }
}

fn spans(store: &Store) -> Vec<(String, Option<i64>, String)> {
    let (spans, _) = store.trace(&SessionId::parse("s1").unwrap(), 100).unwrap();
    spans.into_iter().map(|span| (span.kind, span.parent, span.status.unwrap_or_default())).collect()
}

fn text(role: crate::message::Role) -> Record {
    Record::Message(Message { role, parts: Vec::new() })
}

fn span(kind: &str, parent: Option<i64>, status: &str) -> (String, Option<i64>, String) {
    (kind.to_owned(), parent, status.to_owned())
}

#[test]
fn spans_are_opened_and_closed_by_what_happens() {
    use crate::message::Role::{Assistant, User};
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("brain.db")).unwrap();
    let append = |records| store.append(&owner("s1"), Some(&turn("t1")), records).unwrap();
    let call = |n: u32| CallKey::parse(&format!("t1-{n}")).unwrap();
    let request = |n| {
        let arguments = json!({"command": format!("echo {n}")});
        Record::Event(Payload::ToolRequest(ToolRequest { call: call(n), tool: "shell.exec".into(), arguments }))
    };
    let complete = |n| {
        let (tool, end) = ("shell.exec".to_owned(), ToolEnd::Answered { bytes: 0 });
        Record::Event(Payload::ToolComplete(Box::new(ToolComplete { call: call(n), tool, end })))
    };
    store.append(&owner("s1"), None, vec![started()]).unwrap();
    append(vec![
        Record::Event(Payload::TurnStarted(TurnStarted { turn: turn("t1"), request: "go".into() })),
        text(User),
    ]);
    assert_eq!(spans(&store), [span("turn", None, ""), span("model", Some(1), "")]);
    let usage = Usage { input_tokens: Some(7), output_tokens: Some(3), ..Usage::default() };
    let used = Record::Event(Payload::ModelUsage(ModelUsage { model: "a/b".into(), tokens: usage, cost_micros: None }));
    append(vec![used, text(Assistant), request(1), request(2)]);
    append(vec![complete(1)]);
    assert_eq!(
        spans(&store)[1..],
        [
            span("model", Some(1), "done"),
            span("tool", Some(1), "done"),
            span("tool", Some(1), ""),
            span("wait", Some(4), "done"),
        ]
    );
    append(vec![complete(2), text(User)]);
    assert_eq!(spans(&store)[5], span("model", Some(1), ""), "the results go to the model");
    let end = TurnCompleted {
        turn: turn("t1"),
        status: Status::ProviderError,
        steps: 1,
        usage,
        jobs: Vec::new(),
        more_jobs: 0,
        unsaid_failure: None,
    };
    append(vec![Record::Event(Payload::TurnCompleted(end))]);
    assert_eq!(spans(&store)[0], span("turn", None, "provider_error"));
    assert_eq!(spans(&store)[5], span("model", Some(1), "provider_error"));
    let (all, more) = store.trace(&SessionId::parse("s1").unwrap(), 5).unwrap();
    assert!(more && all.len() == 5 && all[0].tokens == usage && all[0].detail == "a/b", "{all:?}");
    assert!(all.iter().all(|span| span.duration_us.is_some()));
}

#[test]
fn rewritten_messages_are_sent_as_they_are_now_and_kept_as_they_were() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("brain.db");
    let store = Store::open(&path).unwrap();
    let said = |words: &str| vec![Part::Text { text: words.into() }];
    let message = |words: &str| Record::Message(Message { role: crate::message::Role::User, parts: said(words) });
    store.append(&owner("s1"), None, vec![started()]).unwrap();
    let rows =
        store.append(&owner("s1"), None, vec![message("one"), message("two"), message("three")]).unwrap().messages;
    let rewrite = |at: usize, parts| Record::Rewrite { message: rows[at], parts };
    store.append(&owner("s1"), None, vec![rewrite(0, Some(said("all before three"))), rewrite(1, None)]).unwrap();
    let resumed = store.load(&SessionId::parse("s1").unwrap()).unwrap();
    let texts: Vec<_> = resumed.history.iter().map(|message| message.parts.clone()).collect();
    assert_eq!(texts, [said("all before three"), said("three")]);
    assert_eq!(resumed.rows, [Some(rows[0]), Some(rows[2])]);
    assert_eq!(one::<i64>(&path, "SELECT count(*) FROM messages WHERE session = 's1'"), 3);
    store.append(&owner("s1"), None, vec![rewrite(0, Some(said("shorter")))]).unwrap();
    assert_eq!(store.load(&SessionId::parse("s1").unwrap()).unwrap().history[0].parts, said("shorter"));
    drop(store.delete_session(&SessionId::parse("s1").unwrap()));
    assert_eq!(one::<i64>(&path, "SELECT count(*) FROM rewrites"), 0);
}
