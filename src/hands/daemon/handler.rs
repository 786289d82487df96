//! What a connection talks to: one exhaustive match that only routes, and the things that actions need.

use super::typed::Typed;
use super::windows::Windows;
use super::{Journal, actions, actor};
use crate::HandsConfig;
use crate::files::Files;
use crate::gate::{Gate, NotAdmitted};
use crate::http::Fetcher;
use crate::jobs::{InputError, Job, Jobs, LookupError, NO_DIRECTORY, StartError};
use crate::store::{Store, StoreError};
use pryx_ipc::{
    ErrorCode, Handler, HelloReply, Interrupt, Interrupted, Machine, Older, OlderReply, PROTOCOL_VERSION, Peer, Reply,
    Request, RequestContext, WireError,
};
use pryx_terms::{Actor, JobRecord, Refusal, Timestamp};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::{Notify, watch};

/// Says that the daemon ends. Clones are the same.
#[derive(Clone)]
pub(crate) struct Ending(Arc<watch::Sender<bool>>);

impl Default for Ending {
    fn default() -> Self {
        Self(Arc::new(watch::channel(false).0))
    }
}

impl Ending {
    /// Begins the end.
    pub fn begin(&self) {
        self.0.send_replace(true);
    }

    /// Resolves when the end has begun.
    pub async fn wait(&self) {
        // The sender is in our own hands: it can't be gone.
        let _ = self.0.subscribe().wait_for(|ends| *ends).await;
    }
}

/// Why a request is answered before it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interruption {
    /// Its client gave it up.
    Cancelled,
    /// The daemon ends.
    ShuttingDown,
}

/// Everything that an action can use.
pub(crate) struct Hands {
    pub config: HandsConfig,
    pub started: Timestamp,
    pub gate: Gate,
    pub store: Store,
    pub jobs: Jobs,
    pub files: Files,
    pub fetcher: Fetcher,
    pub journal: Arc<Journal>,
    pub ending: Ending,
    /// Told whenever a call was let through, refused, or given up: whoever waits for another's decision looks again.
    pub decided: Notify,
    pub typed: Typed,
    pub windows: Windows,
    connections: watch::Sender<usize>,
}

impl Hands {
    pub fn new(
        config: HandsConfig,
        started: Timestamp,
        gate: Gate,
        store: Store,
        jobs: Jobs,
        journal: Arc<Journal>,
        ending: Ending,
    ) -> Self {
        let connections = watch::channel(0).0;
        let files = Files::new(config.undo_dir());
        let fetcher = Fetcher::new(config.proxies.clone(), &config.version);
        Self {
            config,
            started,
            gate,
            store,
            jobs,
            files,
            fetcher,
            journal,
            ending,
            decided: Notify::new(),
            typed: Typed::default(),
            windows: Windows::default(),
            connections,
        }
    }

    /// How many connections there are, as it changes.
    pub fn connections(&self) -> watch::Receiver<usize> {
        self.connections.subscribe()
    }

    /// On whose behalf a peer speaks.
    pub fn actor(&self, peer: Peer) -> Actor {
        actor::of(peer, &self.jobs)
    }

    /// Resolves when a request should be answered early. A hang-up alone does not count: what was begun goes on.
    pub async fn interruption(&self, mut interrupted: Interrupted) -> Interruption {
        tokio::select! {
            () = self.ending.wait() => Interruption::ShuttingDown,
            why = interrupted.wait_for_cancel() => match why {
                Interrupt::ShuttingDown => Interruption::ShuttingDown,
                Interrupt::Cancelled | Interrupt::HungUp => Interruption::Cancelled,
            },
        }
    }

    /// The job that a text means.
    pub fn job(&self, text: &str) -> Result<JobRecord, WireError> {
        self.jobs.resolve(text).map_err(WireError::from)
    }

    /// The same, if it can still be talked to.
    pub fn live_job(&self, text: &str) -> Result<Job, WireError> {
        let record = self.job(text)?;
        self.jobs.live(&record.id).ok_or_else(|| {
            WireError::new(ErrorCode::NotFound, format!("job {} has ended", record.id))
                .hint("`pryx ps` lists the jobs that run")
        })
    }
}

/// The error that an interruption is answered with.
pub(crate) fn answer_to(why: Interruption) -> WireError {
    match why {
        Interruption::Cancelled => WireError::new(ErrorCode::Cancelled, "the request was cancelled"),
        Interruption::ShuttingDown => {
            WireError::new(ErrorCode::ShuttingDown, "the hands are ending; jobs go on without them")
                .hint("send the request again with the same key: the next hands take it up")
        }
    }
}

impl Handler for Hands {
    fn hello(&self) -> HelloReply {
        let config = &self.config;
        let shell = config.own_env.get("SHELL").filter(|shell| shell.starts_with('/'));
        let machine = Machine {
            os: std::env::consts::OS.to_owned(),
            system: config.system.clone(),
            home: config.user_home.clone(),
            shell: shell.map_or_else(|| "/bin/sh".into(), PathBuf::from),
        };
        HelloReply {
            protocol: PROTOCOL_VERSION,
            version: config.version.clone(),
            pid: std::process::id(),
            machine: Some(machine),
        }
    }

    async fn handle(self: Arc<Self>, request: Request, context: RequestContext) -> Result<Reply, WireError> {
        let hands = &*self;
        if let Some(job) = read_by(&request)
            && let actor @ Actor::Agent { .. } = hands.actor(context.peer)
            && !may_read(&actor, &hands.job(job)?)
        {
            return Err(not_for_agents("read a job that is not of its own session"));
        }
        match request {
            Request::Status(_) => actions::status::run(hands, &context).map(Reply::Status),
            Request::ListTools(_) => Ok(Reply::ListTools(actions::list_tools::run())),
            Request::CallTool(data) => {
                actions::call_tool::run(hands, data, &context).await.map(|r| Reply::CallTool(Box::new(r)))
            }
            Request::Exec(data) => actions::exec::run(hands, data, &context).await.map(|r| Reply::Exec(Box::new(r))),
            Request::ListJobs(data) => actions::list_jobs::run(hands, &data, &context).map(Reply::ListJobs),
            Request::ReadLog(data) => actions::read_log::run(hands, &data).map(|r| Reply::ReadLog(Box::new(r))),
            Request::SearchLog(data) => {
                actions::search_log::run(hands, data).await.map(|r| Reply::SearchLog(Box::new(r)))
            }
            Request::ReadTiming(data) => {
                actions::read_timing::run(hands, &data).map(|r| Reply::ReadTiming(Box::new(r)))
            }
            Request::Follow(data) => {
                actions::follow::run(hands, &data, context).await.map(|r| Reply::Follow(Box::new(r)))
            }
            Request::SendInput(data) => actions::send_input::run(hands, &data, context).await.map(Reply::SendInput),
            Request::SendKeys(data) => actions::send_keys::run(hands, &data, &context).await.map(Reply::SendKeys),
            Request::Screen(data) => actions::screen::run(hands, data).await.map(|r| Reply::Screen(Box::new(r))),
            Request::Wait(data) => actions::wait::run(hands, &data, &context).await.map(|r| Reply::Wait(Box::new(r))),
            Request::Resize(data) => actions::resize::run(hands, &data, &context).await.map(Reply::Resize),
            Request::CloseWindows(data) => actions::close_windows::run(hands, &data, &context).map(Reply::CloseWindows),
            Request::Stop(data) => actions::stop::run(hands, &data, &context).await.map(Reply::Stop),
            Request::ListApprovals(_) => actions::list_approvals::run(hands).map(Reply::ListApprovals),
            Request::ResolveApproval(data) => {
                actions::resolve_approval::run(hands, &data, &context).map(Reply::ResolveApproval)
            }
            Request::ListChanges(data) => actions::list_changes::run(hands, &data, &context).map(Reply::ListChanges),
            Request::Undo(data) => actions::undo::run(hands, &data, &context).await.map(|r| Reply::Undo(Box::new(r))),
            Request::ChooseMode(data) => actions::choose_mode::run(hands, &data, &context).map(Reply::ChooseMode),
            Request::Explain(data) => actions::explain::run(hands, data, &context).map(|r| Reply::Explain(Box::new(r))),
            Request::OfferGrant(data) => {
                actions::offer_grant::run(hands, &data, &context).map(|r| Reply::OfferGrant(Box::new(r)))
            }
            Request::GrantAlways(data) => {
                actions::grant::run(hands, &data, &context).map(|r| Reply::GrantAlways(Box::new(r)))
            }
            Request::ChangeCall(data) => actions::change_call::run(hands, &data, &context).map(Reply::ChangeCall),
            Request::ListGrants(_) => actions::list_grants::run(hands, &context).map(Reply::ListGrants),
            Request::RevokeGrant(data) => actions::revoke_grant::run(hands, &data, &context).map(Reply::RevokeGrant),
            Request::WritePolicy(data) => actions::write_policy::run(hands, &data, &context).map(Reply::WritePolicy),
            Request::ReadAudit(data) => actions::read_audit::run(hands, &data, &context).map(Reply::ReadAudit),
            Request::VerifyAudit(_) => actions::verify_audit::run(hands, &context).await.map(Reply::VerifyAudit),
            Request::Shutdown(data) => actions::shutdown::run(hands, &data, &context).await.map(Reply::Shutdown),
            // The protocol answers these itself.
            Request::Hello(_) | Request::Cancel(_) => {
                Err(WireError::new(ErrorCode::UnknownAction, "this action is answered by the connection"))
            }
        }
    }

    async fn older(self: Arc<Self>, request: Older, context: RequestContext) -> OlderReply {
        super::older::answer(&self, request, context).await
    }

    fn connections(&self, now: usize) {
        self.connections.send_replace(now);
    }
}

/// The job whose output a request would show.
fn read_by(request: &Request) -> Option<&str> {
    match request {
        Request::ReadLog(data) => Some(&data.job),
        Request::Follow(data) => Some(&data.job),
        Request::SearchLog(data) => Some(&data.job),
        Request::ReadTiming(data) => Some(&data.job),
        Request::Screen(data) => Some(&data.job),
        Request::Wait(data) => Some(&data.job),
        _ => None,
    }
}

/// Whether somebody may see what a job printed: a person all of it, an agent what its own session started.
pub(crate) fn may_read(actor: &Actor, job: &JobRecord) -> bool {
    match (actor, &job.actor) {
        (Actor::Person, _) => true,
        (Actor::Agent { session }, Actor::Agent { session: of }) => session.is_some() && session == of,
        (Actor::Agent { .. }, Actor::Person) => false,
    }
}

/// An agent's process tried what only the person may do.
pub(crate) fn not_for_agents(what: &str) -> WireError {
    WireError::new(ErrorCode::Refused, format!("a command of the agent can't {what}"))
        .hint("do it in a terminal of your own")
}

/// Errors to words for the wire: the only place.
impl From<LookupError> for WireError {
    fn from(error: LookupError) -> Self {
        match &error {
            LookupError::Unknown { .. } => {
                Self::new(ErrorCode::NotFound, error.to_string()).hint("`pryx ps --all` lists all jobs")
            }
            LookupError::Ambiguous { .. } => {
                Self::new(ErrorCode::NotFound, error.to_string()).hint("type one more character of the id")
            }
            LookupError::Store(_) => machine(&error),
        }
    }
}

impl From<StartError> for WireError {
    fn from(error: StartError) -> Self {
        match &error {
            StartError::Command { what, .. } if what.starts_with(NO_DIRECTORY) => {
                Self::new(ErrorCode::SpawnFailed, error.to_string()).hint("name a directory that is there")
            }
            StartError::Command { .. } => Self::new(ErrorCode::SpawnFailed, error.to_string()),
            StartError::NameTaken { .. } => Self::new(ErrorCode::BadData, error.to_string()),
            StartError::NoSandbox(_) => Self::new(ErrorCode::Refused, error.to_string())
                .hint("`pryx doctor` says what the sandbox can do here; without --mode the command runs without one"),
            StartError::Terminal { name, .. } => Self::new(ErrorCode::Busy, error.to_string())
                .hint(format!("`pryx attach {name}` shows what goes on in it")),
            StartError::Machine(_) | StartError::Store(_) => machine(&error),
        }
    }
}

impl From<InputError> for WireError {
    fn from(error: InputError) -> Self {
        let code = match &error {
            InputError::Refused { .. } => ErrorCode::BadData,
            InputError::Ended { .. } => ErrorCode::NotFound,
        };
        Self::new(code, error.to_string())
    }
}

impl From<StoreError> for WireError {
    fn from(error: StoreError) -> Self {
        machine(&error)
    }
}

impl From<NotAdmitted> for WireError {
    fn from(error: NotAdmitted) -> Self {
        match &error {
            NotAdmitted::Refused { refusal, .. } => {
                let hint = match refusal {
                    Refusal::NobodyToAsk => "nobody could be asked here: run it in a terminal of your own",
                    _ => "docs/gate.md lists the rules; what you run yourself with `pryx exec` is not asked",
                };
                Self::new(ErrorCode::Refused, error.to_string()).hint(hint)
            }
            NotAdmitted::Impossible(_) | NotAdmitted::KeyReused { .. } => {
                Self::new(ErrorCode::BadData, error.to_string())
            }
            NotAdmitted::Store(_) => machine(&error),
        }
    }
}

pub(crate) fn machine(error: &dyn std::error::Error) -> WireError {
    WireError::new(ErrorCode::Machine, error.to_string()).hint("`pryx doctor` says what is wrong")
}
