//! `pryx stop`: ends jobs. And how times are written.

use super::args;
use super::context::Context;
use super::exit;
use super::failure::Failure;
use pryx_ipc::{Stop, StopTarget};
use pryx_terms::{JobRecord, JobState, visible};

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
    let client = super::connect::connect(&context.route).await?;
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
        context.talk("nothing to stop; jobs started with --keep end by name, or with --all --kept");
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
