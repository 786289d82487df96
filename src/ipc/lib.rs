//! The protocol between brain (or any client) and hands. This text is the specification; `docs/protocol.md` shows
//! it with examples.
//!
//! **Framing.** UTF-8 JSON objects, one per line, each line ended by `\n`. A line longer than [`MAX_FRAME`] bytes is
//! answered with `frame_too_large` and the connection is closed. A line that is no JSON object is answered with
//! `bad_frame`; the connection goes on.
//!
//! **Requests** are `{"id": u64, "action": "...", "data": {...}}`. The reply carries the same id: `{"id", "success":
//! true, "result": {...}}` or `{"id", "success": false, "error": {"code", "message", "hint"?, "retryable"}}`. Exactly
//! one reply per request. Unknown fields are ignored, unknown actions are an error. The first request with an id
//! must be `hello`, within [`HELLO_DEADLINE`].
//!
//! **Events** are `{"event": "...", "seq": u64, "request": u64, "data": {...}}`: they belong to one request of this
//! connection, come before its reply, and `seq` counts up by one over the whole connection.
//!
//! **Order.** Requests run concurrently, save that `send_input`, `resize` and requests without id run in the order
//! they were sent; those three can't be cancelled. `cancel` names a request that is under way; that one is then
//! answered with `cancelled`, or with what it came to before.
//!
//! **Again.** A request with a key may be sent again on a new connection: it is carried out once. `have` says what of its
//! output came already; `part` in `send_input` says which bytes of a sender these are.
//!
//! **Plain form.** A request without `id` needs no `hello`, gets no events, and is answered by one line
//! `{"success", "output", "error", "result"?}`. Replies come in the order of the requests.
//!
//! **Older protocol.** A request without `id` whose action is one of [`OlderAction::NAMES`] is answered, in its turn among
//! the plain ones, by one line `{"success", "output", "error", "exists"}`. See [`OlderData`] for what it may carry.
//!
//! **Bytes.** Text where the bytes are valid UTF-8 and not mostly control characters, else `{"base64": "..."}`. A
//! reader takes both. See [`Blob`].
//!
//! **Trust.** The socket is in a 0700 directory, mode 0600, and each peer's user id must be the server's own. That is
//! the whole authentication; what a peer may do is the gate's matter, not the protocol's.

mod action;
mod blob;
mod changes;
mod client;
mod endpoint;
mod error;
mod event;
mod frame;
mod gate;
mod listing;
mod logs;
mod older;
mod outgoing;
mod reply;
mod screen;
mod server;
mod typing;
mod wait;
mod wire;

pub use action::{
    Action, CallTool, Cancel, CloseWindows, Exec, Follow, FollowFrom, Hello, InputPart, Inside, Io, ListApprovals,
    ListJobs, ListTools, ReadLog, Request, Resize, ResolveApproval, SendInput, Shutdown, Status, Stdin, Stop,
    StopTarget,
};
pub use blob::Blob;
pub use changes::{ListChanges, ListChangesReply, Undo, UndoEnd, UndoReply, UndoTarget, UndoneChange};
pub use client::{Call, Client, ClientError, Update};
pub use endpoint::{Listener, Peer, PeerStream, connect, listen};
pub use error::{ErrorCode, WireError};
pub use event::{
    ApprovalNeeded, ApprovalResolved, Event, JobEnded, JobHeld, JobResumed, JobStarted, Output, TerminalHeld,
};
pub use frame::{FrameError, Frames, MAX_FRAME};
pub use gate::{
    AuditBreak, AuditLine, ChangeCall, ChooseMode, ChooseModeReply, Explain, ExplainReply, GrantAlways,
    GrantAlwaysReply, ListGrants, ListGrantsReply, OfferGrant, OfferGrantReply, ReadAudit, ReadAuditReply, RevokeGrant,
    VerifyAudit, VerifyAuditReply, WritePolicy, WritePolicyReply,
};
pub use listing::JobListing;
pub use logs::{LogMatch, LogPosition, ReadTiming, ReadTimingReply, SearchLog, SearchLogReply, TimingEvent};
pub use older::{Older, OlderAction, OlderData, OlderReply};
pub use reply::{
    CallToolReply, CloseWindowsReply, Done, ExecReply, FollowReply, HelloReply, ListApprovalsReply, ListJobsReply,
    ListToolsReply, Machine, ReadLogReply, Reply, StatusReply, StopReply,
};
pub use screen::{Screen, ScreenFormat, ScreenReply};
pub use server::{Handler, Interrupt, Interrupted, RequestContext, serve, serve_connection};
pub use typing::SendKeys;
pub use wait::{Until, Wait, WaitEnd, WaitReply};
pub use wire::{
    Answered, FromServer, IncomingRequest, PlainReply, decode_from_server, decode_request, encode_event, encode_reply,
    encode_request,
};

/// The version that `hello` compares. It goes up whenever an old client or server could misunderstand a new one.
pub const PROTOCOL_VERSION: u32 = 1;

/// How long a peer may take from connecting to its first frame. Without it, dead connections would fill the table.
pub const HELLO_DEADLINE: std::time::Duration = std::time::Duration::from_secs(10);
