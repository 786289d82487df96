//! The command line as clap reads it. Help texts are written here; what commands do stands in their own files.

mod auth;
mod budget;
mod config;
mod cost;
mod gate;
mod logs;
mod models;
mod sessions;
mod setup;
mod trust;
mod undo;
mod windows;

pub use auth::{Auth, AuthAction};
pub use budget::{Budget, BudgetAction};
pub use config::{Config, ConfigAction};
pub use cost::{Cost, CostBy};
pub use gate::{Approve, Audit, AuditAction, Deny, Grants, GrantsAction, Policy, PolicyAction};
pub use logs::{Log, Replay};
pub use models::{Ability, Model, ModelAction, Models};
pub use sessions::{ExportFormat, Fill, Sessions, SessionsAction, Trace};
pub use setup::Setup;
pub use trust::{Trust, TrustAction};
pub use undo::Undo;
pub use windows::{Attach, Close, Open};

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use pryx_brain::Think;
use pryx_terms::TerminalName;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

const EXAMPLES: &str = "\
Examples:
  pryx \"what is using port 8080?\"          ask; without a key the embedded planner answers
  cat app.log | pryx \"what went wrong?\"    piped text is context
  pryx run --json \"largest files in /var\"  for scripts: one JSON event per line
  pryx exec -- make -j2                     run a command yourself, with its exact exit code
  pryx ps                                   what runs; then log, attach, stop

Words that are no command are a request. Quote a request that begins with a command's name.
A model is connected by `pryx setup`, or by ANTHROPIC_API_KEY, OPENAI_API_KEY or OPENAI_BASE_URL.";

const EXEC_EXAMPLES: &str = "\
Examples:
  pryx exec -- make -j2                 its exact exit code; all it prints is kept
  pryx exec -d -- ./server              as a job; then log, wait, stop
  pryx exec -t dev -- cd src            in the terminal dev, whose shell stays in src
  pryx exec -t dev -- 'make && ./run'   one argument is a line for the shell as it stands
  pryx attach dev                       see it, type in it";

/// An AI agent in your own terminal: it plans, you watch, nothing dangerous runs unasked.
#[derive(Debug, Parser)]
#[command(name = "pryx", version, after_help = EXAMPLES, disable_help_subcommand = true)]
#[command(override_usage = "pryx [OPTIONS] REQUEST...\n       pryx [OPTIONS] COMMAND")]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,

    #[command(flatten)]
    pub ask: Ask,

    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options that mean the same everywhere.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// Print JSON instead of text
    #[arg(long, global = true)]
    pub json: bool,

    /// No colours (also: NO_COLOR)
    #[arg(long, global = true)]
    pub no_color: bool,

    /// Say only what was asked for
    #[arg(long, short, global = true)]
    pub quiet: bool,

    /// Work in this directory
    #[arg(short = 'C', value_name = "DIR", global = true)]
    pub directory: Option<PathBuf>,

    /// Use the hands of another machine, over ssh (also: PRYX_HOST; `local` is this one)
    #[arg(long, value_name = "USER@SERVER", global = true)]
    pub host: Option<String>,
}

/// A request to the brain.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub struct Ask {
    /// What you want, in your own words; `-` reads all of standard input
    #[arg(value_name = "REQUEST")]
    pub words: Vec<String>,

    /// Go on with the last session of this directory, else with the last one
    #[arg(long = "continue", short = 'c', conflicts_with = "resume")]
    pub go_on: bool,

    /// Go on with a session, by its id or an unambiguous beginning of it
    #[arg(long, short = 'r', value_name = "SESSION")]
    pub resume: Option<String>,

    /// The model, as provider/model; `offline` is the embedded planner; or a rule: preferred, cheapest, fastest,
    /// with needs (cheapest:vision+200k)
    #[arg(long, value_name = "PROVIDER/MODEL")]
    pub model: Option<String>,

    /// How hard the model thinks before it answers: off, low, medium, high, max, or tokens (8000, 16k)
    #[arg(long, value_name = "LEVEL", value_parser = str::parse::<Think>)]
    pub think: Option<Think>,

    /// What may run unasked: read-only, workspace, network-allowlist, full, or a policy of your own
    #[arg(long, value_name = "MODE", visible_alias = "policy")]
    pub mode: Option<String>,

    /// Show the model a picture (PNG, JPEG, GIF, WebP); may be given several times
    #[arg(long = "image", value_name = "FILE")]
    pub images: Vec<PathBuf>,

    /// Stop the turn after this long (90s, 5m, 1h)
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub timeout: Option<Duration>,

    /// Calls of the model that the turn may take; 200 unless said otherwise
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub steps: Option<u32>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Ask the brain, as plain words do; made for scripts
    Run(Ask),
    /// Run a command with an exact exit code and all its output recorded
    Exec(Exec),
    /// List jobs
    Ps(Ps),
    /// Print what a job printed
    Log(Log),
    /// Play what a job printed, at the pace it came
    Replay(Replay),
    /// Wait until a job ends, prints something, asks, or opens a port
    Wait(Wait),
    /// Type text or keys into a job's terminal
    Send(Send),
    /// Show what a job's terminal shows now
    Screen(Screen),
    /// Stop a job and everything it started
    Stop(Stop),
    /// Join a job's terminal; leave it with Ctrl-\ d
    Attach(Attach),
    /// Open a window onto a persistent shell, by name
    Open(Open),
    /// Close the windows onto a terminal; the shell goes on
    Close(Close),
    /// List the questions that wait for you
    Approvals,
    /// Answer a question with yes
    Approve(Approve),
    /// Answer a question with no
    Deny(Deny),
    /// What you allowed beyond once: list, revoke
    Grants(Grants),
    /// Modes and policies: what runs unasked, what is asked, what never runs
    Policy(Policy),
    /// What was ruled, asked, run and refused; and whether the record is whole
    Audit(Audit),
    /// Take a folder's own settings, after a look at them
    Trust(Trust),
    /// Take back what the agent did to files
    Undo(Undo),
    /// Conversations: list, read, search, copy, delete
    Sessions(Sessions),
    /// Draw what took how long in a session
    Trace(Trace),
    /// Show what fills the model's window in a session
    Context(Fill),
    /// Choose a model and a directory, keep a key, get a first answer
    Setup(Setup),
    /// Models: limits, prices, abilities
    Models(Models),
    /// The model that answers: show it, choose another
    Model(Model),
    /// Keys of providers: keep, list, forget
    Auth(Auth),
    /// Settings: show who decided them, change them
    Config(Config),
    /// What was spent on models
    Cost(Cost),
    /// Limits on what models may cost
    Budget(Budget),
    /// The daemon that runs commands: run it here, see it, stop it
    Hands(Hands),
    /// Say what is wrong and the command that mends it
    Doctor,
    /// Print the completion script for a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
}

impl Command {
    /// Whether it only looks, answers or stops, so that it must work with settings that can't be understood.
    pub fn only_looks(&self) -> bool {
        match self {
            Self::Ps(_) | Self::Log(_) | Self::Replay(_) | Self::Wait(_) | Self::Screen(_) | Self::Stop(_) => true,
            Self::Attach(_) | Self::Close(_) | Self::Approvals | Self::Approve(_) | Self::Deny(_) => true,
            Self::Grants(_) | Self::Audit(_) | Self::Trace(_) | Self::Cost(_) => true,
            Self::Hands(hands) => matches!(hands.action, Some(HandsAction::Status | HandsAction::Stop { .. })),
            Self::Sessions(sessions) => !matches!(sessions.action, Some(SessionsAction::Resume { .. })),
            _ => false,
        }
    }
}

/// How the hands start the process that owns one job: `pryx __keeper JOB_DIR SOCKET`. Its two paths, if that is what these
/// arguments are.
pub fn keeper(mut args: impl Iterator<Item = OsString>) -> Option<(PathBuf, PathBuf)> {
    args.nth(1).filter(|word| word == "__keeper")?;
    let paths = (args.next()?.into(), args.next()?.into());
    args.next().is_none().then_some(paths)
}

/// `pryx exec`.
#[derive(Debug, Args)]
#[command(after_help = EXEC_EXAMPLES)]
pub struct Exec {
    /// Run it in this terminal, a shell that keeps its directory, variables and functions; started if there is none
    #[arg(long, short, value_name = "NAME", value_parser = terminal_name, conflicts_with_all = ["tty", "no_tty", "keep", "mode"])]
    pub terminal: Option<TerminalName>,

    /// Run it in this directory; a terminal stays there
    #[arg(long, value_name = "DIR")]
    pub cwd: Option<PathBuf>,

    /// Stop the command after this long (90s, 5m, 1h)
    #[arg(long, value_name = "DURATION", value_parser = some_time)]
    pub timeout: Option<Duration>,

    /// Return at once; the command goes on as a job
    #[arg(long, short)]
    pub detach: bool,

    /// A name to list and stop it by, with others of the same
    #[arg(long, value_name = "TAG", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub tag: Option<String>,

    /// Let it outlive `pryx stop --all`
    #[arg(long)]
    pub keep: bool,

    /// Set a variable for it; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = variable)]
    pub env: Vec<(String, String)>,

    /// Run it on a terminal even if the output goes into a pipe
    #[arg(long, conflicts_with = "no_tty")]
    pub tty: bool,

    /// Run it on pipes: stdout and stderr stay apart
    #[arg(long)]
    pub no_tty: bool,

    /// Hold it in the sandbox of a mode: read-only, workspace (this directory); without it, in none
    #[arg(long, value_name = "MODE")]
    pub mode: Option<String>,

    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    pub argv: Vec<String>,
}

/// `pryx ps`.
#[derive(Debug, Args)]
pub struct Ps {
    /// Ended jobs too
    #[arg(long, short)]
    pub all: bool,

    /// Only those with this tag
    #[arg(long, value_name = "TAG")]
    pub tag: Option<String>,

    /// At most so many; 0: all
    #[arg(long, short = 'l', default_value_t = 100, value_name = "N")]
    pub limit: u32,
}

/// `pryx wait`.
#[derive(Debug, Args)]
pub struct Wait {
    /// Job, an unambiguous beginning of its id, a terminal's name, or `last`
    #[arg(default_value = "last")]
    pub job: String,

    /// What for: exit, prompt, match=RE, silence=10s, port=8080
    #[arg(long, default_value = "exit", value_name = "EVENT", value_parser = super::wait::until)]
    pub until: pryx_ipc::Until,

    /// Give up after this long (90s, 5m, 1h), with exit code 124
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub timeout: Option<Duration>,
}

/// `pryx send`.
#[derive(Debug, Args)]
pub struct Send {
    /// Job, an unambiguous beginning of its id, a terminal's name, or `last`
    pub job: String,

    /// Text, typed exactly as it is; `-` reads it from standard input; put -- before one that begins with a dash
    #[arg(required_unless_present = "keys", value_name = "TEXT")]
    pub text: Option<String>,

    /// A key to press after the text: Enter, Tab, Escape, C-c, M-x, Up, F5; may be repeated
    #[arg(long = "key", short = 'k', value_name = "KEY", allow_hyphen_values = true)]
    pub keys: Vec<String>,
}

/// `pryx screen`.
#[derive(Debug, Args)]
pub struct Screen {
    /// Job, an unambiguous beginning of its id, a terminal's name, or `last`
    #[arg(default_value = "last")]
    pub job: String,

    /// As what
    #[arg(long, value_enum, default_value_t = ScreenForm::Text)]
    pub format: ScreenForm,
}

/// What a screen can be printed as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ScreenForm {
    /// Its characters
    Text,
    /// With colours
    Ansi,
    /// A drawing
    Svg,
    /// Its characters, size and cursor
    Json,
}

/// `pryx stop`.
#[derive(Debug, Args)]
pub struct Stop {
    /// Job, an unambiguous beginning of its id, a terminal's name, or `last`
    #[arg(required_unless_present_any = ["all", "tag"], conflicts_with_all = ["all", "tag"])]
    pub job: Option<String>,

    /// All jobs and terminals, but those that were started with --keep
    #[arg(long, conflicts_with = "tag")]
    pub all: bool,

    /// With --all: those that were started with --keep too
    #[arg(long, requires = "all")]
    pub kept: bool,

    /// Those with this tag
    #[arg(long, value_name = "TAG")]
    pub tag: Option<String>,

    /// How long a command gets between SIGTERM and SIGKILL
    #[arg(long, default_value = "2s", value_parser = duration, value_name = "DURATION")]
    pub grace: Duration,
}

/// `pryx hands`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Hands {
    /// Connect stdin and stdout to the daemon, starting it if need be: how another machine reaches it over ssh
    #[arg(long)]
    pub stdio: bool,

    #[command(subcommand)]
    pub action: Option<HandsAction>,
}

#[derive(Debug, Subcommand)]
pub enum HandsAction {
    /// Run the daemon in the foreground, for a service manager (the default)
    Run {
        /// Become a session of its own and report readiness on stdout: how other commands start it
        #[arg(long, hide = true)]
        detached: bool,
    },
    /// Show what the daemon is doing
    Status,
    /// End the daemon; jobs go on, unless all are to be stopped
    Stop {
        /// Stop all jobs and terminals too, but those that were started with --keep
        #[arg(long)]
        all: bool,

        /// With --all: those that were started with --keep too
        #[arg(long, requires = "all")]
        kept: bool,
    },
}

fn terminal_name(text: &str) -> Result<TerminalName, String> {
    match TerminalName::parse(text) {
        Ok(name) if name.as_str() != "last" => Ok(name),
        Ok(_) => Err("\"last\" means the newest job; a terminal needs another name".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// `NAME=VALUE`.
fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(format!("{text:?} is no NAME=VALUE")),
    }
}

/// A duration in which something can happen.
fn some_time(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("that is no time at all; leave it out for no limit".to_owned()),
        time => Ok(time),
    }
}

/// `90s`, `5m`, `1h30m`, `250ms`, or plain seconds.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no duration; write 90s, 5m or 1h");
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).map_err(|_| wrong());
    }
    let duration: jiff::SignedDuration = text.parse().map_err(|_| wrong())?;
    Duration::try_from(duration).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn clap_finds_no_contradiction() {
        Cli::command().debug_assert();
    }

    #[test]
    fn durations() {
        for (text, ms) in
            [("90s", 90_000), ("5m", 300_000), ("1h30m", 5_400_000), ("250ms", 250), ("1.5", 1_500), ("0", 0)]
        {
            assert_eq!(duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for bad in ["", "soon", "-1", "-5s", "1e999", "5 parsecs"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn words_are_a_request_and_commands_are_commands() {
        let cli = Cli::parse_from(["pryx", "what", "is", "up?"]);
        assert_eq!(cli.ask.words, ["what", "is", "up?"]);
        assert!(cli.command.is_none());
        let cli = Cli::parse_from(["pryx", "run the tests", "--json"]);
        assert!(cli.command.is_none() && cli.global.json);
        let cli = Cli::parse_from(["pryx", "--", "exec", "is", "broken"]);
        assert!(cli.command.is_none(), "after -- everything is a word");
        let cli = Cli::parse_from(["pryx", "exec", "--", "make", "--json"]);
        assert!(matches!(cli.command, Some(Command::Exec(e)) if e.argv == ["make", "--json"]));
    }
}
