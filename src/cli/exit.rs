//! Exit codes, the same for all commands. `docs/exit-codes.md` is the table people read.

/// Done.
pub const DONE: u8 = 0;
/// Something failed that no other code names: the message says what.
pub const FAILED: u8 = 1;
/// The command line or a settings file can't be understood.
pub const USAGE: u8 = 2;
/// The model went round in circles.
pub const STUCK: u8 = 119;
/// A human said no.
pub const DECLINED: u8 = 120;
/// A rule forbade it, or it needed a human and there was none to ask.
pub const BLOCKED: u8 = 121;
/// The model's provider failed.
pub const PROVIDER: u8 = 122;
/// There was nothing to run: the offline planner didn't know the request.
pub const NOTHING_TO_RUN: u8 = 123;
/// Time was up.
pub const TIMEOUT: u8 = 124;
/// A budget was reached, and nobody said to go on.
pub const OVER_BUDGET: u8 = 125;
/// `exec`: found, but it can't be executed.
pub const NOT_EXECUTABLE: u8 = 126;
/// `exec`: no such program.
pub const NOT_FOUND: u8 = 127;
/// Ctrl-C.
pub const INTERRUPTED: u8 = 130;
/// The reader of our output went away.
pub const BROKEN_PIPE: u8 = 141;
