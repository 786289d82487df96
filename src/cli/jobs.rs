//! `pryx ps`, `pryx log`, `pryx stop`: see, read, stop.

use super::args;
use super::context::Context;
use super::exit;
use super::failure::Failure;
use super::follow::{self, End, Printer};
use super::signals::Endings;
use pryx_ipc::{Client, Event, Follow, FollowFrom, ListJobs, ReadLog, Stop, StopTarget};
use pryx_terms::{ByteCount, JobRecord, JobState, Outcome, Timestamp, visible};
use std::io::IsTerminal;

/// Bytes asked for at once while looking for lines from the end.
const STEP: u64 = 64 * 1024;

/// Lists jobs.
pub async fn ps(context: &Context, args: args::Ps) -> Result<u8, Failure> {
    let client = super::connect::connect(&context.paths).await?;
    let jobs = client.call(ListJobs { all: args.all, limit: args.limit, tag: args.tag }).await?.jobs;
    if context.json {
        super::print_line(&serde_json::to_string(&jobs).unwrap_or_default())?;
        return Ok(exit::DONE);
    }
    if jobs.is_empty() {
        context.talk(if args.all { "no jobs yet" } else { "nothing runs; `pryx ps --all` lists what ended" });
        return Ok(exit::DONE);
    }
    let now = Timestamp::now();
    let mut text = format!("{:<8} {:<10} {:>8} {:>10}  {:<7} {}\n", "JOB", "STATE", "TIME", "OUTPUT", "BY", "COMMAND");
    for job in &jobs {
        let state = match &job.state {
            JobState::Running { .. } => "running".to_owned(),
            JobState::Ended { outcome: Outcome::Exited { code }, survivors, .. } if survivors.is_empty() => {
                format!("exit {code}")
            }
            JobState::Ended { outcome: Outcome::Exited { code }, survivors, .. } => {
                format!("exit {code} +{}", survivors.len())
            }
            JobState::Ended { outcome: Outcome::Signaled { signal }, .. } => format!("signal {signal}"),
            JobState::Ended { outcome: Outcome::Lost { .. }, .. } => "lost".to_owned(),
        };
        let name = job.terminal.as_ref().map(|n| format!("[{n}] ")).unwrap_or_default();
        text.push_str(&format!(
            "{:<8} {state:<10} {:>8} {:>10}  {:<7} {name}{}\n",
            job.id,
            duration(job.duration_ms(now)),
            ByteCount(job.total_bytes()),
            job.actor,
            visible(&job.command),
        ));
    }
    super::print_data(text.as_bytes())?;
    Ok(exit::DONE)
}

/// `0.2 s`, `3m12s`, `2h05m`, `4d03h`.
pub fn duration(ms: u64) -> String {
    let s = ms / 1000;
    match s {
        0..60 => format!("{}.{} s", s, ms % 1000 / 100),
        60..3600 => format!("{}m{:02}s", s / 60, s % 60),
        3600..86_400 => format!("{}h{:02}m", s / 3600, s % 3600 / 60),
        _ => format!("{}d{:02}h", s / 86_400, s % 86_400 / 3600),
    }
}

/// Prints a job's output.
pub async fn log(context: &Context, args: args::Log) -> Result<u8, Failure> {
    let client = super::connect::connect(&context.paths).await?;
    let mut endings = Endings::watch().map_err(|e| Failure::because("signals can't be watched", &e))?;
    let from = match args.tail {
        Some(lines) => FollowFrom::Tail { bytes: tail_bytes(&client, &args.job, lines).await? },
        None => FollowFrom::Start,
    };
    let clean = !args.raw && !context.json && std::io::stdout().is_terminal();
    let mut printer = if clean { Printer::clean() } else { Printer::new(context.json) };
    let mut ignore = |_: &Client, _: &Event| {};
    let follow = Follow { job: args.job.clone(), from, until_end: args.follow };
    let work = follow::run(context, client, follow, &mut printer, &mut ignore);
    match follow::unless_ended(&mut endings, work).await {
        Err(ending) => Ok(ending.code),
        Ok(Ok(End::ReaderGone)) => Ok(exit::BROKEN_PIPE),
        Ok(Ok(End::Reply(_))) => Ok(exit::DONE),
        Ok(Err(failure)) => Err(failure),
    }
}

/// How many bytes before the end the last `lines` lines of a job's first stream begin.
async fn tail_bytes(client: &Client, job: &str, lines: usize) -> Result<u64, Failure> {
    let probe = |offset, limit| ReadLog { job: job.to_owned(), stream: None, offset, limit };
    let seen = client.call(probe(0, 0)).await?;
    let end = seen.job.output.iter().find(|o| o.stream == seen.stream).map_or(0, |o| o.bytes);
    if lines == 0 {
        return Ok(0);
    }
    let mut start = end;
    let mut newlines = 0;
    while start > 0 {
        let from = start.saturating_sub(STEP);
        let limit = u32::try_from(start - from).unwrap_or(u32::MAX);
        let part = client.call(probe(from, limit)).await?.data.0;
        for (at, _) in part.iter().enumerate().rev().filter(|(_, b)| **b == b'\n') {
            let after = from + at as u64 + 1;
            // The newline that ends the last line begins no other.
            if after == end {
                continue;
            }
            newlines += 1;
            if newlines == lines {
                return Ok(end - after);
            }
        }
        start = from;
    }
    Ok(end)
}

/// Stops jobs.
pub async fn stop(context: &Context, args: args::Stop) -> Result<u8, Failure> {
    let client = super::connect::connect(&context.paths).await?;
    let target = match (args.job, args.tag) {
        (Some(job), _) => StopTarget::Job { job },
        (None, Some(tag)) => StopTarget::Tag { tag },
        (None, None) => StopTarget::All { kept: args.kept },
    };
    let grace_ms = u64::try_from(args.grace.as_millis()).unwrap_or(u64::MAX);
    let stopped = client.call(Stop { target, grace_ms, by: "pryx stop".to_owned() }).await?.stopped;
    if context.json {
        super::print_line(&serde_json::to_string(&stopped).unwrap_or_default())?;
    } else if stopped.is_empty() {
        context.talk("nothing runs");
    } else {
        for job in &stopped {
            context.talk(&format!("{} {}", context.style.bold(job.id.as_str()), how_it_ended(job)));
        }
    }
    Ok(exit::DONE)
}

fn how_it_ended(job: &JobRecord) -> String {
    let command = visible(&job.command);
    match (&job.state, job.outcome()) {
        (JobState::Ended { stopped: Some(cause), .. }, Some(outcome)) => {
            format!("stopped with SIG{} ({outcome}): {command}", cause.signal)
        }
        (_, Some(outcome)) => format!("had ended already ({outcome}): {command}"),
        (_, None) => format!("still runs: {command}"),
    }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_read_well() {
        let shown = [0, 240, 59_999, 60_000, 192_000, 7_500_000, 356_400_000].map(duration);
        assert_eq!(shown, ["0.0 s", "0.2 s", "59.9 s", "1m00s", "3m12s", "2h05m", "4d03h"]);
    }
}
