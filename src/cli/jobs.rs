//! `pryx ps`, `pryx stop`: see, stop.

use super::args;
use super::context::Context;
use super::exit;
use super::failure::Failure;
use pryx_ipc::{ListJobs, Stop, StopTarget};
use pryx_terms::{ByteCount, JobRecord, JobState, Outcome, Timestamp, visible};

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
