//! One session's purse: every request is paid out of it before it leaves. When a budget doesn't hold it, the person is asked;
//! without one, it doesn't leave.

use super::budget::{Granted, Wanted};
use crate::catalog::{ModelInfo, Rates};
use crate::event::{BudgetReached, BudgetReason};
use crate::model::ModelSpec;
use crate::store::{Store, StoreError};
use jiff::tz::TimeZone;
use pryx_terms::SessionId;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;

/// Fewer tokens than this are no answer worth paying for. A budget that holds no more is used up.
const LEAST_ANSWER: u64 = 1_024;

/// A session's purse.
pub(crate) struct Purse {
    store: Arc<Store>,
    session: SessionId,
    zone: TimeZone,
    interactive: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The person said to go on beyond the budgets. It holds for this purse: a turn of a command, or a sitting.
    lifted: bool,
    /// Who waits for the person's word.
    asked: Option<oneshot::Sender<bool>>,
}

/// What a request needs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) model: &'a ModelSpec,
    pub(crate) info: &'a ModelInfo,
    /// Its tokens, as guessed.
    pub(crate) tokens: u64,
    /// The most of its answer.
    pub(crate) answer: u64,
}

/// What the purse says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Paid {
    /// Go, with an answer of at most so many tokens.
    Yes(u64),
    /// Not without a word of the person.
    Ask(Box<BudgetReached>),
}

impl Purse {
    /// `zone` says when days begin, `interactive` whether a person can be asked.
    pub(crate) fn new(store: Arc<Store>, session: SessionId, zone: TimeZone, interactive: bool) -> Self {
        Self { store, session, zone, interactive, state: Mutex::default() }
    }

    /// Whether a person can be asked.
    pub(crate) fn somebody_is_there(&self) -> bool {
        self.interactive
    }

    /// Reserves what a request may cost.
    pub(crate) fn pay(&self, request: Request<'_>) -> Result<Paid, StoreError> {
        if !self.store.has_budgets()? {
            return Ok(Paid::Yes(request.answer));
        }
        let lifted = self.state().lifted;
        let model = request.model.to_string();
        let ask = |reason| Ok(Paid::Ask(Box::new(BudgetReached { model: model.clone(), reason })));
        let Some(prices) = &request.info.prices else {
            let known = lifted || self.store.may_go_unpriced(&model)?;
            return if known { Ok(Paid::Yes(request.answer)) } else { ask(BudgetReason::Unpriced) };
        };
        let least = prices.most(request.tokens, request.answer.min(LEAST_ANSWER));
        let wanted = Wanted { least, most: prices.most(request.tokens, request.answer) };
        match self.store.reserve(&self.session, wanted, lifted, &self.zone)? {
            Granted::Unlimited => Ok(Paid::Yes(request.answer)),
            Granted::Reserved(micros) if micros >= wanted.most => Ok(Paid::Yes(request.answer)),
            Granted::Reserved(micros) => {
                let rates = prices.for_request(request.tokens);
                Ok(Paid::Yes(affordable(rates, micros - prices.most(request.tokens, 0).min(micros))))
            }
            Granted::Exceeds(budget) => ask(BudgetReason::Limit { budget, needed_micros: wanted.least }),
        }
    }

    /// Begins to wait for the person's word about what [`Purse::pay`] asked.
    pub(crate) fn ask(&self) -> oneshot::Receiver<bool> {
        let (word, heard) = oneshot::channel();
        self.state().asked = Some(word);
        heard
    }

    /// The person said whether to go on.
    pub(crate) fn answer(&self, go_on: bool) {
        let asked = self.state().asked.take();
        // Nobody waits any more when the turn was stopped meanwhile.
        let _ = asked.map(|asked| asked.send(go_on));
    }

    /// What was asked about is agreed on: limits for as long as this purse is open, an unknown price until the budgets
    /// change.
    pub(crate) fn agree(&self, reached: &BudgetReached) -> Result<(), StoreError> {
        match &reached.reason {
            BudgetReason::Limit { .. } => {
                self.state().lifted = true;
                Ok(())
            }
            BudgetReason::Unpriced => self.store.let_go_unpriced(&reached.model),
        }
    }

    /// A request came to nothing.
    pub(crate) fn give_back(&self) {
        // One that can't be given back lapses.
        let _ = self.store.release(&self.session);
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tokens of an answer that an amount pays for.
fn affordable(rates: &Rates, micros: u64) -> u64 {
    let dearest = rates.output.max(rates.reasoning.unwrap_or(rates.output));
    let tokens = u128::from(micros) * 1_000_000 / u128::from(dearest.0.max(1));
    u64::try_from(tokens).unwrap_or(u64::MAX).max(LEAST_ANSWER)
}

#[cfg(test)]
mod tests {
    use super::super::budget::Period;
    use super::super::tests::{begin, session, spend, store};
    use super::*;
    use crate::catalog::{MillionTokens, Prices};

    fn priced(input: u64, output: u64) -> ModelInfo {
        let rates = Rates {
            input: MillionTokens(input),
            output: MillionTokens(output),
            cache_read: None,
            cache_write: None,
            reasoning: None,
        };
        ModelInfo { prices: Some(Prices { rates, tiers: Vec::new() }), ..ModelInfo::default() }
    }

    fn purse(store: &Arc<Store>, id: &str) -> Purse {
        Purse::new(Arc::clone(store), session(id), TimeZone::UTC, true)
    }

    fn model() -> ModelSpec {
        "a/b".parse().unwrap()
    }

    /// Pays for 1,000 tokens in and up to 10,000 out: 1,000 and 100,000 micro-dollars.
    fn pay(purse: &Purse) -> Paid {
        let (model, info) = (model(), priced(1_000_000, 10_000_000));
        purse.pay(Request { model: &model, info: &info, tokens: 1_000, answer: 10_000 }).unwrap()
    }

    fn exceeded(paid: &Paid) -> Option<Period> {
        match paid {
            Paid::Ask(reached) => match reached.reason {
                BudgetReason::Limit { budget, .. } => Some(budget.period),
                BudgetReason::Unpriced => None,
            },
            Paid::Yes(_) => None,
        }
    }

    #[test]
    fn without_budgets_nothing_is_asked() {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(store(dir.path()));
        let purse = purse(&store, "s1");
        let (model, info) = (model(), ModelInfo::default());
        assert_eq!(pay(&purse), Paid::Yes(10_000));
        let unpriced = Request { model: &model, info: &info, tokens: 1, answer: 5 };
        assert_eq!(purse.pay(unpriced).unwrap(), Paid::Yes(5));
    }

    #[test]
    fn an_answer_is_shortened_to_what_is_left_and_then_somebody_is_asked() {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(store(dir.path()));
        begin(&store, "s1");
        store.set_budget(Period::Day, Some(150_000)).unwrap();
        let purse = purse(&store, "s1");
        assert_eq!(pay(&purse), Paid::Yes(10_000));
        spend(&store, "s1", "a/b", Some(100_000));
        // 50,000 are left: 1,000 for the request, and 4,900 tokens.
        assert_eq!(pay(&purse), Paid::Yes(4_900));
        spend(&store, "s1", "a/b", Some(45_000));
        let reached = pay(&purse);
        assert_eq!(exceeded(&reached), Some(Period::Day));
        let Paid::Ask(reached) = reached else { panic!("nothing was asked") };
        purse.agree(&reached).unwrap();
        assert_eq!(pay(&purse), Paid::Yes(10_000), "the person said to go on");
    }

    #[test]
    fn an_unknown_price_is_asked_about_once() {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(store(dir.path()));
        store.set_budget(Period::Month, Some(1)).unwrap();
        let (model, info) = (model(), ModelInfo::default());
        let request = Request { model: &model, info: &info, tokens: 1, answer: 5 };
        let Paid::Ask(reached) = purse(&store, "s1").pay(request).unwrap() else { panic!("nothing was asked") };
        assert_eq!(reached.reason, BudgetReason::Unpriced);
        purse(&store, "s1").agree(&reached).unwrap();
        assert_eq!(purse(&store, "s2").pay(request).unwrap(), Paid::Yes(5));
        store.set_budget(Period::Month, Some(2)).unwrap();
        assert!(matches!(purse(&store, "s2").pay(request).unwrap(), Paid::Ask(_)), "other budgets, another question");
    }

    #[test]
    fn a_session_has_a_budget_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(store(dir.path()));
        for id in ["s1", "s2"] {
            begin(&store, id);
        }
        store.set_budget(Period::Session, Some(120_000)).unwrap();
        spend(&store, "s1", "a/b", Some(119_000));
        assert_eq!(exceeded(&pay(&purse(&store, "s1"))), Some(Period::Session));
        assert_eq!(pay(&purse(&store, "s2")), Paid::Yes(10_000));
    }

    #[test]
    fn what_is_reserved_is_taken_from_all_others_until_it_is_settled() {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(store(dir.path()));
        for id in ["s1", "s2"] {
            begin(&store, id);
        }
        store.set_budget(Period::Day, Some(105_000)).unwrap();
        let (first, second) = (purse(&store, "s1"), purse(&store, "s2"));
        assert_eq!(pay(&first), Paid::Yes(10_000));
        assert_eq!(exceeded(&pay(&second)), Some(Period::Day));
        // Its own reservation is no obstacle to itself: a fallback asks again.
        assert_eq!(pay(&first), Paid::Yes(10_000));
        first.give_back();
        assert_eq!(pay(&second), Paid::Yes(10_000));
        spend(&store, "s2", "a/b", Some(3));
        assert_eq!(store.budgets(None, &TimeZone::UTC).unwrap()[0].reserved_micros, 0, "settled with what it cost");
        // One that was never settled lapses.
        assert_eq!(pay(&second), Paid::Yes(10_000));
        store.with(|db| db.execute("UPDATE reservations SET at = at - 3600000001", [])).unwrap();
        assert_eq!(pay(&first), Paid::Yes(10_000));
    }

    #[test]
    fn processes_do_not_exceed_a_budget_together() {
        let dir = tempfile::tempdir().unwrap();
        // Room for five of them with their shortest answers beside each other, whoever comes first.
        store(dir.path()).set_budget(Period::Day, Some(505_000)).unwrap();
        let path = dir.path().to_owned();
        let tries: Vec<_> = (0..16)
            .map(|number| {
                let path = path.clone();
                std::thread::spawn(move || {
                    let store = Arc::new(store(&path));
                    matches!(pay(&purse(&store, &format!("s{number}"))), Paid::Yes(_))
                })
            })
            .collect();
        let granted = tries.into_iter().map(|task| task.join().unwrap()).filter(|paid| *paid).count();
        let budget = store(dir.path()).budgets(None, &TimeZone::UTC).unwrap()[0];
        assert!(budget.reserved_micros <= 505_000 && granted >= 5, "{granted} were granted: {budget:?}");
    }

    #[test]
    fn a_word_reaches_who_waits_for_it() {
        let dir = tempfile::tempdir().unwrap();
        let purse = purse(&Arc::new(store(dir.path())), "s1");
        purse.answer(true);
        let mut heard = purse.ask();
        purse.answer(false);
        assert_eq!(heard.try_recv(), Ok(false));
    }
}
