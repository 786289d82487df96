//! `pryx cost`, as clap reads it.

use clap::Args;

/// `pryx cost`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pryx cost                    today, this month, and ever
  pryx cost --by model         the last 30 days, the dearest model first
  pryx cost --by day --days 7
  pryx cost --by session --json")]
pub struct Cost {
    /// A list instead of sums
    #[arg(long, value_enum, value_name = "WHAT")]
    pub by: Option<CostBy>,

    /// The list goes back so many days, today included
    #[arg(long, default_value_t = 30, value_name = "N", requires = "by", value_parser = clap::value_parser!(u16).range(1..))]
    pub days: u16,
}

/// What the list is by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum CostBy {
    /// Newest first
    Day,
    /// Dearest first
    Model,
    /// Dearest first
    Session,
}
