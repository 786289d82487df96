//! One connection through `ssh`: how it is started, and what its failures mean.

use super::Host;
use crate::cli::connect::hello;
use crate::cli::exit;
use crate::cli::failure::Failure;
use pryx_ipc::{Client, ClientError, ErrorCode};
use pryx_terms::visible;
use std::io::ErrorKind;
use std::pin::Pin;
use std::process::{ExitStatus, Stdio};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};
use tokio::process::{ChildStderr, ChildStdout, Command};

/// What runs over there, whatever the login shell is. Shells that are started for a command read no profile, so the
/// places where pryx is installed are added behind the search path. `exec` leaves no shell between.
const COMMAND: &str =
    r#"exec sh -c 'PATH="$PATH:$HOME/.local/bin:$HOME/.cargo/bin:/usr/local/bin"; exec pryx hands --stdio'"#;

/// How long all of it may take when nobody is asked: the network, the keys, the start of the hands over there. A host
/// that drops packets would else hold a command for minutes.
const PATIENCE: Duration = Duration::from_secs(45);

/// The same when a person may have to type a password or look up a fingerprint.
const PATIENCE_WITH_PEOPLE: Duration = Duration::from_secs(180);

/// How long to wait, after the connection failed, for ssh to end and say why.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Bytes kept of what ssh says. The reason stands in its last lines.
const SAID: usize = 4096;

/// Text that a start-up file may print over there before pryx has its turn. More is no start-up file's greeting.
const MAX_PREAMBLE: usize = 64 * 1024;

/// How a connection is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// With what needs no person.
    Quiet,
    /// ssh may ask on the terminal.
    Asking,
}

/// Why there is none.
#[derive(Debug)]
pub struct Unreached {
    /// In words.
    pub failure: Failure,
    /// Whether a person at a terminal could help: a password, a new host's key.
    pub wants_person: bool,
    /// Whether it may work in a moment.
    pub may_pass: bool,
}

/// Connects to the hands of a host, starting them there if need be.
///
/// # Errors
/// In words that say who can mend it: ssh is missing, the host can't be reached, there is no pryx.
pub async fn reach(host: &Host, attempt: Attempt) -> Result<Client, Unreached> {
    let mut child = command(host, attempt).spawn().map_err(|error| no_ssh(&error))?;
    let (Some(stdin), Some(stdout), stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take()) else {
        return Err(unreached(Failure::new("ssh has no pipes"), false));
    };
    let said = tokio::spawn(listen(stderr, attempt));
    let patience = if attempt == Attempt::Asking { PATIENCE_WITH_PEOPLE } else { PATIENCE };
    let greeted = Client::over_within(AfterPreamble::new(stdout), stdin, hello(), patience).await;
    match greeted {
        Ok((client, _)) if client.machine().is_some() => {
            // It ends when its stdin does: with the last clone of the client. Nobody waits for it but this.
            tokio::spawn(async move { child.wait().await });
            Ok(client)
        }
        Ok(_) => Err(unreached(too_old(host), false)),
        Err(error) => {
            let ended = tokio::time::timeout(LAST_WORDS, child.wait()).await.ok().and_then(Result::ok);
            // A master connection that ssh left behind may hold the pipe open for hours.
            let said = tokio::time::timeout(LAST_WORDS, said).await.ok().and_then(Result::ok).unwrap_or_default();
            Err(explain(host, attempt, &error, ended, &said))
        }
    }
}

fn command(host: &Host, attempt: Attempt) -> Command {
    let mut command = Command::new("ssh");
    command.args(["-T", "-a", "-x"]);
    let batch = if attempt == Attempt::Asking { "BatchMode=no" } else { "BatchMode=yes" };
    for option in [
        batch,
        // A forwarded port of the settings would be taken already by the session that is open elsewhere.
        "ClearAllForwardings=yes",
        "RemoteCommand=none",
        "ConnectTimeout=20",
        // A dead network says nothing: after 45 s of silence the connection is given up and made anew.
        "ServerAliveInterval=15",
        "ServerAliveCountMax=3",
    ] {
        command.args(["-o", option]);
    }
    command.args(["--", host.as_str(), COMMAND]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    // Ctrl-C is for us: ssh must live to carry the word that stops the job. Only where it may ask it needs the terminal.
    #[cfg(unix)]
    if attempt == Attempt::Quiet {
        command.process_group(0);
    }
    command
}

/// Keeps the end of what ssh says; with a person there, passes it on as it comes, since it may belong to a question.
async fn listen(stderr: Option<ChildStderr>, attempt: Attempt) -> String {
    let (mut said, mut chunk) = (Vec::new(), [0_u8; 1024]);
    let Some(mut stderr) = stderr else { return String::new() };
    while let Ok(count @ 1..) = stderr.read(&mut chunk).await {
        let fresh = &chunk[..count];
        if attempt == Attempt::Asking {
            crate::cli::out::mutter(&String::from_utf8_lossy(fresh));
        }
        said.extend_from_slice(fresh);
        if said.len() > 2 * SAID {
            said.drain(..said.len() - SAID);
        }
    }
    String::from_utf8_lossy(&said).into_owned()
}

/// The code of ssh itself for anything that is not the remote command's.
const OWN_TROUBLE: u8 = 255;

fn explain(host: &Host, attempt: Attempt, error: &ClientError, ended: Option<ExitStatus>, said: &str) -> Unreached {
    // The last line says what was decisive; those before it, banners.
    let lines: Vec<String> = said.lines().map(|line| visible(line.trim())).filter(|line| !line.is_empty()).collect();
    let last = lines.last().cloned().unwrap_or_default();
    let because = if last.is_empty() || attempt == Attempt::Asking { String::new() } else { format!(": {last}") };
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if let ClientError::Answer(answer) = error {
        if answer.code == ErrorCode::VersionMismatch {
            let hint = format!("bring pryx on both machines to the same version, then: ssh {host} pryx hands stop");
            return unreached(Failure::new(format!("{host}: {}", answer.message)).hint(hint), false);
        }
        return unreached(Failure::from(answer.clone()), false);
    }
    match ended.and_then(|status| status.code()).and_then(|code| u8::try_from(code).ok()) {
        Some(exit::NOT_FOUND) => {
            let hint = format!(
                "install it there, for example: scp \"$(command -v pryx)\" {host}:.local/bin/ (same system and processor), \
                 or run its install.sh on {host}"
            );
            unreached(Failure::new(format!("there is no pryx on {host}")).hint(hint), false)
        }
        Some(exit::USAGE) => unreached(too_old(host), false),
        Some(OWN_TROUBLE) if has(&["Permission denied", "Host key verification failed", "Too many authentication"]) => {
            let hint =
                format!("`ssh {host}` shows what it wants: a key, a password, or your word for a new host's key");
            let failure = Failure::new(format!("{host} doesn't let us in{because}")).hint(hint);
            Unreached { failure, wants_person: true, may_pass: false }
        }
        Some(OWN_TROUBLE) => {
            let hint = format!("`ssh {host}` shows whether the name, the network and the server are well");
            unreached(Failure::new(format!("{host} can't be reached{because}")).hint(hint), true)
        }
        Some(code) => {
            let hint = format!("`ssh {host} pryx doctor` says what is wrong there");
            unreached(Failure::new(format!("the hands on {host} ended with code {code}{because}")).hint(hint), false)
        }
        None => {
            let hint = format!("`ssh {host} pryx doctor` says whether it is the network or pryx there");
            unreached(Failure::new(format!("the hands on {host} don't answer{because}")).hint(hint), true)
        }
    }
}

fn unreached(failure: Failure, may_pass: bool) -> Unreached {
    Unreached { failure, wants_person: false, may_pass }
}

fn too_old(host: &Host) -> Failure {
    Failure::new(format!("the pryx on {host} is too old for this one")).hint(format!(
        "install this version there (pryx {}), then: ssh {host} pryx hands stop",
        env!("CARGO_PKG_VERSION")
    ))
}

fn no_ssh(error: &std::io::Error) -> Unreached {
    let failure = if error.kind() == ErrorKind::NotFound {
        Failure::new("there is no ssh to reach another machine with")
            .hint("install it (openssh-client on Debian and Ubuntu), or mend PATH")
    } else {
        Failure::because("ssh can't be started", error).hint("see whether `ssh -V` works")
    };
    unreached(failure, false)
}

/// The remote side's output from its first line of protocol on: shells may greet before pryx has its turn.
struct AfterPreamble {
    inner: ChildStdout,
    /// What was read and is not handed out.
    held: Vec<u8>,
    begun: bool,
}

impl AfterPreamble {
    fn new(inner: ChildStdout) -> Self {
        Self { inner, held: Vec::new(), begun: false }
    }
}

/// Where the first line that is an object begins.
fn beginning(text: &[u8]) -> Option<usize> {
    let starts = std::iter::once(0).chain(text.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at + 1));
    starts.into_iter().find(|at| text[*at..].starts_with(b"{\"id\":"))
}

impl AsyncRead for AfterPreamble {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        while !self.begun {
            let mut chunk = [0_u8; 4096];
            let mut read = ReadBuf::new(&mut chunk);
            ready!(Pin::new(&mut self.inner).poll_read(cx, &mut read))?;
            if read.filled().is_empty() || self.held.len() > MAX_PREAMBLE {
                return Poll::Ready(Ok(()));
            }
            let fresh = read.filled().to_vec();
            self.held.extend_from_slice(&fresh);
            if let Some(at) = beginning(&self.held) {
                self.held.drain(..at);
                self.begun = true;
            }
        }
        if self.held.is_empty() {
            return Pin::new(&mut self.inner).poll_read(cx, buf);
        }
        let count = self.held.len().min(buf.remaining());
        buf.put_slice(&self.held[..count]);
        self.held.drain(..count);
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::beginning;

    #[test]
    fn what_a_shell_says_first_is_skipped() {
        assert_eq!(beginning(b"{\"id\":1}"), Some(0));
        assert_eq!(beginning(b"Welcome {\"id\":\nto box\n{\"id\":1"), Some(22));
        assert_eq!(beginning(b"Welcome\n{\"i"), None);
    }
}
