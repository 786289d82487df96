//! `pryx hands`: the daemon in the foreground, its state, its end.

use super::args;
use super::args::HandsAction;
use super::connect;
use super::context::Context;
use super::exit;
use super::failure::Failure;
use super::signals::Endings;
use pryx_hands::{DaemonError, HandsConfig};
use pryx_ipc::{Frames, PlainReply, Request, Shutdown, Status};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// How long the daemon may take to answer and go. Stopping all jobs with their grace time is part of it.
const FAREWELL: Duration = Duration::from_secs(30);

/// Runs one of its parts.
pub async fn run(context: &Context, args: args::Hands) -> Result<u8, Failure> {
    if args.stdio {
        return super::stdio::serve(context).await;
    }
    match args.action.unwrap_or(HandsAction::Run { detached: false }) {
        HandsAction::Run { detached } => daemon(context, detached).await,
        HandsAction::Status => status(context).await,
        HandsAction::Stop { all, kept } => stop(context, Shutdown { stop_jobs: all, kept }).await,
    }
}

async fn daemon(context: &Context, detached: bool) -> Result<u8, Failure> {
    context.paths.prepare()?;
    let exe = std::env::current_exe().map_err(|e| Failure::because("this program's own file can't be found", &e))?;
    let user_home = super::settings::text_var("HOME")?.unwrap_or_else(|| "/".to_owned());
    let config = HandsConfig {
        home: context.paths.home.clone(),
        run_dir: context.paths.run.clone(),
        exe,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        idle_timeout: context.settings.hands.idle_timeout(),
        approval_timeout: context.settings.hands.approval_timeout(),
        mode: context.settings.mode.clone().unwrap_or_else(|| super::settings::DEFAULT_MODE.to_owned()),
        logs: context.settings.logs.limits(),
        sandbox: context.settings.sandbox.config(Path::new(&user_home))?,
        path_env: super::settings::text_var("PATH")?.unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".to_owned()),
        #[cfg(unix)]
        proxies: proxies()?,
        user_home: user_home.into(),
        own_env: own_env()?,
        system: super::system::name(),
    };
    // Else Ctrl-C on the command that started the daemon would end it, and so would the end of that terminal.
    #[cfg(unix)]
    if detached {
        rustix::process::setsid().map_err(|e| Failure::because("the hands can't leave the terminal", &e))?;
    }
    let mut endings = Endings::watch().map_err(|e| Failure::because("signals can't be watched", &e))?;
    let socket = pryx_hands::socket_path(&config.run_dir);
    let words = format!("hands of pryx {} listen at {}", config.version, socket.display());
    let quiet = context.quiet;
    let listening = move || {
        if detached {
            let _ = super::out::line(connect::READY);
        } else if !quiet {
            super::out::talk(&words);
        }
    };
    let shutdown = async move {
        endings.next().await;
    };
    match pryx_hands::daemon::run(config, listening, shutdown).await {
        Ok(()) => Ok(exit::DONE),
        Err(DaemonError::AlreadyRunning { .. }) if detached => {
            let _ = super::out::line(connect::READY);
            Ok(exit::DONE)
        }
        Err(error) => {
            if detached {
                let _ = super::out::line(&error.to_string());
            }
            Err(Failure::new(error.to_string())
                .hint("`pryx hands status` shows hands that run; `pryx hands stop` ends them"))
        }
    }
}

/// As curl reads them: in lower case first; `HTTP_PROXY` too, since nobody's request can set it here.
#[cfg(unix)]
fn proxies() -> Result<pryx_hands::Proxies, Failure> {
    let first = |names: &[&str]| {
        for name in names {
            if let Some(value) = super::settings::text_var(name)?.filter(|value| !value.is_empty()) {
                return Ok(Some(value));
            }
        }
        Ok::<_, Failure>(None)
    };
    Ok(pryx_hands::Proxies {
        http: first(&["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])?,
        https: first(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])?,
        none: first(&["no_proxy", "NO_PROXY"])?,
    })
}

async fn status(context: &Context) -> Result<u8, Failure> {
    let Some(client) = connect::try_connect(&context.route).await? else {
        if context.json {
            super::print_line(r#"{"running":false}"#)?;
        } else {
            context.talk("no hands run; the next command that needs them starts them");
        }
        return Ok(exit::FAILED);
    };
    let status = client.call(Status {}).await?;
    if context.json {
        let mut value = serde_json::to_value(&status).unwrap_or_default();
        value["running"] = true.into();
        super::print_line(&value.to_string())?;
    } else {
        let up = super::jobs::duration(status.uptime_s.saturating_mul(1000));
        super::print_line(&format!(
            "pryx {} · process {} · up {up} · {} running · {} connection{} · {}",
            status.version,
            status.pid,
            status.running_jobs,
            status.connections,
            if status.connections == 1 { "" } else { "s" },
            status.home.display()
        ))?;
    }
    Ok(exit::DONE)
}

/// Who and where, for commands of a client that has no environment of this machine.
fn own_env() -> Result<BTreeMap<String, String>, Failure> {
    let mut env = BTreeMap::new();
    for name in ["USER", "LOGNAME", "SHELL", "LANG", "TMPDIR"] {
        if let Some(value) = super::settings::text_var(name)? {
            env.insert(name.to_owned(), value);
        }
    }
    Ok(env)
}

/// In the protocol's plain form, which needs no greeting: so hands of any version can be stopped.
async fn stop(context: &Context, request: Shutdown) -> Result<u8, Failure> {
    let words = match request {
        Shutdown { stop_jobs: false, .. } => "hands stopped; jobs go on",
        Shutdown { kept: false, .. } => "hands and all jobs stopped, but those started with --keep",
        Shutdown { .. } => "hands and all jobs stopped",
    };
    if context.route.host().is_some() {
        connect::connect(&context.route).await?.call(request).await?;
        context.talk(words);
        return Ok(exit::DONE);
    }
    context.paths.prepare()?;
    let Ok(mut stream) = pryx_ipc::connect(&pryx_hands::socket_path(&context.paths.run)).await else {
        context.talk("no hands run");
        return Ok(exit::DONE);
    };
    let cannot = |e: &dyn std::error::Error| Failure::because("the hands could not be stopped", e);
    let line = pryx_ipc::encode_request(None, &Request::Shutdown(request)).map_err(|e| cannot(&e))?;
    let exchange = async {
        stream.write_all(&line).await?;
        let mut frames = Frames::default();
        let mut reply = None;
        let mut chunk = [0_u8; 4096];
        // The end of the stream says that they are gone: the answer alone would be too early.
        loop {
            let count = stream.read(&mut chunk).await?;
            if count == 0 {
                return Ok::<_, std::io::Error>(reply);
            }
            frames.push(&chunk[..count]);
            while let Ok(Some(line)) = frames.next_line() {
                reply = serde_json::from_slice::<PlainReply>(line).ok();
            }
            // Hands that refuse go on.
            if reply.as_ref().is_some_and(|reply| !reply.success) {
                return Ok(reply);
            }
        }
    };
    match tokio::time::timeout(FAREWELL, exchange).await {
        Ok(Ok(Some(PlainReply { success: false, error, .. }))) => {
            Err(Failure::new(error.unwrap_or_else(|| "the hands refused".to_owned())).code(exit::BLOCKED))
        }
        Ok(Ok(_)) => {
            context.talk(words);
            Ok(exit::DONE)
        }
        Ok(Err(e)) => Err(cannot(&e)),
        Err(_) => Err(Failure::new("the hands did not end in time")),
    }
}
