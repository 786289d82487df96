//! What is known about a turn in every state, and how it ends.

use super::evidence::Evidence;
use super::guard::Guard;
use super::telling::{notice, report};
use super::{Effect, Failure, Input, MAX_STEPS, State};
use crate::event::{BudgetResolved, Payload, Status, TurnCompleted};
use crate::message::{Message, Part, StopReason};
use pryx_terms::{CallKey, Refusal, ToolResult, TurnId, Usage};
use std::collections::HashSet;

/// What is known about a turn in every state.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) id: TurnId,
    pub(super) steps: u32,
    pub(super) calls: u32,
    pub(super) usage: Usage,
    /// Why the last call was refused, when nothing has run since.
    pub(super) refusal: Option<Refusal>,
    /// Whether the model may call tools in the step under way.
    pub(super) may_act: bool,
    /// Requests that were too long for the model.
    pub(super) overflows: u32,
    /// A question about a budget stands.
    pub(super) over_budget: bool,
    /// Steps that it may have.
    pub(super) most_steps: u32,
    pub(super) guard: Guard,
    pub(super) evidence: Evidence,
    /// What the model is told with the next results.
    pub(super) notes: Vec<String>,
}

impl Turn {
    pub(super) fn new(id: TurnId) -> Self {
        Self {
            id,
            steps: 0,
            calls: 0,
            usage: Usage::default(),
            refusal: None,
            may_act: true,
            overflows: 0,
            over_budget: false,
            most_steps: MAX_STEPS,
            guard: Guard::default(),
            evidence: Evidence::default(),
            notes: Vec::new(),
        }
    }

    /// Tells the model what it seems not to see, once, and the person that it was told.
    pub(super) fn tell(&mut self, words: String, out: &mut Vec<Effect>) {
        notice("model_warned", format!("{words}: the model was told"), out);
        self.notes.push(format!("{words}. Do something else, or answer with what you know and say what is missing"));
    }

    /// Tells the model that its time is nearly over.
    pub(super) fn hurry(mut self, out: &mut Vec<Effect>) -> Self {
        notice("time_short", "most of the time for this turn is over".to_owned(), out);
        self.notes.push("most of the time for this turn is over: come to an end".to_owned());
        self
    }

    /// A question about a budget, or the word about it. A word that nobody waits for has no effect.
    pub(super) fn spending(&mut self, input: Input, out: &mut Vec<Effect>) {
        match input {
            Input::BudgetReached(reached) => {
                self.over_budget = true;
                out.push(Effect::Emit(Payload::BudgetReached(reached)));
            }
            Input::Spend(allowed) if std::mem::take(&mut self.over_budget) => {
                out.push(Effect::Emit(Payload::BudgetResolved(BudgetResolved { allowed })));
                out.push(Effect::Spend(allowed));
            }
            _ => {}
        }
    }

    /// The key of the next call: the same for the same call of the same turn, so that a repeated one is known.
    pub(super) fn next_key(&mut self) -> Option<CallKey> {
        self.calls += 1;
        CallKey::parse(&format!("{}-{}", self.id, self.calls)).ok()
    }

    /// Keeps why the last call was refused, until something runs.
    pub(super) fn note(&mut self, result: &ToolResult) {
        match result {
            ToolResult::Refused { refusal, .. } => self.refusal = Some(refusal.clone()),
            ToolResult::Ran { .. } | ToolResult::Waits { .. } | ToolResult::Text { .. } => self.refusal = None,
            ToolResult::Failed { .. } => {}
        }
    }
}

/// Gives the calls of an answer names that no call before them has. Some models number their calls anew in each answer, and
/// another provider, to whom the session may go over, refuses a history in which a name comes twice. It's done before
/// anything is kept or sent, so that a call is called the same in every later request.
pub(super) fn tell_apart(history: &[Message], answer: &mut Message) {
    let mut known: HashSet<String> = history.iter().flat_map(Message::tool_calls).map(|call| call.id.clone()).collect();
    for part in &mut answer.parts {
        let Part::ToolCall(call) = part else { continue };
        if !known.insert(call.id.clone()) {
            let fresh = (2_u64..).map(|n| format!("{}_{n}", call.id)).find(|id| !known.contains(id));
            call.id = fresh.unwrap_or_default();
            known.insert(call.id.clone());
        }
    }
}

/// Asks the model with the conversation as it is.
pub(super) fn ask(mut turn: Turn, may_act: bool, out: &mut Vec<Effect>) -> State {
    turn.may_act = may_act;
    out.push(Effect::CallModel { may_act });
    State::Thinking(turn)
}

pub(super) fn end_status(turn: &Turn, stop: StopReason, last_step: bool) -> Status {
    match &turn.refusal {
        _ if last_step => Status::Timeout,
        Some(Refusal::Policy | Refusal::NobodyToAsk | Refusal::Drift { .. }) => Status::Blocked,
        Some(Refusal::Person | Refusal::Timeout | Refusal::Cancelled) => Status::Declined,
        None if stop == StopReason::NothingToRun => Status::NothingToRun,
        None => Status::Done,
    }
}

pub(super) fn stop_status(input: &Input, out: &mut Vec<Effect>) -> Status {
    if *input != Input::TimeUp {
        return Status::Interrupted;
    }
    report(
        Failure {
            code: "turn_timeout".into(),
            message: "the time given for this turn is over; it was stopped".into(),
            hint: Some("give it more with --timeout".into()),
        },
        out,
    );
    Status::Timeout
}

pub(super) fn finish(turn: Turn, status: Status, out: &mut Vec<Effect>) -> State {
    finish_with(turn, status, "", out)
}

/// Ends a turn with its answer.
pub(super) fn finish_with(turn: Turn, status: Status, answer: &str, out: &mut Vec<Effect>) -> State {
    let Turn { id, steps, usage, evidence, .. } = turn;
    let (jobs, more_jobs, unsaid_failure) = evidence.behind(answer);
    let completed = TurnCompleted { turn: id, status, steps, usage, jobs, more_jobs, unsaid_failure };
    out.push(Effect::Emit(Payload::TurnCompleted(completed)));
    out.push(Effect::Finish(status));
    State::Idle
}
