//! A request to the provider: what goes into it, whether it fits, and what comes of it.

use super::{Answerer, Brain};
use crate::agent::{Failure, Input};
use crate::context::{Fence, System, summary_prompt};
use crate::message::{Message, Part, Role};
use crate::model::ModelSpec;
use crate::providers::{ModelEvent, ModelRequest};
use crate::think::Think;
use crate::window::{Filling, Window};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Pieces of an answer that wait for the driver. A provider that is faster waits itself.
const MODEL_EVENTS: usize = 64;

/// How the part of a conversation is labelled that is to be summarized.
const BEGINNING: &str = "the beginning of the conversation";

/// A request to the provider.
pub(super) struct Asking {
    answer: BoxFuture<'static, Input>,
    events: mpsc::Receiver<ModelEvent>,
}

impl Brain {
    /// Prepares a request to the provider. Nothing is sent before it's polled, and nothing that fills the window.
    pub(super) fn ask_model(&self, may_act: bool, think: Option<Think>) -> Asking {
        let (sink, events) = mpsc::channel(MODEL_EVENTS);
        let (provider, hands) = (Arc::clone(&self.provider), Arc::clone(&self.hands));
        let window = self.agent.window().clone();
        let mut request = ModelRequest {
            model: self.model.model.clone(),
            system: Arc::clone(&self.system),
            messages: self.agent.history(),
            tools: Arc::default(),
            fence: Arc::clone(&self.fence),
            may_act,
            guessed: 0,
            answer: None,
            think,
            thoughts: Vec::new(),
        };
        let answer = async move {
            if provider.wants_tools() {
                match hands.tools(window.estimator()).await {
                    Ok(tools) => request.tools = tools,
                    Err(failure) => return Input::HandsFailed(failure),
                }
                let estimator = window.estimator();
                let fixed = (estimator.text(&request.system.text()) + estimator.tools(&request.tools)).ceil() as u64;
                let (filling, used) = window.filling(fixed);
                if filling != Filling::Fine {
                    return Input::WindowFills { fixed };
                }
                request.guessed = used;
                // A closed sink means that the turn is over; this future is about to be dropped.
                let _ = sink.send(ModelEvent::Prepared { fixed }).await;
            }
            match provider.stream(request, sink).await {
                Ok(answer) => Input::ModelFinished(answer),
                Err(error) => Input::ModelFailed(error.into()),
            }
        };
        Asking { answer: answer.boxed(), events }
    }

    /// Prepares a request for a summary.
    pub(super) fn ask_summary(&self, transcript: String, most: u64) -> Asking {
        let (sink, events) = mpsc::channel(MODEL_EVENTS);
        let provider = Arc::clone(&self.provider);
        let window = self.agent.window();
        let system = System { rules: "", place: summary_prompt(&self.fence, most) };
        let data = Part::Data { label: BEGINNING.to_owned(), text: transcript };
        let message = Message { role: Role::User, parts: vec![data] };
        let estimator = window.estimator();
        let guessed = estimator.text(&system.place) + estimator.message(&message, &self.fence);
        let request = ModelRequest {
            model: self.model.model.clone(),
            system: Arc::new(system),
            guessed: estimator.corrected(guessed),
            messages: Arc::new(vec![message]),
            tools: Arc::default(),
            fence: Arc::clone(&self.fence),
            may_act: false,
            answer: Some(most),
            think: None,
            thoughts: Vec::new(),
        };
        let answer = async move {
            if !provider.wants_tools() {
                let message = "the embedded planner writes no summaries".to_owned();
                return Input::ModelFailed(Failure { code: "no_summary".to_owned(), message, hint: None });
            }
            match provider.stream(request, sink).await {
                Ok(answer) => Input::ModelFinished(answer),
                Err(error) => Input::ModelFailed(error.into()),
            }
        };
        Asking { answer: answer.boxed(), events }
    }
}

/// The window of the model that is asked first.
pub(super) fn window(answerer: &Answerer, model: &ModelSpec, fence: &Arc<Fence>) -> Window {
    let first = match answerer {
        Answerer::Http(route) => route.candidates.first(),
        Answerer::Offline(_) => None,
    };
    Window::of(first, model, fence)
}

/// What the provider does next; Safe to drop and call again.
pub(super) async fn next_of_model(model: &mut Option<Asking>) -> Input {
    let Some(asking) = model else { return std::future::pending().await };
    let Asking { answer, events } = asking;
    let event = tokio::select! {
        biased;
        Some(event) = events.recv() => event,
        input = answer => {
            // What it said just before its end is in the queue still.
            match events.try_recv() {
                Ok(event) => {
                    asking.answer = futures_util::future::ready(input).boxed();
                    event
                }
                Err(_) => {
                    *model = None;
                    return input;
                }
            }
        }
    };
    match event {
        ModelEvent::Prepared { fixed } => Input::Prepared { fixed },
        ModelEvent::Waits(why) => Input::ProviderWaits(why),
        ModelEvent::Notice { code, message } => Input::ProviderNotice { code, message },
        ModelEvent::BudgetReached(reached) => Input::BudgetReached(reached),
        ModelEvent::Text(text) => Input::TextDelta(text),
    }
}
