//! The database on a real file: what it refuses, what it keeps over a restart, and what tampering it finds.

use super::*;
use pryx_terms::{
    Actor, Answer, Approval, ApprovalId, CallKey, Grant, GrantId, GrantScope, GrantSubject, JobId, JobRecord, JobState,
    Outcome, Plan, Refusal, Resolution, RuleRef, Ruling, SessionId, StreamBytes, TerminalName, Timestamp, ToolResult,
    Verdict,
};
use rusqlite::Connection;
use serde_json::json;
use std::path::PathBuf;

struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("hands.db")
    }

    fn open(&self) -> Store {
        Store::open(&self.path()).unwrap()
    }

    /// Somebody who goes around pryx.
    fn tamper(&self, sql: &str) {
        let connection = Connection::open(self.path()).unwrap();
        connection.execute_batch("DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete;").unwrap();
        connection.execute_batch(sql).unwrap();
    }
}

fn agent() -> Actor {
    Actor::Agent { session: None }
}

fn row(actor: &Actor, number: u32) -> AuditEntry<'_> {
    AuditEntry { kind: AuditKind::Ruling, actor, session: None, call: None, job: None, body: json!({"number": number}) }
}

fn ruling() -> Ruling {
    let rule = RuleRef { name: "r".into(), source: "built in".into() };
    Ruling { verdict: Verdict::Ask, rule, reason: "why".into() }
}

fn plan(command: &str) -> Plan {
    Plan {
        tool: "shell.exec".into(),
        command: command.into(),
        argv: vec!["/bin/sh".into(), "-c".into(), command.into()],
        cwd: "/tmp".into(),
        programs: vec![],
        files: vec![],
        touches: vec![],
        sets: vec![],
        open: vec![],
        diff: None,
    }
}

fn approval(command: &str) -> Approval {
    let plan = plan(command);
    Approval {
        id: ApprovalId::generate(),
        session: Some(SessionId::parse("s1").unwrap()),
        plan_hash: plan.hash(),
        plan,
        ruling: ruling(),
        sandbox: None,
        asked: Timestamp::from_second(1_700_000_000).unwrap(),
        expires: Timestamp::from_second(1_700_000_300).unwrap(),
    }
}

fn job(id: &str, started: i64, state: JobState) -> JobRecord {
    JobRecord {
        id: JobId::parse(id).unwrap(),
        command: "ls".into(),
        cwd: "/tmp".into(),
        actor: Actor::Person,
        session: None,
        terminal: None,
        within: None,
        tag: None,
        by_hand: false,
        waited_ms: None,
        keep: false,
        sandbox: None,
        started: Timestamp::from_second(started).unwrap(),
        state,
        output: vec![StreamBytes { stream: pryx_terms::Stream::Tty, bytes: 5 }],
    }
}

fn ended(at: i64) -> JobState {
    let ended = Timestamp::from_second(at).unwrap();
    JobState::Ended { outcome: Outcome::Exited { code: 0 }, ended, survivors: vec![], stopped: None, seen: None }
}

#[test]
#[cfg(unix)]
fn the_file_is_private_even_if_it_was_not() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    std::fs::write(place.path(), "").unwrap();
    std::fs::set_permissions(place.path(), std::fs::Permissions::from_mode(0o644)).unwrap();
    let store = place.open();
    store.audit(&row(&agent(), 1)).unwrap();
    for name in ["hands.db", "hands.db-wal"] {
        let mode = std::fs::metadata(place.dir.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn a_newer_file_is_refused_and_left_alone() {
    let place = Place::new();
    drop(place.open());
    Connection::open(place.path())
        .unwrap()
        .execute_batch("PRAGMA user_version = 99; PRAGMA wal_checkpoint(TRUNCATE);")
        .unwrap();
    let before = std::fs::read(place.path()).unwrap();
    let error = Store::open(&place.path()).err().unwrap();
    assert!(matches!(error, StoreError::Newer { found: 99, .. }), "{error}");
    assert!(error.to_string().contains("run the newer pryx"), "{error}");
    assert_eq!(std::fs::read(place.path()).unwrap(), before);
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let place = Place::new();
    std::fs::write(place.path(), "this is a letter to my grandmother, not a database".repeat(200)).unwrap();
    let before = std::fs::read(place.path()).unwrap();
    let error = Store::open(&place.path()).err().unwrap();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    assert_eq!(std::fs::read(place.path()).unwrap(), before);
}

#[test]
fn a_place_that_can_not_be_written_is_named() {
    let place = Place::new();
    let path = place.dir.path().join("missing/hands.db");
    let error = Store::open(&path).err().unwrap();
    assert!(error.to_string().contains("missing/hands.db"), "{error}");
}

#[test]
fn an_honest_audit_log_is_whole_over_restarts() {
    let place = Place::new();
    for number in 0..3 {
        place.open().audit(&row(&agent(), number)).unwrap();
    }
    let store = place.open();
    assert_eq!(store.verify_audit().unwrap(), AuditCheck { rows: 3, fault: None });
    let rows = store.audit_rows(&AuditFilter { limit: Some(2), ..AuditFilter::default() }).unwrap();
    assert_eq!(rows.iter().map(|row| row.body.as_str()).collect::<Vec<_>>(), [r#"{"number":1}"#, r#"{"number":2}"#]);
    assert_eq!(rows[1].prev_hash, rows[0].hash);
}

#[test]
fn audit_rows_can_not_be_changed_or_removed_by_a_statement() {
    let place = Place::new();
    place.open().audit(&row(&agent(), 1)).unwrap();
    let connection = Connection::open(place.path()).unwrap();
    for sql in ["UPDATE audit SET actor = 'person'", "DELETE FROM audit"] {
        let error = connection.execute_batch(sql).unwrap_err();
        assert!(error.to_string().contains("audit rows"), "{error}");
    }
}

#[test]
fn tampering_with_the_audit_log_is_found_where_it_was_done() {
    let cases = [
        ("UPDATE audit SET body = '{\"number\":9}' WHERE seq = 3", 3),
        ("UPDATE audit SET actor = 'person' WHERE seq = 2", 2),
        ("UPDATE audit SET at = '2020-01-01T00:00:00Z' WHERE seq = 1", 1),
        ("UPDATE audit SET job = 'abc' WHERE seq = 4", 4),
        ("DELETE FROM audit WHERE seq = 3", 3),
        ("DELETE FROM audit WHERE seq = 1", 1),
        ("DELETE FROM audit WHERE seq = 5", 5),
        ("DELETE FROM audit WHERE seq = 2; UPDATE audit SET seq = seq - 1 WHERE seq > 2", 2),
        (
            "UPDATE audit SET seq = 99 WHERE seq = 2; UPDATE audit SET seq = 2 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 99",
            2,
        ),
        (
            "INSERT INTO audit SELECT 6, at, kind, actor, session, call, job, body, prev_hash, hash FROM audit WHERE seq = 5",
            6,
        ),
        ("DELETE FROM audit", 1),
        ("DELETE FROM audit_head", 6),
    ];
    for (sql, seq) in cases {
        let place = Place::new();
        let store = place.open();
        for number in 1..=5 {
            store.audit(&row(&agent(), number)).unwrap();
        }
        drop(store);
        place.tamper(sql);
        let fault = place.open().verify_audit().unwrap().fault;
        assert_eq!(fault.map(|fault| fault.seq), Some(seq), "{sql}");
    }
}

#[test]
fn a_question_survives_a_restart_and_is_answered_once() {
    let place = Place::new();
    let (asked, call) = (approval("rm x"), CallKey::generate());
    place.open().insert_approval(&asked, &call, &row(&agent(), 1)).unwrap();
    let store = place.open();
    let pending = store.pending_approvals().unwrap();
    assert_eq!(pending.len(), 1);
    assert_eq!(pending[0].approval, asked);
    assert_eq!(store.approval_of_call(&call).unwrap().unwrap().approval.id, asked.id);

    let (yes, no) = (Resolution::Person { answer: Answer::Once }, Resolution::Person { answer: Answer::No });
    assert!(!store.use_approval(&asked.id).unwrap(), "an open question was used");
    assert_eq!(store.resolve_approval(&asked.id, &yes, &row(&Actor::Person, 2)).unwrap(), Resolved::Now);
    assert_eq!(store.resolve_approval(&asked.id, &no, &row(&Actor::Person, 3)).unwrap(), Resolved::Before(yes));
    assert_eq!(
        store.resolve_approval(&ApprovalId::generate(), &no, &row(&Actor::Person, 4)).unwrap(),
        Resolved::Unknown
    );
    assert!(store.pending_approvals().unwrap().is_empty());
    assert_eq!((store.use_approval(&asked.id).unwrap(), store.use_approval(&asked.id).unwrap()), (true, false));
    // One row for the question, one for the answer that counted.
    assert_eq!(store.verify_audit().unwrap().rows, 2);
}

fn grant(session: Option<&SessionId>) -> Grant {
    Grant {
        id: GrantId::generate(),
        tool: "shell.exec".into(),
        subject: GrantSubject::Commands { patterns: vec!["make *".into()] },
        scope: GrantScope::Host,
        session: session.cloned(),
        made: Timestamp::now(),
        expires: None,
        uses_left: None,
        used: 0,
        made_for: "make".into(),
    }
}

#[test]
fn a_grant_holds_until_it_is_used_up_over_or_revoked() {
    let place = Place::new();
    let store = place.open();
    let (mine, other) = (SessionId::parse("s1").unwrap(), SessionId::parse("s2").unwrap());
    let (own, everywhere) = (grant(Some(&mine)), grant(None));
    let twice = Grant { uses_left: Some(2), ..grant(None) };
    let over = Grant { expires: Some(Timestamp::from_second(1).unwrap()), ..grant(None) };
    for grant in [&own, &everywhere, &twice, &over] {
        store.insert_grant(grant, &row(&Actor::Person, 1)).unwrap();
    }
    let ids = |session| -> Vec<GrantId> {
        let mut ids: Vec<GrantId> = store.grants_in(session).unwrap().into_iter().map(|grant| grant.id).collect();
        ids.sort();
        ids
    };
    let sorted = |grants: &[&Grant]| {
        let mut ids: Vec<GrantId> = grants.iter().map(|grant| grant.id.clone()).collect();
        ids.sort();
        ids
    };
    assert_eq!(ids(Some(&mine)), sorted(&[&own, &everywhere, &twice]));
    assert_eq!(ids(Some(&other)), sorted(&[&everywhere, &twice]));
    assert!(store.use_grants(std::slice::from_ref(&twice.id)).unwrap());
    assert!(store.use_grants(&[twice.id.clone(), everywhere.id.clone()]).unwrap());
    assert!(!store.use_grants(std::slice::from_ref(&twice.id)).unwrap(), "a third use of two");
    assert!(!store.use_grants(std::slice::from_ref(&over.id)).unwrap(), "its time is over");
    assert_eq!(ids(Some(&other)), sorted(&[&everywhere]));
    assert_eq!(store.grants_in(None).unwrap()[0].used, 1);
    assert!(store.revoke_grant(&everywhere.id, &row(&Actor::Person, 2)).unwrap());
    assert!(!store.revoke_grant(&everywhere.id, &row(&Actor::Person, 3)).unwrap());
    assert!(!store.use_grants(std::slice::from_ref(&everywhere.id)).unwrap(), "revoked means at once");
    drop(store);
    assert_eq!(place.open().grants().unwrap(), [own]);
}

#[test]
fn the_choice_of_a_session_is_made_once() {
    let place = Place::new();
    let session = SessionId::parse("s1").unwrap();
    let choose =
        |name: &str| place.open().choose(&session, name, Some("/w".as_ref()), &row(&Actor::Person, 1)).unwrap();
    assert_eq!(place.open().choice(&session).unwrap(), None);
    assert_eq!(choose("read-only"), ("read-only".to_owned(), Some("/w".into())));
    assert_eq!(choose("full").0, "read-only");
    assert_eq!(place.open().audit_rows(&AuditFilter::default()).unwrap().len(), 1);
}

#[test]
fn a_call_is_taken_once_and_answered_ever_after() {
    let place = Place::new();
    let key = CallKey::generate();
    let store = place.open();
    assert_eq!(store.begin_call(&key, "request").unwrap(), CallStart::New);
    assert_eq!(store.begin_call(&key, "request").unwrap(), CallStart::Again(CallState::Open));
    assert_eq!(store.begin_call(&key, "another").unwrap(), CallStart::Mismatch);
    let job = JobId::generate();
    store.call_started(&key, &job, &row(&agent(), 1)).unwrap();
    drop(store);
    let store = place.open();
    assert_eq!(store.call(&key).unwrap(), Some(CallState::Started { job }));
    let result = ToolResult::Refused { refusal: Refusal::Policy, ruling: ruling() };
    store.call_done(&key, &result, None).unwrap();
    assert_eq!(store.begin_call(&key, "request").unwrap(), CallStart::Again(CallState::Done { result }));
    assert_eq!(store.call(&CallKey::generate()).unwrap(), None);
}

#[test]
fn a_call_whose_job_was_never_started_may_be_repeated() {
    let place = Place::new();
    let store = place.open();
    let (key, job) = (CallKey::generate(), JobId::generate());
    store.begin_call(&key, "a").unwrap();
    store.call_started(&key, &job, &row(&agent(), 1)).unwrap();
    store.call_never_ran(&JobId::generate()).unwrap();
    assert_eq!(store.call(&key).unwrap(), Some(CallState::Started { job: job.clone() }), "another job's call");
    store.call_never_ran(&job).unwrap();
    assert_eq!(store.begin_call(&key, "a").unwrap(), CallStart::Again(CallState::Open));
}

#[test]
fn old_answers_are_forgotten_but_no_open_call() {
    let place = Place::new();
    let (done, open) = (CallKey::generate(), CallKey::generate());
    let store = place.open();
    for key in [&done, &open] {
        store.begin_call(key, "r").unwrap();
    }
    store.call_done(&done, &ToolResult::Text { text: "x".into() }, None).unwrap();
    drop(store);
    Connection::open(place.path()).unwrap().execute("UPDATE calls SET at_ms = 0", ()).unwrap();
    let store = place.open();
    assert_eq!(store.call(&done).unwrap(), None);
    assert_eq!(store.call(&open).unwrap(), Some(CallState::Open));
}

#[test]
fn jobs_are_found_by_id_prefix_terminal_session_and_tag() {
    let store = Place::new().open();
    let session = SessionId::parse("s1").unwrap();
    let first = JobRecord { tag: Some("build".to_owned()), ..job("abc1", 100, ended(101)) };
    let second = JobRecord { session: Some(session.clone()), ..job("abd2", 200, JobState::Running { pid: 7 }) };
    let name = TerminalName::parse("main").unwrap();
    let shell = JobRecord { terminal: Some(name.clone()), ..job("xyz3", 300, JobState::Running { pid: 8 }) };
    store.insert_job(&first).unwrap();
    store.insert_job(&second).unwrap();
    store.insert_job(&shell).unwrap();
    assert!(store.insert_job(&first).is_err(), "an id was taken twice");

    let ids = |jobs: Vec<JobRecord>| jobs.iter().map(|job| job.id.to_string()).collect::<Vec<_>>();
    let list = |filter: JobFilter| ids(store.jobs(&filter).unwrap());
    assert_eq!(store.job(&first.id).unwrap(), Some(first.clone()));
    assert_eq!(list(JobFilter::default()), ["xyz3", "abd2", "abc1"]);
    assert_eq!(list(JobFilter { limit: Some(1), ..JobFilter::default() }), ["xyz3"]);
    assert_eq!(list(JobFilter { running: true, ..JobFilter::default() }), ["xyz3", "abd2"]);
    assert_eq!(list(JobFilter { session: Some(session.clone()), ..JobFilter::default() }), ["abd2"]);
    assert_eq!(list(JobFilter { tag: Some("build".into()), ..JobFilter::default() }), ["abc1"]);
    assert_eq!(ids(store.jobs_by_prefix("ab", 10).unwrap()), ["abd2", "abc1"]);
    assert!(store.jobs_by_prefix("%", 10).unwrap().is_empty());
    assert_eq!(store.latest_job(None).unwrap().unwrap().id, shell.id);
    assert_eq!(store.latest_job(Some(&session)).unwrap().unwrap().id, second.id);

    assert_eq!(store.live_terminal(&name).unwrap().unwrap().id, shell.id);
    store.update_job(&JobRecord { state: ended(400), ..shell }).unwrap();
    assert_eq!(store.live_terminal(&name).unwrap(), None);
    assert_eq!(list(JobFilter { running: true, ..JobFilter::default() }), ["abd2"]);
}

#[test]
fn recent_jobs_come_from_an_index() {
    let place = Place::new();
    let store = place.open();
    store.insert_job(&job("a1", 1, ended(2))).unwrap();
    let steps: Vec<String> = Connection::open(place.path())
        .unwrap()
        .prepare(&format!("EXPLAIN QUERY PLAN SELECT record FROM jobs {}", super::jobs::LIST))
        .unwrap()
        .query_map((None::<String>, None::<String>, false, 50), |row| row.get(3))
        .unwrap()
        .collect::<rusqlite::Result<_>>()
        .unwrap();
    assert!(steps.iter().any(|step| step.contains("jobs_by_start")), "{steps:?}");
    assert!(!steps.iter().any(|step| step.contains("TEMP B-TREE")), "{steps:?}");
    let steps: Vec<String> = Connection::open(place.path())
        .unwrap()
        .prepare(&format!("EXPLAIN QUERY PLAN SELECT record FROM jobs {}", super::jobs::PAGE))
        .unwrap()
        .query_map((None::<String>, None::<String>, false, 50, "a1"), |row| row.get(3))
        .unwrap()
        .collect::<rusqlite::Result<_>>()
        .unwrap();
    assert!(steps.iter().any(|step| step.contains("SEARCH") && step.contains("jobs_by_start")), "{steps:?}");
    assert!(!steps.iter().any(|step| step.contains("TEMP B-TREE")), "{steps:?}");
}

#[test]
fn a_long_list_is_read_in_pages() {
    let store = Place::new();
    let store = store.open();
    // Several in the same millisecond, too.
    (0..25).for_each(|n| store.insert_job(&job(&format!("j{n:02}"), n / 3, ended(n / 3 + 1))).unwrap());
    let page = |after: Option<JobId>| store.jobs(&JobFilter { limit: Some(4), after, ..JobFilter::default() }).unwrap();
    let mut seen = Vec::new();
    loop {
        let rows = page(seen.last().cloned());
        if rows.is_empty() {
            break;
        }
        seen.extend(rows.into_iter().map(|row| row.id));
    }
    let wanted: Vec<JobId> = (0..25).rev().map(|n| JobId::parse(&format!("j{n:02}")).unwrap()).collect();
    assert_eq!(seen, wanted);
}
