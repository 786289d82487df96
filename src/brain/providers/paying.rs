//! Before a request leaves: what it may cost is reserved, or the person is asked, or it doesn't leave.

use super::ModelEvent;
use super::error::{Kind, ProviderError};
use crate::cost::{Paid, Purse, Request};
use crate::event::{BudgetReached, BudgetReason};
use crate::store::StoreError;
use tokio::sync::mpsc;

/// Pays for a request; gives the most tokens that its answer may have.
///
/// # Errors
/// When no budget holds it and nobody said to go on, or the store can't be used.
pub(super) async fn pay(
    purse: &Purse,
    request: Request<'_>,
    sink: &mpsc::Sender<ModelEvent>,
) -> Result<u64, ProviderError> {
    let reached = match purse.pay(request).map_err(unkept)? {
        Paid::Yes(answer) => return Ok(answer),
        Paid::Ask(reached) => reached,
    };
    let heard = purse.ask();
    // A closed sink means that the turn is over; this future is about to be dropped.
    let _ = sink.send(ModelEvent::BudgetReached(reached.clone())).await;
    if !purse.somebody_is_there() || heard.await != Ok(true) {
        return Err(over(&reached));
    }
    purse.agree(&reached).map_err(unkept)?;
    match purse.pay(request).map_err(unkept)? {
        Paid::Yes(answer) => Ok(answer),
        // Somebody changed the budgets while the question stood.
        Paid::Ask(reached) => Err(over(&reached)),
    }
}

fn over(reached: &BudgetReached) -> ProviderError {
    let (message, hint) = match &reached.reason {
        BudgetReason::Limit { budget, .. } => (
            format!("the budget for a {} is reached, and {} was not asked", budget.period.word(), reached.model),
            "`pryx budget show` tells what is left, `pryx budget set` raises it; then go on with `pryx -c`",
        ),
        BudgetReason::Unpriced => (
            format!("nobody knows what {} costs, so the budgets can't be kept, and it was not asked", reached.model),
            "allow it once in a terminal, give it a price in the settings, or choose another with --model",
        ),
    };
    ProviderError { kind: Kind::OverBudget, message, hint: Some(hint.to_owned()) }
}

fn unkept(error: StoreError) -> ProviderError {
    ProviderError { kind: Kind::Setup, message: error.to_string(), hint: None }
}
