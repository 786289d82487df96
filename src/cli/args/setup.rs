//! `pryx setup`, as clap reads it.

use clap::Args;
use std::path::PathBuf;

/// `pryx setup`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pryx setup                                                  asks: where, which model, its key; then a first answer
  pryx setup --yes                                            takes what is found: a model server here, a key that is set
  pass show groq | pryx setup --provider groq --model groq/openai/gpt-oss-120b --key-stdin --yes
  pryx setup --provider ollama --model qwen3 --workspace ~/src --mode read-only
  pryx setup --provider offline --yes                         no model: the embedded planner

Nothing is changed before the first answer came; what was set before stays where nothing else is said.")]
pub struct Setup {
    /// The directory that pryx is to work in; this one by default
    #[arg(long, value_name = "DIR")]
    pub workspace: Option<PathBuf>,

    /// What may run there unasked: read-only, workspace, network-allowlist, full, or a policy of your own
    #[arg(long, value_name = "MODE")]
    pub mode: Option<String>,

    /// Who has the model: anthropic, openai, gemini, ollama, llama-cpp, lmstudio, vllm, offline, or one of
    /// `pryx models --providers`
    #[arg(long, value_name = "PROVIDER")]
    pub provider: Option<String>,

    /// The model, with or without its provider before it
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,

    /// Read the key from standard input
    #[arg(long)]
    pub key_stdin: bool,

    /// Ask nothing: take what was said, what was set before, and what is found, in this order
    #[arg(long, short)]
    pub yes: bool,

    /// Don't ask for a first answer
    #[arg(long)]
    pub no_try: bool,
}
