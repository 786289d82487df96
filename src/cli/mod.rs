//! The command line: reads arguments, picks the command, turns its result into words and an exit code.

mod approvals;
mod args;
mod ask;
mod attach;
mod audit;
mod auth;
mod budget;
mod config;
mod config_file;
mod connect;
mod context;
mod cost;
mod doctor;
mod editor;
mod exec;
mod exit;
mod failure;
mod fill;
mod follow;
mod grants;
mod hands;
mod input;
mod jobs;
mod keys;
mod link;
mod log;
mod model;
mod models;
mod money;
mod open;
mod out;
mod paths;
mod policy;
mod ps;
mod remote;
mod replay;
mod sandbox;
mod screen;
mod sessions;
mod settings;
mod setup;
mod signals;
mod stdio;
mod style;
mod system;
mod terminal;
mod trace;
mod trust;
mod typo;
mod undo;
mod wait;
mod window;
mod workspace;

use args::{Cli, Command};
use clap::{CommandFactory, Parser};
use context::Context;
use failure::Failure;
use out::OutError;
use style::Style;

/// Runs the program; gives its exit code.
pub fn main() -> u8 {
    // A keeper is one small process per job: it reads no settings, starts no runtime, and builds no command line.
    if let Some((dir, socket)) = args::keeper(std::env::args_os()) {
        return pryx_hands::keeper::main(&dir, &socket);
    }
    if let Some(probe) = sandbox::Probe::of(std::env::args_os()) {
        return probe.run().unwrap_or(exit::FAILED);
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help goes to stdout with 0, mistakes to stderr with 2: clap knows which is which.
            let _ = error.print();
            return if error.use_stderr() { exit::USAGE } else { exit::DONE };
        }
    };
    let (style, json) = (Style::detect(cli.global.no_color), cli.global.json);
    match run(cli, style) {
        Ok(code) => code,
        Err(failure) => {
            failure.print(&style);
            if json {
                let _ = out::line(&failure.json().to_string());
            }
            failure.code
        }
    }
}

fn run(cli: Cli, style: Style) -> Result<u8, Failure> {
    if let Some(Command::Completions { shell }) = cli.command {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "pryx", &mut script);
        return print_data(&script).map(|()| exit::DONE);
    }
    if cli.command.is_none()
        && let Some(text) = typo::answered_here(&cli.ask)
    {
        return print_data(text.as_bytes()).map(|()| exit::DONE);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::because("the program can't start", &e))?;
    let code = runtime.block_on(dispatch(cli, style));
    // A thread that reads stdin can't be stopped; the process doesn't wait for it.
    runtime.shutdown_background();
    code
}

async fn dispatch(cli: Cli, style: Style) -> Result<u8, Failure> {
    if matches!(cli.command, Some(Command::Doctor)) {
        return doctor::run(&cli.global, style).await;
    }
    let looks = cli.command.as_ref().is_some_and(Command::only_looks);
    let context = if looks { Context::for_looking(&cli.global) } else { Context::new(&cli.global) };
    if let Some(Command::Config(args)) = cli.command {
        return config::run(context, &cli.global, args.action).await;
    }
    // What a folder says is about models: stopping a job must not fail for it.
    let asks = !looks && matches!(cli.command, None | Some(Command::Run(_) | Command::Sessions(_) | Command::Model(_)));
    let context = &if asks { context?.with_workspace()? } else { context? };
    if cli.command.is_some() && cli.ask != args::Ask::default() {
        return Err(Failure::usage("an option of a request stands before a command, where it would change nothing")
            .hint("write it behind the command's name, if the command has it"));
    }
    match cli.command {
        None if cli.ask == args::Ask::default() => {
            out::talk(&Cli::command().render_help().to_string());
            Ok(exit::USAGE)
        }
        None => match typo::of_a_command(&cli.ask) {
            Some(failure) => Err(failure),
            None => ask::run(context, cli.ask).await,
        },
        Some(Command::Run(ask)) => ask::run(context, ask).await,
        Some(Command::Exec(args)) => exec::run(context, args).await,
        Some(Command::Ps(args)) => ps::ps(context, args).await,
        Some(Command::Log(args)) => log::log(context, args).await,
        Some(Command::Replay(args)) => replay::replay(context, args).await,
        Some(Command::Wait(args)) => wait::wait(context, args).await,
        Some(Command::Send(args)) => wait::send(context, args).await,
        Some(Command::Screen(args)) => screen::screen(context, args).await,
        Some(Command::Stop(args)) => jobs::stop(context, args).await,
        Some(Command::Attach(args)) => attach::attach(context, args).await,
        Some(Command::Open(args)) => open::open(context, args).await,
        Some(Command::Close(args)) => open::close(context, args).await,
        Some(Command::Approvals) => approvals::list(context).await,
        Some(Command::Approve(args)) => approvals::approve(context, args).await,
        Some(Command::Deny(args)) => approvals::deny(context, args).await,
        Some(Command::Trust(args)) => trust::run(context, args).await,
        Some(Command::Undo(args)) => undo::run(context, args).await,
        Some(Command::Grants(args)) => grants::run(context, args.action).await,
        Some(Command::Policy(args)) => policy::run(context, args.action).await,
        Some(Command::Audit(args)) => audit::run(context, args).await,
        Some(Command::Sessions(args)) => sessions::run(context, args.action).await,
        Some(Command::Trace(args)) => trace::run(context, &args),
        Some(Command::Context(args)) => fill::run(context, &args).await,
        Some(Command::Setup(args)) => setup::run(context, &cli.global, &args).await,
        Some(Command::Models(args)) => models::run(context, args).await,
        Some(Command::Model(args)) => model::run(context, args.action).await,
        Some(Command::Cost(args)) => cost::run(context, &args),
        Some(Command::Auth(args)) => auth::run(context, args.action).await,
        Some(Command::Budget(args)) => budget::run(context, args.action).await,
        Some(Command::Hands(args)) => hands::run(context, args).await,
        // Answered before there was a context.
        Some(Command::Doctor | Command::Config(_) | Command::Completions { .. }) => Ok(exit::DONE),
    }
}

/// Writes data; a reader that went away ends the command quietly, as it would end `cat`.
fn print_data(bytes: &[u8]) -> Result<(), Failure> {
    match out::data(bytes) {
        Ok(()) | Err(OutError::Gone) => Ok(()),
        Err(OutError::Failed(e)) => Err(Failure::because("the output can't be written", &e)),
    }
}

/// Writes a line of data.
fn print_line(text: &str) -> Result<(), Failure> {
    print_data(format!("{text}\n").as_bytes())
}
