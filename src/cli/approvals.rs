//! `pryx approvals`, `approve`, `deny`: questions answered from another terminal.

use super::args;
use super::context::Context;
use super::exit;
use super::failure::Failure;
use pryx_ipc::{ListApprovals, ResolveApproval};
use pryx_terms::{Answer, Approval, ApprovalId, Timestamp, visible};

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
    for file in &plan.files {
        match file {
            pryx_terms::Access::Read { path } => text.push_str(&format!("  reads   {}\n", visible(path))),
            pryx_terms::Access::Write { path } => {
                text.push_str(&format!("  {}  {}\n", style.warn("writes"), visible(path)))
            }
            pryx_terms::Access::Contact { host } => {
                text.push_str(&format!("  {} {}\n", style.warn("talks to"), visible(host)))
            }
        }
    }
    for open in &plan.open {
        text.push_str(&format!("  {} {}\n", style.warn("unclear"), visible(open)));
    }
    if let Some(diff) = &plan.diff {
        text.push_str(&super::undo::diff(context, diff, most, "; `pryx approvals` in another terminal shows all"));
    }
    text.push_str(&format!(
        "  because {} ({}, {})\n",
        visible(&approval.ruling.reason),
        approval.ruling.rule.name,
        approval.ruling.rule.source
    ));
    text
}

/// Says yes.
pub async fn approve(context: &Context, args: args::Approve) -> Result<u8, Failure> {
    let answer = if args.session { Answer::Session } else { Answer::Once };
    resolve(context, &args.id, answer, "approved").await
}

/// Says no.
pub async fn deny(context: &Context, args: args::Deny) -> Result<u8, Failure> {
    resolve(context, &args.id, Answer::No, "denied").await
}

async fn resolve(context: &Context, id: &str, answer: Answer, said: &str) -> Result<u8, Failure> {
    let approval =
        ApprovalId::parse(id).map_err(|e| Failure::usage(e.to_string()).hint("`pryx approvals` lists what waits"))?;
    let client = super::connect::connect(&context.route).await?;
    client.call(ResolveApproval { approval, answer }).await?;
    context.talk(&format!("{said} {id}"));
    Ok(exit::DONE)
}
