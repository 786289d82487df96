//! `pryx setup`: where, which model, its key, a first answer; asked step by step, or all by options.
//!
//! Everything is gathered and tried first, and written at the end in one go: whoever leaves in between has changed nothing.

mod choice;

use super::args::{self, Global};
use super::config_file;
use super::context::{Context, Given};
use super::exit;
use super::failure::Failure;
use super::keys::{New, Place};
use super::model::{self, Reach};
use super::settings::{DEFAULT_MODE, text_var};
use super::{ask, auth, connect, policy, terminal};
use choice::Chosen;
use pryx_brain::{ModelSpec, OFFLINE};
use pryx_terms::{Secret, visible};
use serde_json::json;
use std::path::{Path, PathBuf};

/// What a model is asked first.
const HELLO: &str = "Say in one short sentence that you can be reached. Use no tools.";

/// What the embedded planner is asked first: it knows requests, no greetings.
const HELLO_OFFLINE: &str = "how much disk space is free?";

/// Runs it.
pub async fn run(context: &Context, global: &Global, args: &args::Setup) -> Result<u8, Failure> {
    connect::only_for_persons(context, "set pryx up").await?;
    if !args.yes && !terminal::can_ask() {
        return Err(Failure::usage("there is nobody to ask here")
            .hint("pryx setup --yes, with --provider, --model and --key-stdin as you like"));
    }
    if let Some(mode) = &args.mode {
        policy::known(context, mode)?;
    }
    let workspace = workspace(context, args)?;
    let chosen = choice::model(context, args).await?;
    let given = key(context, args, &chosen)?;
    let place = Plan { workspace, mode: args.mode.clone(), model: chosen.model, new_model: chosen.is_new, given };
    if !args.no_try {
        let code = place.try_out(global).await?;
        if code == exit::INTERRUPTED {
            return Ok(code);
        }
        if code != exit::DONE {
            context.talk(&context.style.warn("there was no first answer"));
            let anyway = !args.yes && terminal::yes_or_no("keep it all the same?").unwrap_or(false);
            if !anyway {
                context.talk("nothing was changed; `pryx setup --no-try` doesn't ask for a first answer");
                return Ok(code);
            }
        }
    }
    place.keep(context, !args.no_try)?;
    Ok(exit::DONE)
}

/// The directory to work in, as the system calls it; none when it was neither said nor asked.
fn workspace(context: &Context, args: &args::Setup) -> Result<Option<PathBuf>, Failure> {
    let said = match &args.workspace {
        Some(dir) => Some(dir.clone()),
        None if args.yes => None,
        None => {
            let here = visible(&context.cwd.display().to_string());
            let line = terminal::line(&format!("directory to work in [{here}]: "))?;
            Some(if line.trim().is_empty() { context.cwd.clone() } else { home_of(line.trim())? })
        }
    };
    let real = |dir: PathBuf| {
        let whole = context.cwd.join(&dir);
        let real = whole.canonicalize().and_then(|real| if real.is_dir() { Ok(real) } else { Err(NOT_A_DIR.into()) });
        real.map_err(|error| {
            Failure::because(format!("{} is no directory to work in", dir.display()), &error)
                .code(exit::USAGE)
                .hint("name one that exists")
        })
    };
    said.map(real).transpose()
}

const NOT_A_DIR: std::io::ErrorKind = std::io::ErrorKind::NotADirectory;

/// A shell would have put the home directory in; nobody does for what is typed here.
fn home_of(text: &str) -> Result<PathBuf, Failure> {
    match (text.strip_prefix('~'), text_var("HOME")?) {
        (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => Ok(PathBuf::from(home + rest)),
        _ => Ok(PathBuf::from(text)),
    }
}

/// A key, if one is to be given.
fn key(context: &Context, args: &args::Setup, chosen: &Chosen) -> Result<Option<Secret>, Failure> {
    let provider = &chosen.model.provider;
    if args.key_stdin {
        return auth::read(provider).map(Some);
    }
    if chosen.model.is_offline() || !Reach::new(context)?.lacks_key(provider)? {
        return Ok(None);
    }
    if args.yes {
        return Err(Failure::usage(format!("{provider} needs a key, and none is set")).hint(format!(
            "pryx auth set {provider}   or   pryx setup --provider {provider} --key-stdin --yes < FILE"
        )));
    }
    auth::read(provider).map(Some)
}

/// What was gathered.
struct Plan {
    workspace: Option<PathBuf>,
    mode: Option<String>,
    model: ModelSpec,
    /// Whether the model is to be written down.
    new_model: bool,
    given: Option<Secret>,
}

impl Plan {
    /// Asks for a first answer, with what is not written down yet.
    async fn try_out(&self, global: &Global) -> Result<u8, Failure> {
        let here = Global { directory: self.workspace.clone(), host: Some("local".to_owned()), ..global.clone() };
        let mut trial = Context::new(&here)?;
        trial.settings.fallback.clear();
        trial.given = self.given.clone().map(|key| Given { provider: self.model.provider.clone(), key });
        trial.talk(&trial.style.dim(&format!("asking {} …", self.model)));
        let request = if self.model.is_offline() { HELLO_OFFLINE } else { HELLO };
        let asked = args::Ask {
            words: vec![request.to_owned()],
            model: Some(self.model.to_string()),
            mode: self.mode.clone(),
            ..args::Ask::default()
        };
        ask::run(&trial, asked).await
    }

    /// Writes it all down: the key where keys are kept, the rest into the settings.
    fn keep(&self, context: &Context, answered: bool) -> Result<(), Failure> {
        let provider = self.model.provider.as_str();
        if let Some(key) = &self.given {
            let address = Reach::new(context)?.address_of(provider)?;
            let new = New { provider, address: &address, key, refresh: None, login: None };
            auth::keep(context, &new, Place::Best)?;
        }
        let file = config_file::change(&context.paths, |document| {
            if self.new_model {
                config_file::set(document, "model", &self.model.to_string());
            }
            if let Some(dir) = &self.workspace {
                folder(document, dir, self.mode.as_deref());
            }
        })?;
        if context.json {
            let printed = json!({ "model": self.model.to_string(), "workspace": self.workspace, "settings": file,
                "key_given": self.given.is_some(), "answered": answered });
            return super::print_line(&printed.to_string());
        }
        context.talk(&context.style.good(&format!("{} answers from now on ({})", self.model, file.display())));
        if text_var("PRYX_MODEL")?.is_some() {
            context.talk(&context.style.warn("PRYX_MODEL is set and beats config.toml"));
        }
        context.talk("next:  pryx \"what is using port 8080?\"   pryx doctor   pryx --help");
        Ok(())
    }
}

/// The mode of a folder, unless one was set before and none is said now.
fn folder(document: &mut toml_edit::DocumentMut, dir: &Path, mode: Option<&str>) {
    let Some(name) = dir.to_str() else { return };
    let old = document.get("folders").and_then(|folders| folders.get(name)).and_then(|folder| folder.get("mode"));
    if old.is_some() && mode.is_none() {
        return;
    }
    let folders = document.entry("folders").or_insert_with(|| {
        let mut table = toml_edit::Table::new();
        // Only its own tables are written, with their whole names.
        table.set_implicit(true);
        toml_edit::Item::Table(table)
    });
    let Some(folders) = folders.as_table_like_mut() else { return };
    let one = folders.entry(name).or_insert_with(toml_edit::table);
    if let Some(one) = one.as_table_like_mut() {
        one.insert("mode", toml_edit::value(mode.unwrap_or(DEFAULT_MODE)));
    }
}

/// Whether a provider is the embedded planner.
fn is_offline(provider: &str) -> bool {
    provider == OFFLINE
}

/// What answers now, if the settings say it by name.
fn set_before(context: &Context) -> Option<ModelSpec> {
    let (model, why) = model::choose(context, None).ok()?;
    (context.settings.model.is_some() && why.is_none()).then_some(model)
}
