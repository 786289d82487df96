//! What keeps a turn from going round in circles: calls that come to nothing new are told to the model once, then they end
//! the turn. What was refused is not passed on in another dress.

use super::disguise::{Pieces, is_within, pieces};
use crate::event::Status;
use crate::message::ToolCall;
use pryx_terms::{JobState, Refusal, ToolResult};
use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};

/// The same call with the same result, among the last ones.
const SAME: u32 = 3;

/// How many more of those end the turn.
const SAME_AFTER_TOLD: u32 = 2;

/// Calls in a row that failed, of any kind: a person would have stopped to think by then.
const FAILING: u32 = 8;

/// Calls in a row that were all made before with the same result, in whatever order.
const STANDSTILL: u32 = 6;

/// How many more there may be after the model was told.
const AFTER_TOLD: u32 = 4;

/// Outcomes remembered, the last ones. In a long turn the same question may well be asked again after an hour; a circle is
/// narrower.
const REMEMBERED: usize = 24;

/// Calls in a row with something new, after which all is well again.
const PROGRESS: u32 = 10;

/// Refused commands remembered, the last ones.
const REFUSED: usize = 64;

/// The calls of one turn.
#[derive(Debug, Default)]
pub(super) struct Guard {
    outcomes: VecDeque<u64>,
    failing: u32,
    standstill: u32,
    progress: u32,
    told: bool,
    refused: Vec<(Pieces, Status)>,
    again: u32,
}

/// What a call says about the turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Fine,
    /// The model is to be told.
    Tell(String),
    /// The turn ends.
    Stop(String),
}

/// Whether a call is one that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    No,
    /// For the first time: the model is told.
    First,
    /// It was told, and tries again: the turn ends as the refusal had it.
    Persistent(Status),
}

impl Guard {
    /// Takes in what a call came to.
    pub(super) fn saw(&mut self, call: &ToolCall, result: &ToolResult) -> Verdict {
        if goes_on(result) {
            // Somebody who waits for a job does what is right, however often.
            return Verdict::Fine;
        }
        if let Some(status) = lasting(result) {
            self.refused.push((pieces(&call.arguments), status));
            if self.refused.len() > REFUSED {
                self.refused.remove(0);
            }
        }
        self.failing = if failed(result) { self.failing + 1 } else { 0 };
        let outcome = digest(call, result);
        self.outcomes.push_back(outcome);
        if self.outcomes.len() > REMEMBERED {
            self.outcomes.pop_front();
        }
        let same = u32::try_from(self.outcomes.iter().filter(|known| **known == outcome).count()).unwrap_or(u32::MAX);
        (self.standstill, self.progress) = if same > 1 { (self.standstill + 1, 0) } else { (0, self.progress + 1) };
        self.told &= self.progress < PROGRESS || self.failing > 0;
        let [failing, standstill] = [self.failing, self.standstill];
        let concerns = [
            (same, SAME, SAME_AFTER_TOLD, format!("the same call of {} had the same result {same} times", call.tool)),
            (failing, FAILING, AFTER_TOLD, format!("{failing} calls in a row failed")),
            (standstill, STANDSTILL, AFTER_TOLD, format!("{standstill} calls in a row brought nothing new")),
        ];
        // What ends the turn comes before what is only told.
        let ends = concerns.iter().find(|(count, most, more, _)| *count >= most + more);
        let concern = ends.or_else(|| concerns.iter().find(|(count, most, ..)| count >= most));
        let concern = concern.map(|(_, _, _, words)| (ends.is_some(), words.clone()));
        match concern {
            None => Verdict::Fine,
            Some((true, words)) if self.told => Verdict::Stop(words),
            // Once is enough until it goes on.
            Some(_) if self.told => Verdict::Fine,
            Some((_, words)) => {
                self.told = true;
                Verdict::Tell(words)
            }
        }
    }

    /// Whether a call would do what was refused before.
    pub(super) fn tries_again(&mut self, call: &ToolCall) -> Again {
        let wanted = pieces(&call.arguments);
        let known = self.refused.iter().find(|(refused, _)| is_within(refused, &wanted));
        let Some((_, status)) = known else { return Again::No };
        self.again += 1;
        if self.again == 1 { Again::First } else { Again::Persistent(*status) }
    }
}

/// Whether a job of the call is under way still.
fn goes_on(result: &ToolResult) -> bool {
    match result {
        ToolResult::Waits { .. } => true,
        ToolResult::Ran { job, .. } => matches!(job.state, JobState::Running { .. }),
        ToolResult::Text { .. } | ToolResult::Refused { .. } | ToolResult::Failed { .. } => false,
    }
}

/// The status of a refusal that says something about the act itself. A plan that drifted, or whose question was withdrawn,
/// may be asked for anew.
fn lasting(result: &ToolResult) -> Option<Status> {
    match result {
        ToolResult::Refused { refusal: Refusal::Policy | Refusal::NobodyToAsk, .. } => Some(Status::Blocked),
        ToolResult::Refused { refusal: Refusal::Person | Refusal::Timeout, .. } => Some(Status::Declined),
        _ => None,
    }
}

fn failed(result: &ToolResult) -> bool {
    match result {
        ToolResult::Ran { job, .. } => job.outcome().is_some_and(|outcome| !outcome.is_success()),
        ToolResult::Refused { .. } | ToolResult::Failed { .. } => true,
        ToolResult::Waits { .. } | ToolResult::Text { .. } => false,
    }
}

/// A call and its result, without what differs each time (job, process, times).
fn digest(call: &ToolCall, result: &ToolResult) -> u64 {
    let mut hasher = DefaultHasher::new();
    call.tool.hash(&mut hasher);
    call.arguments.to_string().hash(&mut hasher);
    match result {
        ToolResult::Ran { job, output } | ToolResult::Waits { job, output, .. } => {
            job.outcome().map(ToString::to_string).hash(&mut hasher);
            (&output.head, &output.tail, output.total_bytes).hash(&mut hasher);
        }
        ToolResult::Text { text } => text.hash(&mut hasher),
        ToolResult::Refused { ruling, .. } => ruling.reason.hash(&mut hasher),
        ToolResult::Failed { message } => message.hash(&mut hasher),
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn call(command: &str) -> ToolCall {
        ToolCall { id: "a".into(), tool: "shell.exec".into(), arguments: json!({ "command": command }) }
    }

    fn text(text: &str) -> ToolResult {
        ToolResult::Text { text: text.into() }
    }

    #[test]
    fn the_same_call_with_the_same_result_is_told_at_the_third_and_ends_at_the_fifth() {
        let mut guard = Guard::default();
        let mut see = || guard.saw(&call("ls"), &text("a"));
        assert_eq!((see(), see()), (Verdict::Fine, Verdict::Fine));
        assert!(matches!(see(), Verdict::Tell(words) if words.contains("3 times")));
        assert_eq!(see(), Verdict::Fine, "it was told");
        assert!(matches!(see(), Verdict::Stop(words) if words.contains("5 times")));
    }

    #[test]
    fn after_a_while_of_progress_a_question_may_be_asked_again() {
        let mut guard = Guard::default();
        for round in 0..20 {
            for n in 0..12 {
                let result = guard.saw(&call(&format!("step {n} of {round}")), &text("x"));
                assert_eq!(result, Verdict::Fine, "{round} {n}");
            }
            assert_eq!(guard.saw(&call("git status"), &text("clean")), Verdict::Fine, "{round}");
        }
    }

    #[test]
    fn another_result_is_progress() {
        let mut guard = Guard::default();
        for n in 0..40 {
            assert_eq!(guard.saw(&call("date"), &text(&n.to_string())), Verdict::Fine);
        }
    }

    #[test]
    fn going_round_in_a_wide_circle_is_a_standstill() {
        let mut guard = Guard::default();
        let mut verdicts = Vec::new();
        // Nine calls in turn: none has the same result three times before the standstill is seen.
        for n in 0..19 {
            verdicts.push(guard.saw(&call(&format!("step {}", n % 9)), &text("x")));
        }
        assert_eq!(verdicts.iter().filter(|verdict| matches!(verdict, Verdict::Tell(_))).count(), 1);
        assert!(matches!(&verdicts[14], Verdict::Tell(words) if words.contains("nothing new")), "{verdicts:?}");
        assert!(verdicts.iter().any(|verdict| matches!(verdict, Verdict::Stop(_))));
    }

    #[test]
    fn failures_in_a_row_are_counted_whatever_they_are() {
        let mut guard = Guard::default();
        let fail = |n: u32| ToolResult::Failed { message: format!("error {n}") };
        let verdicts: Vec<Verdict> = (0..12).map(|n| guard.saw(&call(&n.to_string()), &fail(n))).collect();
        assert!(matches!(verdicts[7], Verdict::Tell(_)) && matches!(verdicts[11], Verdict::Stop(_)), "{verdicts:?}");
        let mut guard = Guard::default();
        for n in 0..40 {
            let result = if n % 7 == 6 { text(&n.to_string()) } else { fail(n) };
            assert_eq!(guard.saw(&call(&n.to_string()), &result), Verdict::Fine, "{n}");
        }
    }

    #[test]
    fn what_was_refused_is_known_again() {
        let refused: ToolResult = serde_json::from_value(json!({
            "status": "refused", "refusal": {"by": "person"},
            "ruling": {"verdict": "ask", "rule": {"name": "r", "source": "s"}, "reason": "writes"}
        }))
        .unwrap();
        let mut guard = Guard::default();
        assert_eq!(guard.tries_again(&call("rm -rf build")), Again::No);
        guard.saw(&call("rm -rf build"), &refused);
        assert_eq!(guard.tries_again(&call("ls build")), Again::No);
        assert_eq!(guard.tries_again(&call("bash -c 'rm  -rf build'")), Again::First);
        assert_eq!(guard.tries_again(&call("sudo /bin/rm -rf build; true")), Again::Persistent(Status::Declined));
    }
}
