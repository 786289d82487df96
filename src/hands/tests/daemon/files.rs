//! The file tools against the real daemon: what is asked, what is refused, what stays whole when names are swapped, disks
//! are full and daemons die.

use crate::Test;
use crate::world::*;
use pryx_ipc::{Call, CallTool, Client, Event, ListChanges, ResolveApproval, Undo, UndoEnd, UndoTarget, Update};
use pryx_terms::{Access, Answer, Approval, CallKey, Refusal, SessionId, ToolResult};
use serde_json::{Value, json};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

pub const TESTS: &[Test] = &[
    ("files::written_edited_read_and_searched", written_edited_read_and_searched),
    ("files::a_card_names_the_real_file_and_the_difference", a_card_names_the_real_file_and_the_difference),
    ("files::what_changed_since_the_card_is_not_overwritten", what_changed_since_the_card_is_not_overwritten),
    ("files::swapped_links_lead_nowhere", swapped_links_lead_nowhere),
    ("files::what_is_no_file_is_left_alone", what_is_no_file_is_left_alone),
    ("files::large_and_binary_files", large_and_binary_files),
    ("files::secrets_are_not_told_by_errors_or_searches", secrets_are_not_told_by_errors_or_searches),
    ("files::a_full_disk_leaves_the_old_file", a_full_disk_leaves_the_old_file),
    ("files::a_repeated_call_changes_nothing_twice", a_repeated_call_changes_nothing_twice),
    ("files::changes_are_taken_back", changes_are_taken_back),
    ("files::an_agent_takes_nothing_back", an_agent_takes_nothing_back),
];

/// A directory of the test's own, by its real path.
struct Place {
    world: World,
    _dir: tempfile::TempDir,
    root: PathBuf,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("pf").tempdir_in("/tmp").unwrap();
        let root = std::fs::canonicalize(dir.path()).unwrap();
        Self { world: World::new(), _dir: dir, root }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    fn put(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn call(&self, tool: &str, arguments: Value) -> CallTool {
        CallTool {
            key: CallKey::generate(),
            session: SessionId::parse("s1").unwrap(),
            tool: tool.to_owned(),
            arguments,
            cwd: self.root.clone(),
            env: Default::default(),
            can_ask: true,
        }
    }

    /// Without anybody to ask: only what goes unasked is done.
    async fn unasked(&self, client: &Client, tool: &str, arguments: Value) -> ToolResult {
        let call = CallTool { can_ask: false, ..self.call(tool, arguments) };
        client.call(call).await.unwrap().result
    }

    /// Says yes to whatever is asked.
    async fn allowed(&self, client: &Client, tool: &str, arguments: Value) -> ToolResult {
        self.with_yes(client, self.call(tool, arguments), |_| {}).await
    }

    async fn with_yes(&self, client: &Client, call: CallTool, seen: impl FnMut(&Approval)) -> ToolResult {
        answered(client, client.start(call).await.unwrap(), seen).await
    }
}

async fn answered(client: &Client, mut call: Call<CallTool>, mut seen: impl FnMut(&Approval)) -> ToolResult {
    loop {
        match call.next().await.unwrap() {
            Update::Event(Event::ApprovalNeeded(needed)) => {
                seen(&needed.approval);
                let answer = ResolveApproval { approval: needed.approval.id.clone(), answer: Answer::Once };
                client.call(answer).await.unwrap();
            }
            Update::Event(_) => {}
            Update::Reply(reply) => return reply.result,
        }
    }
}

#[track_caller]
fn text(result: ToolResult) -> String {
    match result {
        ToolResult::Text { text } => text,
        other => panic!("no text: {other:?}"),
    }
}

#[track_caller]
fn failed(result: ToolResult) -> String {
    match result {
        ToolResult::Failed { message } => message,
        other => panic!("it did not fail: {other:?}"),
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

fn audit(world: &World) -> Vec<(String, String)> {
    let database = rusqlite::Connection::open(world.home.join("hands.db")).unwrap();
    let mut statement = database.prepare("SELECT kind, body FROM audit ORDER BY seq").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

fn written_edited_read_and_searched() {
    let place = Place::new();
    block(async {
        let client = place.world.client().await;
        let told =
            text(place.allowed(&client, "fs.write", json!({"path": "a/b/new.txt", "content": "one\ntwo\n"})).await);
        assert!(told.starts_with("made /") && told.contains("8 bytes"), "{told}");
        let edits = json!({"path": "a/b/new.txt", "edits": [{"old": "two", "new": "2\n3"}]});
        text(place.allowed(&client, "fs.edit", edits).await);
        assert_eq!(read(&place.path("a/b/new.txt")), "one\n2\n3\n");

        let shown = text(place.unasked(&client, "fs.read", json!({"path": "a/b/new.txt", "line": 2})).await);
        assert!(shown.ends_with("    2\t2\n    3\t3\n"), "{shown}");
        let listed = text(place.unasked(&client, "fs.list", json!({"depth": 3})).await);
        assert!(listed.contains("\n  a/\n    b/\n      new.txt  8 B\n"), "{listed}");
        let found = text(place.unasked(&client, "fs.search", json!({"pattern": "^[23]$"})).await);
        assert!(found.ends_with("a/b/new.txt:2:2\na/b/new.txt:3:3\n"), "{found}");

        // Line ends, rights and a missing last line end stay.
        let script = place.put("run.bat", "@echo off\r\necho 1");
        std::fs::set_permissions(&script, PermissionsExt::from_mode(0o754)).unwrap();
        let edits = json!({"path": "run.bat", "edits": [{"old": "off\necho 1", "new": "off\necho 1\necho 2"}]});
        text(place.allowed(&client, "fs.edit", edits).await);
        assert_eq!(read(&script), "@echo off\r\necho 1\r\necho 2");
        assert_eq!(std::fs::metadata(&script).unwrap().permissions().mode() & 0o777, 0o754);
        text(place.allowed(&client, "fs.write", json!({"path": "run.bat", "content": "x\ny\n"})).await);
        assert_eq!(read(&script), "x\r\ny\r\n");
    });
    let rows = audit(&place.world);
    let started = rows.iter().filter(|(kind, _)| kind == "act").count();
    let ended = rows.iter().filter(|(kind, body)| kind == "ended" && body.contains("change")).count();
    assert_eq!((started, ended), (4, 4), "each change has its rows: {rows:#?}");
}

fn a_card_names_the_real_file_and_the_difference() {
    let place = Place::new();
    let outside = tempfile::Builder::new().prefix("po").tempdir_in("/tmp").unwrap();
    let target = std::fs::canonicalize(outside.path()).unwrap().join("target");
    std::fs::write(&target, "old\n").unwrap();
    symlink(&target, place.path("link")).unwrap();
    symlink(target.with_file_name("none"), place.path("dangling")).unwrap();
    block(async {
        let client = place.world.client().await;
        for (name, real, diff) in [
            ("link", target.clone(), "@@ -1 +1 @@\n-old\n+new\n"),
            ("dangling", target.with_file_name("none"), "@@ -0,0 +1 @@\n+new\n"),
        ] {
            let real = real.to_str().unwrap().to_owned();
            let arguments = json!({"path": name, "content": "new\n"});
            let mut asked = 0;
            let call = place.call("fs.write", arguments);
            let seen = |approval: &Approval| {
                asked += 1;
                assert_eq!(approval.plan.files, [Access::Write { path: real.clone() }]);
                assert_eq!(approval.plan.command, format!("write {real}"));
                assert_eq!(approval.plan.diff.as_ref().unwrap().text, diff);
            };
            text(place.with_yes(&client, call, seen).await);
            assert_eq!(asked, 1, "outside of the workspace it is always asked");
            assert_eq!(std::fs::read_to_string(&real).unwrap(), "new\n");
        }
        assert!(place.path("link").is_symlink(), "the link itself stays");
    });
}

fn what_changed_since_the_card_is_not_overwritten() {
    let place = Place::new();
    // Where it is asked, whatever the mode.
    let outside = tempfile::Builder::new().prefix("po").tempdir_in("/tmp").unwrap();
    let dir = std::fs::canonicalize(outside.path()).unwrap();
    block(async {
        let client = place.world.client().await;
        let theirs = dir.join("theirs");
        std::fs::write(&theirs, "a\n").unwrap();
        let call = place.call("fs.write", json!({"path": theirs, "content": "b\n"}));
        let result = place.with_yes(&client, call, |_| std::fs::write(&theirs, "mine\n").unwrap()).await;
        assert!(matches!(result, ToolResult::Refused { refusal: Refusal::Drift { .. }, .. }), "{result:?}");
        assert_eq!(read(&theirs), "mine\n");

        // A directory that became a link while the card was shown.
        let (inner, elsewhere) = (dir.join("inner"), dir.join("elsewhere"));
        std::fs::create_dir_all(&inner).unwrap();
        std::fs::create_dir_all(&elsewhere).unwrap();
        let call = place.call("fs.write", json!({"path": inner.join("f"), "content": "b\n"}));
        let swap = |_: &Approval| {
            std::fs::remove_dir(&inner).unwrap();
            symlink(&elsewhere, &inner).unwrap();
        };
        let result = place.with_yes(&client, call, swap).await;
        assert!(matches!(result, ToolResult::Refused { refusal: Refusal::Drift { .. }, .. }), "{result:?}");
        assert_eq!(std::fs::read_dir(&elsewhere).unwrap().count(), 0);
    });
}

/// A thread that swaps, as fast as it can, a directory and a file of the workspace with links out of it.
fn swapper(place: &Place, outside: &Path, stop: &Arc<AtomicBool>) -> std::thread::JoinHandle<usize> {
    let (root, outside, stop) = (place.root.clone(), outside.to_owned(), Arc::clone(stop));
    std::thread::spawn(move || {
        let (dir, held, link) = (root.join("dir"), root.join("held"), root.join("link"));
        let (file, file_link) = (root.join("file"), root.join("file-link"));
        symlink(&outside, &link).unwrap();
        let mut rounds = 0;
        while !stop.load(Ordering::Relaxed) {
            std::fs::rename(&dir, &held).unwrap();
            replace(&link, &dir);
            let _ = symlink(outside.join("victim"), &file_link);
            let _ = std::fs::rename(&file_link, &file);
            std::fs::rename(&dir, &link).unwrap();
            replace(&held, &dir);
            std::fs::write(&file_link, "plain\n").unwrap();
            let _ = std::fs::rename(&file_link, &file);
            rounds += 1;
        }
        rounds
    })
}

/// Where a directory is missing for a moment, a write makes it.
fn replace(from: &Path, to: &Path) {
    while std::fs::rename(from, to).is_err() {
        let _ = std::fs::remove_dir_all(to);
    }
}

fn swapped_links_lead_nowhere() {
    const ROUNDS: usize = 300;
    let place = Place::new();
    let outside = tempfile::Builder::new().prefix("po").tempdir_in("/tmp").unwrap();
    let outside = std::fs::canonicalize(outside.path()).unwrap();
    std::fs::write(outside.join("victim"), "untouched\n").unwrap();
    std::fs::create_dir(place.path("dir")).unwrap();
    place.put("dir/victim", "inside\n");
    place.put("file", "plain\n");
    let stop = Arc::new(AtomicBool::new(false));
    let thread = swapper(&place, &outside, &stop);
    let (made, asked_outside) = (AtomicUsize::new(0), AtomicUsize::new(0));
    block(async {
        let client = place.world.client().await;
        let inside = place.root.to_str().unwrap().to_owned();
        // On a loaded machine it takes longer until both a write and an attempt on the outside got through to the end.
        for round in 0..20 * ROUNDS {
            let met = made.load(Ordering::Relaxed) > 0 && asked_outside.load(Ordering::Relaxed) > 0;
            if round >= ROUNDS && met {
                break;
            }
            for (tool, path) in [("fs.write", "dir/victim"), ("fs.write", "file"), ("fs.read", "dir/victim")] {
                let arguments = match tool {
                    "fs.write" => json!({"path": path, "content": format!("round {round}\n")}),
                    _ => json!({"path": path}),
                };
                // A person who reads the card says no to what is outside; what is inside they allow.
                let mut running = client.start(place.call(tool, arguments)).await.unwrap();
                let result = loop {
                    match running.next().await.unwrap() {
                        Update::Event(Event::ApprovalNeeded(needed)) => {
                            let own = needed.approval.plan.files.iter().all(|access| {
                                matches!(access, Access::Read { path } | Access::Write { path } if path.starts_with(&inside))
                            });
                            asked_outside.fetch_add(usize::from(!own), Ordering::Relaxed);
                            let answer = if own { Answer::Once } else { Answer::No };
                            let resolve = ResolveApproval { approval: needed.approval.id.clone(), answer };
                            client.call(resolve).await.unwrap();
                        }
                        Update::Event(_) => {}
                        Update::Reply(reply) => break reply.result,
                    }
                };
                if let ToolResult::Text { text } = &result
                    && tool == "fs.write"
                {
                    assert!(text.contains(&inside), "{text}");
                    made.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    });
    stop.store(true, Ordering::Relaxed);
    let rounds = thread.join().unwrap();
    assert_eq!(read(&outside.join("victim")), "untouched\n");
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 1, "nothing was made there either");
    let made = made.into_inner();
    assert!(made > 0 && rounds > ROUNDS, "{made} writes against {rounds} swaps prove nothing");
    assert!(asked_outside.into_inner() > 0, "the swapping was never met");
}

fn what_is_no_file_is_left_alone() {
    let place = Place::new();
    let made = std::process::Command::new("mkfifo").arg(place.path("pipe")).status().unwrap();
    assert!(made.success());
    std::fs::create_dir(place.path("dir")).unwrap();
    block(async {
        let client = place.world.client().await;
        for (path, word) in [
            ("pipe", "pipe"),
            ("dir", "directory"),
            ("/dev/null", "kernel"),
            ("/proc/self/environ", "kernel"),
            ("/proc/self/fd/1", ""),
            ("/sys/power/state", "kernel"),
            ("pipe/below", ""),
        ] {
            for tool in ["fs.read", "fs.write", "fs.edit"] {
                let arguments = match tool {
                    "fs.read" => json!({"path": path}),
                    "fs.write" => json!({"path": path, "content": "x"}),
                    _ => json!({"path": path, "edits": [{"old": "a", "new": "b"}]}),
                };
                let why = failed(place.allowed(&client, tool, arguments).await);
                assert!(why.contains(word), "{tool} {path}: {why}");
            }
        }
        let why = failed(
            place.allowed(&client, "fs.edit", json!({"path": "none", "edits": [{"old": "a", "new": "b"}]})).await,
        );
        assert!(why.contains("fs.write makes one"), "{why}");
        for bad in [
            json!({"path": "x", "edits": []}),
            json!({"path": "x", "edits": [{"old": "", "new": "b"}]}),
            json!({"path": "x"}),
            json!({"path": "x\u{0}y", "edits": [{"old": "a", "new": "b"}]}),
        ] {
            failed(place.allowed(&client, "fs.edit", bad).await);
        }
    });
}

fn large_and_binary_files() {
    let place = Place::new();
    place.put("binary", b"\x7fELF\0\0");
    let huge = std::fs::File::create(place.path("huge")).unwrap();
    huge.set_len(40 << 30).unwrap();
    place.put("lines", "line\n".repeat(2_000_000));
    block(async {
        let client = place.world.client().await;
        let shown = text(place.unasked(&client, "fs.read", json!({"path": "binary"})).await);
        assert!(shown.contains("an ELF program") && shown.contains("not shown"), "{shown}");
        let shown = text(place.unasked(&client, "fs.read", json!({"path": "huge"})).await);
        assert!(shown.contains("binary") && shown.contains("40"), "{shown}");
        for tool in ["fs.write", "fs.edit"] {
            let mut arguments = json!({"path": "huge", "content": "x"});
            if tool == "fs.edit" {
                arguments = json!({"path": "huge", "edits": [{"old": "a", "new": "b"}]});
            }
            let why = failed(place.allowed(&client, tool, arguments).await);
            assert!(why.contains("too large to be changed"), "{why}");
        }
        let shown = text(place.unasked(&client, "fs.read", json!({"path": "lines", "line": 1_999_999})).await);
        assert!(shown.ends_with("1999999\tline\n2000000\tline\n"), "{shown}");
    });
    assert_eq!(std::fs::metadata(place.path("huge")).unwrap().len(), 40 << 30);
}

fn secrets_are_not_told_by_errors_or_searches() {
    let place = Place::new();
    place.put(".ssh/id_rsa", "TOPSECRET key\n");
    place.put("server.pem", "TOPSECRET pem\n");
    place.put("notes", "nothing here\n");
    symlink(".ssh/id_rsa", place.path("innocent")).unwrap();
    block(async {
        let client = place.world.client().await;
        let edit = |path: &str| json!({"path": path, "edits": [{"old": "TOPSECRET kay", "new": "x"}]});
        for (tool, arguments) in [
            ("fs.read", json!({"path": ".ssh/id_rsa"})),
            ("fs.read", json!({"path": "innocent"})),
            ("fs.read", json!({"path": "notes/../.ssh/id_rsa"})),
            ("fs.edit", edit(".ssh/id_rsa")),
            ("fs.edit", edit("innocent")),
            ("fs.list", json!({"path": ".ssh"})),
            ("fs.search", json!({"path": ".ssh", "pattern": "."})),
            ("fs.search", json!({"path": "/", "pattern": "."})),
        ] {
            let result = place.unasked(&client, tool, arguments.clone()).await;
            let shown = format!("{result:?}");
            assert!(!shown.contains("TOPSECRET"), "{shown}");
            assert!(!matches!(result, ToolResult::Text { .. }), "{tool} {arguments}: {shown}");
        }
        let found = text(place.unasked(&client, "fs.search", json!({"pattern": ".", "all": true})).await);
        assert!(!found.contains("TOPSECRET") && found.contains("2 that may hold secrets"), "{found}");
        let told = text(place.allowed(&client, "fs.edit", edit(".ssh/id_rsa")).await);
        assert!(told.contains("comes nearest begins in line 1"), "after a yes it is told: {told}");
    });
}

fn a_full_disk_leaves_the_old_file() {
    let mut place = Place::new();
    let mount = place.path("small");
    std::fs::create_dir(&mount).unwrap();
    place.world.kill_daemon();
    let Some(daemon) = place.world.start_with_small_disk(&mount) else {
        println!("no mount namespaces here: not tested");
        place.world.restart();
        return;
    };
    place.world.daemon = Some(daemon);
    block(async {
        let client = place.world.client().await;
        let fill = |n: usize| json!({"path": "small/f", "content": "x".repeat(n)});
        text(place.allowed(&client, "fs.write", fill(1000)).await);
        let why = failed(place.allowed(&client, "fs.write", fill(900_000)).await);
        assert!(why.contains("No space left") && why.contains("nothing was changed"), "{why}");
        let shown = text(place.unasked(&client, "fs.read", json!({"path": "small/f"})).await);
        assert!(shown.contains("lines 1 to 1 of 1"), "{shown}");
        let listed = text(place.unasked(&client, "fs.list", json!({"path": "small"})).await);
        assert_eq!(listed.lines().count(), 3, "nothing is left over: {listed}");
        let why = failed(place.allowed(&client, "fs.write", json!({"path": "small/ro/f", "content": "x"})).await);
        assert!(why.contains("Read-only"), "{why}");
        let kept = client.call(ListChanges { session: None }).await.unwrap().changes;
        assert_eq!(kept.len(), 1, "what did not come about can't be taken back");
    });
}

fn a_repeated_call_changes_nothing_twice() {
    let mut place = Place::new();
    let path = place.put("f", "a\n");
    let call = place.call("fs.edit", json!({"path": "f", "edits": [{"old": "a\n", "new": "a\na\n"}]}));
    let first = block(async {
        let client = place.world.client().await;
        let first = place.with_yes(&client, call.clone(), |_| {}).await;
        assert_eq!(client.call(call.clone()).await.unwrap().result, first, "the kept answer");
        first
    });
    assert_eq!(read(&path), "a\na\n");
    // As if the daemon had died between the change and its answer.
    place.world.kill_daemon();
    let database = rusqlite::Connection::open(place.world.home.join("hands.db")).unwrap();
    let forgotten = database.execute("UPDATE calls SET state = '{\"state\":\"open\"}', open = 1", ()).unwrap();
    assert_eq!(forgotten, 1);
    drop(database);
    place.world.restart();
    block(async {
        let client = place.world.client().await;
        let again = place.with_yes(&client, call.clone(), |_| {}).await;
        assert_eq!(again, first);
    });
    assert_eq!(read(&path), "a\na\n", "it was not done a second time");
}

fn changes_are_taken_back() {
    let place = Place::new();
    let old = place.put("old", "1\n");
    block(async {
        let client = place.world.client().await;
        let write = async |path: &str, content: &str| {
            text(place.allowed(&client, "fs.write", json!({"path": path, "content": content})).await);
        };
        let undo = async |target: UndoTarget, force: bool| {
            let done = client.call(Undo { target, force }).await.unwrap().changes;
            done.into_iter().map(|one| one.end).collect::<Vec<_>>()
        };
        let session = || UndoTarget::Session { session: "s1".to_owned() };
        write("old", "2\n").await;
        write("old", "3\n").await;
        write("made/deep/new", "x\n").await;
        assert!(matches!(undo(UndoTarget::Last, false).await.as_slice(), [UndoEnd::Done { .. }]));
        assert!(!place.path("made").exists(), "with the directories that were made for it");
        let done = undo(session(), false).await;
        assert!(matches!(done.as_slice(), [UndoEnd::Done { .. }, UndoEnd::Done { .. }]), "{done:?}");
        assert_eq!(read(&old), "1\n");
        assert!(client.call(Undo { target: session(), force: false }).await.is_err(), "nothing is left");

        // Undoing an undo.
        let UndoEnd::Done { by, .. } = &done[1] else { panic!() };
        let target = UndoTarget::Change { change: by.to_string() };
        assert!(matches!(undo(target, false).await.as_slice(), [UndoEnd::Done { .. }]));
        assert_eq!(read(&old), "2\n");

        // Somebody else was there since.
        std::fs::write(&old, "theirs\n").unwrap();
        let done = undo(UndoTarget::Last, false).await;
        let [UndoEnd::Changed { diff }] = done.as_slice() else { panic!("{done:?}") };
        assert!(diff.text.contains("-theirs\n+1\n"), "{}", diff.text);
        assert_eq!(read(&old), "theirs\n");
        assert!(matches!(undo(UndoTarget::Last, true).await.as_slice(), [UndoEnd::Done { .. }]));
        assert_eq!(read(&old), "1\n");
        let copies: Vec<_> = std::fs::read_dir(place.world.home.join("undo")).unwrap().flatten().collect();
        assert!(!copies.is_empty());
        for copy in copies {
            assert_eq!(copy.metadata().unwrap().permissions().mode() & 0o077, 0, "{copy:?}");
        }
    });
    let by_person = audit(&place.world).into_iter().filter(|(_, body)| body.contains("own-act")).count();
    assert_eq!(by_person, 5, "each is recorded as a person's act");
}

fn an_agent_takes_nothing_back() {
    let place = Place::new();
    let path = place.put("f", "1\n");
    block(async {
        let client = place.world.client().await;
        text(place.allowed(&client, "fs.write", json!({"path": "f", "content": "2\n"})).await);
        let (exe, socket) = (std::env::current_exe().unwrap(), place.world.socket());
        for what in ["undo", "changes"] {
            let command = format!("setsid -w {} __client {} {what}", exe.display(), socket.display());
            let result = place.allowed(&client, "shell.exec", json!({"command": command})).await;
            let ToolResult::Ran { output, .. } = result else { panic!("{result:?}") };
            assert_eq!(output.head, "answer: Refused\n");
        }
    });
    assert_eq!(read(&path), "2\n");
}
