//! Which model: what was said, what was set before, what is found; else the person chooses from short lists.

use super::{is_offline, set_before};
use crate::cli::args;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::model::{self, Local, Reach};
use crate::cli::terminal;
use pryx_brain::{ModelSpec, OFFLINE};
use pryx_terms::visible;

/// Most models that are offered; the others are named.
const MAX_OFFERED: usize = 12;

/// Providers that are offered though nothing of them is here.
const WELL_KNOWN: [&str; 3] = ["anthropic", "openai", "gemini"];

/// The model that is to answer.
pub struct Chosen {
    pub model: ModelSpec,
    /// Whether it is to be written down: not what is there already, nor what pryx takes by itself.
    pub is_new: bool,
}

/// Something to choose.
struct Offer {
    value: String,
    words: String,
}

/// Chooses.
pub async fn model(context: &Context, args: &args::Setup) -> Result<Chosen, Failure> {
    let before = set_before(context);
    let kept = |model: ModelSpec| Chosen { is_new: before.as_ref() != Some(&model), model };
    let spec = |text: &str| text.parse::<ModelSpec>().map_err(|error| Failure::usage(error.to_string()).hint(HINT));
    match (&args.provider, &args.model) {
        (None, Some(model)) => return spec(model).map(kept),
        (Some(provider), Some(model)) => return spec(&joined(provider, model)).map(kept),
        (Some(provider), None) if is_offline(provider) => return Ok(kept(ModelSpec::offline())),
        _ => {}
    }
    let local = model::find(context).await?;
    let provider = match &args.provider {
        Some(provider) => provider.clone(),
        None if args.yes => return by_itself(context, before, &local),
        None => match provider(context, before.as_ref(), &local)? {
            Some(provider) => provider,
            None => return before.clone().map(kept).ok_or_else(nothing),
        },
    };
    if is_offline(&provider) {
        return Ok(kept(ModelSpec::offline()));
    }
    model::prepare(context, &ModelSpec { provider: provider.clone(), model: String::new() }).await?;
    let of_this = |model: &&ModelSpec| model.provider == provider;
    let name = match before.as_ref().filter(of_this) {
        Some(model) if args.yes => model.to_string(),
        before => one_of(context, &provider, before, &local, args.yes)?,
    };
    spec(&name).map(kept)
}

const HINT: &str = "`pryx models --all` lists models";

/// `openai/gpt-oss` of groq is `groq/openai/gpt-oss`; `groq/x` is itself.
fn joined(provider: &str, model: &str) -> String {
    if model.starts_with(&format!("{provider}/")) { model.to_owned() } else { format!("{provider}/{model}") }
}

fn nothing() -> Failure {
    Failure::usage("no model was chosen").hint(HINT)
}

/// Without a person: what was set before; a server that runs here; a key that is there; the embedded planner.
fn by_itself(context: &Context, before: Option<ModelSpec>, local: &[Local]) -> Result<Chosen, Failure> {
    if let Some(model) = before {
        return Ok(Chosen { model, is_new: false });
    }
    if let Some(name) = local.iter().flat_map(Local::names).next() {
        let model = name.parse().map_err(|_| nothing())?;
        return Ok(Chosen { model, is_new: true });
    }
    model::choose(context, None).map(|(model, _)| Chosen { model, is_new: false })
}

/// Asks who has the model; nothing to keep what was set before.
fn provider(context: &Context, before: Option<&ModelSpec>, local: &[Local]) -> Result<Option<String>, Failure> {
    let reach = Reach::new(context)?;
    let mut offers = Vec::new();
    let mut offer = |value: &str, words: String| {
        if offers.iter().all(|offer: &Offer| offer.value != value) {
            offers.push(Offer { value: value.to_owned(), words });
        }
    };
    if let Some(model) = before {
        offer("", format!("as before: {model}"));
    }
    for local in local.iter().filter(|local| !local.server.models.is_empty()) {
        offer(local.provider, format!("{} · {}", local.provider, local.words()));
    }
    let with_key = reach.providers().into_iter().filter(|name| reach.has_key(name));
    for name in with_key {
        offer(&name, format!("{name} · there is a key"));
    }
    for name in WELL_KNOWN {
        offer(name, format!("{name} · takes a key"));
    }
    offer(OFFLINE, format!("{OFFLINE} · no model: an embedded planner for everyday requests"));
    loop {
        let picked = pick("who has the model?", &offers, "a name of `pryx models --providers`")?;
        if picked.is_empty() || reach.knows(&picked) {
            return Ok(Some(picked).filter(|picked| !picked.is_empty()));
        }
        context.talk(&context.style.warn(&format!("there is no provider {:?}", visible(&picked))));
    }
}

/// Asks for a model of a provider.
fn one_of(
    context: &Context,
    provider: &str,
    before: Option<&ModelSpec>,
    local: &[Local],
    yes: bool,
) -> Result<String, Failure> {
    let reach = Reach::new(context)?;
    let here: Vec<String> = local.iter().filter(|local| local.provider == provider).flat_map(Local::names).collect();
    let usual = pryx_brain::defaults().find(|model| model.provider == provider);
    let first = before.cloned().or(usual).map(|model| model.to_string()).or_else(|| here.first().cloned());
    if yes {
        return first.ok_or_else(|| {
            Failure::usage(format!("{provider} has several models, and nobody said which"))
                .hint(format!("--model, with one of `pryx models --provider {provider}`"))
        });
    }
    let listed = reach.models(provider).into_iter().map(|model| format!("{provider}/{model}"));
    let listed = listed.filter(|name| name.parse().is_ok_and(|model| able(&reach, &model)));
    let mut offers: Vec<Offer> = Vec::new();
    for name in first.into_iter().chain(here).chain(listed) {
        if offers.len() < MAX_OFFERED && offers.iter().all(|offer| offer.value != name) {
            offers.push(Offer { words: name.clone(), value: name });
        }
    }
    let picked = pick("which model?", &offers, "the name of another")?;
    if picked.is_empty() { Err(nothing()) } else { Ok(joined(provider, &picked)) }
}

/// What can't call tools, or is about to go, is not offered.
fn able(reach: &Reach<'_>, model: &ModelSpec) -> bool {
    let info = reach.catalog().info(model);
    info.abilities.tools != Some(false) && !info.deprecated
}

/// A number, a name, or Enter for the first.
fn pick(question: &str, offers: &[Offer], or: &str) -> Result<String, Failure> {
    let mut text = format!("{question}\n");
    for (at, offer) in offers.iter().enumerate() {
        text.push_str(&format!("  {:>2}  {}\n", at + 1, visible(&offer.words)));
    }
    crate::cli::out::mutter(&text);
    let first = if offers.is_empty() { String::new() } else { " [1]".to_owned() };
    loop {
        let line = terminal::line(&format!("a number, or {or}{first}: "))?;
        let value = match (line.trim(), line.trim().parse::<usize>()) {
            ("", _) => Some(offers.first().map(|offer| offer.value.clone()).unwrap_or_default()),
            (_, Ok(number)) => number.checked_sub(1).and_then(|at| offers.get(at)).map(|offer| offer.value.clone()),
            (name, Err(_)) => Some(name.to_owned()),
        };
        match value {
            Some(value) => return Ok(value),
            None => crate::cli::out::talk("there is no such number in the list"),
        }
    }
}
