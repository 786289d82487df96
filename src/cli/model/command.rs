//! `pryx model`: which model answers, and choosing another.

use super::reach::Reach;
use super::rule::Rule;
use super::{choose, prepare};
use crate::cli::args::ModelAction;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::money::price;
use crate::cli::{config_file, exit, models, sessions, settings};
use pryx_brain::{ModelInfo, ModelSpec};
use serde_json::json;

/// Shows or sets it.
pub async fn run(context: &Context, action: Option<ModelAction>) -> Result<u8, Failure> {
    match action.unwrap_or(ModelAction::Show) {
        ModelAction::Show => show(context),
        ModelAction::Set { model } => {
            crate::cli::connect::only_for_persons(context, "choose the model").await?;
            set(context, &model).await
        }
    }
}

fn show(context: &Context) -> Result<u8, Failure> {
    let (model, why) = choose(context, None)?;
    let by = if settings::text_var("PRYX_MODEL")?.is_some() {
        "the variable PRYX_MODEL"
    } else if context.settings.model.is_some() {
        "config.toml"
    } else {
        "the keys that are set"
    };
    if model.is_offline() {
        if context.json {
            super::super::print_line(&json!({ "model": model.to_string(), "chosen_by": by }).to_string())?;
        } else {
            super::super::print_line(&format!("{model}: the embedded planner; no key is set"))?;
        }
        return Ok(exit::DONE);
    }
    let reach = Reach::new(context)?;
    let (provider, info) = reach.model(&model)?;
    let key = (provider.key.is_some() || reach.keeps(&provider)).then_some(&provider.key_source);
    if context.json {
        let printed = json!({
            "model": model.to_string(), "chosen_by": by, "api": provider.api, "base_url": provider.base_url, "key": key,
            "info": info, "fallback": context.settings.fallback,
        });
        super::super::print_line(&printed.to_string())?;
        return Ok(exit::DONE);
    }
    let why = why.map_or_else(String::new, |why| format!("  because   {why}\n"));
    let mut text = format!("{model}\n  chosen by {by}\n{why}  at        {}\n", provider.base_url);
    text.push_str(&format!("  key       {}\n", key.map_or("none", String::as_str)));
    text.push_str(&described(&info));
    if !context.settings.fallback.is_empty() {
        text.push_str(&format!("  fallback  {}\n", context.settings.fallback.join(", ")));
    }
    crate::cli::print_data(text.as_bytes())?;
    Ok(exit::DONE)
}

fn described(info: &ModelInfo) -> String {
    if *info == ModelInfo::default() {
        return "  known     nothing: no catalog has this name; its limits and price are unknown\n".to_owned();
    }
    let tokens = |count: Option<u64>| count.map_or_else(|| "unknown".to_owned(), models::tokens);
    let price = info.prices.as_ref().map_or_else(
        || "unknown".to_owned(),
        |prices| format!("{} in, {} out, for a million tokens", price(prices.rates.input), price(prices.rates.output)),
    );
    format!(
        "  context   {} tokens, {} of them for an answer\n  price     {price}\n  can       {}\n",
        tokens(info.context),
        tokens(info.output),
        models::abilities(info)
    )
}

async fn set(context: &Context, name: &str) -> Result<u8, Failure> {
    if Rule::is_meant(name) {
        return set_rule(context, name);
    }
    let wrong = |error| Failure::usage(format!("{error}")).hint("pryx models --search WORDS");
    let model: ModelSpec = name.parse().map_err(wrong)?;
    prepare(context, &model).await?;
    let reach = Reach::new(context)?;
    if !reach.knows(&model.provider) {
        // Says which there are.
        return Err(reach.model(&model).err().unwrap_or_else(|| Failure::usage("there is no such provider")));
    }
    let file = config_file::change(&context.paths, |document| config_file::set(document, "model", &model.to_string()))?;
    context.talk(&format!("{model} answers from now on ({})", file.display()));
    match reach.model(&model).map(|(_, info)| info) {
        _ if model.is_offline() => {}
        Ok(info) if info == ModelInfo::default() => {
            context.talk(&context.style.warn("the catalog doesn't know it: its limits and price are unknown"));
        }
        Ok(_) => {}
        Err(missing) => {
            let (message, hint) = missing.words();
            context.talk(&context.style.warn(&message));
            if let Some(hint) = hint {
                context.talk(&format!("  {} {hint}", context.style.bold("→")));
            }
        }
    }
    if settings::text_var("PRYX_MODEL")?.is_some() {
        context.talk(&context.style.warn("PRYX_MODEL is set and beats config.toml"));
    }
    Ok(exit::DONE)
}

fn set_rule(context: &Context, name: &str) -> Result<u8, Failure> {
    let rule: Rule = name.parse().map_err(|error: String| Failure::usage(error).hint("see docs/models.md"))?;
    let file = config_file::change(&context.paths, |document| config_file::set(document, "model", name))?;
    context.talk(&format!("{name} chooses from now on ({})", file.display()));
    let speeds = if rule.needs_speeds() { sessions::open(context)?.speeds()? } else { Vec::new() };
    match rule.pick(context, &Reach::new(context)?, &speeds) {
        Ok(picked) => context.talk(&context.style.dim(&format!("now: {}", picked.why))),
        Err(failure) => context.talk(&context.style.warn(&failure.words().0)),
    }
    Ok(exit::DONE)
}
