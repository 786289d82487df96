//! The driver: does what the agent wants done. It asks the provider, calls the hands, keeps every event before it
//! shows it, and hears the surface at any moment.

mod asking;
mod hands;
mod output;
mod resume;
mod surface;
#[cfg(test)]
mod tests;

pub use hands::{Connect, HandsError};

use crate::agent::{Agent, Effect, Failure, Input, ToolInput};
use crate::compact::Rewrite;
use crate::context::{Fence, Surroundings, System, last_today, today};
use crate::cost::Purse;
use crate::event::{Event, Payload, SessionStarted, Status};
use crate::image::Image;
use crate::message::{Message, Part};
use crate::model::ModelSpec;
use crate::planner::Os;
use crate::providers::{Chain, OfflineProvider, Provider, ProviderError, Route};
use crate::store::{Kept, Owner, Record, SessionLock, Store, StoreError};
use crate::think::Think;
use asking::{Asking, next_of_model, window};
use hands::{Hands, InFlight};
use pryx_terms::{Answer, ApprovalId, CallKey, SessionId, TurnId};
use resume::CutOff;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use surface::Surface;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// How long the end of a stopped command is awaited. A person who pressed Ctrl-C gets their prompt within a second;
/// what the hands report later is in the job's record.
const STOP_WAIT: Duration = Duration::from_millis(800);

/// The part of a turn's time after which the model is told to come to an end.
const WARN_AT: f64 = 0.8;

/// What a person writes to have the conversation made smaller.
pub const COMPACT: &str = "/compact";

/// What a surface can say during a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// The person answered a question.
    Resolve {
        /// Which.
        approval: ApprovalId,
        /// What they said.
        answer: Answer,
    },
    /// The person said whether to go on beyond a budget.
    Spend(bool),
    /// Stop the turn and what it runs. Dropping the sender means the same.
    Cancel,
}

/// Who answers.
#[derive(Debug, Clone)]
pub enum Answerer {
    /// Models behind HTTP.
    Http(Route),
    /// The embedded planner, for the system that the hands run on.
    Offline(Os),
}

/// What a session is begun with.
#[derive(Debug)]
pub struct Setup {
    /// The kind of surface ("cli").
    pub surface: String,
    /// The model, as events name it.
    pub model: ModelSpec,
    /// Who answers.
    pub answerer: Answerer,
    /// Facts about the machine. Its directory is where commands run.
    pub surroundings: Surroundings,
    /// The environment offered to commands; the hands pass on what their own list allows.
    pub env: BTreeMap<String, String>,
}

/// What a person asks.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Their words.
    pub request: String,
    /// What was handed over beside them, with a label each ("standard input").
    pub data: Vec<(String, String)>,
    /// Pictures that were handed over.
    pub images: Vec<Image>,
    /// Stops the turn after so long.
    pub limit: Option<Duration>,
    /// Calls of the model that it may take; [`MAX_STEPS`](crate::MAX_STEPS) unless the person says otherwise.
    pub steps: u32,
    /// How hard the model is to think, if not as it does by itself.
    pub think: Option<Think>,
}

/// One session: a conversation, and what it takes to go on with it.
pub struct Brain {
    owner: Owner,
    model: ModelSpec,
    provider: Arc<dyn Provider>,
    store: Arc<Store>,
    /// What requests are paid out of; none for the embedded planner.
    purse: Option<Arc<Purse>>,
    agent: Agent,
    /// The rows of the conversation's messages. One that was made after the fact has none.
    rows: Vec<Option<i64>>,
    fence: Arc<Fence>,
    system: Arc<System>,
    /// What the model is told when it changed since it was told the last time.
    today: String,
    hands: Arc<Hands>,
    surface: Surface,
    /// A turn that the last process left in its midst.
    cut_off: Option<CutOff>,
    /// Keeps other processes from going on with it.
    _lock: SessionLock,
}

/// A turn under way.
struct Running<'a> {
    turn: TurnId,
    ops: &'a mut mpsc::Receiver<Op>,
    /// The surface dropped its end. That was said once.
    hung_up: bool,
    deadline: Option<Instant>,
    /// When the model is told that its time is nearly over.
    warn: Option<Instant>,
    model: Option<Asking>,
    call: Option<InFlight>,
    stop_by: Option<Instant>,
    /// Where its calls run, if not where the session does.
    cwd: Option<PathBuf>,
    /// Its call was told to stop.
    stopped: bool,
    /// How hard the model is to think.
    think: Option<Think>,
}

impl Brain {
    /// Begins a session and tells so. `connect` makes a connection to the hands, starting them if need be; it's
    /// called when one is needed, and again when it was lost.
    ///
    /// # Errors
    /// When the store can't be written.
    pub async fn start(
        setup: Setup,
        store: Store,
        connect: Connect,
        events: mpsc::Sender<Event>,
    ) -> Result<Self, StoreError> {
        let session = SessionId::generate();
        let lock = store.take(&session)?;
        // A call key is twenty random characters: a boundary that nobody can guess.
        let boundary = CallKey::generate().as_str().to_owned();
        let workspace = setup.surroundings.workspace();
        let mut brain = Self::new(setup, session, lock, store, connect, events, boundary.clone());
        let started = SessionStarted { model: brain.model.to_string(), workspace };
        let records = vec![Record::Event(Payload::SessionStarted(started)), Record::Boundary(boundary)];
        for event in brain.keep(None, records)?.events {
            brain.surface.show(event, None).await;
        }
        Ok(brain)
    }

    fn new(
        setup: Setup,
        session: SessionId,
        lock: SessionLock,
        store: Store,
        connect: Connect,
        events: mpsc::Sender<Event>,
        boundary: String,
    ) -> Self {
        let Setup { surface, model, answerer, surroundings, env } = setup;
        let fence = Arc::new(Fence::new(boundary));
        let (system, today) = (Arc::new(System::new(&surroundings, &fence)), today(&surroundings));
        let window = window(&answerer, &model, &fence);
        let store = Arc::new(store);
        let (provider, purse): (Arc<dyn Provider>, _) = match answerer {
            Answerer::Http(route) => {
                let zone = route.traffic.zone();
                let purse = Purse::new(Arc::clone(&store), session.clone(), zone, surroundings.interactive);
                let purse = Arc::new(purse);
                (Arc::new(Chain::new(route).paced_in(&store).paid_by(Arc::clone(&purse))), Some(purse))
            }
            Answerer::Offline(os) => (Arc::new(OfflineProvider::new(os)), None),
        };
        let hands = Hands::new(connect, session.clone(), surroundings.cwd, env, surroundings.interactive);
        Self {
            owner: Owner { session, surface },
            agent: Agent::new(model.to_string(), window),
            rows: Vec::new(),
            model,
            provider,
            store,
            purse,
            fence,
            system,
            today,
            hands,
            surface: Surface::new(events),
            cut_off: None,
            _lock: lock,
        }
    }

    /// The session's identifier.
    #[must_use]
    pub fn session(&self) -> &SessionId {
        &self.owner.session
    }

    /// Does one turn: from a request to `turn.completed`. To stop it, send [`Op::Cancel`]: dropping the future leaves
    /// what it runs to the hands.
    ///
    /// # Errors
    /// When the store can't be written: the turn is then stopped, because what isn't kept must not be shown.
    pub async fn run_turn(&mut self, ask: Ask, ops: &mut mpsc::Receiver<Op>) -> Result<Status, StoreError> {
        let turn = TurnId::generate();
        let data = ask.data.into_iter().map(|(label, text)| Part::Data { label, text });
        let handed = data.chain(ask.images.into_iter().map(Part::Image)).collect();
        let mut message = Message::request(ask.request.clone(), handed);
        if last_today(&self.agent.history()) != Some(&self.today) {
            message.parts.push(Part::Note { note: self.today.clone() });
        }
        let after = |limit: Duration| Instant::now().checked_add(limit);
        let deadline = ask.limit.and_then(after);
        let warn = ask.limit.map(|limit| limit.mul_f64(WARN_AT)).and_then(after);
        let input = Input::UserTurn { turn: turn.clone(), request: ask.request, message, steps: ask.steps };
        self.take_turn(Running { deadline, warn, think: ask.think, ..Running::new(turn, ops) }, input).await
    }

    /// Makes the conversation smaller, whether or not it fills the model's window. Its history is kept.
    ///
    /// # Errors
    /// As [`Self::run_turn`].
    pub async fn compact(&mut self, ops: &mut mpsc::Receiver<Op>) -> Result<Status, StoreError> {
        let turn = TurnId::generate();
        let input = Input::Compact { turn: turn.clone(), request: COMPACT.to_owned() };
        self.take_turn(Running::new(turn, ops), input).await
    }

    async fn take_turn(&mut self, mut running: Running<'_>, input: Input) -> Result<Status, StoreError> {
        // A turn whose future was dropped, or that could not be kept, left the agent in its midst.
        self.agent.abandon();
        self.rows.resize(self.agent.history().len(), None);
        self.surface.early.clear();
        if let Some(status) = self.settle(&mut running).await? {
            return Ok(status);
        }
        self.drive(input, &mut running).await
    }

    /// Drives the agent until its turn is over.
    async fn drive(&mut self, mut input: Input, running: &mut Running<'_>) -> Result<Status, StoreError> {
        loop {
            let effects = self.agent.step(input);
            match self.carry_out(effects, running).await {
                Ok(None) => {}
                Ok(Some(status)) => return Ok(status),
                Err(error) => {
                    if let Some(call) = &mut running.call {
                        call.stop().await;
                    }
                    return Err(error);
                }
            }
            input = self.next_input(running).await;
        }
    }

    /// Carries out effects in order; gives the turn's status when it is over. Records that follow each other are
    /// kept in one transaction.
    async fn carry_out(
        &mut self,
        effects: Vec<Effect>,
        running: &mut Running<'_>,
    ) -> Result<Option<Status>, StoreError> {
        let mut records = Vec::new();
        for effect in effects {
            let effect = match effect {
                Effect::Emit(payload) => {
                    records.push(Record::Event(payload));
                    continue;
                }
                Effect::Persist(message) => {
                    records.push(Record::Message(message));
                    continue;
                }
                Effect::Wait(why) => {
                    records.push(Record::Wait(why));
                    continue;
                }
                effect => effect,
            };
            self.flush(&mut records, running).await?;
            match effect {
                Effect::CallModel { may_act } => running.model = Some(self.ask_model(may_act, running.think)),
                Effect::Summarize { transcript, most } => {
                    self.keep(Some(&running.turn), vec![Record::Summarizing])?;
                    running.model = Some(self.ask_summary(transcript, most));
                }
                Effect::Rewrite(rewrites) => self.keep_rewrites(rewrites, running)?,
                Effect::StopModel => {
                    running.model = None;
                    if let Some(purse) = &self.purse {
                        purse.give_back();
                    }
                }
                Effect::CallTool { key, tool, arguments } => {
                    running.call = Some(self.hands.call(key, tool, arguments, running.cwd.clone()));
                    running.stop_by = None;
                }
                Effect::StopTool => {
                    running.stopped = true;
                    running.stop_by = Some(Instant::now() + STOP_WAIT);
                    if let Some(call) = &mut running.call {
                        call.stop().await;
                    }
                }
                Effect::Resolve { approval, answer } => {
                    if let Some(call) = &mut running.call {
                        call.resolve(approval, answer);
                    }
                }
                Effect::Spend(go_on) => {
                    if let Some(purse) = &self.purse {
                        purse.answer(go_on);
                    }
                }
                Effect::Finish(status) => return Ok(Some(status)),
                Effect::Emit(_) | Effect::Persist(_) | Effect::Wait(_) => {}
            }
        }
        self.flush(&mut records, running).await?;
        Ok(None)
    }

    async fn flush(&mut self, records: &mut Vec<Record>, running: &mut Running<'_>) -> Result<(), StoreError> {
        if records.is_empty() {
            return Ok(());
        }
        let kept = self.keep(Some(&running.turn), std::mem::take(records))?;
        self.rows.extend(kept.messages.into_iter().map(Some));
        for event in kept.events {
            self.surface.show(event, Some(running.ops)).await;
        }
        Ok(())
    }

    fn keep_rewrites(&mut self, rewrites: Vec<Rewrite>, running: &Running<'_>) -> Result<(), StoreError> {
        let mut records = Vec::with_capacity(rewrites.len());
        let mut gone = Vec::new();
        for Rewrite { at, parts } in rewrites {
            if parts.is_none() {
                gone.push(at);
            }
            if let Some(Some(message)) = self.rows.get(at) {
                records.push(Record::Rewrite { message: *message, parts });
            }
        }
        let mut at = 0..;
        self.rows.retain(|_| at.next().is_none_or(|at| gone.binary_search(&at).is_err()));
        self.keep(Some(&running.turn), records).map(drop)
    }

    fn keep(&self, turn: Option<&TurnId>, records: Vec<Record>) -> Result<Kept, StoreError> {
        self.store.append(&self.owner, turn, records)
    }

    /// Waits for whatever happens next. The surface is heard first.
    async fn next_input(&mut self, running: &mut Running<'_>) -> Input {
        if let Some(op) = self.surface.early.pop_front() {
            return op.into();
        }
        let Running { ops, hung_up, deadline, warn, model, call, stop_by, .. } = running;
        tokio::select! {
            biased;
            op = ops.recv(), if !*hung_up => {
                *hung_up = op.is_none();
                op.unwrap_or(Op::Cancel).into()
            }
            () = until(*deadline) => {
                *deadline = None;
                Input::TimeUp
            }
            () = until(*warn) => {
                *warn = None;
                Input::TimeShort
            }
            () = until(*stop_by) => {
                *stop_by = None;
                call.take().map_or(Input::Cancel, |call| Input::Tool(call.key().clone(), ToolInput::Cancelled))
            }
            input = next_of_model(model) => input,
            input = next_of_call(call) => input,
        }
    }
}

impl<'a> Running<'a> {
    fn new(turn: TurnId, ops: &'a mut mpsc::Receiver<Op>) -> Self {
        Self {
            turn,
            ops,
            hung_up: false,
            deadline: None,
            warn: None,
            model: None,
            call: None,
            stop_by: None,
            cwd: None,
            stopped: false,
            think: None,
        }
    }
}

impl From<Op> for Input {
    fn from(op: Op) -> Self {
        match op {
            Op::Resolve { approval, answer } => Self::Answered { approval, answer },
            Op::Spend(go_on) => Self::Spend(go_on),
            Op::Cancel => Self::Cancel,
        }
    }
}

impl From<ProviderError> for Failure {
    fn from(error: ProviderError) -> Self {
        Self { code: error.kind.code().to_owned(), message: error.message, hint: error.hint }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// What the running call does next. Safe to drop and call again.
async fn next_of_call(call: &mut Option<InFlight>) -> Input {
    let Some(running) = call else { return std::future::pending().await };
    let input = running.next().await;
    let key = running.key().clone();
    if matches!(input, ToolInput::Finished(_) | ToolInput::Cancelled | ToolInput::HandsFailed(_)) {
        *call = None;
    }
    Input::Tool(key, input)
}
