//! pryx: an AI agent in your own terminal. Everything is in the rooms; this file only leaves the process.

mod cli;

#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    std::process::exit(i32::from(cli::main()));
}
