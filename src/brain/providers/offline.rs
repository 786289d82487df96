//! The embedded planner as a provider: no key, no network. It proposes one command for an everyday request, and its
//! answer is what that command printed.

use super::error::Kind;
use super::{ModelEvent, ModelRequest, Provider, ProviderError};
use crate::context::{excerpt, refusal_words};
use crate::message::{Message, ModelAnswer, Part, Role, StopReason, ToolCall};
use crate::planner::{self, Os, Proposal};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use pryx_terms::{Excerpt, JobRecord, Outcome, ToolResult, Usage};
use serde_json::json;
use tokio::sync::mpsc;

/// What is said to a request that the planner has no command for.
const NO_IDEA: &str = "I don't know how to do that without a model. Connect one:\n\
    \n    pryx setup                   # asks for what it needs; finds Ollama and its like\n    export ANTHROPIC_API_KEY=…   # a key from console.anthropic.com\n    export OPENAI_API_KEY=…      # a key from \
    platform.openai.com\n\
    \n`pryx models` lists the models of servers on this machine (Ollama, llama.cpp, LM Studio, vLLM).";

/// The planner.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OfflineProvider {
    os: Os,
}

impl OfflineProvider {
    pub(crate) fn new(os: Os) -> Self {
        Self { os }
    }

    fn answer(self, messages: &[Message]) -> ModelAnswer {
        let Some(request) = last_request(messages) else { return no_idea() };
        let Some(proposal) = planner::propose(request, self.os) else { return no_idea() };
        match last_result(messages) {
            Some(result) => said(after(&proposal, result), StopReason::Done),
            None => call(proposal),
        }
    }
}

impl Provider for OfflineProvider {
    fn wants_tools(&self) -> bool {
        false
    }

    fn stream(
        &self,
        request: ModelRequest,
        sink: mpsc::Sender<ModelEvent>,
    ) -> BoxFuture<'_, Result<ModelAnswer, ProviderError>> {
        let answer = self.answer(&request.messages);
        let pictures = request.messages.last().is_some_and(|message| message.has_image());
        async move {
            if pictures {
                return Err(ProviderError {
                    kind: Kind::BadRequest,
                    message: "the embedded planner can't look at pictures".to_owned(),
                    hint: Some("choose a model that sees with --model".to_owned()),
                });
            }
            // A remark before a command is no answer: it goes out as a whole, not as a piece of one.
            if answer.stop != StopReason::ToolCalls {
                let _ = sink.send(ModelEvent::Text(answer.text())).await;
            }
            Ok(answer)
        }
        .boxed()
    }
}

/// What the person wrote last. Data handed over beside it is not looked at.
fn last_request(messages: &[Message]) -> Option<&str> {
    let mut requests = messages.iter().rev().filter(|message| message.role == Role::User);
    requests.find_map(|message| match message.parts.first() {
        Some(Part::Text { text }) => Some(text.as_str()),
        _ => None,
    })
}

/// What the command came to, when that is what the conversation ends with.
fn last_result(messages: &[Message]) -> Option<&ToolResult> {
    messages.last()?.parts.iter().rev().find_map(|part| match part {
        Part::ToolResult { result, .. } => Some(result),
        _ => None,
    })
}

fn call(proposal: Proposal) -> ModelAnswer {
    let call = ToolCall {
        id: "call_0".to_owned(),
        tool: "shell.exec".to_owned(),
        arguments: json!({ "command": proposal.command }),
    };
    let parts = vec![Part::Text { text: proposal.intro }, Part::ToolCall(call)];
    ModelAnswer { parts, stop: StopReason::ToolCalls, usage: Usage::default(), model: None }
}

fn no_idea() -> ModelAnswer {
    said(NO_IDEA.to_owned(), StopReason::NothingToRun)
}

fn said(text: String, stop: StopReason) -> ModelAnswer {
    ModelAnswer { parts: vec![Part::Text { text }], stop, usage: Usage::default(), model: None }
}

fn after(proposal: &Proposal, result: &ToolResult) -> String {
    match result {
        ToolResult::Ran { job, output } | ToolResult::Waits { job, output, .. } => ran(proposal, job, output),
        ToolResult::Text { text } => text.clone(),
        ToolResult::Refused { refusal, ruling } => {
            format!("Not run: {}. {} (rule {})", refusal_words(refusal), ruling.reason, ruling.rule.name)
        }
        ToolResult::Failed { message } => format!("The command could not be run: {message}"),
    }
}

/// The output itself. A search that finds nothing ends with 1 and prints nothing: that is an answer too. Any other
/// end that is no success is said.
fn ran(proposal: &Proposal, job: &JobRecord, output: &Excerpt) -> String {
    let text = excerpt(output).replace("\r\n", "\n");
    let text = text.trim_end_matches(['\n', '\r']);
    let end = match job.outcome() {
        Some(Outcome::Exited { code: 0 }) => None,
        Some(Outcome::Exited { code: 1 }) if text.trim().is_empty() => None,
        Some(Outcome::Exited { code }) => Some(format!("The command failed with exit code {code}.")),
        Some(Outcome::Signaled { signal }) => Some(format!("The command was ended by signal {signal}.")),
        Some(Outcome::Lost { reason }) => Some(format!("How the command ended was not seen: {reason}.")),
        None => Some(format!("The command still runs: see `pryx log {}`.", job.id)),
    };
    match (text.trim().is_empty(), end) {
        (true, None) => proposal.when_empty.clone(),
        (true, Some(end)) => end,
        (false, None) => text.to_owned(),
        (false, Some(end)) => format!("{text}\n{end}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pryx_terms::{Actor, JobId, JobState, Refusal, RuleRef, Ruling, Timestamp, Verdict};

    fn proposal() -> Proposal {
        Proposal {
            intent: "port",
            command: "ss -ltnp".into(),
            when_empty: "Nothing uses port 8080.".into(),
            intro: "Processes on port 8080".into(),
        }
    }

    fn result(outcome: Outcome, printed: &str) -> ToolResult {
        let at: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let job = JobRecord {
            id: JobId::parse("j1").unwrap(),
            command: "ss".into(),
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
            started: at,
            state: JobState::Ended { outcome, ended: at, survivors: Vec::new(), stopped: None, seen: None },
            output: Vec::new(),
        };
        let total_bytes = printed.len() as u64;
        let output = Excerpt { head: printed.into(), tail: String::new(), omitted_bytes: 0, total_bytes };
        ToolResult::Ran { job: Box::new(job), output }
    }

    fn exited(code: u8, printed: &str) -> String {
        after(&proposal(), &result(Outcome::Exited { code }, printed))
    }

    #[test]
    fn the_answer_is_what_was_printed() {
        assert_eq!(exited(0, "a\r\nb\r\n"), "a\nb");
        assert_eq!(exited(0, ""), "Nothing uses port 8080.");
        assert_eq!(exited(1, "\n"), "Nothing uses port 8080.");
    }

    #[test]
    fn a_failure_is_said() {
        assert_eq!(exited(1, "a\n"), "a\nThe command failed with exit code 1.");
        assert_eq!(exited(2, ""), "The command failed with exit code 2.");
        let killed = after(&proposal(), &result(Outcome::Signaled { signal: 9 }, ""));
        assert_eq!(killed, "The command was ended by signal 9.");
        let ruling = Ruling {
            verdict: Verdict::Ask,
            rule: RuleRef { name: "unknown-program".into(), source: "built in".into() },
            reason: "ss is not known.".into(),
        };
        let refused = after(&proposal(), &ToolResult::Refused { refusal: Refusal::NobodyToAsk, ruling });
        assert!(refused.contains("nobody is there to ask") && refused.contains("unknown-program"), "{refused}");
    }

    #[test]
    fn first_the_command_then_its_output() {
        let planner = OfflineProvider::new(Os::Linux);
        let mut messages = vec![Message::request("what is using port 8080?".into(), Vec::new())];
        let first = planner.answer(&messages);
        let call = first.parts.iter().find_map(|part| match part {
            Part::ToolCall(call) => Some(call.clone()),
            _ => None,
        });
        let call = call.unwrap();
        assert_eq!((call.tool.as_str(), first.stop), ("shell.exec", StopReason::ToolCalls));
        assert!(call.arguments["command"].as_str().unwrap().contains("8080"), "{call:?}");
        messages.push(Message { role: Role::Assistant, parts: first.parts });
        let part = Part::ToolResult { id: call.id, result: result(Outcome::Exited { code: 0 }, "nginx\n") };
        messages.push(Message { role: Role::User, parts: vec![part] });
        let second = planner.answer(&messages);
        assert_eq!((second.text().as_str(), second.stop), ("nginx", StopReason::Done));
        // A second request of the same conversation begins anew.
        messages.push(Message { role: Role::Assistant, parts: second.parts });
        messages.push(Message::request("what is using port 8080?".into(), Vec::new()));
        assert_eq!(planner.answer(&messages).stop, StopReason::ToolCalls);
    }

    #[test]
    fn what_it_does_not_know_it_says_with_the_two_commands() {
        let planner = OfflineProvider::new(Os::Linux);
        let answer = planner.answer(&[Message::request("write me a poem about crabs".into(), Vec::new())]);
        assert_eq!(answer.stop, StopReason::NothingToRun);
        let text = answer.text();
        assert!(text.contains("export ANTHROPIC_API_KEY=") && text.contains("export OPENAI_API_KEY="), "{text}");
    }
}
