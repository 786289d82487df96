//! Arguments of the commands for windows onto terminals.

use clap::Args;

/// `pryx attach`.
#[derive(Debug, Args)]
pub struct Attach {
    /// Terminal's name, job, or `last`
    #[arg(default_value = "last")]
    pub job: String,

    /// Watch only, send no keys
    #[arg(long)]
    pub read_only: bool,
}

const OPEN_EXAMPLES: &str = "\
In tmux the window is a new tmux window. Else, with a display, it is one of the first of foot, kitty, alacritty, wezterm,
ghostty, konsole, gnome-terminal and xterm (Terminal.app, Windows Terminal); `terminal = \"…\"` in config.toml chooses.
With neither, the command that joins the terminal is printed.

Examples:
  pryx open                     the terminal of this directory
  pryx open build               one by name; the agent can work in the same one
  pryx open build --here        in this window
  pryx close build              its windows close, the shell goes on until `pryx stop build`";

/// `pryx open`.
#[derive(Debug, Args)]
#[command(after_help = OPEN_EXAMPLES)]
pub struct Open {
    /// The terminal's name; the directory's if there is none
    pub name: Option<String>,

    /// Join it right here instead of in a window of its own; leave it with Ctrl-\ d
    #[arg(long)]
    pub here: bool,

    /// Watch only, send no keys
    #[arg(long)]
    pub read_only: bool,
}

/// `pryx close`.
#[derive(Debug, Args)]
pub struct Close {
    /// Terminal's name or job; the directory's terminal if there is none
    pub job: Option<String>,
}
