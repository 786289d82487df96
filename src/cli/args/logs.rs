//! Arguments of the commands that show what jobs printed.

use clap::Args;
use std::path::PathBuf;

/// `pryx log`.
#[derive(Debug, Args)]
pub struct Log {
    /// Job, an unambiguous beginning of its id, a terminal's name, or `last`
    #[arg(default_value = "last")]
    pub job: String,

    /// Go on until the job ends
    #[arg(long, short)]
    pub follow: bool,

    /// Begin with this byte
    #[arg(long, value_name = "OFFSET")]
    pub since: Option<u64>,

    /// Only lines that match, as LINE:OFFSET:TEXT; fails when there are none
    #[arg(long, value_name = "REGEX", conflicts_with = "raw")]
    pub grep: Option<String>,

    /// Only the first N lines
    #[arg(long, value_name = "N", conflicts_with = "tail")]
    pub head: Option<usize>,

    /// Only the last N lines
    #[arg(long, value_name = "N", conflicts_with = "since")]
    pub tail: Option<usize>,

    /// Only what it wrote to stderr, if it ran on pipes; goes to stdout
    #[arg(long)]
    pub stderr: bool,

    /// Every byte as it was, also on a terminal
    #[arg(long)]
    pub raw: bool,
}

/// `pryx replay`.
#[derive(Debug, Args)]
pub struct Replay {
    /// Job, an unambiguous beginning of its id, a terminal's name, or `last`
    #[arg(default_value = "last")]
    pub job: String,

    /// So many times as fast
    #[arg(long, default_value = "1", value_name = "FACTOR", value_parser = speed)]
    pub speed: f64,

    /// Write an asciicast (version 2) into a new file instead, or with - to stdout
    #[arg(long, value_name = "FILE")]
    pub export: Option<PathBuf>,
}

/// A factor above 0.
fn speed(text: &str) -> Result<f64, String> {
    let factor: f64 = text.parse().map_err(|_| format!("{text:?} is no number"))?;
    if factor.is_finite() && factor > 0.0 { Ok(factor) } else { Err(format!("{text} is no speed: write 2 or 0.5")) }
}
