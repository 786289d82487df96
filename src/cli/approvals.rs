//! `pryx approvals`, `approve`, `deny`: questions answered from another terminal.

use super::args;
use super::context::Context;
use super::exit;
use super::failure::Failure;
use super::policy::access_line;
use pryx_ipc::{GrantAlways, ListApprovals, ResolveApproval};
use pryx_terms::{Access, Answer, Approval, ApprovalId, GrantTerms, Plan, Timestamp, visible};

/// Most of what is touched that a card shows: with more of it the command would leave the screen.
const MOST_TOUCHED: usize = 8;

/// Lists what waits.
pub async fn list(context: &Context) -> Result<u8, Failure> {
    let client = super::connect::connect(&context.route).await?;
    let approvals = client.call(ListApprovals {}).await?.approvals;
    if context.json {
        super::print_line(&serde_json::to_string(&approvals).unwrap_or_default())?;
        return Ok(exit::DONE);
    }
    if approvals.is_empty() {
        context.talk("no question waits");
        return Ok(exit::DONE);
    }
    let now = Timestamp::now();
    let mut text = String::new();
    for approval in &approvals {
        text.push_str(&card(context, approval, usize::MAX));
        let left = approval.expires.as_second().saturating_sub(now.as_second()).max(0);
        let [yes, no] = ["approve", "deny"].map(|word| context.route.command(&format!("{word} {}", approval.id)));
        text.push_str(&format!("  yes: {yes}   no: {no}   (a no by itself in {left} s)\n"));
    }
    super::print_data(text.as_bytes())?;
    Ok(exit::DONE)
}

/// The question as a person reads it, with so many lines of a difference at most. Everything in it is the stored plan's, with control characters written out.
pub fn card(context: &Context, approval: &Approval, most: usize) -> String {
    let style = context.style;
    let plan = &approval.plan;
    let mut text = format!("{} {}\n", style.warn("?"), style.bold(&visible(&plan.command)));
    if let Some(host) = context.route.host() {
        text.push_str(&format!("  on      {}\n", style.warn(host.as_str())));
    }
    text.push_str(&format!("  in      {}\n", visible(&plan.cwd.display().to_string())));
    let programs: Vec<String> = plan
        .programs
        .iter()
        .map(|p| {
            p.path.as_ref().map_or_else(
                || format!("{} (not found)", visible(&p.name)),
                |path| visible(&path.display().to_string()),
            )
        })
        .collect();
    if !programs.is_empty() {
        text.push_str(&format!("  runs    {}\n", programs.join(", ")));
    }
    text.push_str(&touched(context, plan, most));
    if !plan.sets.is_empty() {
        text.push_str(&format!("  sets    {}\n", plan.sets.join(", ")));
    }
    for open in &plan.open {
        text.push_str(&format!("  {} {}\n", style.warn("unclear"), visible(open)));
    }
    if let Some(diff) = &plan.diff {
        text.push_str(&super::undo::diff(context, diff, most, "; `pryx approvals` in another terminal shows all"));
    }
    if let Some(held) = &approval.sandbox {
        let note = held.note.as_deref().map(visible).unwrap_or_default();
        text.push_str(&if held.holds() {
            format!("  sandbox {held}\n")
        } else {
            format!("  {}\n", style.warn(&format!("sandbox none: {note}")))
        });
    }
    text.push_str(&format!(
        "  because {} ({}, {})\n",
        visible(&approval.ruling.reason),
        approval.ruling.rule.name,
        approval.ruling.rule.source
    ));
    let (risk, why) = risk(approval);
    let shown = if risk == "high" { style.error(risk) } else { style.bold(risk) };
    text.push_str(&format!("  risk    {shown}: {why}\n"));
    text
}

/// What is touched. Where there is no room for all of it, what is more than read comes first.
fn touched(context: &Context, plan: &Plan, most: usize) -> String {
    let harmless = |access: &&Access| matches!(access, Access::Read { .. });
    let mut all: Vec<&Access> = plan.files.iter().chain(&plan.touches).collect();
    let shown = if most == usize::MAX { all.len() } else { MOST_TOUCHED };
    if all.len() > shown {
        all.sort_by_key(harmless);
    }
    let mut text = String::new();
    for access in all.iter().take(shown) {
        let line = access_line(access);
        text.push_str(&format!("  {}\n", if harmless(access) { line } else { context.style.warn(&line) }));
    }
    if let Some(more @ 1..) = all.len().checked_sub(shown) {
        text.push_str(&format!("  … and {more} more (x shows all)\n"));
    }
    text
}

/// How bad it could be, by what the plan says: never a reason to allow, only a word to whoever decides.
fn risk(approval: &Approval) -> (&'static str, &'static str) {
    let (plan, rule) = (&approval.plan, approval.ruling.rule.name.as_str());
    let touches = |wanted: fn(&Access) -> bool| plan.files.iter().chain(&plan.touches).any(wanted);
    let runs = |names: &[&str]| plan.programs.iter().any(|program| names.contains(&program.name.as_str()));
    let recursive = plan.programs.iter().any(|program| {
        let arg =
            |arg: &String| arg == "-r" || arg == "-R" || arg.starts_with("-rf") || arg == "-fr" || arg == "--recursive";
        program.name == "rm" && program.args.iter().any(arg)
    });
    if rule == "reads-secrets" {
        return ("high", "it reads keys, passwords or a history");
    }
    if rule == "privileged" {
        return ("high", "it acts with another user's rights");
    }
    if recursive {
        return ("high", "it deletes everything below a directory");
    }
    if touches(|access| matches!(access, Access::Delete { .. })) {
        return ("high", "what is deleted can't be brought back");
    }
    if runs(&["shutdown", "reboot", "poweroff", "halt", "mkfs", "dd", "kill", "pkill", "killall", "systemctl"]) {
        return ("high", "it reaches beyond files: processes, services, devices");
    }
    if touches(|access| matches!(access, Access::Contact { .. })) || rule == "network" {
        return ("medium", "it talks to another machine, which may learn something or send something");
    }
    if touches(|access| matches!(access, Access::Write { .. })) {
        return ("medium", "it writes over what may be there");
    }
    if !plan.open.is_empty() {
        return ("medium", "not all of it is known before it runs");
    }
    ("medium", "no rule knows all that it does")
}

/// Says yes.
pub async fn approve(context: &Context, args: args::Approve) -> Result<u8, Failure> {
    if args.always {
        return always(context, args).await;
    }
    let answer = if args.session { Answer::Session } else { Answer::Once };
    resolve(context, &args.id, answer, "approved").await
}

/// Says yes, with a grant.
async fn always(context: &Context, args: args::Approve) -> Result<u8, Failure> {
    let terms = GrantTerms {
        pattern: args.pattern,
        everywhere: args.everywhere,
        session: false,
        seconds: args.lasting.map(|time| time.as_secs().max(1)),
        uses: args.uses,
    };
    let client = super::connect::connect(&context.route).await?;
    let grant = client.call(GrantAlways { approval: id(&args.id)?, terms }).await?.grant;
    if context.json {
        super::print_line(&serde_json::to_string(&grant).unwrap_or_default())?;
    } else {
        context.talk(&format!("approved {}, and granted: {}", args.id, super::grants::line(&grant)));
        context.talk(&context.style.dim(&format!("pryx grants revoke {}", grant.id)));
    }
    Ok(exit::DONE)
}

fn id(text: &str) -> Result<ApprovalId, Failure> {
    ApprovalId::parse(text).map_err(|e| Failure::usage(e.to_string()).hint("`pryx approvals` lists what waits"))
}

/// Says no.
pub async fn deny(context: &Context, args: args::Deny) -> Result<u8, Failure> {
    resolve(context, &args.id, Answer::No, "denied").await
}

async fn resolve(context: &Context, text: &str, answer: Answer, said: &str) -> Result<u8, Failure> {
    let approval = id(text)?;
    let client = super::connect::connect(&context.route).await?;
    client.call(ResolveApproval { approval, answer }).await?;
    context.talk(&format!("{said} {text}"));
    Ok(exit::DONE)
}
