//! `pryx config`, as clap reads it.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `pryx config`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pryx config get                              every setting that is said somewhere, and the defaults
  pryx config get --origin                     and who said it: file and line, variable, option, default
  pryx config get hands.idle_minutes
  pryx config set hands.idle_minutes 5         comments stay; the old file is kept as config.toml.bak
  pryx config set providers.local.base_url http://127.0.0.1:8000/v1
  pryx config set fallback '[\"openai/gpt-5-mini\"]'
  pryx config unset fallback
  pryx config edit                             in your editor; what can't be understood is not taken
  pryx config check")]
pub struct Config {
    #[command(subcommand)]
    pub action: ConfigAction,
}

#[derive(Debug, Subcommand)]
pub enum ConfigAction {
    /// Show settings as they hold here
    Get {
        /// Which one; a whole table by its name
        name: Option<String>,

        /// Say who decided: file and line, variable, option or default
        #[arg(long)]
        origin: bool,
    },
    /// Say something in config.toml
    Set {
        /// Which setting, with dots: `hands.idle_minutes`
        name: String,
        /// A value as TOML has it; what is none is a text
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
    /// Take something out of config.toml
    Unset {
        /// Which setting, or a whole table
        name: String,
    },
    /// Change config.toml in your editor
    Edit {
        /// Take this file instead of an editor
        #[arg(long, value_name = "FILE")]
        from: Option<PathBuf>,
    },
    /// Where config.toml is
    Path,
    /// Print the JSON Schema of config.toml, for editors
    Schema,
    /// Whether config.toml can be understood
    Check,
}
