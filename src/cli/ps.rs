//! `pryx ps`: what runs, what it does, what it uses, what it printed last.

use super::args;
use super::context::Context;
use super::exit;
use super::failure::Failure;
use super::jobs::duration;
use pryx_ipc::{Client, JobListing, ListJobs};
use pryx_terms::{Activity, ByteCount, JobState, Outcome, Seen, Timestamp, visible};
use std::io::IsTerminal;

/// Columns before the command: their widths and the spaces between them.
const FIXED: usize = 8 + 1 + 12 + 1 + 8 + 1 + 8 + 1 + 10 + 1 + 10 + 2 + 6 + 1;

/// Characters that the command and the last line have at least, however narrow the terminal is.
const LEAST: usize = 12;

/// Lists jobs.
pub async fn ps(context: &Context, args: args::Ps) -> Result<u8, Failure> {
    let client = super::connect::connect(&context.route).await?;
    let (jobs, more) = list(&client, &args).await?;
    if more {
        context.talk(&context.style.dim(&format!("the first {}; --limit 0 shows all there are", jobs.len())));
    }
    if context.json {
        super::print_line(&serde_json::to_string(&jobs).unwrap_or_default())?;
        return Ok(exit::DONE);
    }
    if jobs.is_empty() {
        context.talk(if args.all { "no jobs yet" } else { "nothing runs; `pryx ps --all` lists what ended" });
        return Ok(exit::DONE);
    }
    let width = std::io::stdout().is_terminal().then(|| usize::from(super::terminal::size().cols));
    super::print_data(table(&jobs, width, Timestamp::now()).as_bytes())?;
    Ok(exit::DONE)
}

/// As many as are wanted, over as many replies as that takes; and whether there are more.
async fn list(client: &Client, args: &args::Ps) -> Result<(Vec<JobListing>, bool), Failure> {
    let wanted = if args.limit == 0 { usize::MAX } else { usize::try_from(args.limit).unwrap_or(usize::MAX) };
    // One more than is shown tells whether there are more.
    let asked = wanted.saturating_add(1);
    let mut jobs: Vec<JobListing> = Vec::new();
    loop {
        let left = u32::try_from(asked - jobs.len()).unwrap_or(u32::MAX);
        let after = jobs.last().map(|listed| listed.job.id.clone());
        let reply = client.call(ListJobs { all: args.all, limit: left, tag: args.tag.clone(), after }).await?;
        let more = reply.more && !reply.jobs.is_empty();
        jobs.extend(reply.jobs);
        if !more || jobs.len() >= asked {
            let cut = jobs.len() > wanted;
            jobs.truncate(wanted);
            return Ok((jobs, cut));
        }
    }
}

/// The table, fitted to a width if there is one.
fn table(jobs: &[JobListing], width: Option<usize>, now: Timestamp) -> String {
    let room = width.map(|width| width.saturating_sub(FIXED + 1).max(2 * LEAST));
    let rows: Vec<[String; 9]> = jobs.iter().map(|job| row(job, now)).collect();
    let longest = rows.iter().map(|row| row[7].chars().count()).max().unwrap_or(0).max("COMMAND".len());
    let printed = rows.iter().map(|row| row[8].chars().count()).max().unwrap_or(0);
    // What one of the two doesn't need, the other gets.
    let command = room.map_or(longest.min(60), |room| longest.min(room - printed.min(room / 2)));
    let last = room.map(|room| room.saturating_sub(command));
    let head = ["JOB", "STATE", "TIME", "CPU", "MEMORY", "OUTPUT", "BY", "COMMAND", "LAST"].map(str::to_owned);
    let mut text = String::new();
    for row in std::iter::once(&head).chain(&rows) {
        let [id, state, time, cpu, memory, output, by, line, printed] = row;
        let line = width.map_or(line.clone(), |_| cut(line, command));
        let printed = last.map_or(printed.clone(), |last| cut(printed, last));
        let shown = format!(
            "{id:<8} {state:<12} {time:>8} {cpu:>8} {memory:>10} {output:>10}  {by:<6} {line:<command$} {printed}"
        );
        text.push_str(shown.trim_end());
        text.push('\n');
    }
    text
}

fn row(listing: &JobListing, now: Timestamp) -> [String; 9] {
    let (job, live) = (&listing.job, listing.live.as_ref());
    let state = match &job.state {
        JobState::Running { .. } if live.is_some_and(|live| live.held.is_some()) => "held back".to_owned(),
        JobState::Running { .. } => live.map_or(Activity::Running, |live| live.activity).to_string(),
        JobState::Ended { outcome: Outcome::Exited { code }, survivors, .. } if survivors.is_empty() => {
            format!("exit {code}")
        }
        JobState::Ended { outcome: Outcome::Exited { code }, survivors, .. } => {
            format!("exit {code} +{}", survivors.len())
        }
        JobState::Ended { outcome: Outcome::Signaled { signal }, .. } => format!("signal {signal}"),
        JobState::Ended { outcome: Outcome::Lost { .. }, seen: Some(Seen::Never), .. } => "never ran".to_owned(),
        JobState::Ended { outcome: Outcome::Lost { .. }, .. } => "lost".to_owned(),
    };
    let held = job.sandbox.as_ref().filter(|sandbox| sandbox.holds()).map(|sandbox| sandbox.profile.clone());
    let typing = live.filter(|live| live.person).map(|_| "somebody types".to_owned());
    let waiting = live.map(|live| live.waiting).filter(|count| *count > 0).map(|count| format!("{count} waiting"));
    let notes = [held, typing, waiting].into_iter().flatten().map(|note| format!(", {note}")).collect::<String>();
    let name = job.terminal.as_ref().map(|n| format!("[{n}{}] ", notes.replacen(", ", ": ", 1))).unwrap_or_default();
    let or_nothing = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    [
        job.id.to_string(),
        state,
        duration(job.duration_ms(now)),
        or_nothing(live.and_then(|live| live.cpu_ms).map(duration)),
        or_nothing(live.and_then(|live| live.resident_bytes).map(|bytes| ByteCount(bytes).to_string())),
        ByteCount(job.total_bytes()).to_string(),
        job.actor.to_string(),
        format!("{name}{}", visible(&job.command)),
        live.map(|live| visible(&live.last_line)).unwrap_or_default(),
    ]
}

/// At most so many characters; an ellipsis says that some are missing.
fn cut(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let mut shown: String = text.chars().take(room.saturating_sub(1)).collect();
    shown.push('…');
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use pryx_terms::{Actor, JobId, JobRecord, Live};

    fn listing(command: &str, last: &str) -> JobListing {
        let job = JobRecord {
            id: JobId::generate(),
            command: command.to_owned(),
            cwd: "/".into(),
            actor: Actor::Person,
            session: None,
            terminal: None,
            within: None,
            tag: None,
            by_hand: false,
            waited_ms: None,
            keep: false,
            sandbox: None,
            started: Timestamp::UNIX_EPOCH,
            state: JobState::Running { pid: 7 },
            output: Vec::new(),
        };
        let live = Live {
            activity: Activity::NeedsSecret,
            since: Timestamp::UNIX_EPOCH,
            held: None,
            person: false,
            waiting: 0,
            cpu_ms: Some(1500),
            resident_bytes: None,
            last_line: last.to_owned(),
        };
        JobListing { job, live: Some(live), windows: 0 }
    }

    #[test]
    fn the_table_fits_its_terminal() {
        let jobs = [listing(&"c".repeat(300), &"l".repeat(300)), listing("short", "Password:")];
        for width in [100, 120, 200] {
            let text = table(&jobs, Some(width), Timestamp::UNIX_EPOCH);
            assert!(text.lines().all(|line| line.chars().count() <= width), "{width}:\n{text}");
            assert!(text.contains("needs_secret") && text.contains("1.5 s") && text.contains("Password:"), "{text}");
            assert!(text.contains('…'));
        }
        let mut shared = listing("bash -i", "$");
        shared.job.terminal = pryx_terms::TerminalName::parse("dev").ok();
        if let Some(live) = &mut shared.live {
            (live.person, live.waiting) = (true, 2);
        }
        let text = table(&[shared], None, Timestamp::UNIX_EPOCH);
        assert!(text.contains("[dev: somebody types, 2 waiting] bash -i"), "{text}");
        let whole = table(&jobs, None, Timestamp::UNIX_EPOCH);
        assert!(whole.contains(&"c".repeat(300)) && whole.contains(&"l".repeat(300)));
    }
}
