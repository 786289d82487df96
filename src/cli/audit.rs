//! `pryx audit`: what was ruled, asked, run and refused; one call whole; and whether the record is as it was written.

use super::args::{self, AuditAction};
use super::context::Context;
use super::exit;
use super::failure::Failure;
use pryx_ipc::{AuditLine, ReadAudit, VerifyAudit};
use pryx_terms::{JobId, SessionId, Timestamp, visible};
use serde_json::Value;

/// Characters of a command in the list; `show` has all of it.
const ROOM: usize = 100;

/// Rows in the list, if nothing else is said.
const ROWS: usize = 100;

/// Runs one of its parts.
pub async fn run(context: &Context, args: args::Audit) -> Result<u8, Failure> {
    match args.action {
        None => list(context, &args).await,
        Some(AuditAction::Verify) => verify(context).await,
        Some(AuditAction::Show { id }) => show(context, &id).await,
    }
}

async fn list(context: &Context, args: &args::Audit) -> Result<u8, Failure> {
    let session = args.session.as_deref().map(SessionId::parse).transpose();
    let session = session.map_err(|e| Failure::usage(e.to_string()).hint("`pryx sessions list` shows their ids"))?;
    let since = args.since.as_deref().map(since).transpose()?;
    let client = super::connect::connect(&context.route).await?;
    let mut rows: Vec<AuditLine> = Vec::new();
    let mut before = None;
    let limit = match (args.limit, since) {
        (Some(0), _) | (None, Some(_)) => usize::MAX,
        (Some(limit), _) => usize::try_from(limit).unwrap_or(usize::MAX),
        (None, None) => ROWS,
    };
    // One more than is shown tells whether there are more.
    let wanted = limit.saturating_add(1);
    // An answer has at most as many rows as fit into a frame.
    while rows.len() < wanted {
        let limit = u32::try_from(wanted - rows.len()).unwrap_or(u32::MAX);
        let read = ReadAudit { session: session.clone(), job: None, row: None, since, limit, before };
        let mut more = client.call(read).await?.rows;
        let Some(first) = more.first() else { break };
        before = Some(first.seq);
        more.append(&mut rows);
        rows = more;
    }
    if rows.len() > limit {
        rows.drain(..rows.len() - limit);
        context.talk(&context.style.dim(&format!("the newest {limit}; --limit 0 shows all there are")));
    }
    if context.json {
        for row in &rows {
            super::print_line(&serde_json::to_string(row).unwrap_or_default())?;
        }
        return Ok(exit::DONE);
    }
    if rows.is_empty() {
        context.talk("nothing is recorded there");
    }
    for row in &rows {
        let at = row.at.get(..19).unwrap_or(&row.at).replace('T', " ");
        super::print_line(&format!("{:>6}  {at}  {:<6}  {:<8}  {}", row.seq, row.actor, row.kind, gist(row)))?;
    }
    Ok(exit::DONE)
}

/// A point in time: so long ago, a day, or as RFC 3339 has it.
fn since(text: &str) -> Result<Timestamp, Failure> {
    let wrong =
        || Failure::usage(format!("{text:?} is no time")).hint("write 2h, 3d, 2026-11-20 or 2026-11-20T09:00:00Z");
    let days = text.strip_suffix('d').and_then(|days| days.parse::<u32>().ok());
    let ago = match days {
        Some(days) => Some(std::time::Duration::from_secs(u64::from(days) * 24 * 60 * 60)),
        None => args::duration(text).ok(),
    };
    if let Some(ago) = ago {
        let ms = i64::try_from(ago.as_millis()).map_err(|_| wrong())?;
        return Timestamp::from_millisecond(Timestamp::now().as_millisecond().saturating_sub(ms)).map_err(|_| wrong());
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let day: jiff::civil::Date = text.parse().map_err(|_| wrong())?;
    day.to_zoned(super::system::zone()).map(|zoned| zoned.timestamp()).map_err(|_| wrong())
}

fn text<'a>(body: &'a Value, key: &str) -> &'a str {
    body.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// A row in a few words.
fn gist(row: &AuditLine) -> String {
    let body = &row.body;
    let command = || {
        let shown = visible(text(body, "command"));
        if shown.chars().count() > ROOM { shown.chars().take(ROOM).chain(['…']).collect() } else { shown }
    };
    let job = row.job.as_deref().unwrap_or_default();
    match row.kind.as_str() {
        "ruling" => {
            let rule = body.get("rule").map(|rule| text(rule, "name").to_owned()).unwrap_or_default();
            format!("{} ({rule})  {}", text(body, "verdict"), command())
        }
        "approval" => match body.get("resolution") {
            Some(resolution) => format!("{}  answered: {}", text(body, "approval"), answer(resolution)),
            None => format!("{}  asked  {}", text(body, "approval"), command()),
        },
        "started" => format!("job {job}  {}", command()),
        "ended" if job.is_empty() => visible(&body.to_string()),
        "ended" => format!("job {job}  {}", outcome(body)),
        "refused" => format!("{}  {}", body.get("refusal").map(answer).unwrap_or_default(), command()),
        "act" => format!("{}  {}", text(body, "tool"), command()),
        "mode" => format!("{} in {}", text(body, "policy"), text(body, "workspace")),
        "grant" => match body.get("grant") {
            Some(grant) => format!("{} for {}", text(grant, "id"), visible(&grant["subject"].to_string())),
            None => format!("{} revoked", text(body, "revoked")),
        },
        _ => visible(&body.to_string()),
    }
}

/// `person: once`, `timeout`.
fn answer(resolution: &Value) -> String {
    let (by, answer) = (text(resolution, "by"), text(resolution, "answer"));
    if answer.is_empty() { by.to_owned() } else { format!("{by}: {answer}") }
}

fn outcome(body: &Value) -> String {
    let outcome = body.get("outcome").cloned().unwrap_or_default();
    let bytes = body.get("bytes").and_then(Value::as_u64).unwrap_or(0);
    let how = match (outcome.get("code"), outcome.get("signal")) {
        (Some(code), _) => format!("exit {code}"),
        (_, Some(signal)) => format!("signal {signal}"),
        _ => visible(text(&outcome, "reason")),
    };
    format!("{how}, {bytes} bytes")
}

async fn verify(context: &Context) -> Result<u8, Failure> {
    let client = super::connect::connect(&context.route).await?;
    let found = client.call(VerifyAudit {}).await?;
    if context.json {
        super::print_line(&serde_json::to_string(&found).unwrap_or_default())?;
    } else if found.fault.is_none() {
        super::print_line(&format!("{} rows, each as it was written", found.rows))?;
    }
    match found.fault {
        None => Ok(exit::DONE),
        Some(fault) => {
            Err(Failure::new(format!("the audit log was tampered with at row {}: {}", fault.seq, fault.what)).hint(
                format!(
                    "the {} rows before it are as they were written; {} holds the log",
                    found.rows,
                    context.paths.home.join("hands.db").display()
                ),
            ))
        }
    }
}

async fn show(context: &Context, id: &str) -> Result<u8, Failure> {
    let client = super::connect::connect(&context.route).await?;
    let mut wanted = ReadAudit { session: None, job: None, row: None, since: None, limit: 1000, before: None };
    match id.parse::<u64>() {
        Ok(row) => wanted.row = Some(row),
        Err(_) => {
            let job =
                JobId::parse(id).map_err(|e| Failure::usage(e.to_string()).hint("`pryx audit` lists row numbers"))?;
            wanted.job = Some(job);
        }
    }
    let mut rows = client.call(wanted.clone()).await?.rows;
    if let (Some(_), Some(first)) = (&wanted.job, rows.first()) {
        // A job's rows lead to its call, which has the plan and the question.
        let of_call = ReadAudit { job: None, row: Some(first.seq), ..wanted };
        rows = client.call(of_call).await?.rows;
    }
    if rows.is_empty() {
        return Err(Failure::new(format!("nothing is recorded about {id}")).hint("`pryx audit` lists what is"));
    }
    if context.json {
        super::print_line(&serde_json::to_string(&rows).unwrap_or_default())?;
        return Ok(exit::DONE);
    }
    super::print_data(whole(&rows).as_bytes())?;
    Ok(exit::DONE)
}

/// All rows of one call, put together for a reader.
fn whole(rows: &[AuditLine]) -> String {
    let mut shown = String::new();
    let mut say = |label: &str, text: String| {
        if !text.is_empty() {
            shown.push_str(&format!("{label:<10} {text}\n"));
        }
    };
    for row in rows {
        let (body, at) = (&row.body, row.at.get(..19).unwrap_or(&row.at).replace('T', " "));
        match row.kind.as_str() {
            "ruling" => {
                say("command", visible(text(body, "command")));
                say("in", visible(text(body, "cwd")));
                say(
                    "by",
                    format!(
                        "{}{}",
                        row.actor,
                        row.session.as_ref().map(|s| format!(", session {s}")).unwrap_or_default()
                    ),
                );
                say("plan", text(body, "plan").to_owned());
                let rule = body.get("rule").cloned().unwrap_or_default();
                say(
                    "ruling",
                    format!(
                        "{} by {} ({}): {}",
                        text(body, "verdict"),
                        text(&rule, "name"),
                        text(&rule, "source"),
                        visible(text(body, "reason"))
                    ),
                );
                say("policy", text(body, "policy").to_owned());
            }
            "approval" => match body.get("resolution") {
                Some(resolution) => {
                    let place = text(body, "from");
                    let place = if place.is_empty() { String::new() } else { format!(", {}", visible(place)) };
                    say("answer", format!("{} at {at}{place}", answer(resolution)));
                }
                None => say("asked", format!("{} at {at}", text(body, "approval"))),
            },
            "started" => {
                if body.get("typed_in").is_some() {
                    let (terminal, command) = (text(body, "typed_in"), visible(text(body, "command")));
                    say("typed", format!("by a person in {terminal}: {command}"));
                }
                say("started", format!("job {} at {at}", row.job.as_deref().unwrap_or_default()));
            }
            "ended" if row.job.is_some() => {
                say("ended", format!("{} at {at}", outcome(body)));
                say("output", format!("sha256 {}", text(body, "output_sha256")));
                say("replay", format!("pryx replay {}", row.job.as_deref().unwrap_or_default()));
            }
            "refused" => say("refused", format!("{} at {at}", body.get("refusal").map(answer).unwrap_or_default())),
            kind => say(kind, gist(row)),
        }
    }
    shown
}
