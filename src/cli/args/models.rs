//! `pryx model` and `pryx models`, as clap reads them.

use clap::{Args, Subcommand};

/// `pryx models`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pryx models                          models that can be asked now, with limits and prices
  pryx models --search 'sonnet'        in the whole catalog, by words of their names
  pryx models --provider groq          one provider's
  pryx models --can vision --json      with an ability, for scripts
  pryx models --providers              who offers models, and the variable for the key

The catalog is that of models.dev. It is refreshed once a day, or now with --refresh.")]
pub struct Models {
    /// Only those whose name holds all these words; searches the whole catalog
    #[arg(long, short, value_name = "WORDS")]
    pub search: Option<String>,

    /// Only those of this provider
    #[arg(long, short, value_name = "PROVIDER")]
    pub provider: Option<String>,

    /// Only those that can do this; may be repeated
    #[arg(long, value_name = "ABILITY", value_enum)]
    pub can: Vec<Ability>,

    /// The whole catalog, not only those that can be asked now
    #[arg(long, short)]
    pub all: bool,

    /// Providers instead of models
    #[arg(long, conflicts_with_all = ["search", "can", "provider"])]
    pub providers: bool,

    /// Fetch the catalog first
    #[arg(long)]
    pub refresh: bool,
}

/// What a model can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Ability {
    /// Calls tools: without, pryx can only talk to it
    Tools,
    /// Sees pictures
    Vision,
    /// Thinks before it answers
    Reasoning,
}

/// `pryx model`.
#[derive(Debug, Args)]
pub struct Model {
    #[command(subcommand)]
    pub action: Option<ModelAction>,
}

#[derive(Debug, Subcommand)]
pub enum ModelAction {
    /// Show which model would answer, and what is known about it (the default)
    Show,
    /// Use a model from now on; written into config.toml, or with --here into the folder's
    Set {
        /// The model, as provider/model, or a rule such as cheapest:vision
        #[arg(value_name = "PROVIDER/MODEL")]
        model: String,

        /// Only for this folder: written into its own .pryx/config.toml, which is trusted with it
        #[arg(long)]
        here: bool,
    },
}
