//! Arguments of `pryx trust`.

use clap::{Args, Subcommand};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  pryx trust            show this folder's own settings, and take them after a yes
  pryx trust list       the folders that are trusted
  pryx trust revoke     not this one any more";

/// `pryx trust`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct Trust {
    #[command(subcommand)]
    pub action: Option<TrustAction>,

    /// Don't ask: what the folder says now was read elsewhere
    #[arg(long)]
    pub yes: bool,
}

/// What to do with trusted folders.
#[derive(Debug, Subcommand)]
pub enum TrustAction {
    /// List the folders that are trusted
    List,
    /// Take trust back
    Revoke {
        /// The folder; the one of the current directory by default
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
    },
}
