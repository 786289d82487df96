//! The daemon behind the socket: takes the lock, adopts what yesterday's hands left, listens, serves, and ends itself
//! when nobody needs it. Jobs outlive it in their keepers.

mod actions;
mod actor;
mod client;
mod handler;
mod journal;
mod older;
pub(crate) mod origin;
mod place;
mod reaper;
pub(crate) mod terminal;
mod typed;
mod windows;

pub(crate) use actions::screen::draw;
pub(crate) use handler::{Hands, Interruption, answer_to};
pub(crate) use journal::Journal;

use crate::gate::{Gate, GateConfig, Policies, Policy};
use crate::jobs::Jobs;
use crate::sandbox::Sandbox;
use crate::store::Store;
use crate::{DaemonError, HandsConfig};
use handler::Ending;
use pryx_terms::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How long the ends of jobs may take to be recorded (their logs are hashed) when the daemon ends. What is not done by
/// then, the next hands do.
const LAST_RECORDS: Duration = Duration::from_secs(5);

/// Serves until `shutdown` resolves, a client asks for the end, or nobody has needed the hands for the idle time.
/// `listening` is called once connections are accepted.
///
/// # Errors
/// When it can't begin: another daemon runs, a directory or the database can't be used.
pub async fn run(
    config: HandsConfig,
    listening: impl FnOnce(),
    shutdown: impl Future<Output = ()>,
) -> Result<(), DaemonError> {
    place::prepare(&config)?;
    let _lock = place::Lock::take(&config)?;
    let socket = place::clear_socket(&config)?;
    let started = Timestamp::now();
    let journal = Arc::new(Journal::open(&config.log_file()));
    journal.note(format_args!("pryx {} begins as process {}", config.version, std::process::id()));
    let outcome = serve(&config, &socket, started, &journal, listening, shutdown).await;
    match &outcome {
        Ok(why) => journal.note(format_args!("ends: {why}")),
        Err(error) => journal.note(format_args!("can't go on: {error}")),
    }
    outcome.map(drop)
}

async fn serve(
    config: &HandsConfig,
    socket: &std::path::Path,
    started: Timestamp,
    journal: &Arc<Journal>,
    listening: impl FnOnce(),
    shutdown: impl Future<Output = ()>,
) -> Result<&'static str, DaemonError> {
    let stored = |error: crate::store::StoreError| DaemonError::Store(error.to_string());
    let store = Store::open(&config.database()).map_err(stored)?;
    let gate_config = GateConfig { approval_timeout: config.approval_timeout };
    let policy = Policy::builtin(Some(&config.user_home), &[&config.home]);
    let policies = Policies::new(policy, &config.policies_dir(), &config.mode);
    let gate = Gate::new(store.clone(), policies, gate_config, Sandbox::new(config));
    let reaper = reaper::begin().map_err(|e| DaemonError::place("can't watch for ended keepers", e))?;
    let jobs = Jobs::new(config, store.clone(), gate.clone(), Arc::clone(journal));
    let adopted = jobs.adopt_all().await.map_err(stored)?;
    if adopted > 0 {
        journal.note(format_args!("adopted {adopted} jobs"));
    }
    let listener = pryx_ipc::listen(socket)
        .map_err(|error| DaemonError::place(format!("can't listen at {}", socket.display()), error))?;
    let _metadata = place::Announcement::write(config, started)?;
    let ending = Ending::default();
    let hands =
        Arc::new(Hands::new(config.clone(), started, gate, store, jobs.clone(), Arc::clone(journal), ending.clone()));
    listening();
    let mut why = "";
    let end = async {
        why = tokio::select! {
            () = shutdown => "it was told to by a signal",
            () = ending.wait() => "a client asked for it",
            () = idle(jobs.busy(), hands.connections(), config.idle_timeout) => "nobody needed it",
        };
        // Requests that would go on for long are answered now; what they started goes on.
        ending.begin();
    };
    pryx_ipc::serve(listener, Arc::clone(&hands), end).await;
    let _ = tokio::time::timeout(LAST_RECORDS, jobs.settled()).await;
    reaper.abort();
    let _ = std::fs::remove_file(socket);
    Ok(why)
}

/// Resolves when for so long there was neither job nor connection.
async fn idle(mut jobs: watch::Receiver<usize>, mut connections: watch::Receiver<usize>, timeout: Duration) {
    loop {
        let busy = *jobs.borrow_and_update() > 0 || *connections.borrow_and_update() > 0;
        let quiet = async {
            if busy {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(timeout).await;
        };
        tokio::select! {
            () = quiet => return,
            // Errors would mean that jobs or handler are gone, and then this future is too.
            _ = jobs.changed() => {}
            _ = connections.changed() => {}
        }
    }
}
