//! `pryx policy`: modes and policies: list, show, check, test, explain, edit.

use super::args::PolicyAction;
use super::context::Context;
use super::exit;
use super::failure::Failure;
use pryx_hands::gate::{Choice, Mode, Policies, Policy, PolicyFile, PolicyListing, Surroundings, plan_shell};
use pryx_ipc::{Explain, WritePolicy};
use pryx_terms::{Access, Explanation, SessionId, Verdict, visible};
use serde_json::json;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Largest text taken for a policy: what the hands read at most.
const MAX_TEXT: u64 = 256 * 1024;

/// What an editor shows for a policy that isn't there yet.
const TEMPLATE: &str = "\
name: NAME
description: what it is for
mode: workspace        # what decides where no rule below does; without it that is asked
workspace:
  root: .              # where the session begins
  allow_outside: true
tools:
  allowed:
    - shell.exec:
        commands: [\"cargo test *\"]
  ask: []
  denied:
    - shell.exec:
        commands: [\"git push --force\"]
rate_limits:
  tool_calls_per_minute: 60
approval:
  timeout: 5m
tests:
  allow: [\"ls\", \"cargo test --all\"]
  deny: [\"git push --force origin main\"]
";

/// Runs one of its parts.
pub async fn run(context: &Context, action: Option<PolicyAction>) -> Result<u8, Failure> {
    match action.unwrap_or(PolicyAction::List) {
        PolicyAction::List => list(context),
        PolicyAction::Show { name } => show(context, &name),
        PolicyAction::Check { what } => check(context, &what),
        PolicyAction::Test { names } => test(context, &names),
        PolicyAction::Explain { mode, session, command } => explain(context, mode, session, &command).await,
        PolicyAction::Edit { name, from } => edit(context, &name, from.as_deref()).await,
    }
}

fn user_home() -> Result<Option<PathBuf>, Failure> {
    Ok(super::settings::text_var("HOME")?.map(PathBuf::from))
}

fn policies(context: &Context) -> Result<Policies, Failure> {
    let policy = Policy::builtin(user_home()?.as_deref(), &[&context.paths.home]);
    let default = context.settings.mode.as_deref().unwrap_or(super::settings::DEFAULT_MODE);
    Ok(Policies::new(policy, &pryx_hands::policies_dir(&context.paths.home), default))
}

/// Whether there is a mode or policy of that name.
///
/// # Errors
/// When there is none.
pub fn is_there(context: &Context, name: &str) -> Result<(), Failure> {
    if policies(context)?.exists(name) { Ok(()) } else { Err(unknown(name)) }
}

fn list(context: &Context) -> Result<u8, Failure> {
    let all = policies(context)?.list();
    let chosen = context.settings.mode_in(&context.cwd).unwrap_or(super::settings::DEFAULT_MODE);
    for listing in &all {
        let description = describe(listing);
        if context.json {
            let (file, problem) = match &listing.file {
                Some(Ok(file)) => (Some(file.path.clone()), None),
                Some(Err(fault)) => (Some(fault.file.clone()), Some(fault.to_string())),
                None => (None, None),
            };
            let line = json!({"name": listing.name, "ready": listing.ready, "chosen": listing.name == chosen,
                "description": description, "file": file, "problem": problem});
            super::print_line(&line.to_string())?;
        } else {
            let mark = if listing.name == chosen { "*" } else { " " };
            super::print_line(&format!("{mark} {:<18} {}", listing.name, visible(&description)))?;
        }
    }
    if !context.json {
        context.talk(&context.style.dim("* holds here; another for one session: pryx --mode NAME \"…\""));
    }
    Ok(exit::DONE)
}

fn describe(listing: &PolicyListing) -> String {
    let ready = Mode::of(&listing.name).map(Mode::description).unwrap_or_default();
    match &listing.file {
        None => ready.to_owned(),
        Some(Ok(file)) if listing.ready => format!("{ready}; refined by {}", file.path.display()),
        Some(Ok(file)) => {
            let begins = file.mode.map(|mode| format!(" on {}", mode.name())).unwrap_or_default();
            let clients =
                if file.clients.is_empty() { String::new() } else { format!("; for {}", file.clients.join(", ")) };
            format!("{} ({} rules{begins}{clients})", file.description, file.rules())
        }
        Some(Err(fault)) => format!("can't be used, so everything would be asked: {fault}"),
    }
}

fn bad_name(what: String) -> Failure {
    Failure::usage(what).hint("`pryx policy list` shows the names there are")
}

fn unknown(name: &str) -> Failure {
    Failure::usage(format!("there is neither a mode nor a policy {name:?}"))
        .hint("`pryx policy list` shows those there are")
}

/// Whether there is a mode or a policy of that name.
///
/// # Errors
/// When there isn't.
pub fn known(context: &Context, name: &str) -> Result<(), Failure> {
    let known = policies(context)?.list().iter().any(|listing| listing.name == name);
    if known { Ok(()) } else { Err(unknown(name)) }
}

fn show(context: &Context, name: &str) -> Result<u8, Failure> {
    let listing =
        policies(context)?.list().into_iter().find(|listing| listing.name == name).ok_or_else(|| unknown(name))?;
    let path = match &listing.file {
        Some(Ok(file)) => Some(file.path.clone()),
        Some(Err(fault)) => Some(fault.file.clone()),
        None => None,
    };
    let Some(path) = path else {
        super::print_line(&describe(&listing))?;
        return Ok(exit::DONE);
    };
    let text = std::fs::read_to_string(&path)
        .map_err(|e| Failure::because(format!("{} can't be read", path.display()), &e))?;
    if let Some(Err(fault)) = &listing.file {
        context.talk(&context.style.error(&fault.to_string()));
    }
    super::print_data(text.as_bytes())?;
    Ok(exit::DONE)
}

/// The files that names and paths mean; all there are for none.
fn files(context: &Context, what: &[String]) -> Result<Vec<PathBuf>, Failure> {
    let policies = policies(context)?;
    if what.is_empty() {
        let path = |listing: PolicyListing| match listing.file? {
            Ok(file) => Some(file.path.clone()),
            Err(fault) => Some(fault.file),
        };
        return Ok(policies.list().into_iter().filter_map(path).collect());
    }
    let file = |text: &String| {
        if text.contains(['/', '.']) {
            return Ok(context.cwd.join(text));
        }
        let file = policies.file_of(text).map_err(bad_name)?;
        if file.exists() { Ok(file) } else { Err(unknown(text)) }
    };
    what.iter().map(file).collect()
}

fn check(context: &Context, what: &[String]) -> Result<u8, Failure> {
    let files = files(context, what)?;
    let home = user_home()?;
    if files.is_empty() {
        context.talk("there are no policy files; `pryx policy edit NAME` writes one");
    }
    let mut faults = 0;
    for path in &files {
        match PolicyFile::read(path, home.as_deref()) {
            Ok(file) => {
                super::print_line(&format!("{}: in order, {} rules", path.display(), file.rules()))?;
                for warning in file.warnings() {
                    super::print_line(&format!("{}: {warning}", path.display()))?;
                }
            }
            Err(fault) => {
                faults += 1;
                super::print_line(&fault.to_string())?;
            }
        }
    }
    if faults == 0 {
        return Ok(exit::DONE);
    }
    Err(Failure::usage(format!("{faults} of {} can't be used", files.len()))
        .hint("sessions under such a policy are asked about everything until it is mended"))
}

fn test(context: &Context, names: &[String]) -> Result<u8, Failure> {
    let policies = policies(context)?;
    let all = policies
        .list()
        .into_iter()
        .filter(|listing| if names.is_empty() { listing.file.is_some() } else { names.contains(&listing.name) });
    let all: Vec<PolicyListing> = all.collect();
    if let Some(name) = names.iter().find(|name| !all.iter().any(|listing| listing.name == **name)) {
        return Err(unknown(name));
    }
    let around = Surroundings {
        path: super::settings::text_var("PATH")?.unwrap_or_default(),
        home: user_home()?,
        terminal: None,
    };
    let (mut run, mut failed) = (0, 0);
    for listing in &all {
        let file = match &listing.file {
            Some(Ok(file)) => file,
            Some(Err(fault)) => return Err(Failure::usage(fault.to_string())),
            None => continue,
        };
        let rules = policies.rules(&Choice { name: listing.name.clone(), dir: Some(context.cwd.clone()) });
        for test in &file.tests {
            let shell = ["/bin/bash".to_owned(), "-c".to_owned()];
            let plan = plan_shell("shell.exec", &test.command, &shell, &context.cwd, &around);
            let ruling = rules.judge(&plan).ruling;
            run += 1;
            if ruling.verdict != test.verdict {
                failed += 1;
                super::print_line(&format!(
                    "{}:{}: `{}` should be {} and is {}: {} ({})",
                    file.path.display(),
                    test.line,
                    visible(&test.command),
                    past(test.verdict),
                    past(ruling.verdict),
                    visible(&ruling.reason),
                    ruling.rule.source
                ))?;
            }
        }
    }
    context.talk(&format!("{run} tests, {failed} failed"));
    Ok(if failed == 0 { exit::DONE } else { exit::FAILED })
}

fn past(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allow => "allowed",
        Verdict::Ask => "asked",
        Verdict::Deny => "denied",
    }
}

async fn explain(
    context: &Context,
    mode: Option<String>,
    session: Option<String>,
    command: &[String],
) -> Result<u8, Failure> {
    let session = session.as_deref().map(SessionId::parse).transpose();
    let session = session.map_err(|e| Failure::usage(e.to_string()).hint("`pryx sessions list` shows their ids"))?;
    let mode = match (&mode, &session) {
        (None, None) => context.settings.mode_in(&context.cwd).map(str::to_owned),
        _ => mode,
    };
    if let Some(name) = mode.as_deref().filter(|name| policies(context).is_ok_and(|all| !all.exists(name))) {
        return Err(unknown(name));
    }
    let command = match command {
        [line] => line.clone(),
        words => words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" "),
    };
    let client = super::connect::connect(&context.route).await?;
    let asked = Explain { command, cwd: context.cwd.clone(), env: context.offered_env(), mode, session };
    let explanation = client.call(asked).await?.explanation;
    if context.json {
        super::print_line(&serde_json::to_string(&explanation).unwrap_or_default())?;
    } else {
        super::print_data(explained(&explanation).as_bytes())?;
    }
    Ok(exit::DONE)
}

/// As a person would type it.
fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// The explanation as a person reads it.
pub fn explained(explanation: &Explanation) -> String {
    let Explanation { policy, plan, ruling, parts, reach, changes } = explanation;
    let mut text = format!(
        "{} under {policy}: {} ({}, {})\n",
        past(ruling.verdict),
        visible(&ruling.reason),
        ruling.rule.name,
        ruling.rule.source
    );
    text.push_str("\nplan\n");
    for program in &plan.programs {
        let path = program
            .path
            .as_ref()
            .map(|path| path.display().to_string())
            .unwrap_or_else(|| "the shell itself, or not found".to_owned());
        text.push_str(&format!(
            "  runs    {} {}  ({})\n",
            visible(&program.name),
            visible(&program.args.join(" ")),
            visible(&path)
        ));
    }
    for access in plan.files.iter().chain(&plan.touches) {
        text.push_str(&format!("  {}\n", access_line(access)));
    }
    for name in &plan.sets {
        text.push_str(&format!("  sets    {name}\n"));
    }
    for open in &plan.open {
        text.push_str(&format!("  unclear {}\n", visible(open)));
    }
    text.push_str("\nrules\n");
    for part in parts {
        let rule = &part.ruling.rule;
        text.push_str(&format!(
            "  {:<7} {}: {} ({}, {})\n",
            past(part.ruling.verdict),
            part.text,
            visible(&part.ruling.reason),
            rule.name,
            rule.source
        ));
    }
    text.push_str(&format!(
        "\nthe rules let it\n  read    {}{}\n  write   {}\n  contact {}\n",
        reach.read,
        if reach.hidden.is_empty() { "" } else { ", but no keys and passwords" },
        reach.write,
        reach.contact
    ));
    if ruling.verdict == Verdict::Ask {
        let network = if pryx_terms::opens_network(&ruling.rule.name) { ", and the network" } else { "" };
        text.push_str(&format!("after a yes also the files that are named above{network}\n"));
    }
    if !changes.is_empty() {
        text.push_str("\nwhat would change the answer\n");
        changes.iter().for_each(|change| text.push_str(&format!("  - {}\n", visible(change))));
    }
    text
}

/// One thing that would be touched, as cards and explanations show it.
pub fn access_line(access: &Access) -> String {
    let (verb, what) = match access {
        Access::Read { path } => ("reads", path),
        Access::Write { path } => ("writes", path),
        Access::Add { path } => ("adds to", path),
        Access::Delete { path } => ("deletes", path),
        Access::Contact { host } => ("asks", host),
    };
    format!("{verb:<7} {}", visible(what))
}

async fn edit(context: &Context, name: &str, from: Option<&Path>) -> Result<u8, Failure> {
    let file = policies(context)?.file_of(name).map_err(bad_name)?;
    // First, so that an agent's command is refused before it has an editor.
    let client = super::connect::connect(&context.route).await?;
    let (text, draft) = match from {
        Some(from) => (read(from)?, None),
        None => {
            let draft = std::env::temp_dir().join(format!("pryx-policy-{name}-{}.yaml", std::process::id()));
            let before = match std::fs::read_to_string(&file) {
                Ok(text) => text,
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => TEMPLATE.replace("NAME", name),
                Err(e) => return Err(Failure::because(format!("{} can't be read", file.display()), &e)),
            };
            let text = super::editor::edit(&draft, &before)?;
            if text == before {
                let _ = std::fs::remove_file(&draft);
                context.talk("nothing was changed");
                return Ok(exit::DONE);
            }
            (text, Some(draft))
        }
    };
    let written = client.call(WritePolicy { name: name.to_owned(), text }).await;
    let written = match (written, &draft) {
        (Ok(written), _) => written,
        (Err(error), None) => return Err(error.into()),
        (Err(error), Some(draft)) => {
            let again =
                format!("your text is kept; mend it and run: pryx policy edit {name} --from {}", draft.display());
            return Err(Failure::from(error).hint(again));
        }
    };
    if let Some(draft) = draft {
        let _ = std::fs::remove_file(draft);
    }
    if context.json {
        super::print_line(&serde_json::to_string(&written).unwrap_or_default())?;
        return Ok(exit::DONE);
    }
    written.warnings.iter().for_each(|warning| context.talk(&context.style.warn(warning)));
    let before = written.backup.map(|backup| format!("; before it: {}", backup.display())).unwrap_or_default();
    context.talk(&format!("{} is in place{before}", written.file.display()));
    Ok(exit::DONE)
}

fn read(from: &Path) -> Result<String, Failure> {
    let cannot =
        |e: &std::io::Error| Failure::because(format!("{} can't be read", from.display()), e).code(exit::USAGE);
    let mut text = String::new();
    if from == Path::new("-") {
        std::io::stdin().take(MAX_TEXT + 1).read_to_string(&mut text).map_err(|e| cannot(&e))?;
    } else {
        let file = std::fs::File::open(from).map_err(|e| cannot(&e))?;
        file.take(MAX_TEXT + 1).read_to_string(&mut text).map_err(|e| cannot(&e))?;
    }
    Ok(text)
}
