//! `pryx screen`: what a job's terminal shows now.

use super::args;
use super::context::Context;
use super::exit;
use super::failure::Failure;
use pryx_ipc::{Screen, ScreenFormat};

/// Prints it.
pub async fn screen(context: &Context, args: args::Screen) -> Result<u8, Failure> {
    let client = super::connect::connect(&context.route).await?;
    let format = match args.format {
        args::ScreenForm::Text | args::ScreenForm::Json => ScreenFormat::Text,
        args::ScreenForm::Ansi => ScreenFormat::Ansi,
        args::ScreenForm::Svg => ScreenFormat::Svg,
    };
    let reply = client.call(Screen { job: args.job, format }).await?;
    if context.json || matches!(args.format, args::ScreenForm::Json) {
        super::print_line(&serde_json::to_string(&reply).unwrap_or_default())?;
    } else {
        super::print_data(reply.content.as_bytes())?;
        if let Some(held) = reply.job.sandbox.as_ref().filter(|held| held.holds()) {
            context.talk(&context.style.dim(&format!("it is held in the sandbox {held}")));
        }
    }
    Ok(exit::DONE)
}
