//! `pryx auth`, as clap reads it.

use clap::{Args, Subcommand};

/// `pryx auth`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pryx auth set anthropic                    asks for the key, without showing it
  pass show groq | pryx auth set groq        or reads it from a pipe
  pryx auth login work                       with a browser, where the settings say how
  pryx auth list                             who has a key, and where; never the key
  pryx auth remove groq

A key is kept in the keyring of the system, else sealed in a file (docs/keys.md). It is sent to the address it was
given for and to no other. A provider's variable wins over it.")]
pub struct Auth {
    #[command(subcommand)]
    pub action: Option<AuthAction>,
}

#[derive(Debug, Subcommand)]
pub enum AuthAction {
    /// List the kept keys (the default)
    List,
    /// Keep a key; it is read from the terminal or from a pipe, never from the command line
    Set {
        /// For whom
        provider: String,

        /// A key that was written here all the same: refused without repeating it
        #[arg(hide = true)]
        keys: Vec<String>,

        /// Seal it in the file with a passphrase, which is asked for whenever the key is needed
        #[arg(long)]
        passphrase: bool,
    },
    /// Log in with a browser where the provider's settings say how; else as `set`
    Login {
        /// Where
        provider: String,
    },
    /// Forget a key
    Remove {
        /// Whose
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        provider: Option<String>,

        /// All of them
        #[arg(long)]
        all: bool,
    },
}
