//! Files as the tools and `pryx undo` touch them. A path is followed to its end when the act is planned; the gate rules
//! on what it led to; and what is then opened is exactly that path, no link followed any more. Writes are atomic and
//! leave a copy of what was there.

mod act;
mod change;
mod content;
mod diff;
mod dir;
mod edit;
mod real;
mod replace;
mod undo;

pub use act::FileAct;
pub(crate) use act::open;
pub(crate) use change::{Changed, Files};
pub(crate) use content::{LOOK, not_text, sha256};
pub use edit::Edit;

/// Largest file that is changed (8 MiB): it is held in memory, hashed while the daemon serves others, and copied for undo.
pub(crate) const MAX_FILE: u64 = 8 * 1024 * 1024;
