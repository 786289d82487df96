//! `pryx budget`: limits on what models may cost.

use super::args::BudgetAction;
use super::context::Context;
use super::exit;
use super::failure::Failure;
use super::money::dollars;
use super::sessions;
use pryx_brain::event::{BudgetReached, BudgetReason};
use pryx_brain::{Budget, Period, Store};
use pryx_terms::visible;

/// Sets, shows or clears budgets.
pub async fn run(context: &Context, action: Option<BudgetAction>) -> Result<u8, Failure> {
    if matches!(action, Some(BudgetAction::Set { .. } | BudgetAction::Clear { .. })) {
        super::connect::only_for_persons(context, "change what models may cost").await?;
    }
    let store = sessions::open(context)?;
    match action.unwrap_or(BudgetAction::Show) {
        BudgetAction::Show => {}
        BudgetAction::Set { limits } => {
            for (micros, period) in limits {
                store.set_budget(period, Some(micros))?;
            }
        }
        BudgetAction::Clear { periods } => {
            let all = vec![Period::Day, Period::Month, Period::Session];
            for period in if periods.is_empty() { all } else { periods } {
                store.set_budget(period, None)?;
            }
        }
    }
    show(context, &store)?;
    Ok(exit::DONE)
}

fn show(context: &Context, store: &Store) -> Result<(), Failure> {
    let last = store.session("last").ok().map(|session| session.id);
    let budgets = store.budgets(last.as_ref(), &super::system::zone())?;
    if context.json {
        return super::print_line(&serde_json::to_string(&budgets).unwrap_or_default());
    }
    if budgets.is_empty() {
        context.talk("no budget is set");
        context.talk(&format!("  {} pryx budget set 5/day 50/month 1/session", context.style.bold("→")));
        return Ok(());
    }
    super::print_data(budgets.iter().map(line).collect::<String>().as_bytes())
}

fn line(budget: &Budget) -> String {
    let of = if budget.period == Period::Session { " (the last one)" } else { "" };
    let reserved = match budget.reserved_micros {
        0 => String::new(),
        micros => format!(", {} reserved for requests under way", dollars(micros)),
    };
    format!(
        "{:<8} {:>9}  spent{of} {}{reserved}, left {}\n",
        budget.period.word(),
        dollars(budget.limit_micros),
        dollars(budget.spent_micros),
        dollars(budget.left())
    )
}

/// The question, when a budget is reached.
pub fn card(context: &Context, reached: &BudgetReached) -> String {
    let style = context.style;
    let model = visible(&reached.model);
    match &reached.reason {
        BudgetReason::Limit { budget, needed_micros } => format!(
            "{} {}\n  spent   {} of {}{}\n  wants   {} or more, for another request to {model}\n",
            style.warn("?"),
            style.bold(&format!("The budget for a {} is reached", budget.period.word())),
            dollars(budget.spent_micros),
            dollars(budget.limit_micros),
            if budget.reserved_micros > 0 {
                format!(", {} reserved by others", dollars(budget.reserved_micros))
            } else {
                String::new()
            },
            dollars(*needed_micros),
        ),
        BudgetReason::Unpriced => format!(
            "{} {}\n  {model} would be asked; what it costs can't be counted against your budgets\n",
            style.warn("?"),
            style.bold("Nobody knows what this model costs"),
        ),
    }
}

/// What a yes means.
pub fn meaning(reached: &BudgetReached) -> &'static str {
    match reached.reason {
        BudgetReason::Limit { .. } => "go on, to the end of this turn",
        BudgetReason::Unpriced => "ask it, until the budgets change",
    }
}
