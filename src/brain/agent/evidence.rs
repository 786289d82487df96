//! What stands behind an answer: the jobs that ran in its turn, and whether its last step failed without a word about it.

use crate::event::JobLink;
use crate::message::ToolCall;
use pryx_terms::{JobRecord, JobState, Outcome, ToolResult};

/// Jobs that are linked with an answer, the last ones. More would be a list, and `pryx ps` is one.
const MAX_LINKS: usize = 20;

/// Bytes of a command in a link.
const COMMAND: usize = 200;

/// Programs that answer a question with their exit code: 1 is a no, not a failure.
const ASKING: [&str; 12] =
    ["grep", "egrep", "fgrep", "rg", "diff", "cmp", "test", "[", "[[", "pgrep", "which", "systemctl"];

/// Words that claim success, in the languages that answers come in most.
const CLAIMS: [&str; 40] = [
    "done",
    "fixed",
    "works",
    "working",
    "succeeded",
    "success",
    "successful",
    "successfully",
    "passed",
    "passes",
    "pass",
    "installed",
    "created",
    "updated",
    "completed",
    "complete",
    "finished",
    "resolved",
    "solved",
    "ready",
    "removed",
    "deleted",
    "built",
    "deployed",
    "✓",
    "✅",
    "erledigt",
    "fertig",
    "behoben",
    "erfolgreich",
    "funktioniert",
    "terminé",
    "réussi",
    "corrigé",
    "listo",
    "hecho",
    "completado",
    "готово",
    "成功",
    "完了",
];

/// Words that tell of a failure, or deny a success. One of them anywhere is enough: a mark must not nag.
const ADMISSIONS: [&str; 44] = [
    "fail",
    "failed",
    "fails",
    "failing",
    "failure",
    "failures",
    "error",
    "errors",
    "exit",
    "exited",
    "not",
    "no",
    "cannot",
    "can't",
    "couldn't",
    "didn't",
    "doesn't",
    "isn't",
    "won't",
    "wasn't",
    "unable",
    "broken",
    "crashed",
    "killed",
    "timed",
    "but",
    "however",
    "except",
    "although",
    "despite",
    "warning",
    "nicht",
    "kein",
    "keine",
    "fehler",
    "fehlgeschlagen",
    "aber",
    "échec",
    "erreur",
    "pas",
    "falló",
    "не",
    "失败",
    "エラー",
];

/// The jobs of one turn.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    links: Vec<JobLink>,
    more: u32,
    /// What the last step that did something failed with.
    failed: Option<String>,
}

impl Evidence {
    /// Takes in what a call came to.
    pub(super) fn saw(&mut self, call: &ToolCall, result: &ToolResult) {
        match result {
            ToolResult::Ran { job, .. } | ToolResult::Waits { job, .. } => {
                self.failed = failure(job);
                self.link(job);
            }
            ToolResult::Text { .. } => self.failed = None,
            ToolResult::Failed { message } => {
                let words = message.lines().next().unwrap_or_default();
                self.failed = Some(format!("{}: {}", call.tool, crate::clean::line(words, COMMAND)));
            }
            // A refusal has a status of its own.
            ToolResult::Refused { .. } => self.failed = None,
        }
    }

    fn link(&mut self, job: &JobRecord) {
        // A job that was waited for later is told as it ended.
        self.links.retain(|link| link.job != job.id);
        if self.links.len() >= MAX_LINKS {
            self.links.remove(0);
            self.more += 1;
        }
        let (exit_code, signal) = match job.outcome() {
            Some(Outcome::Exited { code }) => (Some(*code), None),
            Some(Outcome::Signaled { signal }) => (None, Some(*signal)),
            Some(Outcome::Lost { .. }) | None => (None, None),
        };
        let command = crate::clean::line(&job.command, COMMAND);
        let runs = matches!(job.state, JobState::Running { .. });
        self.links.push(JobLink { job: job.id.clone(), command, exit_code, signal, runs });
    }

    /// The jobs behind an answer, how many more there were, and what it claims to have done that failed.
    pub(super) fn behind(self, answer: &str) -> (Vec<JobLink>, u32, Option<String>) {
        let doubt = self.failed.filter(|_| claims_success(answer));
        (self.links, self.more, doubt)
    }
}

/// How a job failed, if it did.
fn failure(job: &JobRecord) -> Option<String> {
    let outcome = job.outcome()?;
    if outcome.is_success() {
        return None;
    }
    let first = job.command.split_whitespace().next().unwrap_or_default();
    let program = first.rsplit('/').next().unwrap_or(first);
    let last = job.command.rsplit(['|', ';', '&']).next().and_then(|last| last.split_whitespace().next());
    let asks = ASKING.contains(&program) || last.is_some_and(|last| ASKING.contains(&last));
    if asks && *outcome == (Outcome::Exited { code: 1 }) {
        return None;
    }
    Some(format!("{outcome}: {} (pryx log {})", crate::clean::line(&job.command, COMMAND), job.id))
}

/// Whether an answer claims success and says nothing of a failure. By words, so that it is the same each time.
fn claims_success(answer: &str) -> bool {
    let answer = answer.to_lowercase();
    let words: Vec<&str> = answer
        .split(|c: char| !(c.is_alphanumeric() || c == '\'' || c == '’' || c == '✓' || c == '✅'))
        .map(|word| word.trim_matches('\''))
        .collect();
    // Scripts without blanks between words are looked through as they are.
    let says = |list: &[&str]| {
        list.iter().any(|word| if word.is_ascii() { words.contains(word) } else { answer.contains(word) })
    };
    says(&CLAIMS) && !says(&ADMISSIONS) && !answer.contains("n’t")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_one_only_without_an_admission() {
        for claim in [
            "Done.",
            "The tests pass now.",
            "All fixed ✓",
            "Erledigt: alles installiert.",
            "已经成功安装。",
            "It works!",
        ] {
            assert!(claims_success(claim), "{claim}");
        }
        for honest in [
            "The build failed: exit 2.",
            "I created the file, but the tests don't pass.",
            "Done, except that one test fails.",
            "It didn’t work, although it was installed.",
            "Das hat nicht funktioniert.",
            "There are 4 files.",
            "",
            "The password is unbroken.",
        ] {
            assert!(!claims_success(honest), "{honest}");
        }
    }
}
