//! `pryx model`: which model answers, and choosing another.

use super::reach::Reach;
use super::rule::Rule;
use super::{choose, prepare};
use crate::cli::args::ModelAction;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::money::price;
use crate::cli::{config, config_file, exit, models, sessions, settings, workspace};
use pryx_brain::{ModelInfo, ModelSpec};
use serde_json::json;
use std::path::PathBuf;

/// Shows or sets it.
pub async fn run(context: &Context, action: Option<ModelAction>) -> Result<u8, Failure> {
    match action.unwrap_or(ModelAction::Show) {
        ModelAction::Show => show(context),
        ModelAction::Set { model, here } => {
            crate::cli::connect::only_for_persons(context, "choose the model").await?;
            set(context, &model, here).await
        }
    }
}

fn show(context: &Context) -> Result<u8, Failure> {
    let (model, why) = choose(context, None)?;
    let by = config::who_said(context, "model")?.unwrap_or_else(|| "the keys that there are".to_owned());
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

async fn set(context: &Context, name: &str, here: bool) -> Result<u8, Failure> {
    if Rule::is_meant(name) {
        return set_rule(context, name, here);
    }
    let wrong = |error| Failure::usage(format!("{error}")).hint("pryx models --search WORDS");
    let model: ModelSpec = name.parse().map_err(wrong)?;
    prepare(context, &model).await?;
    let reach = Reach::new(context)?;
    if !reach.knows(&model.provider) {
        // Says which there are.
        return Err(reach.model(&model).err().unwrap_or_else(|| Failure::usage("there is no such provider")));
    }
    let file = write(context, &model.to_string(), here)?;
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
    Ok(exit::DONE)
}

/// Whether a name can be that of a model: a rule, or one of a provider that is known.
///
/// # Errors
/// When it can't.
pub fn is_meant(context: &Context, name: &str) -> Result<(), Failure> {
    if Rule::is_meant(name) {
        return name.parse::<Rule>().map(drop).map_err(|error| Failure::usage(error).hint("see docs/models.md"));
    }
    let wrong = |error| Failure::usage(format!("{error}")).hint("pryx models --search WORDS");
    let model: ModelSpec = name.parse().map_err(wrong)?;
    let reach = Reach::new(context)?;
    if reach.knows(&model.provider) {
        return Ok(());
    }
    Err(reach.model(&model).err().unwrap_or_else(|| Failure::usage("there is no such provider")))
}

/// Writes it down, and says if something else wins all the same.
fn write(context: &Context, model: &str, here: bool) -> Result<PathBuf, Failure> {
    let file = if here {
        workspace::choose_model(&context.cwd, &context.paths, model)?
    } else {
        config_file::change(&context.paths, |document| config_file::set(document, "model", model))?
    };
    if settings::text_var("PRYX_MODEL")?.is_some() {
        context.talk(&context.style.warn("PRYX_MODEL is set and beats config.toml"));
    } else if !here && workspace::says_model(&context.cwd, &context.paths)? {
        context.talk(&context.style.warn("this folder's own .pryx/config.toml beats it here; --here changes that"));
    }
    Ok(file)
}

fn set_rule(context: &Context, name: &str, here: bool) -> Result<u8, Failure> {
    let rule: Rule = name.parse().map_err(|error: String| Failure::usage(error).hint("see docs/models.md"))?;
    let speeds = if rule.needs_speeds() { sessions::open(context)?.speeds()? } else { Vec::new() };
    let picked = rule.pick(context, &Reach::new(context)?, &speeds)?;
    let file = write(context, name, here)?;
    context.talk(&format!("{name} chooses from now on ({})", file.display()));
    context.talk(&context.style.dim(&format!("now: {}", picked.why)));
    Ok(exit::DONE)
}
