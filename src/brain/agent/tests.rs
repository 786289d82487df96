//! Every path of the machine, without a runtime.

use super::*;
use crate::event::ToolEnd;
use pryx_terms::{
    Actor, Answer, Approval, Excerpt, JobId, JobRecord, JobState, Outcome, Plan, Refusal, RuleRef, Ruling, Timestamp,
    TurnId, Usage, Verdict,
};
use serde_json::json;

fn turn() -> TurnId {
    TurnId::parse("turn1").unwrap()
}

fn key(n: u32) -> CallKey {
    CallKey::parse(&format!("turn1-{n}")).unwrap()
}

fn window(size: u64) -> Window {
    let info = crate::catalog::ModelInfo { context: Some(size), ..Default::default() };
    let fence = Arc::new(crate::context::Fence::new("k3j9x2".into()));
    Window::new(None, "model", &info, crate::model::Limits::default(), fence)
}

fn begun() -> (Agent, Vec<Effect>) {
    begun_in(window(128_000))
}

fn begun_in(window: Window) -> (Agent, Vec<Effect>) {
    let mut agent = Agent::new("test/model".into(), window);
    let effects = ask(&mut agent, "do it");
    (agent, effects)
}

fn ask(agent: &mut Agent, text: &str) -> Vec<Effect> {
    let message = Message::request(text.into(), Vec::new());
    agent.step(Input::UserTurn { turn: turn(), request: text.into(), message, steps: MAX_STEPS })
}

fn text(words: &str) -> Input {
    finished(vec![Part::Text { text: words.into() }], StopReason::Done)
}

fn finished(parts: Vec<Part>, stop: StopReason) -> Input {
    Input::ModelFinished(ModelAnswer { parts, stop, usage: Usage::default(), model: None })
}

fn call(id: &str, command: &str) -> Part {
    Part::ToolCall(ToolCall { id: id.into(), tool: "shell.exec".into(), arguments: json!({ "command": command }) })
}

fn calls(ids: &[&str]) -> Input {
    finished(ids.iter().map(|id| call(id, id)).collect(), StopReason::ToolCalls)
}

fn job(code: u8) -> JobRecord {
    let at: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
    JobRecord {
        id: JobId::parse("j1").unwrap(),
        command: "true".into(),
        cwd: "/tmp".into(),
        actor: Actor::Agent { session: None },
        session: None,
        terminal: None,
        within: None,
        tag: None,
        by_hand: false,
        waited_ms: None,
        keep: false,
        sandbox: None,
        started: at,
        state: JobState::Ended {
            outcome: Outcome::Exited { code },
            ended: at,
            survivors: Vec::new(),
            stopped: None,
            seen: None,
        },
        output: Vec::new(),
    }
}

fn ran(n: u32) -> Input {
    let output = Excerpt { head: "out\n".into(), tail: String::new(), omitted_bytes: 0, total_bytes: 4 };
    tool(n, ToolInput::Finished(Box::new(ToolResult::Ran { job: Box::new(job(0)), output })))
}

fn ruling() -> Ruling {
    Ruling {
        verdict: Verdict::Ask,
        rule: RuleRef { name: "unknown-program".into(), source: "built in".into() },
        reason: "not known to only read".into(),
    }
}

fn refused(n: u32, refusal: Refusal) -> Input {
    tool(n, ToolInput::Finished(Box::new(ToolResult::Refused { refusal, ruling: ruling() })))
}

fn tool(n: u32, input: ToolInput) -> Input {
    Input::Tool(key(n), input)
}

fn approval(id: &str) -> Box<Approval> {
    let plan = Plan {
        tool: "shell.exec".into(),
        command: "rm x".into(),
        argv: vec!["rm".into(), "x".into()],
        cwd: "/tmp".into(),
        programs: Vec::new(),
        files: Vec::new(),
        touches: Vec::new(),
        sets: Vec::new(),
        open: Vec::new(),
        diff: None,
    };
    let at: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
    Box::new(Approval {
        id: ApprovalId::parse(id).unwrap(),
        session: None,
        plan_hash: plan.hash(),
        plan,
        ruling: ruling(),
        sandbox: None,
        asked: at,
        expires: at,
    })
}

fn failure() -> Failure {
    Failure { code: "overloaded".into(), message: "too busy".into(), hint: None }
}

/// The names of the effects, events by their wire name.
fn names(effects: &[Effect]) -> Vec<String> {
    effects
        .iter()
        .map(|effect| match effect {
            Effect::Emit(payload) => serde_json::to_value(payload).unwrap()["event"].as_str().unwrap().to_owned(),
            Effect::CallModel { may_act } => format!("CallModel({may_act})"),
            Effect::CallTool { key, .. } => format!("CallTool({key})"),
            Effect::Finish(status) => format!("Finish({status:?})"),
            Effect::Persist(message) => format!("Persist({:?})", message.role),
            other => format!("{other:?}"),
        })
        .collect()
}

fn status(effects: &[Effect]) -> Option<Status> {
    effects.iter().find_map(|effect| match effect {
        Effect::Finish(status) => Some(*status),
        _ => None,
    })
}

/// Every call in the history has exactly one result, in the message right after it: what providers demand.
fn assert_answered(agent: &Agent) {
    let history = agent.history();
    for (at, message) in history.iter().enumerate() {
        let asked: Vec<_> = message.tool_calls().map(|call| call.id.clone()).collect();
        if asked.is_empty() {
            continue;
        }
        let next = history.get(at + 1).map(|m| m.parts.clone()).unwrap_or_default();
        let mut answered: Vec<_> = next
            .into_iter()
            .filter_map(|part| match part {
                Part::ToolResult { id, .. } => Some(id),
                _ => None,
            })
            .collect();
        answered.sort();
        let mut asked = asked;
        asked.sort();
        assert_eq!(asked, answered);
    }
}

#[test]
fn an_answer_without_acts() {
    let (mut agent, effects) = begun();
    assert_eq!(names(&effects), ["turn.started", "Persist(User)", "CallModel(true)"]);
    assert_eq!(names(&agent.step(Input::TextDelta("he".into()))), ["message.delta"]);
    let effects = agent.step(text("hello"));
    assert_eq!(names(&effects), ["Persist(Assistant)", "message", "turn.completed", "Finish(Done)"]);
    assert_eq!(agent.history().len(), 2);
}

#[test]
fn a_call_its_result_and_the_answer() {
    let (mut agent, _) = begun();
    let effects = agent.step(calls(&["a"]));
    assert_eq!(names(&effects), ["Persist(Assistant)", "tool.request", "CallTool(turn1-1)"]);
    assert_eq!(names(&agent.step(tool(1, ToolInput::Started(Box::new(job(0)))))), ["tool.executing"]);
    let effects = agent.step(ran(1));
    assert_eq!(names(&effects), ["tool.complete", "Persist(User)", "CallModel(true)"]);
    assert_eq!(status(&agent.step(text("done"))), Some(Status::Done));
    assert_answered(&agent);
}

#[test]
fn calls_of_one_answer_run_one_after_the_other() {
    let (mut agent, _) = begun();
    let effects = agent.step(calls(&["a", "b", "c"]));
    let expected = ["Persist(Assistant)", "tool.request", "tool.request", "tool.request", "CallTool(turn1-1)"];
    assert_eq!(names(&effects), expected);
    assert_eq!(names(&agent.step(ran(1))), ["tool.complete", "CallTool(turn1-2)"]);
    assert_eq!(names(&agent.step(refused(2, Refusal::Person))), ["tool.complete", "CallTool(turn1-3)"]);
    assert_eq!(names(&agent.step(ran(3))), ["tool.complete", "Persist(User)", "CallModel(true)"]);
    // Something ran after the refusal.
    assert_eq!(status(&agent.step(text("x"))), Some(Status::Done));
    assert_answered(&agent);
}

#[test]
fn calls_that_are_named_alike_are_told_apart_before_anybody_hears_of_them() {
    let (mut agent, _) = begun();
    agent.step(calls(&["a", "a"]));
    agent.step(ran(1));
    agent.step(ran(2));
    agent.step(calls(&["a", "a_2", "b"]));
    (3..=5).for_each(|n| drop(agent.step(ran(n))));
    agent.step(text("x"));
    let history = agent.history();
    let named: Vec<&str> = history.iter().flat_map(Message::tool_calls).map(|call| call.id.as_str()).collect();
    assert_eq!(named, ["a", "a_2", "a_3", "a_2_2", "b"]);
    assert_answered(&agent);
}

#[test]
fn the_status_is_that_of_the_last_refusal() {
    let drift = Refusal::Drift { what: "x".into() };
    let cases = [
        (Refusal::Policy, Status::Blocked),
        (Refusal::NobodyToAsk, Status::Blocked),
        (drift, Status::Blocked),
        (Refusal::Person, Status::Declined),
        (Refusal::Timeout, Status::Declined),
        (Refusal::Cancelled, Status::Declined),
    ];
    for (refusal, expected) in cases {
        let (mut agent, _) = begun();
        agent.step(calls(&["a"]));
        agent.step(refused(1, refusal.clone()));
        assert_eq!(status(&agent.step(text("it was not allowed"))), Some(expected), "{refusal:?}");
    }
}

#[test]
fn a_call_that_made_no_sense_does_not_lift_a_refusal() {
    let (mut agent, _) = begun();
    agent.step(calls(&["a", "b"]));
    agent.step(refused(1, Refusal::Policy));
    agent.step(tool(2, ToolInput::Finished(Box::new(ToolResult::Failed { message: "no".into() }))));
    assert_eq!(status(&agent.step(text("x"))), Some(Status::Blocked));
}

#[test]
fn arguments_that_are_no_object_never_reach_the_hands() {
    let (mut agent, _) = begun();
    let broken =
        Part::ToolCall(ToolCall { id: "a".into(), tool: "shell.exec".into(), arguments: json!("{\"command\": \"l") });
    let effects = agent.step(finished(vec![broken, call("b", "ls")], StopReason::ToolCalls));
    let expected = ["Persist(Assistant)", "tool.request", "tool.request", "tool.complete", "CallTool(turn1-2)"];
    assert_eq!(names(&effects), expected);
    agent.step(ran(2));
    assert_answered(&agent);
}

#[test]
fn too_many_calls_at_once_are_answered_not_run() {
    let (mut agent, _) = begun();
    let ids: Vec<String> = (0..MAX_CALLS_PER_STEP + 3).map(|n| format!("c{n}")).collect();
    let refs: Vec<&str> = ids.iter().map(String::as_str).collect();
    let effects = agent.step(calls(&refs));
    assert_eq!(names(&effects).iter().filter(|name| *name == "tool.complete").count(), 3);
    for n in 1..=u32::try_from(MAX_CALLS_PER_STEP).unwrap() {
        agent.step(ran(n));
    }
    assert_answered(&agent);
}

#[test]
fn a_question_goes_out_and_its_answer_in() {
    let (mut agent, _) = begun();
    agent.step(calls(&["a"]));
    assert_eq!(names(&agent.step(tool(1, ToolInput::ApprovalNeeded(approval("q1"))))), ["approval.needed"]);
    let approval = ApprovalId::parse("q1").unwrap();
    let other = ApprovalId::parse("q2").unwrap();
    assert_eq!(agent.step(Input::Answered { approval: other, answer: Answer::Once }), []);
    let answered = Input::Answered { approval: approval.clone(), answer: Answer::Once };
    let effects = agent.step(answered.clone());
    assert_eq!(effects, [Effect::Resolve { approval: approval.clone(), answer: Answer::Once }]);
    let resolution = pryx_terms::Resolution::Person { answer: Answer::Once };
    let effects = agent.step(tool(1, ToolInput::ApprovalResolved { approval, resolution }));
    assert_eq!(names(&effects), ["approval.resolved"]);
    assert_eq!(agent.step(answered), [], "a settled question was answered again");
}

#[test]
fn cancel_while_the_model_thinks() {
    let (mut agent, _) = begun();
    let effects = agent.step(Input::Cancel);
    assert_eq!(names(&effects), ["StopModel", "turn.completed", "Finish(Interrupted)"]);
    assert_eq!(agent.step(text("too late")), []);
    assert!(!ask(&mut agent, "again").is_empty());
}

#[test]
fn cancel_while_a_command_runs_keeps_its_true_end() {
    let (mut agent, _) = begun();
    agent.step(calls(&["a", "b"]));
    assert_eq!(names(&agent.step(Input::Cancel)), ["StopTool"]);
    assert_eq!(agent.step(Input::Cancel), []);
    let effects = agent.step(ran(1));
    let expected = ["tool.complete", "tool.complete", "Persist(User)", "turn.completed", "Finish(Interrupted)"];
    assert_eq!(names(&effects), expected);
    let Effect::Emit(Payload::ToolComplete(first)) = &effects[0] else { panic!("{effects:?}") };
    assert!(matches!(first.end, ToolEnd::Ran(_)));
    let Effect::Emit(Payload::ToolComplete(second)) = &effects[1] else { panic!("{effects:?}") };
    assert_eq!(second.end, ToolEnd::Cancelled);
    assert_answered(&agent);
}

#[test]
fn cancel_ends_the_turn_even_when_the_hands_say_nothing() {
    let (mut agent, _) = begun();
    agent.step(calls(&["a"]));
    agent.step(Input::Cancel);
    assert_eq!(status(&agent.step(tool(1, ToolInput::Cancelled))), Some(Status::Interrupted));
    assert_answered(&agent);
}

#[test]
fn time_up_says_so() {
    let (mut agent, _) = begun();
    agent.step(calls(&["a"]));
    assert_eq!(names(&agent.step(Input::TimeUp)), ["StopTool", "error"]);
    assert_eq!(status(&agent.step(ran(1))), Some(Status::Timeout));
    let (mut agent, _) = begun();
    assert_eq!(names(&agent.step(Input::TimeUp)), ["StopModel", "error", "turn.completed", "Finish(Timeout)"]);
}

#[test]
fn a_failing_provider_ends_the_turn() {
    let (mut agent, _) = begun();
    let notice = Input::ProviderNotice { code: "provider_retry", message: "again in 2 s".into() };
    assert_eq!(names(&agent.step(notice)), ["notice"]);
    let effects = agent.step(Input::ModelFailed(failure()));
    assert_eq!(names(&effects), ["error", "turn.completed", "Finish(ProviderError)"]);
}

#[test]
fn without_hands_the_model_is_not_asked() {
    let (mut agent, _) = begun();
    let effects = agent.step(Input::HandsFailed(failure()));
    assert_eq!(names(&effects), ["error", "turn.completed", "Finish(HandsError)"]);
}

#[test]
fn failing_hands_end_the_turn_with_every_call_answered() {
    let (mut agent, _) = begun();
    agent.step(calls(&["a", "b"]));
    assert_eq!(status(&agent.step(tool(1, ToolInput::HandsFailed(failure())))), Some(Status::HandsError));
    assert_answered(&agent);
}

#[test]
fn nothing_said_is_an_error_unless_something_was_done() {
    let (mut agent, _) = begun();
    let effects = agent.step(finished(Vec::new(), StopReason::Done));
    assert_eq!(names(&effects), ["error", "turn.completed", "Finish(ProviderError)"]);
    let (mut agent, _) = begun();
    agent.step(calls(&["a"]));
    agent.step(ran(1));
    assert_eq!(status(&agent.step(finished(Vec::new(), StopReason::Done))), Some(Status::Done));
    let (mut agent, _) = begun();
    agent.step(calls(&["a"]));
    agent.step(ran(1));
    assert_eq!(status(&agent.step(finished(Vec::new(), StopReason::Refusal))), Some(Status::ProviderError));
}

#[test]
fn a_cut_answer_is_told() {
    let (mut agent, _) = begun();
    let effects = agent.step(finished(vec![Part::Text { text: "half".into() }], StopReason::Length));
    assert_eq!(names(&effects), ["Persist(Assistant)", "message", "notice", "turn.completed", "Finish(Done)"]);
}

#[test]
fn the_planner_without_a_command() {
    let (mut agent, _) = begun();
    let effects = agent.step(finished(vec![Part::Text { text: "no idea".into() }], StopReason::NothingToRun));
    assert_eq!(status(&effects), Some(Status::NothingToRun));
}

#[test]
fn usage_is_told_per_call_and_summed_over_the_turn() {
    let (mut agent, _) = begun();
    let usage = Usage { input_tokens: Some(10), output_tokens: Some(2), ..Usage::default() };
    let answer = |parts, stop| Input::ModelFinished(ModelAnswer { parts, stop, usage, model: None });
    let effects = agent.step(answer(vec![call("a", "ls")], StopReason::ToolCalls));
    assert_eq!(names(&effects)[0], "usage");
    agent.step(ran(1));
    let effects = agent.step(answer(vec![Part::Text { text: "x".into() }], StopReason::Done));
    let Some(Effect::Emit(Payload::TurnCompleted(end))) = effects.get(effects.len() - 2) else { panic!() };
    assert_eq!((end.steps, end.usage.input_tokens, end.usage.cache_read_tokens), (2, Some(20), None));
}

#[test]
fn the_last_step_may_only_answer() {
    let mut agent = Agent::new("test/model".into(), window(128_000));
    let message = Message::request("do it".into(), Vec::new());
    agent.step(Input::UserTurn { turn: turn(), request: "do it".into(), message, steps: 4 });
    for n in 1..=4 {
        agent.step(calls(&[&format!("command {n}")]));
        let effects = agent.step(ran(n));
        let expected = if n < 4 { "CallModel(true)" } else { "CallModel(false)" };
        assert_eq!(names(&effects).last().unwrap(), expected);
    }
    let told = agent.history().last().unwrap().clone();
    assert!(matches!(told.parts.last(), Some(Part::Note { note }) if note.contains("last step")), "{told:?}");
    let parts = vec![Part::Text { text: "that is all".into() }, call("z", "ls")];
    let effects = agent.step(finished(parts, StopReason::ToolCalls));
    assert_eq!(status(&effects), Some(Status::Timeout));
    assert_answered(&agent);
}

#[test]
fn an_abandoned_turn_makes_room_for_the_next() {
    for inputs in [vec![], vec![calls(&["a", "b"])], vec![calls(&["a"]), Input::Cancel]] {
        let (mut agent, _) = begun();
        for input in inputs {
            agent.step(input);
        }
        agent.abandon();
        assert_answered(&agent);
        assert!(!ask(&mut agent, "next").is_empty());
    }
}

#[test]
fn a_window_that_fills_is_told_once_and_then_room_is_made() {
    let window = window(10_000);
    let filling = |window: &Window, fixed| window.filling(fixed).0;
    assert_eq!([7_999, 8_000, 8_999, 9_000].map(|fixed| filling(&window, fixed)), {
        use crate::window::Filling::{Fine, Full, Notice};
        [Fine, Notice, Notice, Full]
    });
    let (mut agent, _) = begun_in(window);
    let effects = agent.step(Input::WindowFills { fixed: 8_100 });
    assert_eq!(names(&effects), ["notice", "CallModel(true)"]);
    let Effect::Emit(Payload::Notice(told)) = &effects[0] else { panic!("{effects:?}") };
    assert!(told.code == "context_fills" && told.message.contains("81 %"), "{told:?}");
    assert_eq!(agent.window().filling(8_100).0, crate::window::Filling::Fine, "it was told");
}

#[test]
fn time_that_runs_short_is_told_to_the_model_with_the_next_results() {
    let (mut agent, _) = begun();
    agent.step(calls(&["a"]));
    let effects = agent.step(Input::TimeShort);
    assert!(matches!(&effects[..], [Effect::Emit(Payload::Notice(told))] if told.code == "time_short"), "{effects:?}");
    agent.step(ran(1));
    let history = agent.history();
    let told = history.last().unwrap().parts.last();
    assert!(matches!(told, Some(Part::Note { note }) if note.contains("come to an end")), "{told:?}");
}

#[test]
fn late_inputs_have_no_effect() {
    let mut agent = Agent::new("test/model".into(), window(128_000));
    for input in [text("x"), Input::Cancel, Input::TimeUp, ran(1), Input::TextDelta("x".into())] {
        assert_eq!(agent.step(input), []);
    }
    let (mut agent, _) = begun();
    agent.step(calls(&["a"]));
    assert_eq!(agent.step(ran(7)), [], "a result of another call was taken");
    assert_eq!(ask(&mut agent, "second"), [], "a turn began inside a turn");
}
