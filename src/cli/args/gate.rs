//! Arguments of the commands about the gate: questions, grants, policies, the audit log.

use clap::{Args, Subcommand};
use std::path::PathBuf;
use std::time::Duration;

/// `pryx approve`.
#[derive(Debug, Args)]
pub struct Approve {
    /// The question's id, as `pryx approvals` lists it
    pub id: String,

    /// Allow the same command for the rest of its session
    #[arg(long, conflicts_with = "always")]
    pub session: bool,

    /// Allow what is like it from now on: makes a grant, which is shown
    #[arg(long)]
    pub always: bool,

    /// With --always: the pattern of commands, such as "cargo test *"
    #[arg(long, value_name = "PATTERN", requires = "always")]
    pub pattern: Option<String>,

    /// With --always: everywhere, not only in the session's workspace
    #[arg(long, requires = "always")]
    pub everywhere: bool,

    /// With --always: only for so long (90m, 24h, 30d)
    #[arg(long = "for", value_name = "DURATION", requires = "always", value_parser = long_duration)]
    pub lasting: Option<Duration>,

    /// With --always: only so many times
    #[arg(long, value_name = "N", requires = "always", value_parser = clap::value_parser!(u32).range(1..))]
    pub uses: Option<u32>,
}

/// `pryx deny`.
#[derive(Debug, Args)]
pub struct Deny {
    /// The question's id, as `pryx approvals` lists it
    pub id: String,
}

/// `pryx grants`.
#[derive(Debug, Args)]
pub struct Grants {
    #[command(subcommand)]
    pub action: Option<GrantsAction>,
}

#[derive(Debug, Subcommand)]
pub enum GrantsAction {
    /// List what was allowed and still holds (the default)
    List,
    /// End a grant; the next such command is asked about again
    Revoke {
        /// Its id, as `pryx grants` lists it
        #[arg(required_unless_present = "all")]
        id: Option<String>,

        /// All of them
        #[arg(long, conflicts_with = "id")]
        all: bool,
    },
}

const POLICY_EXAMPLES: &str = "\
Examples:
  pryx policy explain -- rm -rf build        what would be said to it, by which rule, and what would change that
  pryx policy explain --mode read-only -- make
  pryx policy edit mine                      write a policy of your own; then: pryx --mode mine \"…\"
  pryx policy check                          are all policy files in order?";

/// `pryx policy`.
#[derive(Debug, Args)]
#[command(after_help = POLICY_EXAMPLES)]
pub struct Policy {
    #[command(subcommand)]
    pub action: Option<PolicyAction>,
}

#[derive(Debug, Subcommand)]
pub enum PolicyAction {
    /// List modes and policies (the default)
    List,
    /// Show what a mode or policy says
    Show {
        /// Its name
        name: String,
    },
    /// Say whether policy files can be understood
    Check {
        /// Files or names; all there are without
        #[arg(value_name = "NAME|FILE")]
        what: Vec<String>,
    },
    /// Run the tests that policies carry
    Test {
        /// Names; all policies without
        #[arg(value_name = "NAME")]
        names: Vec<String>,
    },
    /// Tell what would be said to a command, and why; nothing is run
    Explain {
        /// The mode or policy to ask
        #[arg(long, value_name = "MODE", visible_alias = "policy", conflicts_with = "session")]
        mode: Option<String>,

        /// Under the rules and grants of this session
        #[arg(long, value_name = "SESSION")]
        session: Option<String>,

        /// A command line in one argument, or a command with its arguments
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
        command: Vec<String>,
    },
    /// Write a policy in your editor; it is put in place when it can be understood
    Edit {
        /// Its name
        name: String,

        /// Take the text from a file (`-`: standard input) instead of the editor
        #[arg(long, value_name = "FILE")]
        from: Option<PathBuf>,
    },
}

const AUDIT_EXAMPLES: &str = "\
Examples:
  pryx audit --since 2h                      what was ruled, asked, run and refused lately
  pryx audit show 41                         one call: its plan, who approved it, how it ended, hash of its output
  pryx audit verify                          is the log as it was written?";

/// `pryx audit`.
#[derive(Debug, Args)]
#[command(after_help = AUDIT_EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct Audit {
    #[command(subcommand)]
    pub action: Option<AuditAction>,

    /// Only of this session
    #[arg(long, value_name = "SESSION")]
    pub session: Option<String>,

    /// Only since then: a time ago (2h, 3d), a date, or a point in time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,

    /// The newest so many, 0 for all; 100, but all of them with --since
    #[arg(long, short = 'l', value_name = "N")]
    pub limit: Option<u32>,
}

#[derive(Debug, Subcommand)]
pub enum AuditAction {
    /// Walk the chain: is every row as it was written?
    Verify,
    /// Show all that is recorded about one call
    Show {
        /// The number of a row, or a job
        id: String,
    },
}

/// As elsewhere, and days.
fn long_duration(text: &str) -> Result<Duration, String> {
    if let Some(days) = text.strip_suffix('d').and_then(|days| days.trim().parse::<u32>().ok()) {
        return Ok(Duration::from_secs(u64::from(days) * 24 * 60 * 60));
    }
    super::duration(text)
}
