//! `pryx config`: the settings, who decided them, and changing them.

mod names;
mod origin;
mod place;

pub use names::check as check_names;
pub use origin::who_said;

use super::args::{ConfigAction, Global};
use super::config_file;
use super::connect;
use super::context::Context;
use super::exit;
use super::failure::Failure;
use super::paths::Paths;
use super::settings::Settings;
use super::style::Style;
use pryx_terms::visible;
use serde_json::json;
use std::path::Path;
use toml_edit::Value;

/// Does what was asked for. A file that can't be understood must not keep anybody from looking at it and mending it.
pub async fn run(context: Result<Context, Failure>, global: &Global, action: ConfigAction) -> Result<u8, Failure> {
    let paths = Paths::from_env()?;
    match action {
        ConfigAction::Get { name, origin } => origin::get(&context?.with_workspace()?, global, name.as_deref(), origin),
        ConfigAction::Set { name, value } => {
            let context = context?;
            connect::only_for_persons(&context, CHANGE).await?;
            set(&context, &name, &value)
        }
        ConfigAction::Unset { name } => {
            let context = context?;
            connect::only_for_persons(&context, CHANGE).await?;
            unset(&context, &name)
        }
        ConfigAction::Edit { from } => {
            match &context {
                Ok(context) => connect::only_for_persons(context, CHANGE).await?,
                // Hands don't start with it either.
                Err(_) => connect::not_for_the_agent(&paths, CHANGE).await?,
            }
            edit(&paths, global, from.as_deref())
        }
        ConfigAction::Path => {
            super::print_line(&paths.config_file().display().to_string())?;
            Ok(exit::DONE)
        }
        ConfigAction::Schema => {
            super::print_data(SCHEMA.as_bytes())?;
            Ok(exit::DONE)
        }
        ConfigAction::Check => {
            Settings::check_file(&paths)?;
            // And the variables that beat it.
            Settings::load(&paths)?;
            check_names(&context?)?;
            let file = paths.config_file();
            let words = if file.exists() { "can be understood" } else { "is not there: the defaults hold" };
            if global.json {
                super::print_line(&json!({ "ok": true, "file": file, "exists": file.exists() }).to_string())?;
            } else {
                talk(global, &format!("{} {words}", visible(&file.display().to_string())));
            }
            Ok(exit::DONE)
        }
    }
}

/// The form of the file, for editors that know JSON Schema.
pub const SCHEMA: &str = include_str!("schema.json");

/// What an agent can't.
const CHANGE: &str = "change the settings";

fn talk(global: &Global, text: &str) {
    if !global.quiet {
        super::out::talk(text);
    }
}

fn set(context: &Context, name: &str, text: &str) -> Result<u8, Failure> {
    let place = place::parse(name)?;
    let given = text.parse::<Value>().ok().and_then(|value| value.as_str().map(str::to_owned));
    names::check_one(context, name, given.as_deref().unwrap_or(text))?;
    let put = |value: Value| {
        let mut fits = false;
        let file = config_file::change(&context.paths, |document| fits = place::put(document, &place, value))?;
        let in_the_way = || {
            Failure::usage(format!(
                "{name} can't be set: config.toml has a table where a value would be, or the reverse"
            ))
            .hint("pryx config get --origin")
        };
        if fits { Ok(file) } else { Err(in_the_way()) }
    };
    // `5` is a number, `claude` a text; a text that looks like a number is one where a text is wanted.
    let file = match text.parse::<Value>() {
        Ok(value) if value.is_str() => put(value)?,
        Ok(value) => put(value).or_else(|failure| put(Value::from(text)).map_err(|_| failure))?,
        Err(_) => put(Value::from(text))?,
    };
    context.talk(&format!("{name} is set ({})", file.display()));
    after(context, name)
}

fn unset(context: &Context, name: &str) -> Result<u8, Failure> {
    let place = place::parse(name)?;
    let mut was_there = false;
    let file = config_file::change(&context.paths, |document| was_there = place::take(document, &place))?;
    if !was_there {
        return Err(Failure::usage(format!("config.toml says nothing about {name}")).hint("pryx config get --origin"));
    }
    context.talk(&format!("{name} is taken out ({})", file.display()));
    after(context, name)
}

/// What has to be known about a change.
fn after(context: &Context, name: &str) -> Result<u8, Failure> {
    if let Some(variable) = origin::variable_of(name)? {
        context.talk(&context.style.warn(&format!("{variable} is set and beats config.toml")));
    }
    let of_hands = ["hands", "logs", "sandbox", "mode"];
    if of_hands.contains(&name.split('.').next().unwrap_or_default()) {
        context.talk(&context.style.dim("hands that run keep what they began with; `pryx hands stop` ends them"));
    }
    Ok(exit::DONE)
}

fn edit(paths: &Paths, global: &Global, from: Option<&Path>) -> Result<u8, Failure> {
    let file = paths.config_file();
    let cannot = |file: &Path, error: &std::io::Error| {
        Failure::because(format!("{} can't be read", file.display()), error).code(exit::USAGE)
    };
    let (text, draft) = match from {
        Some(from) => (std::fs::read_to_string(from).map_err(|error| cannot(from, &error).hint("name a file"))?, None),
        None => {
            let draft = std::env::temp_dir().join(format!("pryx-config-{}.toml", std::process::id()));
            let before = match std::fs::read_to_string(&file) {
                Ok(text) => text,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => config_file::NEW.to_owned(),
                Err(error) => return Err(cannot(&file, &error)),
            };
            let text = super::editor::edit(&draft, &before)?;
            if text == before {
                let _ = std::fs::remove_file(&draft);
                talk(global, "nothing was changed");
                return Ok(exit::DONE);
            }
            (text, Some(draft))
        }
    };
    let written = config_file::replace(paths, &text).map_err(|failure| match &draft {
        Some(draft) => {
            let again = format!("your text is kept; mend it and run: pryx config edit --from {}", draft.display());
            failure.hint(again)
        }
        None => failure.hint("mend that file; config.toml was not changed"),
    })?;
    if let Some(draft) = draft {
        let _ = std::fs::remove_file(draft);
    }
    let style = Style::detect(global.no_color);
    talk(global, &style.good(&format!("{} is in place; before it: config.toml.bak", written.display())));
    Ok(exit::DONE)
}
