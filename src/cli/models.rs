//! `pryx models`: what there is to choose from, with limits, prices and abilities.

use super::args::{Ability, Models};
use super::context::Context;
use super::exit;
use super::failure::Failure;
use super::model::{self, Local, Reach, refresh};
use super::money::price;
use pryx_brain::{Due, ModelInfo, ModelSpec, Origin, Refreshed};
use pryx_terms::visible;
use serde_json::json;
use std::time::SystemTime;

/// A model that can be chosen.
struct Row {
    name: String,
    info: ModelInfo,
    /// Why it can't be asked now; none when it can.
    missing: Option<String>,
}

/// Lists models, or providers.
pub async fn run(context: &Context, args: Models) -> Result<u8, Failure> {
    if args.refresh {
        fetch(context).await?;
    } else if let Some(url) = context.settings.catalog.by_itself()
        && refresh(context, url).due(SystemTime::now()) == Due::Overdue
        && let Err(failure) = fetch(context).await
    {
        context.talk(&context.style.warn(&failure.words().0));
    }
    let reach = Reach::new(context)?;
    if args.providers {
        return providers(context, &reach);
    }
    let whole = args.all || args.search.is_some() || args.provider.is_some();
    let mut rows = rows(&reach, args.provider.as_deref());
    let local = model::find(context).await?;
    here(&reach, &local, args.provider.as_deref(), &mut rows);
    if let Some(provider) = args.provider.as_deref().filter(|provider| !reach.knows(provider)) {
        return Err(Failure::usage(format!("the catalog knows no provider {provider:?}"))
            .hint("pryx models --providers lists them; --refresh fetches the catalog"));
    }
    rows.retain(|row| {
        (whole || row.missing.is_none())
            && args.can.iter().all(|ability| can(&row.info, *ability))
            && args.search.as_deref().is_none_or(|words| matches(row, words))
    });
    let (origin, date) = reach.catalog().date().map_or((None, None), |(origin, date)| (Some(origin), Some(date)));
    if context.json {
        let models: Vec<_> = rows.iter().map(json_row).collect();
        let local: Vec<_> =
            local.iter().map(|local| json!({ "provider": local.provider, "server": local.server })).collect();
        let printed = json!({ "catalog": { "origin": origin, "date": date }, "models": models, "local": local });
        super::print_line(&printed.to_string())?;
        return Ok(exit::DONE);
    }
    super::print_data(table(&rows).as_bytes())?;
    for local in &local {
        context.talk(&context.style.dim(&format!("on this machine: {}", local.words())));
    }
    if rows.is_empty() {
        let words = if whole {
            "no model fits"
        } else {
            "no model can be asked now: there is no key for any provider, and no model server on this machine"
        };
        context.talk(words);
        context.talk(&format!("  {} pryx models --all", context.style.bold("→")));
    }
    let from = match origin {
        Some(Origin::Fetched) => "fetched",
        _ => "built in; `pryx models --refresh` fetches the whole",
    };
    let date = date.map_or_else(String::new, |date| format!("{date:.10}").chars().take(10).collect());
    context.talk(&context.style.dim(&format!(
        "{} model{}; prices in dollars for a million tokens; catalog of {date} ({from})",
        rows.len(),
        if rows.len() == 1 { "" } else { "s" }
    )));
    Ok(exit::DONE)
}

async fn fetch(context: &Context) -> Result<(), Failure> {
    context.paths.prepare()?;
    let url = context.settings.catalog.on_demand();
    let done = refresh(context, url).run().await.map_err(|error| {
        Failure::new(error.to_string()).hint("the catalog that is here still serves; leave --refresh out")
    })?;
    context.talk(&context.style.dim(match done {
        Refreshed::Newer => "fetched a newer catalog",
        Refreshed::Same => "the catalog is the newest",
    }));
    Ok(())
}

fn rows(reach: &Reach<'_>, only: Option<&str>) -> Vec<Row> {
    let mut rows = Vec::new();
    for provider in reach.providers().into_iter().filter(|name| only.is_none_or(|only| only == name)) {
        for model in reach.models(&provider) {
            let name = format!("{provider}/{model}");
            let spec = ModelSpec { provider: provider.clone(), model };
            let (info, missing) = match reach.model(&spec) {
                Ok((_, info)) => (info, None),
                Err(failure) => (reach.catalog().info(&spec), Some(failure.words().0)),
            };
            rows.push(Row { name, info, missing });
        }
    }
    rows
}

/// Adds the models of servers that run on this machine.
fn here(reach: &Reach<'_>, local: &[Local], only: Option<&str>, rows: &mut Vec<Row>) {
    for local in local.iter().filter(|local| only.is_none_or(|only| only == local.provider)) {
        for (name, found) in local.names().zip(&local.server.models) {
            let spec = ModelSpec { provider: local.provider.to_owned(), model: found.name.clone() };
            let Ok((_, mut info)) = reach.model(&spec) else { continue };
            info.context = info.context.or(found.context);
            rows.retain(|row| row.name != name);
            rows.push(Row { name, info, missing: None });
        }
    }
}

fn can(info: &ModelInfo, ability: Ability) -> bool {
    let able = match ability {
        Ability::Tools => info.abilities.tools,
        Ability::Vision => info.abilities.vision,
        Ability::Reasoning => info.abilities.reasoning,
    };
    able == Some(true)
}

fn matches(row: &Row, words: &str) -> bool {
    let name = format!("{} {}", row.name, row.info.name.as_deref().unwrap_or_default()).to_lowercase();
    words.to_lowercase().split_whitespace().all(|word| name.contains(word))
}

fn json_row(row: &Row) -> serde_json::Value {
    json!({ "model": row.name, "reachable": row.missing.is_none(), "missing": row.missing, "info": row.info })
}

fn table(rows: &[Row]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let width = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0).clamp(5, 60);
    let mut text = format!("{:width$}  {:>7}  {:>6}  {:>8}  {:>8}  can\n", "model", "context", "output", "in", "out");
    for row in rows {
        let rates = row.info.prices.as_ref().map(|prices| prices.rates);
        let (input, output) = (rates.map(|rates| price(rates.input)), rates.map(|rates| price(rates.output)));
        let or = |text: Option<String>| text.unwrap_or_else(|| "?".to_owned());
        text.push_str(&format!(
            "{:width$}  {:>7}  {:>6}  {:>8}  {:>8}  {}\n",
            visible(&row.name),
            or(row.info.context.map(tokens)),
            or(row.info.output.map(tokens)),
            or(input),
            or(output),
            abilities(&row.info)
        ));
    }
    text
}

/// What a model can do, in words.
pub fn abilities(info: &ModelInfo) -> String {
    let able = [
        (info.abilities.tools, "tools"),
        (info.abilities.vision, "vision"),
        (info.abilities.reasoning, "reasoning"),
        (info.deprecated.then_some(true), "(deprecated)"),
    ];
    let words: Vec<&str> = able.iter().filter(|(able, _)| *able == Some(true)).map(|(_, word)| *word).collect();
    words.join(" ")
}

/// A count of tokens, as windows are spoken of.
pub fn tokens(count: u64) -> String {
    match count {
        0..10_000 => count.to_string(),
        10_000..1_000_000 => format!("{}k", count / 1_000),
        _ if (count % 1_000_000) < 50_000 => format!("{}M", count / 1_000_000),
        _ => format!("{}.{}M", count / 1_000_000, count % 1_000_000 / 100_000),
    }
}

fn providers(context: &Context, reach: &Reach<'_>) -> Result<u8, Failure> {
    let list: Vec<_> = reach.providers().into_iter().map(|name| (reach.describe(&name), name)).collect();
    if context.json {
        let all: Vec<_> = list
            .iter()
            .map(|(provider, name)| {
                json!({ "provider": name, "name": provider.title, "models": provider.models, "key_env": provider.key_env,
                    "supported": provider.supported })
            })
            .collect();
        super::print_line(&serde_json::Value::Array(all).to_string())?;
        return Ok(exit::DONE);
    }
    let width = list.iter().map(|(_, name)| name.chars().count()).max().unwrap_or(0).clamp(8, 40);
    let mut text = format!("{:width$}  {:>6}  key\n", "provider", "models");
    for (provider, name) in &list {
        let key = if provider.supported {
            provider.key_env.join(", ")
        } else {
            "(speaks no format that pryx does)".to_owned()
        };
        text.push_str(&format!("{:width$}  {:>6}  {}\n", visible(name), provider.models, visible(&key)));
    }
    super::print_data(text.as_bytes())?;
    Ok(exit::DONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_spoken_of_in_thousands() {
        let of = [4_096, 131_072, 200_000, 1_000_000, 1_048_576, 1_500_000, 10_000_000].map(tokens);
        assert_eq!(of, ["4096", "131k", "200k", "1M", "1M", "1.5M", "10M"]);
    }
}
