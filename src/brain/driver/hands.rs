//! The brain's side of the hands: a connection that is made when it's needed and made again when it was lost, and a
//! tool call under way on it.

use super::output::{Output, Piece};
use crate::agent::{Failure, ToolInput};
use crate::tokens::Estimator;
use crate::toolbox::Toolbox;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use pryx_ipc::{
    Call, CallTool, CallToolReply, Client, ClientError, ErrorCode, Event, ListTools, ResolveApproval, Update,
};
use pryx_terms::{Answer, ApprovalId, CallKey, JobId, SessionId, ToolResult, ToolSpec};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, OnceCell};
use tokio::time::timeout;

/// New connections for one call. Hands that die each time they are asked would else be started for ever.
const MAX_RECONNECTS: u32 = 3;

/// How long sending a cancellation may take. Its own reply isn't needed: the call's is.
const CANCEL_SENT: Duration = Duration::from_millis(100);

/// The hands can't be reached: in the words of whoever tried.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct HandsError {
    /// For programs ("hands_unreachable").
    pub code: String,
    /// One sentence.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

/// Makes a greeted connection to the hands, starting them if need be.
pub type Connect = Box<dyn Fn() -> BoxFuture<'static, Result<Client, HandsError>> + Send + Sync>;

/// The hands, as one session uses them.
pub(super) struct Hands {
    connect: Connect,
    client: Mutex<Option<Client>>,
    tools: OnceCell<Toolbox>,
    session: SessionId,
    cwd: PathBuf,
    env: BTreeMap<String, String>,
    can_ask: bool,
}

impl Hands {
    pub(super) fn new(
        connect: Connect,
        session: SessionId,
        cwd: PathBuf,
        env: BTreeMap<String, String>,
        can_ask: bool,
    ) -> Arc<Self> {
        Arc::new(Self { connect, client: Mutex::new(None), tools: OnceCell::new(), session, cwd, env, can_ask })
    }

    /// The tools that a model is given: asked for once.
    pub(super) async fn tools(&self, estimator: &Estimator) -> Result<Arc<[ToolSpec]>, Failure> {
        let list = async {
            let mut again = MAX_RECONNECTS;
            loop {
                match self.client().await?.call(ListTools {}).await {
                    Ok(reply) => return Ok(Toolbox::new(reply.tools, estimator)),
                    Err(ClientError::Lost) if again > 0 => self.forget().await,
                    Err(error) => return Err(failure(&error)),
                }
                again -= 1;
            }
        };
        self.tools.get_or_try_init(|| list).await.map(Toolbox::listed)
    }

    /// Begins a call, in another directory than the session's if need be. Nothing is sent before the first
    /// [`InFlight::next`].
    pub(super) fn call(
        self: &Arc<Self>,
        key: CallKey,
        tool: String,
        arguments: Value,
        cwd: Option<PathBuf>,
    ) -> InFlight {
        let toolbox = self.tools.get();
        let own = toolbox.and_then(|toolbox| toolbox.answer(&tool, &arguments));
        let tool = toolbox.map_or_else(|| tool.clone(), |toolbox| toolbox.name(&tool));
        let request = CallTool {
            key,
            session: self.session.clone(),
            tool,
            arguments,
            cwd: cwd.unwrap_or_else(|| self.cwd.clone()),
            env: self.env.clone(),
            can_ask: self.can_ask,
        };
        InFlight {
            line: Line::Connecting(Arc::clone(self).open(request.clone())),
            hands: Arc::clone(self),
            request,
            // The brain's own tools need no hands: their answer is there before anybody is asked.
            ready: own.map(|result| ToolInput::Finished(Box::new(result))).into_iter().collect(),
            output: Output::default(),
            job: None,
            asked: None,
            answered: None,
            reconnects: 0,
            stopping: false,
        }
    }

    async fn client(&self) -> Result<Client, Failure> {
        let mut client = self.client.lock().await;
        if let Some(client) = client.as_ref() {
            return Ok(client.clone());
        }
        let made = (self.connect)().await.map_err(|error| {
            let HandsError { code, message, hint } = error;
            Failure { code, message, hint }
        })?;
        Ok(client.insert(made).clone())
    }

    async fn forget(&self) {
        *self.client.lock().await = None;
    }

    fn open(self: Arc<Self>, request: CallTool) -> Opening {
        async move {
            let client = self.client().await.map_err(OpenError::Unreachable)?;
            let call = client.start(request).await.map_err(OpenError::Client)?;
            Ok((client, call))
        }
        .boxed()
    }
}

type Opening = BoxFuture<'static, Result<(Client, Call<CallTool>), OpenError>>;

enum OpenError {
    Unreachable(Failure),
    Client(ClientError),
}

/// A call under way, over as many connections as it takes.
pub(super) struct InFlight {
    hands: Arc<Hands>,
    request: CallTool,
    line: Line,
    /// What is known already and was not handed out.
    ready: VecDeque<ToolInput>,
    output: Output,
    job: Option<JobId>,
    asked: Option<ApprovalId>,
    answered: Option<(ApprovalId, Answer)>,
    reconnects: u32,
    stopping: bool,
}

enum Line {
    /// Nothing was sent on this connection yet.
    Connecting(Opening),
    Open(Client, Call<CallTool>),
}

impl InFlight {
    pub(super) fn key(&self) -> &CallKey {
        &self.request.key
    }

    /// What happens next to the call. Safe to drop and call again. After the end it isn't called any more.
    pub(super) async fn next(&mut self) -> ToolInput {
        loop {
            if let Some(input) = self.ready.pop_front() {
                return input;
            }
            match &mut self.line {
                Line::Connecting(opening) => match opening.await {
                    Ok((client, call)) => {
                        self.line = Line::Open(client, call);
                        if self.stopping {
                            self.send_cancel().await;
                        }
                    }
                    Err(OpenError::Unreachable(failure)) => return ToolInput::HandsFailed(failure),
                    Err(OpenError::Client(error)) => self.failed(error).await,
                },
                Line::Open(_, call) => match call.next().await {
                    Ok(Update::Event(event)) => self.event(event),
                    Ok(Update::Reply(CallToolReply { result })) => self.end(ToolInput::Finished(Box::new(result))),
                    Err(error) => self.failed(error).await,
                },
            }
        }
    }

    /// Asks the hands to give the call up. What it came to still comes.
    pub(super) async fn stop(&mut self) {
        self.stopping = true;
        match &self.line {
            Line::Open(..) => self.send_cancel().await,
            // The first connection is not there yet: nothing was asked, nothing runs.
            Line::Connecting(_) if self.reconnects == 0 => self.ready.push_back(ToolInput::Cancelled),
            // The lost one carried the call: the new one has to carry the cancellation.
            Line::Connecting(_) => {}
        }
    }

    /// Tells the gate what the person said.
    pub(super) fn resolve(&mut self, approval: ApprovalId, answer: Answer) {
        self.answered = Some((approval.clone(), answer));
        if let Line::Open(client, _) = &self.line {
            let client = client.clone();
            // How it was settled comes as an event of the call; an answer that came too late is told there as well.
            tokio::spawn(async move {
                let _ = client.call(ResolveApproval { approval, answer }).await;
            });
        }
    }

    /// The reply isn't waited for: it would stand behind the call's events, which nobody reads meanwhile.
    async fn send_cancel(&self) {
        if let Line::Open(_, call) = &self.line {
            let _ = timeout(CANCEL_SENT, call.cancel()).await;
        }
    }

    async fn failed(&mut self, error: ClientError) {
        let lost = match &error {
            ClientError::Lost => true,
            ClientError::Answer(error) => error.code == ErrorCode::ShuttingDown,
            _ => false,
        };
        if lost && self.reconnects < MAX_RECONNECTS {
            // The same key: hands that know the call go on with it, others do it for the first time.
            self.reconnects += 1;
            self.hands.forget().await;
            self.line = Line::Connecting(Arc::clone(&self.hands).open(self.request.clone()));
            return;
        }
        let input = match error {
            ClientError::Answer(error) if error.code == ErrorCode::Cancelled => ToolInput::Cancelled,
            // The hands are well and say why they didn't: the model can make something of it.
            ClientError::Answer(error) if !lost => {
                let message =
                    error.hint.map_or_else(|| error.message.clone(), |hint| format!("{}: {hint}", error.message));
                ToolInput::Finished(Box::new(ToolResult::Failed { message }))
            }
            error => ToolInput::HandsFailed(failure(&error)),
        };
        self.end(input);
    }

    /// Hands on what a connection tells for the first time. A second connection tells the beginning again.
    fn event(&mut self, event: Event) {
        match event {
            Event::JobStarted(started) => {
                if self.job.replace(started.job.id.clone()).is_none() {
                    self.ready.push_back(ToolInput::Started(Box::new(started.job)));
                }
            }
            Event::Output(output) => {
                if let Some(piece) = self.output.push(output.stream, output.offset, &output.data.0) {
                    self.ready.push_back(shown(&output.job, piece));
                }
            }
            // The reply says how it ended, with the output's excerpt. A job that is held back for want of disk is its
            // person's to help, and `pryx ps` and the hands' log tell of it: a model could only fill more.
            Event::JobEnded(_) | Event::JobHeld(_) | Event::JobResumed(_) | Event::TerminalHeld(_) => {}
            Event::ApprovalNeeded(needed) => {
                let approval = needed.approval;
                if self.asked.replace(approval.id.clone()).as_ref() != Some(&approval.id) {
                    self.ready.push_back(ToolInput::ApprovalNeeded(Box::new(approval)));
                } else if let Some((id, answer)) = self.answered.take_if(|(id, _)| *id == approval.id) {
                    // The answer was lost with the connection.
                    self.resolve(id, answer);
                }
            }
            Event::ApprovalResolved(resolved) => {
                let (approval, resolution) = (resolved.approval, resolved.resolution);
                self.ready.push_back(ToolInput::ApprovalResolved { approval, resolution });
            }
        }
    }

    fn end(&mut self, last: ToolInput) {
        if let Some(job) = &self.job {
            let rest = self.output.finish();
            self.ready.extend(rest.into_iter().map(|piece| shown(job, piece)));
        }
        self.ready.push_back(last);
    }
}

fn shown(job: &JobId, piece: Piece) -> ToolInput {
    let Piece { stream, offset, bytes, text } = piece;
    ToolInput::Output { job: job.clone(), stream, offset, bytes, text }
}

fn failure(error: &ClientError) -> Failure {
    let (code, hint) = match error {
        ClientError::Unreachable { .. } => ("hands_unreachable", Some("see what `pryx doctor` says".to_owned())),
        ClientError::Lost => {
            ("hands_lost", Some("`pryx ps` shows what still runs; see what `pryx doctor` says".to_owned()))
        }
        ClientError::Garbled(_) => ("hands_garbled", Some("see what `pryx doctor` says".to_owned())),
        ClientError::Unsendable(_) => ("hands_unsendable", Some("work in a directory whose name is UTF-8".to_owned())),
        ClientError::Answer(error) => ("hands_error", error.hint.clone()),
    };
    Failure { code: code.to_owned(), message: error.to_string(), hint }
}
