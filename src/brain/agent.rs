//! The agent: a pure machine. An input goes in, effects come out; whoever drives it does the I/O. Nothing here
//! waits, reads a clock or draws a random number, so every path can be tested by itself.

mod disguise;
mod evidence;
mod guard;
mod room;
mod settle;
mod signal;
mod telling;
#[cfg(test)]
mod tests;
mod turn;

pub(crate) use room::SUMMARY_FAILED;
pub(crate) use signal::{Effect, Failure, Input, ToolInput};

use crate::event::{MessageDelta, MessageText, Payload, Status, ToolRequest, TurnStarted};
use crate::message::{Message, ModelAnswer, Part, Role, StopReason, ToolCall};
use crate::providers::BUDGET_REACHED;
use crate::toolbox::unwrapped;
use crate::window::Window;
use guard::{Again, Verdict};
use pryx_terms::{ApprovalId, CallKey, ToolResult};
use room::{MAX_OVERFLOWS, Making};
use settle::Settling;
use std::collections::VecDeque;
use std::sync::Arc;
use telling::{cancel, complete, no_answer, notice, progress, refused_again, report, stuck};
use turn::{Turn, ask, end_status, finish, finish_with, stop_status, tell_apart};

/// Calls of the model in one turn, unless the person allows others. A model that goes round in circles is seen by what it
/// does; this is for one that finds something new each time. In the last step it has to answer without acting.
pub const MAX_STEPS: u32 = 200;

/// Tool calls carried out of one answer. A broken model that asks for thousands would else keep the turn busy for
/// hours; what is beyond is answered with an error.
const MAX_CALLS_PER_STEP: usize = 32;

/// One conversation's agent.
#[derive(Debug)]
pub(crate) struct Agent {
    model: String,
    history: Arc<Vec<Message>>,
    window: Window,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Nothing to do.
    Idle,
    /// The model was asked.
    Thinking(Turn),
    /// The model summarizes the beginning of the conversation, to make room.
    Summarizing(Turn, Making),
    /// The hands carry out a call.
    Acting(Turn, Acting),
    /// A turn that was cut off with its process is brought to its end.
    Settling(Turn, Settling),
    /// The turn is to end; what the last call came to is still awaited.
    Stopping(Turn, Acting, Status),
}

#[derive(Debug)]
struct Acting {
    running: Pending,
    /// The question that the running call waits for.
    asked: Option<ApprovalId>,
    waiting: VecDeque<Pending>,
    results: Vec<Part>,
}

#[derive(Debug)]
struct Pending {
    key: CallKey,
    call: ToolCall,
}

impl Agent {
    /// An agent for a model, named as events name it.
    pub(crate) fn new(model: String, window: Window) -> Self {
        Self { model, history: Arc::default(), window, state: State::Idle }
    }

    /// How full the model's window is.
    pub(crate) fn window(&self) -> &Window {
        &self.window
    }

    /// The conversation so far. Shared, so that a request can be made of it while the agent goes on.
    pub(crate) fn history(&self) -> Arc<Vec<Message>> {
        Arc::clone(&self.history)
    }

    /// Takes one input. An input that doesn't fit the state is late (the answer to a question that is settled,
    /// output of a call that was given up) and has no effect.
    pub(crate) fn step(&mut self, input: Input) -> Vec<Effect> {
        let mut out = Vec::new();
        let state = std::mem::replace(&mut self.state, State::Idle);
        self.state = match (state, input) {
            (State::Idle, Input::UserTurn { turn, request, message, steps }) => {
                self.begin(Turn { most_steps: steps, ..Turn::new(turn) }, request, message, &mut out)
            }
            (State::Idle, Input::TakeUp(open)) => self.take_up(open, &mut out),
            (State::Idle, Input::Compact { turn, request }) => self.compact(turn, request, &mut out),
            (State::Summarizing(turn, making), input) => self.summarizing(turn, making, input, &mut out),
            (State::Settling(turn, settling), input) => self.settling(turn, settling, input, &mut out),
            (State::Thinking(turn), input) => self.thinking(turn, input, &mut out),
            (State::Acting(turn, acting), input) => self.acting(turn, acting, input, &mut out),
            (State::Stopping(turn, acting, status), input) => self.stopping(turn, acting, status, input, &mut out),
            (state, _) => state,
        };
        out
    }

    /// Drops a turn that nobody drives any more. Its calls are answered, so that the history stays a valid one.
    pub(crate) fn abandon(&mut self) {
        self.step(Input::Cancel);
        let key = match &self.state {
            State::Stopping(_, acting, _) => Some(acting.running.key.clone()),
            State::Settling(_, settling) => Some(settling.key().clone()),
            _ => None,
        };
        if let Some(key) = key {
            self.step(Input::Tool(key, ToolInput::Cancelled));
        }
    }

    fn begin(&mut self, turn: Turn, request: String, message: Message, out: &mut Vec<Effect>) -> State {
        out.push(Effect::Emit(Payload::TurnStarted(TurnStarted { turn: turn.id.clone(), request })));
        self.say(message, out);
        ask(turn, true, out)
    }

    fn thinking(&mut self, mut turn: Turn, input: Input, out: &mut Vec<Effect>) -> State {
        match input {
            Input::Prepared { fixed } => {
                self.window.set_fixed(fixed);
                State::Thinking(turn)
            }
            Input::TimeShort => State::Thinking(turn.hurry(out)),
            Input::WindowFills { fixed } => self.fills(turn, fixed, out),
            Input::TextDelta(text) => {
                out.push(Effect::Emit(Payload::MessageDelta(MessageDelta { text })));
                State::Thinking(turn)
            }
            Input::ProviderNotice { code, message } => {
                notice(code, message, out);
                State::Thinking(turn)
            }
            Input::ProviderWaits(why) => {
                out.push(Effect::Wait(why));
                State::Thinking(turn)
            }
            Input::ModelFinished(answer) => self.answered(turn, answer, out),
            input @ (Input::BudgetReached(_) | Input::Spend(_)) => {
                turn.spending(input, out);
                State::Thinking(turn)
            }
            Input::ModelFailed(failure) if failure.code == TOO_LONG && turn.overflows < MAX_OVERFLOWS => {
                self.overflowed(turn, out)
            }
            Input::ModelFailed(failure) => {
                let over = failure.code == BUDGET_REACHED;
                report(failure, out);
                finish(turn, if over { Status::OverBudget } else { Status::ProviderError }, out)
            }
            Input::HandsFailed(failure) => {
                report(failure, out);
                finish(turn, Status::HandsError, out)
            }
            Input::Cancel | Input::TimeUp => {
                out.push(Effect::StopModel);
                let status = stop_status(&input, out);
                finish(turn, status, out)
            }
            _ => State::Thinking(turn),
        }
    }

    fn answered(&mut self, mut turn: Turn, answer: ModelAnswer, out: &mut Vec<Effect>) -> State {
        turn.steps += 1;
        self.learn(&answer);
        self.count(&mut turn, &answer, out);
        let text = answer.text();
        let stop = answer.stop;
        let mut message = Message { role: Role::Assistant, parts: answer.parts };
        let last_step = turn.steps > turn.most_steps;
        if last_step {
            message.parts.retain(|part| !matches!(part, Part::ToolCall(_)));
        }
        tell_apart(&self.history, &mut message);
        let calls: Vec<ToolCall> = message.tool_calls().cloned().collect();
        if text.is_empty() && calls.is_empty() && (turn.calls == 0 || stop == StopReason::Refusal) {
            report(no_answer(&self.model, stop), out);
            return finish(turn, Status::ProviderError, out);
        }
        if !text.is_empty() || !calls.is_empty() {
            self.say(message, out);
        }
        if !text.is_empty() {
            let message = MessageText { text: text.clone(), answer: calls.is_empty() };
            out.push(Effect::Emit(Payload::MessageText(message)));
        }
        match stop {
            StopReason::Length => {
                notice("answer_cut", "the answer was cut: the model reached its limit on output".into(), out);
            }
            StopReason::Refusal => {
                notice("answer_stopped", "the answer was stopped by the rules of the model's provider".into(), out);
            }
            StopReason::Done | StopReason::ToolCalls | StopReason::NothingToRun => {}
        }
        if calls.is_empty() {
            let status = end_status(&turn, stop, last_step);
            return finish_with(turn, status, &text, out);
        }
        self.act(turn, calls, out)
    }

    /// Announces all calls of an answer, then starts the first that can be started.
    fn act(&mut self, mut turn: Turn, calls: Vec<ToolCall>, out: &mut Vec<Effect>) -> State {
        let mut waiting = VecDeque::with_capacity(calls.len());
        for call in calls.into_iter().map(unwrapped) {
            let Some(key) = turn.next_key() else { continue };
            out.push(Effect::Emit(Payload::ToolRequest(ToolRequest {
                call: key.clone(),
                tool: call.tool.clone(),
                arguments: call.arguments.clone(),
            })));
            waiting.push_back(Pending { key, call });
        }
        let beyond = waiting.split_off(waiting.len().min(MAX_CALLS_PER_STEP));
        let message = format!("not run: one answer may ask for {MAX_CALLS_PER_STEP} calls at most");
        let refuse = |pending| complete(pending, ToolResult::Failed { message: message.clone() }, out);
        let results = beyond.iter().map(refuse).collect();
        self.next_call(turn, waiting, results, out)
    }

    /// Starts the next call; when there is none, hands the results to the model.
    fn next_call(
        &mut self,
        mut turn: Turn,
        mut waiting: VecDeque<Pending>,
        mut results: Vec<Part>,
        out: &mut Vec<Effect>,
    ) -> State {
        while let Some(running) = waiting.pop_front() {
            if running.call.arguments.is_object() {
                match turn.guard.tries_again(&running.call) {
                    Again::No => {}
                    Again::First => {
                        results.push(complete(&running, ToolResult::Failed { message: NOT_AGAIN.to_owned() }, out));
                        continue;
                    }
                    Again::Persistent(status) => {
                        results.push(complete(&running, ToolResult::Failed { message: NOT_AGAIN.to_owned() }, out));
                        report(refused_again(&self.model), out);
                        return self.end_acting(turn, waiting, results, status, out);
                    }
                }
                let Pending { key, call } = &running;
                out.push(Effect::CallTool {
                    key: key.clone(),
                    tool: call.tool.clone(),
                    arguments: call.arguments.clone(),
                });
                return State::Acting(turn, Acting { running, asked: None, waiting, results });
            }
            let message = "the arguments are no JSON object; nothing was run".to_owned();
            results.push(complete(&running, ToolResult::Failed { message }, out));
        }
        let may_act = turn.steps < turn.most_steps;
        if !may_act {
            let words = format!("the turn took {} steps, its limit: the model must answer now", turn.most_steps);
            notice("step_limit", words, out);
            turn.notes.push("this is the last step of the turn: answer now, with what you know".to_owned());
        }
        let notes = turn.notes.drain(..).map(|note| Part::Note { note });
        results.extend(notes);
        self.say(Message { role: Role::User, parts: results }, out);
        ask(turn, may_act, out)
    }

    fn acting(&mut self, mut turn: Turn, mut acting: Acting, input: Input, out: &mut Vec<Effect>) -> State {
        match input {
            Input::Tool(key, input) if key == acting.running.key => match input {
                ToolInput::Finished(result) => {
                    turn.note(&result);
                    let Acting { running, waiting, mut results, .. } = acting;
                    turn.evidence.saw(&running.call, &result);
                    let verdict = turn.guard.saw(&running.call, &result);
                    results.push(complete(&running, *result, out));
                    match verdict {
                        Verdict::Fine => {}
                        Verdict::Tell(words) => turn.tell(words, out),
                        Verdict::Stop(words) => {
                            report(stuck(&words), out);
                            return self.end_acting(turn, waiting, results, Status::Stuck, out);
                        }
                    }
                    return self.next_call(turn, waiting, results, out);
                }
                ToolInput::HandsFailed(failure) => {
                    let words = failure.message.clone();
                    report(failure, out);
                    self.give_up(acting, &words, out);
                    return finish(turn, Status::HandsError, out);
                }
                // Given up by the hands themselves: they were stopped, or another client cancelled it.
                ToolInput::Cancelled => {
                    self.give_up(acting, CANCELLED, out);
                    return finish(turn, Status::Interrupted, out);
                }
                ToolInput::ApprovalNeeded(approval) => {
                    acting.asked = Some(approval.id.clone());
                    progress(&key, ToolInput::ApprovalNeeded(approval), out);
                }
                input => {
                    if matches!(input, ToolInput::ApprovalResolved { .. }) {
                        acting.asked = None;
                    }
                    progress(&key, input, out);
                }
            },
            Input::TimeShort => turn = turn.hurry(out),
            Input::Answered { approval, answer } if acting.asked.as_ref() == Some(&approval) => {
                out.push(Effect::Resolve { approval, answer });
            }
            Input::Cancel | Input::TimeUp => {
                out.push(Effect::StopTool);
                let status = stop_status(&input, out);
                return State::Stopping(turn, acting, status);
            }
            _ => {}
        }
        State::Acting(turn, acting)
    }

    /// The call was told to stop. Its true end is worth the short wait: a signal, an exit code, the last output.
    fn stopping(&mut self, turn: Turn, acting: Acting, status: Status, input: Input, out: &mut Vec<Effect>) -> State {
        match input {
            Input::Tool(key, input) if key == acting.running.key => match input {
                ToolInput::Finished(result) => {
                    let Acting { running, waiting, mut results, .. } = acting;
                    results.push(complete(&running, *result, out));
                    results.extend(waiting.iter().map(|pending| cancel(pending, CANCELLED, out)));
                    self.say(Message { role: Role::User, parts: results }, out);
                    finish(turn, status, out)
                }
                ToolInput::Cancelled | ToolInput::HandsFailed(_) => {
                    self.give_up(acting, CANCELLED, out);
                    finish(turn, status, out)
                }
                input => {
                    progress(&key, input, out);
                    State::Stopping(turn, acting, status)
                }
            },
            _ => State::Stopping(turn, acting, status),
        }
    }

    /// Ends a turn between its calls. Those that wait are answered, so that the history stays one that a provider accepts.
    fn end_acting(
        &mut self,
        turn: Turn,
        waiting: VecDeque<Pending>,
        mut results: Vec<Part>,
        status: Status,
        out: &mut Vec<Effect>,
    ) -> State {
        results.extend(waiting.iter().map(|pending| cancel(pending, NEVER_BEGUN, out)));
        self.say(Message { role: Role::User, parts: results }, out);
        finish(turn, status, out)
    }

    /// Answers every open call, so that the history stays one that a provider accepts.
    fn give_up(&mut self, acting: Acting, why: &str, out: &mut Vec<Effect>) {
        let Acting { running, waiting, mut results, .. } = acting;
        results.push(cancel(&running, why, out));
        results.extend(waiting.iter().map(|pending| cancel(pending, CANCELLED, out)));
        self.say(Message { role: Role::User, parts: results }, out);
    }

    fn say(&mut self, message: Message, out: &mut Vec<Effect>) {
        self.window.push(&message);
        out.push(Effect::Persist(message.clone()));
        Arc::make_mut(&mut self.history).push(message);
    }
}

/// What a call is answered with that would do what was refused.
const NOT_AGAIN: &str = "not run: it does what was refused before in this turn, in the same or in another form. Don't try \
    it again: do without it, or answer and say what was refused.";

/// What a call is answered with that a turn ended before.
const NEVER_BEGUN: &str = "not run: the turn was ended before";

/// What a call that was given up is answered with.
const CANCELLED: &str = "cancelled before its end was seen";

/// The code of a request that has more tokens than the model reads.
const TOO_LONG: &str = "context_too_long";
