//! The older protocol's six actions, over terminals. Who speaks it is a program, not a person: what the gate would ask is
//! refused with the reason, and a program sees and ends what it opened itself, nothing else.

use super::actions::exec::run_inside;
use super::handler::may_read;
use super::terminal::{self, Wanted};
use super::{Hands, client, draw};
use crate::env::{self, Fallback};
use crate::jobs::Job;
use crate::logs::LogFile;
use crate::logs::collapse::clean;
use pryx_ipc::{
    Exec, Inside, Io, Older, OlderAction, OlderData, OlderReply, RequestContext, ScreenFormat, Stdin, WireError,
};
use pryx_terms::{Actor, CallKey, JobRecord, TerminalName};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// The session of requests that name none.
const UNNAMED: &str = "default";

/// How long a command is waited for when nothing is said, and at most. The connection's next request waits so long too.
const WAIT: Duration = Duration::from_secs(600);
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// Bytes of a log that an answer is made of, from the end. Cleaned and in JSON it must fit into a frame.
const OUTPUT: u64 = 128 * 1024;

/// Between SIGTERM and SIGKILL when a session is closed.
const GRACE: Duration = Duration::from_secs(2);

/// Answers one request.
pub(crate) async fn answer(hands: &Hands, older: Older, context: RequestContext) -> OlderReply {
    let session = older.data.session.as_deref().unwrap_or(UNNAMED);
    let name = match TerminalName::parse(session) {
        Ok(name) if name.as_str() != "last" => name,
        _ => return OlderReply::failed(format!("{session:?} is no name of a session"), false),
    };
    let program = Program { hands, actor: actor(hands, &context), name, context };
    let done = match older.action {
        OlderAction::Execute => program.execute(older.data).await,
        OlderAction::Capture => program.capture(&older.data).await,
        OlderAction::CheckSession => program.find().map(|job| OlderReply::done(String::new(), job.is_some())),
        OlderAction::OpenTerminal => program.open(&older.data).await,
        OlderAction::CloseTerminal => program.close_windows(),
        OlderAction::CloseSession => program.end().await,
    };
    done.unwrap_or_else(|error| {
        let hint = error.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
        let exists = program.find().is_ok_and(|job| job.is_some());
        OlderReply::failed(format!("{}{hint}", error.message), exists)
    })
}

/// A program of the person's counts as an agent with a conversation of its own, which runs under the policy that names the
/// program; without one it may only look. One that an agent started is that agent's.
fn actor(hands: &Hands, context: &RequestContext) -> Actor {
    let agent = hands.actor(context.peer);
    if agent != Actor::Person {
        return agent;
    }
    let program = client::program(context.peer);
    let policy = program.as_deref().and_then(|program| hands.gate.policy_of_client(program));
    let session = client::session(program.as_deref(), policy.as_deref());
    if let (Some(session), Some(policy)) = (&session, policy) {
        // The person named the program in the policy: that was the choice.
        let home = Some(hands.config.user_home.as_path());
        if let Err(error) = hands.gate.choose(session, &policy, home, &Actor::Person) {
            hands.journal.note(format_args!("{session} does not run under {policy}: {error}"));
        }
    }
    Actor::Agent { session }
}

/// A program with the session that it speaks of.
struct Program<'a> {
    hands: &'a Hands,
    actor: Actor,
    name: TerminalName,
    context: RequestContext,
}

impl Program<'_> {
    fn find(&self) -> Result<Option<Job>, WireError> {
        Ok(self.hands.jobs.terminal(&self.name)?)
    }

    /// The session, if there is one and it is this program's.
    fn own(&self) -> Result<Result<Job, OlderReply>, WireError> {
        Ok(match self.find()? {
            None => Err(OlderReply::failed(format!("there is no session {}", self.name), false)),
            Some(job) if !may_read(&self.actor, &job.status().record) => {
                let words = format!("the session {} was opened by somebody else; open one of another name", self.name);
                Err(OlderReply::failed(words, true))
            }
            Some(job) => Ok(job),
        })
    }

    fn io() -> Io {
        Io::default()
    }

    fn cwd(&self, data: &OlderData) -> Result<PathBuf, WireError> {
        let home = &self.hands.config.user_home;
        Ok(data.cwd.as_ref().map_or_else(|| home.clone(), |dir| home.join(dir)))
    }

    async fn execute(&self, data: OlderData) -> Result<OlderReply, WireError> {
        if self.find()?.is_some()
            && let Err(refused) = self.own()?
        {
            return Ok(refused);
        }
        let cwd = self.cwd(&data)?;
        let Some(command) = data.command.filter(|command| !command.trim().is_empty() && !command.contains('\0')) else {
            return Ok(OlderReply::failed("there is no command", self.find()?.is_some()));
        };
        let inside = Inside { terminal: self.name.clone(), enter: data.cwd.is_some(), set: BTreeMap::new() };
        let exec = Exec {
            key: CallKey::generate(),
            argv: vec![command],
            cwd,
            env: BTreeMap::new(),
            io: Self::io(),
            stdin: Stdin::Inherit,
            timeout_ms: None,
            detach: false,
            terminal: None,
            tag: None,
            keep: false,
            mode: None,
            have: Vec::new(),
            inside: None,
        };
        let patience = data.timeout.map_or(WAIT, |seconds| Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST));
        let running = run_inside(self.hands, exec, inside, self.actor.clone(), &self.context);
        match tokio::time::timeout(patience.min(LONGEST), running).await {
            Ok(reply) => {
                let job = reply?.job;
                let exit_code = job.outcome().and_then(pryx_terms::Outcome::shell_code);
                let output = self.printed(&job).await?;
                let exists = self.find()?.is_some();
                if let Some(pryx_terms::Outcome::Lost { reason }) = job.outcome() {
                    return Ok(OlderReply { output, ..OlderReply::failed(reason.clone(), exists) });
                }
                Ok(OlderReply { exit_code, ..OlderReply::done(output, exists) })
            }
            // It goes on: nothing was said about stopping it.
            Err(_) => {
                let exists = self.find()?.is_some();
                let words = format!("the command still runs after {} s; `capture` shows it", patience.as_secs_f32());
                Ok(OlderReply::failed(words, exists))
            }
        }
    }

    /// What a job printed, as text; of much, the end.
    async fn printed(&self, job: &JobRecord) -> Result<String, WireError> {
        let Some(stream) = job.output.first().copied() else { return Ok(String::new()) };
        let dir = self.hands.jobs.dir(&job.id);
        let read = move || {
            let from = stream.bytes.saturating_sub(OUTPUT);
            let bytes = LogFile::open(&dir, stream.stream)?.range(from, stream.bytes - from)?;
            let left_out = if from > 0 { format!("[… {from} bytes left out …]\n") } else { String::new() };
            Ok::<_, std::io::Error>(format!("{left_out}{}", clean(&bytes)))
        };
        let read = tokio::task::spawn_blocking(read).await.map_err(|error| super::handler::machine(&error))?;
        read.map_err(|error| super::handler::machine(&error))
    }

    async fn capture(&self, data: &OlderData) -> Result<OlderReply, WireError> {
        let job = match self.own()? {
            Ok(job) => job.status().record,
            Err(refused) => return Ok(refused),
        };
        let text = match data.lines {
            // What fits on the screen is on it.
            None => draw(self.hands, job, ScreenFormat::Text).await?.content,
            Some(lines) => last_lines(&self.printed(&job).await?, lines),
        };
        Ok(OlderReply::done(text, true))
    }

    async fn open(&self, data: &OlderData) -> Result<OlderReply, WireError> {
        let cwd = self.cwd(data)?;
        let env = env::of_command(&BTreeMap::new(), &self.actor, Self::io(), &Fallback::of(&self.hands.config));
        let session = match &self.actor {
            Actor::Agent { session } => session.as_ref(),
            Actor::Person => None,
        };
        let wanted = Wanted { name: &self.name, actor: &self.actor, session, env: &env, cwd: &cwd, io: Self::io() };
        terminal::open(self.hands, wanted, &self.context).await?;
        // Only the person's own process may look at it and type: a window that the hands open could not.
        Ok(OlderReply::done(format!("pryx open {}", self.name), true))
    }

    fn close_windows(&self) -> Result<OlderReply, WireError> {
        let job = match self.own()? {
            Ok(job) => job,
            Err(refused) => return Ok(refused),
        };
        let closed = self.hands.windows.close(job.id());
        Ok(OlderReply::done(format!("{closed} windows closed"), true))
    }

    async fn end(&self) -> Result<OlderReply, WireError> {
        let job = match self.own()? {
            Ok(job) => job,
            Err(refused) => return Ok(refused),
        };
        job.stop(GRACE, &format!("close_session of {}", self.name)).await;
        Ok(OlderReply::done(String::new(), self.find()?.is_some()))
    }
}

/// The last lines of a text.
fn last_lines(text: &str, lines: f64) -> String {
    // The cast saturates: any number of lines from none to all.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is neither negative nor exact")]
    let wanted = lines as usize;
    let all: Vec<&str> = text.trim_end_matches('\n').split('\n').collect();
    let mut last = all[all.len().saturating_sub(wanted)..].join("\n");
    if !last.is_empty() {
        last.push('\n');
    }
    last
}

#[cfg(test)]
mod tests {
    use super::last_lines;

    #[test]
    fn the_last_lines() {
        for (lines, wanted) in [(0.0, ""), (1.0, "c\n"), (2.0, "b\nc\n"), (9.0, "a\nb\nc\n"), (1e300, "a\nb\nc\n")] {
            assert_eq!(last_lines("a\nb\nc\n", lines), wanted, "{lines}");
        }
        assert_eq!(last_lines("", 5.0), "");
    }
}
