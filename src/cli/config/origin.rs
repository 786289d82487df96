//! `pryx config get`: what holds, and who said so: an option beats a variable, that beats a trusted folder's file, that beats
//! the person's file, that beats the default.

use super::place;
use crate::cli::args::Global;
use crate::cli::context::Context;
use crate::cli::exit;
use crate::cli::failure::Failure;
use crate::cli::settings::{Listed, NAMED, listed, position, text_var};
use crate::cli::workspace::Workspace;
use pryx_terms::visible;
use serde::Serialize;
use serde_json::json;
use std::path::PathBuf;
use toml_edit::{Document, Item, TableLike, Value};

/// Who said it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Origin {
    Option { name: &'static str },
    Variable { name: &'static str },
    File { file: PathBuf, line: usize },
    Default,
}

impl Origin {
    fn words(&self) -> String {
        match self {
            Self::Option { name } => format!("option {name}"),
            Self::Variable { name } => format!("variable {name}"),
            Self::File { file, line } => format!("{}:{line}", visible(&file.display().to_string())),
            Self::Default => "default".to_owned(),
        }
    }
}

/// A setting as it holds.
struct Holding {
    name: String,
    place: Vec<String>,
    value: Value,
    origin: Origin,
}

/// A settings file, flat.
struct Said {
    place: Vec<String>,
    value: Value,
    origin: Origin,
}

/// Prints one, a table of them, or all.
pub fn get(context: &Context, global: &Global, name: Option<&str>, origin: bool) -> Result<u8, Failure> {
    let wanted = name.map(place::parse).transpose()?.unwrap_or_default();
    let mut all = holding(context, global.host.as_deref())?;
    all.retain(|one| one.place.starts_with(&wanted));
    let exact = all.len() == 1 && all[0].place == wanted;
    if all.is_empty() {
        let name = name.unwrap_or_default();
        return Err(Failure::new(format!("nobody says anything about {name}"))
            .hint("`pryx config get` lists what is said; docs/settings.md has all there is"));
    }
    if context.json {
        let printed: Vec<_> = all
            .iter()
            .map(|one| json!({ "name": one.name, "value": plain(&one.value), "origin": one.origin }))
            .collect();
        crate::cli::print_line(&serde_json::Value::Array(printed).to_string())?;
        return Ok(exit::DONE);
    }
    let width = all.iter().map(|one| shown(one, exact).chars().count()).max().unwrap_or(0).min(60);
    let mut text = String::new();
    for one in &all {
        let value = shown(one, exact);
        let origin = if origin { format!("  # {}", one.origin.words()) } else { String::new() };
        text.push_str(format!("{value:width$}{origin}").trim_end());
        text.push('\n');
    }
    crate::cli::print_data(text.as_bytes())?;
    Ok(exit::DONE)
}

/// One by itself is its value, for scripts; else lines as the file would have them.
fn shown(one: &Holding, exact: bool) -> String {
    match (exact, one.value.as_str()) {
        (true, Some(text)) => visible(text),
        (true, None) => one.value.to_string().trim().to_owned(),
        (false, _) => format!("{} = {}", one.name, one.value.to_string().trim()),
    }
}

/// The variable that beats the file for a setting, if it is set.
///
/// # Errors
/// When it is no UTF-8.
pub fn variable_of(name: &str) -> Result<Option<&'static str>, Failure> {
    let of = listed().into_iter().find(|listed| listed.name == name).and_then(|listed| listed.variable);
    Ok(match of {
        Some(variable) if text_var(variable)?.is_some() => Some(variable),
        _ => None,
    })
}

/// Who decided a setting, in words; nothing when nobody did.
///
/// # Errors
/// When a settings file can't be read.
pub fn who_said(context: &Context, name: &str) -> Result<Option<String>, Failure> {
    let all = holding(context, None)?;
    let said = all.into_iter().find(|one| one.name == name && one.origin != Origin::Default);
    Ok(said.map(|one| one.origin.words()))
}

/// All that holds, in the order of the list, then what is in tables that people name themselves.
fn holding(context: &Context, host: Option<&str>) -> Result<Vec<Holding>, Failure> {
    let mut files = Vec::new();
    if let Some(folder) = Workspace::find(&context.cwd, &context.paths)?.filter(|_| context.untrusted.is_none()) {
        files.push(said(folder.file(), &folder.text)?);
    }
    let file = context.paths.config_file();
    match std::fs::read_to_string(&file) {
        Ok(text) => files.push(said(file, &text)?),
        Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {}
        Err(error) => return Err(Failure::because(format!("{} can't be read", file.display()), &error)),
    }
    let mut all = Vec::new();
    for listed in listed() {
        let place = place::parse(listed.name)?;
        let in_file = || files.iter().flatten().find(|said| said.place == place);
        let found = match (above(&listed, host)?, in_file(), &listed.default) {
            (Some(above), ..) => Some(above),
            (None, Some(said), _) => Some((said.value.clone(), said.origin.clone())),
            (None, None, Some(default)) => Some((default.clone(), Origin::Default)),
            (None, None, None) => None,
        };
        if let Some((value, origin)) = found {
            all.push(Holding { name: listed.name.to_owned(), place, value, origin });
        }
    }
    let named = files.into_iter().flatten().filter(|said| {
        let first = said.place.first().map(String::as_str);
        first.is_some_and(|first| NAMED.contains(&first))
    });
    all.extend(named.map(|said| {
        let name = said.place.iter().map(|part| toml_edit::Key::new(part).to_string()).collect::<Vec<_>>().join(".");
        Holding { name, place: said.place, value: said.value, origin: said.origin }
    }));
    Ok(all)
}

/// What an option or a variable says.
fn above(listed: &Listed, host: Option<&str>) -> Result<Option<(Value, Origin)>, Failure> {
    if let Some(host) = host.filter(|_| listed.name == "host") {
        return Ok(Some((Value::from(host), Origin::Option { name: "--host" })));
    }
    let Some(variable) = listed.variable else { return Ok(None) };
    let Some(text) = text_var(variable)? else { return Ok(None) };
    let value = match (listed.name, text.as_str()) {
        ("catalog.refresh", text) => Value::from(text != "off"),
        // `off` says nothing about where.
        ("catalog.url", "off") => return Ok(None),
        (_, number) if listed.default.as_ref().is_some_and(Value::is_float) => {
            number.parse::<f64>().map_or_else(|_| Value::from(number), Value::from)
        }
        (_, text) => Value::from(text),
    };
    Ok(Some((value, Origin::Variable { name: variable })))
}

/// Everything that a file says, with its line.
fn said(file: PathBuf, text: &str) -> Result<Vec<Said>, Failure> {
    let document = Document::parse(text)
        .map_err(|error| Failure::because(format!("{} can't be understood", file.display()), &error))?;
    let mut all = Vec::new();
    let mut found = |place: &[String], value: &Value, at: Option<std::ops::Range<usize>>| {
        let mut value = value.clone();
        value.decor_mut().clear();
        let line = at.map_or(1, |at| position(text, at.start).0);
        all.push(Said { place: place.to_vec(), value, origin: Origin::File { file: file.clone(), line } });
    };
    walk(document.as_table(), &mut Vec::new(), &mut found);
    Ok(all)
}

fn walk(
    table: &dyn TableLike,
    place: &mut Vec<String>,
    found: &mut impl FnMut(&[String], &Value, Option<std::ops::Range<usize>>),
) {
    for (name, item) in table.iter() {
        place.push(name.to_owned());
        match (item.as_table_like(), item) {
            (Some(inner), _) => walk(inner, place, found),
            (None, Item::Value(value)) => found(place, value, item.span()),
            (None, _) => {}
        }
        place.pop();
    }
}

/// For JSON.
fn plain(value: &Value) -> serde_json::Value {
    match value {
        Value::String(text) => json!(text.value()),
        Value::Integer(number) => json!(number.value()),
        Value::Float(number) => json!(number.value()),
        Value::Boolean(truth) => json!(truth.value()),
        Value::Datetime(time) => json!(time.value().to_string()),
        Value::Array(list) => list.iter().map(plain).collect(),
        Value::InlineTable(table) => table.iter().map(|(name, value)| (name.to_owned(), plain(value))).collect(),
    }
}
