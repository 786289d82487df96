//! The models that may answer, in the person's order: the first that can be asked is asked, and when it fails, the
//! next. Everything that is decided here is told as a notice.

use super::circuit::{Circuit, Gate};
use super::discreet::Discreet;
use super::error::{Kind, ProviderError};
use super::fit::{USUAL_ANSWER, fit};
use super::http::{Failed, HttpProvider, Tries, seconds};
use super::limiter::Limiter;
use super::paying::pay;
use super::{ModelEvent, ModelRequest, Patience, Provider};
use crate::catalog::ModelInfo;
use crate::cost::{Purse, Request};
use crate::message::{AskedModel, ModelAnswer};
use crate::model::{ModelSpec, ProviderConfig};
use crate::store::Store;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::tz::TimeZone;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// A model that may answer, and how its provider is reached.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The model.
    pub model: ModelSpec,
    /// Its provider.
    pub provider: ProviderConfig,
    /// What is known about it.
    pub info: ModelInfo,
}

/// Who may answer, and what all sessions of a process share.
#[derive(Debug, Clone)]
pub struct Route {
    /// The model to ask, then those to fall back to.
    pub candidates: Vec<Candidate>,
    /// How long each is waited for.
    pub patience: Patience,
    /// What is known about failures and limits: one for all sessions of a process.
    pub traffic: Arc<Traffic>,
    /// Whether keys, passwords and addresses are taken out of what the models are shown.
    pub redact: bool,
    /// Why the first one was chosen, when it was not named: told with the first request.
    pub chosen: Option<String>,
}

/// Failures of models and limits of providers, over all sessions of a process.
#[derive(Debug, Default)]
pub struct Traffic {
    circuits: Mutex<HashMap<CircuitName, Circuit>>,
    limiters: Mutex<HashMap<String, Arc<Limiter>>>,
    hasher: RandomState,
    /// Says when days begin, for budgets; that of Greenwich, if nothing is said.
    zone: Option<TimeZone>,
}

/// One model with one key at one address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct CircuitName {
    address: String,
    model: String,
    key: u64,
}

/// The models of one session.
pub(crate) struct Chain {
    links: Vec<Link>,
    traffic: Arc<Traffic>,
    discreet: Option<Discreet>,
    purse: Option<Arc<Purse>>,
    /// What is to be told with the first request.
    chosen: Mutex<Option<String>>,
}

struct Link {
    model: ModelSpec,
    circuit: CircuitName,
    http: HttpProvider,
    info: ModelInfo,
}

impl Traffic {
    /// For a person whose days begin there.
    #[must_use]
    pub fn in_zone(zone: TimeZone) -> Self {
        Self { zone: Some(zone), ..Self::default() }
    }

    pub(crate) fn zone(&self) -> TimeZone {
        self.zone.clone().unwrap_or(TimeZone::UTC)
    }

    fn limiter(&self, config: &ProviderConfig) -> Arc<Limiter> {
        let mut limiters = self.limiters.lock().unwrap_or_else(PoisonError::into_inner);
        let limiter =
            limiters.entry(config.name.clone()).or_insert_with(|| Arc::new(Limiter::new(&config.name, config.limits)));
        Arc::clone(limiter)
    }

    fn with<T>(&self, name: &CircuitName, act: impl FnOnce(&mut Circuit) -> T) -> T {
        let mut circuits = self.circuits.lock().unwrap_or_else(PoisonError::into_inner);
        act(circuits.entry(name.clone()).or_default())
    }

    fn circuit_name(&self, candidate: &Candidate) -> CircuitName {
        let key = candidate.provider.key.as_ref().map_or("", |key| key.expose());
        CircuitName {
            address: candidate.provider.base_url.clone(),
            model: candidate.model.model.clone(),
            key: self.hasher.hash_one(key),
        }
    }
}

impl Chain {
    pub(crate) fn new(route: Route) -> Self {
        let Route { candidates, patience, traffic, redact, chosen } = route;
        let link = |candidate: Candidate| Link {
            circuit: traffic.circuit_name(&candidate),
            http: HttpProvider::new(candidate.provider.clone(), patience, traffic.limiter(&candidate.provider)),
            model: candidate.model,
            info: candidate.info,
        };
        let discreet = redact.then(Discreet::default);
        Self {
            links: candidates.into_iter().map(link).collect(),
            traffic,
            discreet,
            purse: None,
            chosen: Mutex::new(chosen),
        }
    }

    /// Keeps to the person's limits together with all other processes.
    pub(crate) fn paced_in(self, store: &Arc<Store>) -> Self {
        self.links.iter().for_each(|link| link.http.limiter().keep_in(store));
        self
    }

    /// Pays for every request out of a purse.
    pub(crate) fn paid_by(self, purse: Arc<Purse>) -> Self {
        Self { purse: Some(purse), ..self }
    }

    /// The links to ask now, in order. When all rest, the first is asked once all the same: somebody waits for an
    /// answer, and one try more harms nobody.
    async fn ready(&self, sink: &mpsc::Sender<ModelEvent>) -> Vec<(&Link, bool)> {
        let mut ready = Vec::new();
        let mut resting = Vec::new();
        for link in &self.links {
            match self.traffic.with(&link.circuit, |circuit| circuit.gate(Instant::now())) {
                Gate::Closed => ready.push((link, false)),
                Gate::Trial => ready.push((link, true)),
                Gate::Open(rest) => resting.push((link, rest)),
            }
        }
        if ready.is_empty() {
            return self.links.first().map(|link| (link, true)).into_iter().collect();
        }
        for (link, rest) in resting {
            let message =
                format!("{} failed too often and is left alone for {} s more", link.model, rest.as_secs() + 1);
            notice(sink, "circuit_open", message).await;
        }
        ready
    }

    async fn ask(
        &self,
        mut request: ModelRequest,
        sink: &mpsc::Sender<ModelEvent>,
    ) -> Result<ModelAnswer, ProviderError> {
        let chosen = self.chosen.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(why) = chosen {
            notice(sink, "model_chosen", why).await;
        }
        if let Some(discreet) = &self.discreet {
            let changed = discreet.hide(&mut request);
            if changed > 0 {
                let messages = if changed == 1 { "a message" } else { "messages" };
                let words = format!("keys, passwords or addresses in {messages} are not shown to the model");
                notice(sink, "redacted", words).await;
            }
        }
        let mut ready = self.ready(sink).await.into_iter().peekable();
        while let Some((link, once)) = ready.next() {
            let tries = Tries { once, hurry: ready.peek().is_some() };
            let failed = match self.ask_one(link, request.clone(), sink, tries).await {
                Ok(mut answer) => {
                    self.traffic.with(&link.circuit, Circuit::answered);
                    let cost_micros = link.info.prices.as_ref().and_then(|prices| prices.cost(&answer.usage));
                    answer.model = Some(AskedModel { name: link.model.to_string(), cost_micros });
                    return Ok(answer);
                }
                Err(failed) => failed,
            };
            let kind = failed.error.kind;
            let rest = self.traffic.with(&link.circuit, |circuit| circuit.failed(kind, failed.tries, Instant::now()));
            let Some((next, _)) = ready.peek().filter(|_| another_may_help(kind)) else { return Err(failed.error) };
            let rest =
                rest.map_or_else(String::new, |rest| format!(" ({} is left alone for {})", link.model, seconds(rest)));
            notice(sink, "model_fallback", format!("{}: asking {} instead{rest}", failed.error, next.model)).await;
            if failed.shown {
                notice(sink, "answer_restarted", "the answer begins again; what was shown of it doesn't count".into())
                    .await;
            }
        }
        // Only an empty list of models gets here.
        Err(ProviderError {
            kind: Kind::Setup,
            message: "there is no model to ask".to_owned(),
            hint: Some("name one with --model".to_owned()),
        })
    }

    /// Asks one model, with a request that is made to fit it and paid for.
    async fn ask_one(
        &self,
        link: &Link,
        mut request: ModelRequest,
        sink: &mpsc::Sender<ModelEvent>,
        tries: Tries,
    ) -> Result<ModelAnswer, Failed> {
        let failed = |error| Failed { error, shown: false, tries: 0 };
        request.model.clone_from(&link.model.model);
        for (code, message) in fit(&mut request, &link.model, &link.info, link.http.config()).map_err(failed)? {
            notice(sink, code, message).await;
        }
        let Some(purse) = &self.purse else { return link.http.ask(&request, sink, tries).await };
        let answer = request.answer.unwrap_or(USUAL_ANSWER);
        let bill = Request { model: &link.model, info: &link.info, tokens: request.guessed, answer };
        let paid = pay(purse, bill, sink).await.map_err(failed)?;
        if paid < answer {
            request.answer = Some(paid);
        }
        let asked = link.http.ask(&request, sink, tries).await;
        if asked.is_err() {
            purse.give_back();
        }
        asked
    }
}

impl Provider for Chain {
    fn wants_tools(&self) -> bool {
        true
    }

    fn stream(
        &self,
        request: ModelRequest,
        sink: mpsc::Sender<ModelEvent>,
    ) -> BoxFuture<'_, Result<ModelAnswer, ProviderError>> {
        async move { self.ask(request, &sink).await }.boxed()
    }
}

/// A request that was refused would be refused elsewhere, one that is too long is made shorter, and settings that can't
/// work are to be corrected.
fn another_may_help(kind: Kind) -> bool {
    !matches!(kind, Kind::BadRequest | Kind::TooLong | Kind::OverBudget | Kind::Setup)
}

async fn notice(sink: &mpsc::Sender<ModelEvent>, code: &'static str, message: String) {
    // A closed sink means that the turn is over; this future is about to be dropped.
    let _ = sink.send(ModelEvent::Notice { code, message }).await;
}
