//! `pryx context`: what fills the model's window in a session, as a bar.

use super::args;
use super::context::Context;
use super::exit;
use super::failure::Failure;
use super::{ask, connect, model, sessions, terminal};
use pryx_brain::Fill;
use pryx_ipc::ListTools;
use std::io::IsTerminal;

/// Columns when stdout is no terminal, and the most that a bar is good for.
const WIDTH: usize = 72;

/// The narrowest bar that still says something.
const MIN_WIDTH: usize = 20;

/// Prints what fills the window.
pub async fn run(context: &Context, args: &args::Fill) -> Result<u8, Failure> {
    let store = sessions::open(context)?;
    let session = store.session(&args.session)?;
    let (model, _) = model::choose(context, Some(&session.model))?;
    let (candidate, tools, client) = if model.is_offline() {
        (None, Vec::new(), None)
    } else {
        // Without a key nobody can be asked, but what is known about the model doesn't depend on it.
        let candidate =
            model::route(context, model.clone(), None).ok().and_then(|route| route.candidates.into_iter().next());
        let client = connect::connect(&context.route).await?;
        (candidate, client.call(ListTools {}).await?.tools, Some(client))
    };
    let at = ask::surroundings(context, client.as_ref(), session.workspace.clone());
    let fill = store.fill(&session.id, &model, candidate.as_ref(), &at, tools)?;
    if context.json {
        let mut printed = serde_json::to_value(&fill).unwrap_or_default();
        printed["session"] = serde_json::json!(session.id);
        super::print_line(&printed.to_string())?;
        return Ok(exit::DONE);
    }
    if model.is_offline() {
        context.talk("the embedded planner reads each request by itself: nothing fills up");
        return Ok(exit::DONE);
    }
    let columns = if std::io::stdout().is_terminal() { usize::from(terminal::size().cols) } else { WIDTH };
    super::print_data(draw(&fill, columns.clamp(MIN_WIDTH, WIDTH)).as_bytes())?;
    if fill.messages_kept > fill.messages as u64 {
        let words =
            format!("room was made: {} of {} messages are sent; all are kept", fill.messages, fill.messages_kept);
        context.talk(&context.style.dim(&words));
    }
    Ok(exit::DONE)
}

/// What a window holds, in the order in which it's sent: name, tokens, the mark in the bar.
fn parts(fill: &Fill) -> [(&'static str, u64, char); 6] {
    [
        ("system prompt", fill.system, 's'),
        ("tools", fill.tools, 't'),
        ("requests", fill.requests, '█'),
        ("answers", fill.answers, '▓'),
        ("results", fill.results, '▒'),
        ("free", fill.free, '·'),
    ]
}

fn draw(fill: &Fill, columns: usize) -> String {
    let parts = parts(fill);
    let whole = parts.iter().map(|(_, tokens, _)| tokens).sum::<u64>().max(1);
    let mut bar = String::new();
    let (mut before, mut drawn) = (0_u64, 0);
    for (_, tokens, mark) in parts {
        before += tokens;
        let upto = usize::try_from(u128::from(before) * columns as u128 / u128::from(whole)).unwrap_or(columns);
        // What is there is seen, however little it is.
        let upto = if tokens > 0 { upto.max(drawn + 1) } else { upto };
        bar.extend(std::iter::repeat_n(mark, upto.saturating_sub(drawn)));
        drawn = drawn.max(upto);
    }
    let bar: String = bar.chars().take(columns).collect();
    let about = if fill.window_known { "" } else { " (assumed: nobody says how many it reads)" };
    let mut text = format!("{} · {} tokens{about}\n{bar}\n", fill.model, fill.window);
    for (name, tokens, mark) in parts {
        let percent = tokens.saturating_mul(100) / fill.window.max(1);
        text.push_str(&format!("{mark} {name:<14}{tokens:>9} {percent:>3} %\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(requests: u64, results: u64, window: u64) -> Fill {
        let used = 500 + 2_000 + requests + 300 + results;
        Fill {
            model: "a/b".into(),
            window,
            window_known: true,
            system: 500,
            tools: 2_000,
            requests,
            answers: 300,
            results,
            free: window.saturating_sub(used),
            messages: 3,
            messages_kept: 3,
            counted_last: None,
        }
    }

    #[test]
    fn the_bar_is_as_long_as_it_may_be_and_in_proportion() {
        for (requests, results, window) in
            [(0, 0, 4_096), (1_000, 60_000, 128_000), (1, 1, 1_000_000), (9_999_999, 7, 10)]
        {
            for columns in [20, 72] {
                let drawn = draw(&fill(requests, results, window), columns);
                let bar = drawn.lines().nth(1).unwrap_or_default();
                assert_eq!(bar.chars().count(), columns, "{drawn}");
            }
        }
        let drawn = draw(&fill(1_000, 60_000, 128_000), 72);
        assert_eq!(drawn.matches('▒').count(), 1 + 31, "about half, less what the small ones take: {drawn}");
        assert_eq!(drawn.lines().count(), 8);
    }
}
