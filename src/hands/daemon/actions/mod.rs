//! One file per action of the protocol.

pub(super) mod admission;
pub(super) mod call_tool;
pub(super) mod close_windows;
pub(super) mod exec;
pub(super) mod follow;
pub(super) mod list_approvals;
pub(super) mod list_changes;
pub(super) mod list_jobs;
pub(super) mod list_tools;
pub(super) mod read_log;
pub(super) mod read_timing;
pub(super) mod resize;
pub(super) mod resolve_approval;
pub(super) mod screen;
pub(super) mod search_log;
pub(super) mod send_input;
pub(super) mod send_keys;
pub(super) mod shutdown;
pub(super) mod status;
pub(super) mod stop;
pub(super) mod undo;
pub(super) mod wait;
pub(super) mod watch_job;
