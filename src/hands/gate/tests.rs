//! The gate as a whole: who is asked, what an answer is worth, and that every way out leaves its rows.

use super::*;
use crate::store::{AuditFilter, AuditRow};
use pryx_terms::{Answer, Approval, ApprovalId, Outcome, Resolution};
use std::future::pending;
use std::path::PathBuf;

const PERSON: Answerer<'static> = Answerer { actor: &Actor::Person, place: None };

struct Place {
    dir: tempfile::TempDir,
    timeout: Duration,
}

impl Place {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), timeout: Duration::from_secs(20) }
    }

    fn impatient() -> Self {
        Self { timeout: Duration::from_millis(30), ..Self::new() }
    }

    /// The gate of freshly started hands.
    fn gate(&self) -> Gate {
        let store = Store::open(&self.dir.path().join("hands.db")).unwrap();
        let policies = Policies::new(Policy::builtin(None, &[]), &self.dir.path().join("policies"), "workspace");
        let gate = Gate::new(store, policies, GateConfig { approval_timeout: self.timeout }, Sandbox::able());
        // Without a directory, so that nothing may be written unasked.
        for session in ["s1", "s2"] {
            gate.choose(&SessionId::parse(session).unwrap(), "workspace", None, &Actor::Person).unwrap();
        }
        gate
    }

    fn request(&self, command: &str) -> Request {
        Request {
            tool: "shell.exec".into(),
            act: Act::Shell { command: command.into(), shell: vec!["/bin/bash".into(), "-c".into()] },
            cwd: self.dir.path().to_owned(),
            surroundings: Surroundings { path: "/usr/bin:/bin".into(), home: None, terminal: None },
        }
    }

    fn admission(&self, command: &str) -> Admission {
        let session = SessionId::parse("s1").unwrap();
        Admission {
            key: CallKey::generate(),
            request: self.request(command),
            actor: Actor::Agent { session: Some(session.clone()) },
            session: Some(session),
            can_ask: true,
        }
    }
}

/// Admits while somebody (the second future) does something with the question.
async fn admit<T>(
    gate: &Gate,
    admission: Admission,
    react: impl AsyncFnOnce(Approval) -> T,
) -> (Result<Admitted, NotAdmitted>, Option<T>) {
    let (asker, mut questions) = mpsc::channel(8);
    let person = async {
        match questions.recv().await {
            Some(ApprovalEvent::Needed(approval)) => {
                let done = react(*approval).await;
                // The channel stays open as a connection would.
                while questions.recv().await.is_some() {}
                Some(done)
            }
            _ => None,
        }
    };
    let gated = async {
        let result = gate.admit(admission, &asker, pending()).await;
        drop(asker);
        result
    };
    tokio::join!(gated, person)
}

async fn answer(gate: &Gate, admission: Admission, answer: Answer) -> Result<Admitted, NotAdmitted> {
    admit(gate, admission, async |approval| gate.resolve(&approval.id, answer, &PERSON).unwrap()).await.0
}

/// Admits what must not lead to a question.
async fn unasked(gate: &Gate, admission: Admission) -> Result<Admitted, NotAdmitted> {
    let (result, asked) = admit(gate, admission, async |_| ()).await;
    assert_eq!(asked, None, "it was asked");
    result
}

fn permit(result: Result<Admitted, NotAdmitted>) -> Permit {
    match result {
        Ok(Admitted::Now(permit)) => *permit,
        other => panic!("no permit: {other:?}"),
    }
}

fn refusal(result: Result<Admitted, NotAdmitted>) -> Refusal {
    match result {
        Err(NotAdmitted::Refused { refusal, .. }) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

fn rows(gate: &Gate) -> Vec<AuditRow> {
    assert_eq!(gate.inner.store.verify_audit().unwrap().fault, None);
    let rows = gate.inner.store.audit_rows(&AuditFilter::default()).unwrap();
    rows.into_iter().filter(|row| row.kind != "mode").collect()
}

fn kinds(gate: &Gate) -> Vec<String> {
    rows(gate).into_iter().map(|row| row.kind).collect()
}

#[tokio::test]
async fn what_only_looks_runs_unasked_and_is_recorded() {
    let place = Place::new();
    let gate = place.gate();
    let permit = permit(unasked(&gate, place.admission("ls -l")).await);
    assert_eq!(permit.plan().argv, ["/bin/bash", "-c", "ls -l"]);
    assert_eq!(permit.ruling().rule.name, "read-only-command");
    assert_eq!(permit.plan_hash(), &permit.plan().hash());
    let job = JobId::generate();
    gate.audit_started(&permit, &job).unwrap();
    gate.audit_ended(&ended(&job), Some("abc")).unwrap();
    assert_eq!(kinds(&gate), ["ruling", "started", "ended"]);
    assert_eq!(rows(&gate)[1].job.as_deref(), Some(job.as_str()));
}

fn ended(id: &JobId) -> JobRecord {
    JobRecord {
        id: id.clone(),
        command: "ls".into(),
        cwd: "/".into(),
        actor: Actor::Agent { session: None },
        session: None,
        terminal: None,
        within: None,
        tag: None,
        by_hand: false,
        waited_ms: None,
        keep: false,
        sandbox: None,
        started: pryx_terms::Timestamp::now(),
        state: pryx_terms::JobState::Ended {
            outcome: Outcome::Exited { code: 0 },
            ended: pryx_terms::Timestamp::now(),
            survivors: vec![],
            stopped: None,
            seen: None,
        },
        output: vec![],
    }
}

#[tokio::test]
async fn a_persons_own_act_is_recorded_not_asked() {
    let place = Place::new();
    let gate = place.gate();
    let admission = Admission { actor: Actor::Person, session: None, ..place.admission("rm -rf /") };
    assert_eq!(permit(unasked(&gate, admission).await).ruling().rule.name, "own-act");
    assert_eq!(rows(&gate)[0].actor, "person");
}

#[tokio::test]
async fn a_question_holds_the_plan_and_a_yes_lets_it_run() {
    let place = Place::new();
    let gate = place.gate();
    let (result, seen) = admit(&gate, place.admission("rm x"), async |approval: Approval| {
        assert_eq!(gate.pending().unwrap(), std::slice::from_ref(&approval));
        assert_eq!(approval.plan_hash, approval.plan.hash());
        assert_eq!(approval.ruling.rule.name, "changes-things");
        gate.resolve(&approval.id, Answer::Once, &PERSON).unwrap();
        approval.plan
    })
    .await;
    assert_eq!(permit(result).plan(), &seen.unwrap());
    assert!(gate.pending().unwrap().is_empty());
    assert_eq!(kinds(&gate), ["ruling", "approval", "approval"]);
    // Once is once.
    assert_eq!(refusal(answer(&gate, place.admission("rm x"), Answer::No).await), Refusal::Person);
}

#[tokio::test]
async fn a_no_is_a_refusal_with_a_row() {
    let place = Place::new();
    let gate = place.gate();
    assert_eq!(refusal(answer(&gate, place.admission("rm x"), Answer::No).await), Refusal::Person);
    assert_eq!(kinds(&gate), ["ruling", "approval", "approval", "refused"]);
}

#[tokio::test]
async fn an_answer_for_the_session_holds_for_that_command_there_alone() {
    let place = Place::new();
    let gate = place.gate();
    permit(answer(&gate, place.admission("touch x"), Answer::Session).await);
    assert_eq!(permit(unasked(&gate, place.admission("touch x")).await).ruling().rule.name, "session-grant");
    assert_eq!(refusal(answer(&gate, place.admission("touch y"), Answer::No).await), Refusal::Person);
    let other = Admission { session: Some(SessionId::parse("s2").unwrap()), ..place.admission("touch x") };
    assert_eq!(refusal(answer(&gate, other, Answer::No).await), Refusal::Person);
}

#[tokio::test]
async fn a_grant_never_lifts_a_deny() {
    let place = Place::new();
    let gate = place.gate();
    let admission = place.admission("pryx approve abc");
    let (plan, session) = (admission.request.plan().unwrap(), admission.session.clone().unwrap());
    let rules = gate.rules(Some(&session));
    let grant = grants::for_session(&plan, &rules.judge(&plan), &rules, &session);
    gate.inner.store.insert_grant(&grant, &entry(AuditKind::Grant, &admission, json!({}))).unwrap();
    assert_eq!(refusal(unasked(&gate, admission).await), Refusal::Policy);
    assert_eq!(kinds(&gate), ["grant", "ruling", "refused"]);
}

#[tokio::test]
async fn silence_is_a_no() {
    let place = Place::impatient();
    let gate = place.gate();
    let (result, id) = admit(&gate, place.admission("rm x"), async |approval: Approval| approval.id).await;
    assert_eq!(refusal(result), Refusal::Timeout);
    let late = gate.resolve(&id.unwrap(), Answer::Once, &PERSON).unwrap_err();
    assert!(matches!(late, ResolveError::Ended { resolution: Resolution::Timeout, .. }), "{late}");
}

#[tokio::test]
async fn without_a_person_the_answer_is_no_at_once() {
    let place = Place::new();
    let gate = place.gate();
    let admission = Admission { can_ask: false, ..place.admission("rm x") };
    assert_eq!(refusal(unasked(&gate, admission).await), Refusal::NobodyToAsk);
    assert!(gate.pending().unwrap().is_empty());
}

#[tokio::test]
async fn a_connection_that_goes_away_withdraws_its_question() {
    let place = Place::new();
    let gate = place.gate();
    let (asker, mut questions) = mpsc::channel(8);
    let gone = async {
        questions.recv().await.unwrap();
        drop(questions);
    };
    let (result, ()) = tokio::join!(gate.admit(place.admission("rm x"), &asker, pending()), gone);
    assert_eq!(refusal(result), Refusal::Cancelled);
    assert!(gate.pending().unwrap().is_empty());
}

#[tokio::test]
async fn a_stopped_turn_withdraws_its_question() {
    let place = Place::new();
    let gate = place.gate();
    let (asker, mut questions) = mpsc::channel(8);
    let stop = async { drop(questions.recv().await.unwrap()) };
    let result = gate.admit(place.admission("rm x"), &asker, stop).await;
    assert_eq!(refusal(result), Refusal::Cancelled);
}

#[tokio::test]
async fn an_agent_can_not_answer() {
    let place = Place::new();
    let gate = place.gate();
    let (result, error) = admit(&gate, place.admission("rm x"), async |approval: Approval| {
        let agent = Actor::Agent { session: None };
        let agent = Answerer { actor: &agent, place: None };
        let error = gate.resolve(&approval.id, Answer::Once, &agent).unwrap_err();
        assert_eq!(gate.pending().unwrap().len(), 1);
        gate.resolve(&approval.id, Answer::No, &PERSON).unwrap();
        error.to_string()
    })
    .await;
    assert_eq!(refusal(result), Refusal::Person);
    let error = error.unwrap();
    assert!(error.contains("an agent can't answer") && error.contains("terminal of your own"), "{error}");
}

#[tokio::test]
async fn the_first_answer_counts() {
    let place = Place::new();
    let gate = place.gate();
    let (result, second) = admit(&gate, place.admission("rm x"), async |approval: Approval| {
        gate.resolve(&approval.id, Answer::No, &PERSON).unwrap();
        gate.resolve(&approval.id, Answer::Once, &PERSON).unwrap_err()
    })
    .await;
    assert_eq!(refusal(result), Refusal::Person);
    assert!(matches!(second, Some(ResolveError::Ended { .. })));
    let unknown = gate.resolve(&ApprovalId::generate(), Answer::Once, &PERSON).unwrap_err();
    assert!(matches!(unknown, ResolveError::Unknown { .. }));
}

#[tokio::test]
async fn a_link_that_was_swapped_after_the_question_is_drift() {
    let place = Place::new();
    let gate = place.gate();
    let link = place.dir.path().join("tool");
    std::os::unix::fs::symlink("/bin/true", &link).unwrap();
    let (result, _) = admit(&gate, place.admission("./tool"), async |approval: Approval| {
        std::fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink("/bin/rm", &link).unwrap();
        gate.resolve(&approval.id, Answer::Session, &PERSON).unwrap();
    })
    .await;
    match refusal(result) {
        Refusal::Drift { what } => assert!(what.contains("./tool was ") && what.contains("rm now"), "{what}"),
        other => panic!("{other:?}"),
    }
    // And nothing was granted by an answer to another plan.
    assert_eq!(refusal(answer(&gate, place.admission("./tool"), Answer::No).await), Refusal::Person);
}

#[tokio::test]
async fn a_question_survives_the_hands_and_is_taken_up_by_the_same_call() {
    let place = Place::new();
    let admission = place.admission("rm x");
    let first = left_waiting(&place.gate(), admission.clone()).await;
    let gate = place.gate();
    assert_eq!(gate.pending().unwrap().len(), 1);
    let (result, second) = admit(&gate, admission, async |approval: Approval| {
        gate.resolve(&approval.id, Answer::Once, &PERSON).unwrap();
        approval.id
    })
    .await;
    permit(result);
    assert_eq!(second, Some(first));
    let asked = kinds(&gate).iter().filter(|kind| *kind == "approval").count();
    assert_eq!(asked, 2, "the question and its answer, nothing twice");
}

/// Asks, then goes away without an answer, as if killed.
async fn left_waiting(gate: &Gate, admission: Admission) -> ApprovalId {
    let (asker, mut questions) = mpsc::channel(8);
    tokio::select! {
        _ = gate.admit(admission, &asker, pending()) => panic!("nobody answered"),
        Some(ApprovalEvent::Needed(approval)) = questions.recv() => approval.id,
    }
}

#[tokio::test]
async fn an_answer_given_while_nobody_waited_counts_once() {
    let place = Place::new();
    let admission = place.admission("rm x");
    let id = left_waiting(&place.gate(), admission.clone()).await;
    let gate = place.gate();
    gate.resolve(&id, Answer::Once, &PERSON).unwrap();
    permit(unasked(&gate, admission.clone()).await);
    // The permit was dropped unused: the hands died once more. The answer has been used up.
    let gate = place.gate();
    let (result, asked) = admit(&gate, admission, async |approval: Approval| {
        gate.resolve(&approval.id, Answer::No, &PERSON).unwrap();
        approval.id
    })
    .await;
    assert_eq!(refusal(result), Refusal::Person);
    assert_ne!(asked.unwrap(), id);
}

#[tokio::test]
async fn a_question_nobody_waits_for_ends_with_its_time() {
    let place = Place::impatient();
    let id = left_waiting(&place.gate(), place.admission("rm x")).await;
    tokio::time::sleep_until(tokio::time::Instant::now() + place.timeout).await;
    let gate = place.gate();
    assert!(gate.pending().unwrap().is_empty());
    assert!(matches!(gate.resolve(&id, Answer::Once, &PERSON), Err(ResolveError::Ended { .. })));
}

#[tokio::test]
async fn the_same_key_never_acts_twice() {
    let place = Place::new();
    let gate = place.gate();
    let admission = place.admission("ls");
    let held = permit(unasked(&gate, admission.clone()).await);
    // While the first is on its way, the second has to wait.
    let again = unasked(&gate, admission.clone()).await;
    assert!(matches!(again, Ok(Admitted::Before(CallState::Open))), "{again:?}");
    let job = JobId::generate();
    gate.audit_started(&held, &job).unwrap();
    drop(held);
    let again = unasked(&gate, admission.clone()).await;
    assert!(matches!(&again, Ok(Admitted::Before(CallState::Started { job: known })) if *known == job), "{again:?}");
    gate.finish(&admission.key, &ToolResult::Text { text: "done".into() }).unwrap();
    let again = unasked(&place.gate(), admission.clone()).await;
    assert!(matches!(again, Ok(Admitted::Before(CallState::Done { .. }))), "{again:?}");
    let other = Admission { request: place.request("ls -l"), ..admission };
    assert!(matches!(unasked(&gate, other).await, Err(NotAdmitted::KeyReused { .. })));
}

#[tokio::test]
async fn a_refused_call_stays_refused() {
    let place = Place::new();
    let gate = place.gate();
    let admission = place.admission("rm x");
    refusal(answer(&gate, admission.clone(), Answer::No).await);
    let again = unasked(&gate, admission).await;
    let refused = matches!(again, Ok(Admitted::Before(CallState::Done { result: ToolResult::Refused { .. } })));
    assert!(refused, "{again:?}");
}

#[tokio::test]
async fn a_store_that_fails_refuses_everything() {
    let place = Place::new();
    let gate = place.gate();
    rusqlite::Connection::open(place.dir.path().join("hands.db")).unwrap().execute_batch("DROP TABLE audit").unwrap();
    for actor in [Actor::Person, Actor::Agent { session: None }] {
        let admission = Admission { actor, ..place.admission("ls") };
        let result = unasked(&gate, admission).await;
        assert!(matches!(result, Err(NotAdmitted::Store(_))), "{result:?}");
    }
}

#[test]
fn what_is_no_command_is_asked_and_a_look_is_not() {
    let place = Place::new();
    let gate = place.gate();
    let ruled = |act: Act, tool: &str| {
        let request =
            Request { tool: tool.into(), act, cwd: PathBuf::from("/"), surroundings: Surroundings::default() };
        let (agent, session) = (Actor::Agent { session: None }, SessionId::parse("s1").unwrap());
        gate.rule(&request.plan().unwrap(), &agent, Some(&session)).verdict
    };
    assert_eq!(ruled(Act::Other { text: "type y".into(), argv: vec![] }, "terminal.input"), Verdict::Ask);
    assert_eq!(ruled(Act::Look { text: "output".into() }, "shell.read"), Verdict::Allow);
    assert_eq!(ruled(Act::Look { text: "?".into() }, "something.new"), Verdict::Ask);
    assert_eq!(ruled(Act::Argv { argv: vec!["/bin/ls".into(), "-l".into()] }, "shell.exec"), Verdict::Allow);
    assert_eq!(ruled(Act::Argv { argv: vec!["rm".into(), "x".into()] }, "shell.exec"), Verdict::Ask);
    assert_eq!(ruled(Act::Argv { argv: vec![] }, "shell.exec"), Verdict::Ask);
}
