//! The daemon.
mod journal;
mod place;
use crate::{DaemonError, HandsConfig};
use pryx_terms::Timestamp;
/// Serves.
/// # Errors
/// See type.
pub async fn run(config: HandsConfig, listening: impl FnOnce(), shutdown: impl Future<Output = ()>) -> Result<(), DaemonError> {
    place::prepare(&config)?;
    let _lock = place::Lock::take(&config)?;
    let _ = place::clear_socket(&config)?;
    let _metadata = place::Announcement::write(&config, Timestamp::now())?;
    journal::Journal::open(&config.log_file()).note("x");
    listening();
    shutdown.await;
    Ok(())
}
