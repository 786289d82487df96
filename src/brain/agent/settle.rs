//! A turn that was cut off with its process: what its last calls came to is asked of the hands by the same keys, then it
//! ends. The model is not asked again: the person has something new to say.

use super::telling::{completed, progress};
use super::{Agent, Effect, Input, Pending, State, ToolInput, Turn, finish, stop_status};
use crate::event::{Status, ToolEnd};
use crate::message::{Message, Part, Role};
use crate::store::{OpenCall, OpenTurn};
use crate::window::Window;
use pryx_terms::{ApprovalId, CallKey, ToolResult};
use std::collections::VecDeque;
use std::sync::Arc;

/// What a call is answered with that stood behind the one that was cut off.
const NEVER_RUN: &str = "not run: the session was cut off before its turn came";

/// The call whose end is asked for, and what stands before and behind it.
#[derive(Debug)]
pub(super) struct Settling {
    running: OpenCall,
    asked: Option<ApprovalId>,
    behind: VecDeque<OpenCall>,
    results: Vec<Part>,
    status: Status,
}

impl Settling {
    pub(super) fn key(&self) -> &CallKey {
        &self.running.key
    }
}

impl Agent {
    /// An agent that goes on with a conversation, which fills its window.
    pub(crate) fn restored(model: String, history: Vec<Message>, window: Window) -> Self {
        Self { model, history: Arc::new(history), window, state: State::Idle }
    }

    pub(super) fn take_up(&mut self, open: OpenTurn, out: &mut Vec<Effect>) -> State {
        let OpenTurn { id, steps, usage, calls } = open;
        let turn = Turn { steps, usage, ..Turn::new(id) };
        let (mut results, mut behind) = (Vec::new(), VecDeque::from(calls));
        while let Some(call) = behind.pop_front() {
            if call.end.is_some() {
                results.push(part(&call, call.known()));
                continue;
            }
            // Calls are carried out one after the other: this one alone can be with the hands.
            if call.recent && call.call.arguments.is_object() {
                let (key, tool) = (call.key.clone(), call.call.tool.clone());
                out.push(Effect::CallTool { key, tool, arguments: call.call.arguments.clone() });
                let status = Status::Interrupted;
                return State::Settling(turn, Settling { running: call, asked: None, behind, results, status });
            }
            let result = call.known();
            results.push(self.told(&call, ToolEnd::Cancelled, result, out));
            break;
        }
        self.settled(turn, behind, results, Status::Interrupted, out)
    }

    pub(super) fn settling(&mut self, turn: Turn, mut at: Settling, input: Input, out: &mut Vec<Effect>) -> State {
        match input {
            Input::Tool(key, input) if key == at.running.key => match input {
                ToolInput::Finished(result) => {
                    let Settling { running, behind, mut results, status, .. } = at;
                    results.push(self.told(&running, ToolEnd::of(&result), *result, out));
                    return self.settled(turn, behind, results, status, out);
                }
                ToolInput::Cancelled | ToolInput::HandsFailed(_) => {
                    let Settling { running, behind, mut results, status, .. } = at;
                    let result = running.known();
                    results.push(self.told(&running, ToolEnd::Cancelled, result, out));
                    return self.settled(turn, behind, results, status, out);
                }
                ToolInput::Started(job) => {
                    at.running.job = Some(job.id.clone());
                    progress(&key, ToolInput::Started(job), out);
                }
                input => {
                    match &input {
                        ToolInput::ApprovalNeeded(approval) => at.asked = Some(approval.id.clone()),
                        ToolInput::ApprovalResolved { .. } => at.asked = None,
                        _ => {}
                    }
                    progress(&key, input, out);
                }
            },
            Input::Answered { approval, answer } if at.asked.as_ref() == Some(&approval) => {
                out.push(Effect::Resolve { approval, answer });
            }
            Input::Cancel | Input::TimeUp => {
                at.status = stop_status(&input, out);
                out.push(Effect::StopTool);
            }
            _ => {}
        }
        State::Settling(turn, at)
    }

    fn settled(
        &mut self,
        turn: Turn,
        behind: VecDeque<OpenCall>,
        mut results: Vec<Part>,
        status: Status,
        out: &mut Vec<Effect>,
    ) -> State {
        for call in &behind {
            results.push(match call.end {
                Some(_) => part(call, call.known()),
                None => self.told(call, ToolEnd::Cancelled, ToolResult::Failed { message: NEVER_RUN.to_owned() }, out),
            });
        }
        if !results.is_empty() {
            self.say(Message { role: Role::User, parts: results }, out);
        }
        finish(turn, status, out)
    }

    fn told(&self, call: &OpenCall, end: ToolEnd, result: ToolResult, out: &mut Vec<Effect>) -> Part {
        completed(&Pending { key: call.key.clone(), call: call.call.clone() }, end, out);
        part(call, result)
    }
}

fn part(call: &OpenCall, result: ToolResult) -> Part {
    Part::ToolResult { id: call.call.id.clone(), result }
}
