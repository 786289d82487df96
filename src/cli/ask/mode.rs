//! Under which mode or policy a session runs: said to the hands once, before it first acts.

use crate::cli::args;
use crate::cli::connect;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use pryx_ipc::ChooseMode;
use pryx_terms::SessionId;
use std::path::Path;

/// Chooses what the command line says, else the settings for the directory. A session that is gone on with keeps its own,
/// unless the command line asks for another, which it can't get.
///
/// # Errors
/// When there is no such mode, or the session has another one.
pub async fn choose(
    context: &Context,
    args: &args::Ask,
    resumed: bool,
    session: &SessionId,
    dir: &Path,
) -> Result<(), Failure> {
    let set = || context.settings.mode_in(dir).filter(|_| !resumed);
    let Some(mode) = args.mode.as_deref().or_else(set) else { return Ok(()) };
    let client = connect::connect(&context.route).await?;
    let choice = ChooseMode { session: session.clone(), mode: mode.to_owned(), workspace: Some(dir.to_owned()) };
    client.call(choice).await?;
    Ok(())
}
