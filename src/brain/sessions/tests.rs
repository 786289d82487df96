//! Sessions in real files: lists, search, copies, deletion, documents.

use super::*;
use crate::event::{Payload, SessionStarted, Status, ToolComplete, ToolEnd, ToolRequest, TurnCompleted, TurnStarted};
use crate::message::{Message, Part, Role, ToolCall};
use crate::store::{Owner, Record};
use pryx_terms::{CallKey, ToolResult, TurnId, Usage};
use serde_json::json;

struct Scene {
    folder: tempfile::TempDir,
    store: Store,
}

fn id(text: &str) -> SessionId {
    SessionId::parse(text).unwrap()
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("brain.db")).unwrap();
        Self { folder, store }
    }

    fn begin(&self, session: &str, workspace: &str) {
        let started = SessionStarted { model: "a/b".into(), workspace: workspace.into() };
        self.append(
            session,
            None,
            vec![Record::Event(Payload::SessionStarted(started)), Record::Boundary(format!("fence-of-{session}"))],
        );
    }

    fn append(&self, session: &str, turn: Option<&str>, records: Vec<Record>) {
        let owner = Owner { session: id(session), surface: "test".into() };
        let turn = turn.map(|turn| TurnId::parse(turn).unwrap());
        self.store.append(&owner, turn.as_ref(), records).unwrap();
    }

    /// A whole turn with one command.
    fn turn(&self, session: &str, turn: &str, request: &str, command: &str, answer: &str) {
        self.cut_off(session, turn, request, command);
        let call = CallKey::parse(&format!("{turn}-1")).unwrap();
        let result = ToolResult::Text { text: format!("printed by {command}") };
        let end = ToolEnd::of(&result);
        let results = vec![Part::ToolResult { id: "c".into(), result }];
        let answer = Message { role: Role::Assistant, parts: vec![Part::Text { text: answer.into() }] };
        self.append(
            session,
            Some(turn),
            vec![
                Record::Event(Payload::ToolComplete(Box::new(ToolComplete { call, tool: "shell.exec".into(), end }))),
                Record::Message(Message { role: Role::User, parts: results }),
            ],
        );
        self.append(session, Some(turn), vec![Record::Message(answer), completed(turn)]);
    }

    /// A turn whose process was killed while its command ran.
    fn cut_off(&self, session: &str, turn: &str, request: &str, command: &str) {
        let started = TurnStarted { turn: TurnId::parse(turn).unwrap(), request: request.into() };
        let arguments = json!({ "command": command });
        let call = ToolCall { id: "c".into(), tool: "shell.exec".into(), arguments: arguments.clone() };
        let key = CallKey::parse(&format!("{turn}-1")).unwrap();
        self.append(
            session,
            Some(turn),
            vec![
                Record::Event(Payload::TurnStarted(started)),
                Record::Message(Message::request(request.into(), Vec::new())),
            ],
        );
        self.append(
            session,
            Some(turn),
            vec![
                Record::Message(Message { role: Role::Assistant, parts: vec![Part::ToolCall(call)] }),
                Record::Event(Payload::ToolRequest(ToolRequest { call: key, tool: "shell.exec".into(), arguments })),
            ],
        );
    }

    fn list(&self, archived: bool) -> Vec<String> {
        let all = Listing { workspace: None, archived, limit: 100 };
        self.store.sessions(all).unwrap().into_iter().map(|session| session.id.to_string()).collect()
    }

    fn found(&self, words: &str) -> Vec<String> {
        self.store.search_sessions(words, 10).unwrap().into_iter().map(|hit| hit.session.id.to_string()).collect()
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("brain.db")
    }
}

fn completed(turn: &str) -> Record {
    let (turn, status) = (TurnId::parse(turn).unwrap(), Status::Done);
    Record::Event(Payload::TurnCompleted(TurnCompleted {
        turn,
        status,
        steps: 2,
        usage: Usage::default(),
        jobs: Vec::new(),
        more_jobs: 0,
        unsaid_failure: None,
    }))
}

fn three() -> Scene {
    let scene = Scene::new();
    for (session, workspace, request) in [
        ("aa1", "/home/ann", "Why is the disk full?\nsecond line"),
        ("aa2", "/home/bob", "liste die Dateien auf"),
        ("bb1", "/home/ann", "restart \u{1b}[2Jnginx"),
    ] {
        scene.begin(session, workspace);
        scene.turn(session, &format!("t{session}"), request, "df -h", "It is the Größe of the log.");
    }
    scene
}

#[test]
fn the_last_one_used_is_first_and_called_by_its_first_line() {
    let scene = three();
    scene.begin("zz", "/home/ann");
    assert_eq!(scene.list(false), ["bb1", "aa2", "aa1"], "a session without a turn is none yet");
    scene.turn("aa1", "t4", "and now?", "ls", "Nothing.");
    assert_eq!(scene.list(false), ["aa1", "bb1", "aa2"]);
    let first = scene.store.session("aa1").unwrap();
    assert_eq!((first.title.as_str(), first.turns), ("Why is the disk full?", 2));
    assert_eq!(scene.store.session("bb").unwrap().title, "restart nginx");
}

#[test]
fn sessions_are_found_by_what_they_begin_with() {
    let scene = three();
    assert_eq!(scene.store.session("b").unwrap().id, id("bb1"));
    assert_eq!(scene.store.session("last").unwrap().id, id("bb1"));
    let error = scene.store.session("aa").unwrap_err();
    assert!(matches!(&error, StoreError::Ambiguous { among, .. } if among.len() == 2), "{error}");
    for wanted in ["x", "", "%", "a' OR 1"] {
        assert!(matches!(scene.store.session(wanted), Err(StoreError::NoSession { .. })), "{wanted:?}");
    }
    scene.begin("aa", "/");
    assert_eq!(scene.store.session("aa").unwrap().id, id("aa"), "a whole id is never ambiguous");
}

#[test]
fn the_last_of_this_directory_is_gone_on_with() {
    let scene = three();
    let last = |workspace: &str| scene.store.last_session(Path::new(workspace)).unwrap().unwrap().id.to_string();
    assert_eq!((last("/home/bob"), last("/home/ann"), last("/elsewhere")), ("aa2".into(), "bb1".into(), "bb1".into()));
    scene.store.archive_session(&id("bb1"), true).unwrap();
    assert_eq!(last("/home/ann"), "aa1");
    assert_eq!((scene.list(false).len(), scene.list(true).len()), (2, 3));
    scene.store.archive_session(&id("bb1"), false).unwrap();
    assert_eq!(scene.list(false).len(), 3);
}

#[test]
fn words_are_found_wherever_they_were_said() {
    let scene = three();
    assert_eq!(scene.found("disk full"), ["aa1"]);
    assert_eq!(scene.found("dat*"), ["aa2"]);
    assert_eq!(scene.found("grosse"), [""; 0]);
    assert_eq!(scene.found("GROßE").len(), 3, "case and accents don't matter");
    assert_eq!(scene.found("printed").len(), 3, "what commands print");
    assert_eq!(scene.found("\"full disk\""), [""; 0]);
    for odd in ["", "\"", "* NOT (", "NEAR(a b)", "text:x", "df AND", "'; DROP"] {
        assert!(scene.store.search_sessions(odd, 10).is_ok(), "{odd:?}");
    }
    let hit = scene.store.search_sessions("full", 10).unwrap().remove(0);
    let text: String = hit.snippet.iter().map(|piece| piece.text.as_str()).collect();
    assert_eq!(text, "Why is the disk full? second line");
    assert_eq!(hit.snippet.iter().filter(|piece| piece.matched).map(|piece| &piece.text).collect::<Vec<_>>(), ["full"]);
    assert_eq!(hit.role, "user");
}

#[test]
fn a_turn_that_was_killed_is_searched_too() {
    let scene = three();
    scene.cut_off("aa1", "t9", "look for the xylophone", "sleep 9");
    assert_eq!(scene.found("xylophone"), ["aa1"]);
}

#[test]
fn what_is_deleted_is_gone_from_the_file() {
    let scene = three();
    scene.store.delete_session(&id("bb1")).unwrap();
    assert_eq!(scene.list(true), ["aa2", "aa1"]);
    assert_eq!(scene.found("nginx"), [""; 0]);
    let connection = Connection::open(scene.path()).unwrap();
    for table in TABLES {
        let sql = format!("SELECT count(*) FROM {table} WHERE session = 'bb1'");
        assert_eq!(connection.query_row(&sql, [], |row| row.get::<_, i64>(0)).unwrap(), 0, "{table}");
    }
    for file in std::fs::read_dir(scene.folder.path()).unwrap().map(|entry| entry.unwrap().path()) {
        let bytes = std::fs::read(&file).unwrap_or_default();
        assert!(!bytes.windows(5).any(|part| part == b"nginx"), "{} still holds it", file.display());
    }
    // Its numbers are given out again; the words behind them are others.
    scene.begin("cc", "/");
    scene.turn("cc", "t5", "a quokka", "ls", "Yes.");
    assert_eq!((scene.found("quokka"), scene.found("Größe").len()), (vec!["cc".to_owned()], 2));
    connection.execute_batch("INSERT INTO words (words) VALUES ('integrity-check')").unwrap();
}

#[test]
fn a_session_in_use_is_not_deleted() {
    let scene = three();
    let lock = scene.store.take(&id("bb1")).unwrap();
    let error = scene.store.delete_session(&id("bb1")).unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");
    drop(lock);
    scene.store.delete_session(&id("bb1")).unwrap();
    let left: Vec<_> = std::fs::read_dir(scene.folder.path().join("brain.locks")).unwrap().collect();
    assert_eq!(left.len(), 1, "locks are cleared away, but for the one that prepares: {left:?}");
}

#[test]
fn a_copy_goes_its_own_way() {
    let scene = three();
    scene.turn("aa1", "t2", "and the inodes?", "df -i", "Fine.");
    scene.cut_off("aa1", "t3", "clean up", "rm -r /tmp/x");
    let copy = scene.store.branch_session(&id("aa1"), None).unwrap();
    assert_eq!((copy.turns, copy.parent.clone()), (2, Some(id("aa1"))));
    let loaded = scene.store.load(&copy.id).unwrap();
    assert_eq!((loaded.history.len(), loaded.boundary.as_deref()), (8, Some("fence-of-aa1")));
    assert!(loaded.open.is_none());
    let short = scene.store.branch_session(&id("aa1"), Some(1)).unwrap();
    assert_eq!((short.turns, scene.store.load(&short.id).unwrap().history.len()), (1, 4));
    assert_eq!(scene.store.transcript(&short.id).unwrap().entries().len(), 3);
    scene.store.delete_session(&id("aa1")).unwrap();
    assert_eq!(scene.store.load(&copy.id).unwrap().history.len(), 8);
}

#[test]
fn a_cut_off_turn_is_found_with_its_calls() {
    let scene = three();
    scene.cut_off("aa1", "t3", "clean up", "rm -r /tmp/x");
    let open = scene.store.load(&id("aa1")).unwrap().open.unwrap();
    assert_eq!((open.id.as_str(), open.steps, open.calls.len()), ("t3", 1, 1));
    let call = &open.calls[0];
    assert_eq!((call.key.as_str(), call.end.clone(), call.recent), ("t3-1", None, true));
    assert!(matches!(call.known(), ToolResult::Text { text } if text.starts_with("Unknown")));
    // Weeks later the hands have forgotten it: they'd carry it out again.
    let connection = Connection::open(scene.path()).unwrap();
    connection.execute("UPDATE tool_calls SET requested = '2020-01-01T00:00:00Z' WHERE turn = 't3'", []).unwrap();
    assert!(!scene.store.load(&id("aa1")).unwrap().open.unwrap().calls[0].recent);
}

#[test]
fn every_call_of_a_history_is_answered() {
    let scene = Scene::new();
    scene.begin("aa", "/");
    scene.cut_off("aa", "t1", "one", "ls");
    scene.append("aa", Some("t1"), vec![completed("t1")]);
    scene.turn("aa", "t2", "two", "ls", "Done.");
    let history = scene.store.load(&id("aa")).unwrap().history;
    let roles: Vec<Role> = history.iter().map(|message| message.role).collect();
    assert_eq!(roles.len(), 7, "{history:?}");
    assert!(matches!(&history[2].parts[..], [Part::ToolResult { id, .. }] if id == "c"), "{:?}", history[2]);
}

#[test]
fn a_document_shows_everything_and_obeys_nothing() {
    let scene = Scene::new();
    scene.begin("aa", "/home/<ann>");
    scene.turn("aa", "t1", "<script>alert(1)</script> & \u{1b}[31mred", "echo '```'", "**Done** <img src=x onerror=y>");
    scene.cut_off("aa", "t2", "go on", "sleep 9");
    let transcript = scene.store.transcript(&id("aa")).unwrap();
    let (page, text) = (transcript.html(), transcript.markdown());
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; red"), "{page}");
    assert!(!page.contains("<script") && !page.contains("<img"));
    assert!(text.contains("````text\necho '```'\n````"), "{text}");
    for document in [&page, &text] {
        assert!(
            !document.contains('\u{1b}')
                && document.contains("printed by")
                && document.contains("its end was not seen")
        );
        assert!(!document.contains("fence-of"), "the boundary is nobody's business");
    }
    let kept = serde_json::to_value(&transcript).unwrap();
    assert_eq!(kept["messages"].as_array().unwrap().len(), 6);
    assert_eq!(kept["messages"][0]["role"], "user");
    assert!(!kept.to_string().contains("fence-of"));
}

#[test]
fn no_two_calls_of_a_history_have_one_name() {
    let scene = three();
    scene.turn("aa1", "t2", "and the inodes?", "df -i", "Fine.");
    scene.cut_off("aa1", "t3", "clean up", "rm -r /tmp/x");
    let names = |history: &[Message]| -> Vec<String> {
        let parts = history.iter().flat_map(|message| &message.parts);
        let named = parts.filter_map(|part| match part {
            Part::ToolCall(call) => Some(call.id.clone()),
            Part::ToolResult { id, .. } => Some(id.clone()),
            _ => None,
        });
        named.collect()
    };
    let loaded = scene.store.load(&id("aa1")).unwrap();
    assert_eq!(names(&loaded.history), ["c", "c", "c_2", "c_2", "c_3"]);
    let open = loaded.open.unwrap();
    // Its result is kept under the new name, beside the call under the old one.
    let result = Part::ToolResult { id: open.calls[0].call.id.clone(), result: open.calls[0].known() };
    scene.append(
        "aa1",
        Some("t3"),
        vec![Record::Message(Message { role: Role::User, parts: vec![result] }), completed("t3")],
    );
    assert_eq!(names(&scene.store.load(&id("aa1")).unwrap().history), ["c", "c", "c_2", "c_2", "c_3", "c_3"]);
    let entries = scene.store.transcript(&id("aa1")).unwrap().entries();
    let acts = entries.iter().filter(|entry| matches!(&entry.kind, Kind::Act { outcome: Some(_), .. }));
    assert_eq!(acts.count(), 3, "{entries:?}");
}

#[test]
fn a_large_old_file_keeps_no_turn_waiting() {
    let scene = Scene::new();
    scene.begin("aa", "/");
    let said = |n: u32| Record::Message(Message::request(format!("needle{n}"), Vec::new()));
    scene.append("aa", Some("t1"), (0..600).map(said).collect());
    scene.turn("aa", "t2", "go on", "ls", "Yes.");
    let connection = Connection::open(scene.path()).unwrap();
    let indexed = || connection.query_row("SELECT indexed FROM search", [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(indexed(), 256);
    assert_eq!(scene.found("needle599"), ["aa"]);
    assert_eq!(indexed(), 604);
    scene.turn("aa", "t3", "go on", "ls", "Yes.");
    assert_eq!(indexed(), 604, "a few messages are not worth it");
}
