//! `pryx sessions` and `pryx trace`, as clap reads them.

use super::Ask;
use clap::{Args, Subcommand, ValueEnum};

/// `pryx sessions`.
#[derive(Debug, Args)]
pub struct Sessions {
    #[command(subcommand)]
    pub action: Option<SessionsAction>,
}

#[derive(Debug, Subcommand)]
pub enum SessionsAction {
    /// List sessions, the last one used first (the default)
    List {
        /// Archived ones too
        #[arg(long, short)]
        all: bool,

        /// Only those of this directory
        #[arg(long)]
        here: bool,

        /// At most so many; 0: all
        #[arg(long, short = 'l', default_value_t = 30, value_name = "N")]
        limit: u32,
    },
    /// Print what was said and done in a session
    Show {
        /// Session, an unambiguous beginning of its id, or `last`
        #[arg(default_value = "last")]
        session: String,
    },
    /// Find sessions in which words were said
    Search {
        /// All of them in one message; "quotes" make a phrase, a* fits words that begin so
        #[arg(required = true, value_name = "WORD")]
        words: Vec<String>,

        /// At most so many
        #[arg(long, short = 'l', default_value_t = 20, value_name = "N")]
        limit: u32,
    },
    /// Go on with a session; the same as `pryx -r SESSION`
    Resume {
        /// Session, an unambiguous beginning of its id, or `last`
        session: String,

        #[command(flatten)]
        ask: Ask,
    },
    /// Write a session as a document to stdout
    Export {
        /// Session, an unambiguous beginning of its id, or `last`
        #[arg(default_value = "last")]
        session: String,

        /// As what
        #[arg(long, value_enum, default_value_t = ExportFormat::Md)]
        format: ExportFormat,

        /// With keys, passwords, e-mail addresses and card numbers, which are taken out otherwise
        #[arg(long)]
        unredacted: bool,
    },
    /// Give a session another name
    Rename {
        /// Session, an unambiguous beginning of its id, or `last`
        session: String,

        /// The name
        #[arg(required = true, value_name = "NAME")]
        title: Vec<String>,
    },
    /// Leave sessions out of lists; search still finds them
    Archive {
        /// Sessions, by their ids or unambiguous beginnings
        #[arg(required = true, value_name = "SESSION")]
        sessions: Vec<String>,

        /// Take them back in
        #[arg(long)]
        undo: bool,
    },
    /// Delete sessions for good; the logs of their jobs stay
    Delete {
        /// Sessions, by their ids or unambiguous beginnings
        #[arg(required = true, value_name = "SESSION")]
        sessions: Vec<String>,

        /// Don't ask
        #[arg(long, short)]
        yes: bool,
    },
    /// Copy a session, to go on from there in another way
    Branch {
        /// Session, an unambiguous beginning of its id, or `last`
        #[arg(default_value = "last")]
        session: String,

        /// Up to the end of its turn of that number; all finished turns by default
        #[arg(long, value_name = "N")]
        turn: Option<u64>,
    },
}

/// What a session can be exported as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// Markdown
    Md,
    /// JSON, with everything that was kept
    Json,
    /// A page that needs nothing else
    Html,
}

/// `pryx trace`.
#[derive(Debug, Args)]
pub struct Trace {
    /// Session, an unambiguous beginning of its id, or `last`
    #[arg(default_value = "last")]
    pub session: String,

    /// Only the last N spans
    #[arg(long, short = 'l', default_value_t = 500, value_name = "N")]
    pub limit: u32,
}

/// `pryx context`.
#[derive(Debug, Args)]
pub struct Fill {
    /// Session, an unambiguous beginning of its id, or `last`
    #[arg(default_value = "last")]
    pub session: String,
}
