//! `pryx doctor`: what is wrong, and the command that mends it. Each check is a real attempt.

use super::args::Global;
use super::context::Context;
use super::exit;
use super::failure::Failure;
use super::sandbox::Proof;
use super::style::Style;
use pryx_ipc::{Client, Event, Exec, Io, Status, Stdin, Update};
use pryx_terms::{ByteCount, CallKey};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Below this, jobs soon run into a full disk.
#[cfg(unix)]
const LOW_DISK: u64 = 256 * 1024 * 1024;

/// How long the trial command may take before it counts as failed.
const TRIAL: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Ok,
    /// Works, with less.
    Warn,
    /// Doesn't work.
    Fail,
}

#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    level: Level,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

impl Check {
    fn ok(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, level: Level::Ok, detail: detail.into(), fix: None }
    }

    fn warn(name: &'static str, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name, level: Level::Warn, detail: detail.into(), fix: Some(fix.into()) }
    }

    fn fail(name: &'static str, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name, level: Level::Fail, detail: detail.into(), fix: Some(fix.into()) }
    }

    fn failed(name: &'static str, failure: &Failure, fix: &str) -> Self {
        let (detail, hint) = failure.words();
        Self::fail(name, detail, hint.unwrap_or_else(|| fix.to_owned()))
    }
}

/// Checks all there is to check; a broken settings file is a finding, not the end.
pub async fn run(global: &Global, style: Style) -> Result<u8, Failure> {
    let mut checks = vec![program()];
    let broken = |failure: &Failure| Check::failed("settings", failure, "mend the settings file");
    match Context::new(global) {
        Err(failure) => {
            checks.push(broken(&failure));
            if let Ok(context) = Context::for_looking(global) {
                // What is not about settings. Which model answers is.
                checks.extend(home(&context));
                checks.extend(hands(&context).await);
                checks.push(shell());
                checks.push(tmux().await);
            }
        }
        Ok(context) => {
            checks.push(settings(&context));
            checks.extend(home(&context));
            checks.extend(hands(&context).await);
            checks.push(shell());
            checks.push(tmux().await);
            let local = super::model::find(&context).await;
            let first = local.as_ref().ok().and_then(|all| all.iter().flat_map(super::model::Local::names).next());
            let connect = first.map_or_else(
                || "pryx setup   or   export ANTHROPIC_API_KEY=…   or   export OPENAI_API_KEY=…".to_owned(),
                |name| format!("pryx model set {name}"),
            );
            checks.push(servers(local));
            checks.push(super::model::check(&context).map_or_else(
                |failure| Check::failed("model", &failure, "see docs/providers.md"),
                |found| match found {
                    super::model::Found::Connected { model, key } => {
                        Check::ok("model", format!("{model}, key from {key}"))
                    }
                    super::model::Found::Offline => {
                        Check::warn("model", "none connected: the embedded planner answers everyday requests", connect)
                    }
                },
            ));
        }
    }
    let broken = checks.iter().any(|c| c.level == Level::Fail);
    if global.json {
        super::print_line(&serde_json::json!({ "ok": !broken, "checks": checks }).to_string())?;
    } else {
        super::print_data(report(&checks, style).as_bytes())?;
    }
    Ok(if broken { exit::FAILED } else { exit::DONE })
}

fn report(checks: &[Check], style: Style) -> String {
    let mut text = String::new();
    for check in checks {
        let mark = match check.level {
            Level::Ok => style.good("✓"),
            Level::Warn => style.warn("!"),
            Level::Fail => style.error("✗"),
        };
        text.push_str(&format!("{mark} {:<9} {}\n", check.name, check.detail));
        if let Some(fix) = &check.fix {
            text.push_str(&format!("            {} {fix}\n", style.bold("→")));
        }
    }
    text
}

fn program() -> Check {
    let place = std::env::current_exe().map_or_else(|e| format!("somewhere ({e})"), |p| p.display().to_string());
    Check::ok("program", format!("pryx {} at {place}", env!("CARGO_PKG_VERSION")))
}

fn settings(context: &Context) -> Check {
    let file = context.paths.config_file();
    if let Err(failure) = super::config::check_names(context) {
        return Check::failed("settings", &failure, "pryx config edit");
    }
    Check::ok(
        "settings",
        if file.exists() { file.display().to_string() } else { format!("none ({} would be read)", file.display()) },
    )
}

fn home(context: &Context) -> Vec<Check> {
    if let Err(failure) = context.paths.prepare() {
        return vec![Check::failed("home", &failure, "set PRYX_HOME to a directory of your own")];
    }
    let home = &context.paths.home;
    let trial = home.join(format!(".doctor-{}", std::process::id()));
    let written = std::fs::write(&trial, b"x").and_then(|()| std::fs::remove_file(&trial));
    let mut checks = vec![match written {
        Ok(()) => Check::ok("home", home.display().to_string()),
        Err(e) => Check::fail(
            "home",
            format!("{} can't be written: {e}", home.display()),
            "free some space or mend its permissions",
        ),
    }];
    checks.extend(disk(home));
    checks.push(logs(&home.join("jobs")));
    checks
}

/// How much the jobs' directories hold. Old logs go by themselves, see [logs] in the settings.
fn logs(jobs: &Path) -> Check {
    let dirs: Vec<PathBuf> = std::fs::read_dir(jobs).into_iter().flatten().flatten().map(|e| e.path()).collect();
    let files = dirs.iter().filter_map(|dir| std::fs::read_dir(dir).ok()).flatten().flatten();
    let bytes = files.filter_map(|file| file.metadata().ok()).map(|meta| meta.len()).sum();
    Check::ok("logs", format!("{} of {} jobs in {}", ByteCount(bytes), dirs.len(), jobs.display()))
}

#[cfg(unix)]
fn disk(home: &Path) -> Option<Check> {
    let stat = rustix::fs::statvfs(home).ok()?;
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    let shown = format!("{} free for job logs", ByteCount(free));
    Some(if free < LOW_DISK {
        Check::warn("disk", shown, format!("free some space, or remove old jobs below {}", home.join("jobs").display()))
    } else {
        Check::ok("disk", shown)
    })
}

#[cfg(windows)]
fn disk(_home: &Path) -> Option<Check> {
    None
}

async fn hands(context: &Context) -> Vec<Check> {
    let log = context.paths.home.join("hands.log");
    let fix = format!("run `pryx hands` to see why; their log is {}", log.display());
    let client = match super::connect::connect(&context.route).await {
        Ok(client) => client,
        Err(failure) => return vec![Check::failed("hands", &failure, &fix)],
    };
    let mut checks = Vec::new();
    match client.call(Status {}).await {
        Ok(s) if s.version == env!("CARGO_PKG_VERSION") => {
            checks.push(Check::ok("hands", format!("process {}, {} running", s.pid, s.running_jobs)));
        }
        Ok(s) => checks.push(Check::warn(
            "hands",
            format!("they are pryx {}", s.version),
            "run `pryx hands stop`: the next command starts new ones",
        )),
        Err(error) => checks.push(Check::failed("hands", &error.into(), &fix)),
    }
    checks.push(terminal(context, &client, &fix).await);
    // Its proof lays out files on this machine; over there `pryx doctor` does the same.
    if context.route.host().is_none() {
        checks.push(sandbox(context, &client).await);
    }
    checks
}

/// Tries what an agent's command must not be able to do.
async fn sandbox(context: &Context, client: &Client) -> Check {
    const NAME: &str = "sandbox";
    let report = "report it: docs/security.md says how; until then don't rely on the sandbox";
    match super::sandbox::prove(context, client).await {
        Ok(Proof::Holds { by, lacks: None }) => {
            Check::ok(NAME, format!("{by}: a command in it could not write, read, connect or signal where it must not"))
        }
        Ok(Proof::Holds { by, lacks: Some(lacks) }) => Check::warn(
            NAME,
            format!("{by}, but {lacks}"),
            "a newer kernel can (Linux 6.12); the rest was tried and holds",
        ),
        Ok(Proof::None { why }) => Check::warn(
            NAME,
            format!("none: {why}"),
            "commands that could change something are asked, and run with your own rights",
        ),
        Ok(Proof::Broken { what }) => Check::fail(NAME, what, report),
        Err(failure) => Check::failed(NAME, &failure, report),
    }
}

/// Runs a real command on a real PTY and looks at every part of the result.
async fn terminal(context: &Context, client: &Client, fix: &str) -> Check {
    let began = Instant::now();
    let request = Exec {
        key: CallKey::generate(),
        argv: ["sh", "-c", "printf 'pryx%s' -doctor; exit 7"].map(str::to_owned).to_vec(),
        cwd: if context.route.host().is_some() { context.work_dir(client) } else { context.paths.home.clone() },
        env: context.offered_env(),
        io: Io::default(),
        stdin: Stdin::Null,
        timeout_ms: u64::try_from(TRIAL.as_millis()).ok(),
        detach: false,
        terminal: None,
        tag: Some("doctor".to_owned()),
        keep: false,
        mode: None,
        have: Vec::new(),
        inside: None,
    };
    let trial = async {
        let mut call = client.start(request).await?;
        let mut printed = Vec::new();
        loop {
            match call.next().await? {
                Update::Event(Event::Output(output)) => printed.extend(output.data.0),
                Update::Event(_) => {}
                Update::Reply(reply) => return Ok::<_, pryx_ipc::ClientError>((reply.job, printed)),
            }
        }
    };
    match tokio::time::timeout(TRIAL, trial).await {
        Ok(Ok((job, printed))) => {
            let code = job.outcome().and_then(pryx_terms::Outcome::shell_code);
            if code == Some(7) && printed == b"pryx-doctor" {
                Check::ok(
                    "terminal",
                    format!(
                        "a command ran on a PTY with exact output and exit code in {} ms",
                        began.elapsed().as_millis()
                    ),
                )
            } else {
                let printed = String::from_utf8_lossy(&printed).into_owned();
                Check::fail("terminal", format!("a trial command gave {code:?} and {printed:?}"), fix)
            }
        }
        Ok(Err(error)) => Check::failed("terminal", &error.into(), fix),
        Err(_) => Check::fail("terminal", "a trial command did not end", fix),
    }
}

/// Model servers on this machine.
fn servers(found: Result<Vec<super::model::Local>, Failure>) -> Check {
    match found {
        Err(failure) => Check::failed("local", &failure, "mend the settings file"),
        Ok(found) if found.is_empty() => {
            Check::ok("local", "no model server runs here (Ollama, llama.cpp, LM Studio, vLLM)")
        }
        Ok(found) => Check::ok("local", found.iter().map(super::model::Local::words).collect::<Vec<_>>().join(", ")),
    }
}

fn find(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|dir| dir.join(name)).find(|file| file.is_file())
}

fn shell() -> Check {
    match (find("bash"), find("sh")) {
        (Some(bash), _) => Check::ok("shell", bash.display().to_string()),
        (None, Some(sh)) => {
            Check::warn("shell", format!("{} (no bash: the agent's commands run in sh)", sh.display()), "install bash")
        }
        (None, None) => Check::fail("shell", "neither bash nor sh is in PATH", "mend PATH, or install bash"),
    }
}

async fn tmux() -> Check {
    let optional = "optional; install tmux to keep windows open side by side";
    match tokio::process::Command::new("tmux").arg("-V").output().await {
        Ok(out) if out.status.success() => Check::ok("tmux", String::from_utf8_lossy(&out.stdout).trim().to_owned()),
        Ok(_) => Check::warn("tmux", "it is there but doesn't start", optional),
        Err(_) => Check::warn("tmux", "not there; everything works without it", optional),
    }
}
