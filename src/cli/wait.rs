//! `pryx wait` and `pryx send`: wait until a job has come to a point; type into it.

use super::args;
use super::context::Context;
use super::exit;
use super::failure::Failure;
use super::link::Link;
use super::signals::Endings;
use pryx_ipc::{Blob, Client, ReadLog, SendKeys, Until, Wait, WaitEnd, WaitReply};
use pryx_terms::visible;
use std::io::Read;
use std::time::{Duration, Instant};

/// Text in one request, which is a line of at most 1 MiB; in JSON text takes up to about three times its size.
const MAX_TEXT: usize = 256 * 1024;

/// Waits.
pub async fn wait(context: &Context, args: args::Wait) -> Result<u8, Failure> {
    let client = super::connect::connect(&context.route).await?;
    let mut endings = Endings::watch().map_err(|e| Failure::because("signals can't be watched", &e))?;
    let reply = tokio::select! {
        reply = answer(context, client, &args) => reply?,
        ending = endings.next() => return Ok(ending.code),
    };
    if context.json {
        super::print_line(&serde_json::to_string(&reply).unwrap_or_default())?;
    }
    match reply.end {
        WaitEnd::Met { what } => {
            if let Some(what) = what.filter(|_| !context.json) {
                super::print_line(&visible(&what))?;
            }
            Ok(exit::DONE)
        }
        WaitEnd::Timeout => {
            context.talk(&context.style.warn("time is up; it goes on"));
            Ok(exit::TIMEOUT)
        }
        WaitEnd::Ended => {
            let outcome = reply.job.outcome().map(ToString::to_string).unwrap_or_default();
            Err(Failure::new(format!("{} ended before ({outcome})", reply.job.id))
                .hint(format!("`pryx log {}` prints what it printed", reply.job.id)))
        }
    }
}

/// The answer, from whichever hands are there to give it.
async fn answer(context: &Context, client: Client, args: &args::Wait) -> Result<WaitReply, Failure> {
    let (began, link) = (Instant::now(), Link::new(context, client));
    // Its id: another connection may find another job to be the last.
    let job = loop {
        let probe = ReadLog { job: args.job.clone(), stream: None, offset: 0, limit: 0 };
        match link.client().call(probe).await {
            Ok(seen) => break seen.job.id.to_string(),
            Err(error) => drop(link.renew(context, error).await?),
        }
    };
    loop {
        let left = args.timeout.map(|timeout| ms(timeout.saturating_sub(began.elapsed())));
        let request = Wait { job: job.clone(), until: args.until.clone(), timeout_ms: left };
        match link.client().call(request).await {
            Ok(reply) => return Ok(reply),
            Err(error) => drop(link.renew(context, error).await?),
        }
    }
}

/// Types.
pub async fn send(context: &Context, args: args::Send) -> Result<u8, Failure> {
    let client = super::connect::connect(&context.route).await?;
    let text = match args.text.as_deref() {
        Some("-") => piped()?,
        Some(text) => text.as_bytes().to_vec(),
        None => Vec::new(),
    };
    for part in text.chunks(MAX_TEXT) {
        client.call(SendKeys { job: args.job.clone(), text: Blob(part.to_vec()), keys: Vec::new() }).await?;
    }
    if !args.keys.is_empty() {
        client.call(SendKeys { job: args.job, text: Blob::default(), keys: args.keys }).await?;
    }
    Ok(exit::DONE)
}

fn piped() -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    std::io::stdin().lock().read_to_end(&mut text).map_err(|e| Failure::because("stdin can't be read", &e))?;
    Ok(text)
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// `exit`, `prompt`, `match=RE`, `silence=10s`, `port=8080`.
pub fn until(text: &str) -> Result<Until, String> {
    match text.split_once('=') {
        None if text == "exit" => Ok(Until::Exit),
        None if text == "prompt" => Ok(Until::Prompt),
        Some(("match", pattern)) if !pattern.is_empty() => Ok(Until::Match { pattern: pattern.to_owned() }),
        Some(("silence", time)) => args::duration(time).map(|time| Until::Silence { ms: ms(time) }),
        Some(("port", port)) => match port.parse() {
            Ok(port) if port > 0 => Ok(Until::Port { port }),
            _ => Err(format!("{port:?} is no port")),
        },
        _ => Err(format!("{text:?} can't be waited for; write exit, prompt, match=RE, silence=10s or port=8080")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_waited_for() {
        assert_eq!(until("match=a=b"), Ok(Until::Match { pattern: "a=b".into() }));
        assert_eq!(until("silence=1.5"), Ok(Until::Silence { ms: 1500 }));
        assert_eq!(until("port=8080"), Ok(Until::Port { port: 8080 }));
        for bad in ["", "match=", "port=0", "port=70000", "silence=soon", "Exit", "exit=1"] {
            assert!(until(bad).is_err(), "{bad}");
        }
    }
}
