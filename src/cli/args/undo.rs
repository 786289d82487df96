//! The arguments of `pryx undo`.

use clap::Args;

const EXAMPLES: &str = "\
Examples:
  pryx undo                 take back the last change
  pryx undo --list          what can be taken back, and what was
  pryx undo --session 7k2   everything that a session did to files, the last first
  pryx undo h4c             one change by its id; undoing an undo brings the change back";

/// `pryx undo`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Undo {
    /// The change, by its id or an unambiguous beginning of it; the last one by default
    #[arg(conflicts_with_all = ["session", "list"])]
    pub change: Option<String>,

    /// All changes of a session, by its id or an unambiguous beginning of it
    #[arg(long, value_name = "SESSION")]
    pub session: Option<String>,

    /// List changes instead
    #[arg(long)]
    pub list: bool,

    /// Even where a file was changed since: that is lost, though it can be undone in turn
    #[arg(long, conflicts_with = "list")]
    pub force: bool,
}
