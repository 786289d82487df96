//! `pryx trace`: a session's timeline, drawn to the width of the terminal.

use super::args;
use super::context::Context;
use super::exit;
use super::failure::Failure;
use super::{sessions, terminal};
use pryx_brain::Span;
use pryx_terms::visible;
use std::collections::HashMap;
use std::io::IsTerminal;

/// Columns when stdout is no terminal.
const WIDTH: usize = 100;

/// Columns of what stands before the bars: an indented kind and what it was about.
const LABEL: usize = 38;

/// Columns of the duration and how it ended.
const FIGURES: usize = 18;

/// The narrowest bars that still say something.
const MIN_BARS: usize = 10;

/// Draws or prints spans.
pub fn run(context: &Context, args: &args::Trace) -> Result<u8, Failure> {
    let store = sessions::open(context)?;
    let session = store.session(&args.session)?;
    let (spans, more) = store.trace(&session.id, args.limit)?;
    if context.json {
        let printed = serde_json::json!({
            "session": session.id, "more_before": more, "cost": store.spent(None, Some(&session.id))?, "spans": spans,
        });
        super::print_line(&printed.to_string())?;
        return Ok(exit::DONE);
    }
    if spans.is_empty() {
        context.talk("nothing was traced in this session");
        return Ok(exit::DONE);
    }
    let width = if std::io::stdout().is_terminal() { usize::from(terminal::size().cols) } else { WIDTH };
    super::print_data(draw(&spans, width).as_bytes())?;
    let spent = store.spent(None, Some(&session.id))?;
    if spent.calls > 0 {
        context.talk(&context.style.dim(super::cost::line(&spent).trim_start()));
    }
    if more {
        context
            .talk(&context.style.dim(&format!("earlier spans are left out: --limit N shows more than {}", args.limit)));
    }
    Ok(exit::DONE)
}

/// One line for each span; the bars of a turn are to the scale of that turn, because between turns there may be days.
fn draw(spans: &[Span], width: usize) -> String {
    let bars = width.saturating_sub(LABEL + FIGURES + 2).max(MIN_BARS);
    let depths = depths(spans);
    let mut text = String::new();
    let mut scale = Scale { start: 0, length: 1 };
    for (span, depth) in spans.iter().zip(depths) {
        if depth == 0 {
            scale = Scale::of(span, spans);
            let title = format!("{} {}", span.kind, visible(&span.detail));
            text.push_str(&format!("\n{}\n", cut(&title, width)));
        }
        let indent = "  ".repeat(depth);
        let label = if depth == 0 {
            format!("{:.0}", span.started)
        } else {
            format!("{} {}", span.kind, visible(&span.detail))
        };
        let label = cut(&format!("{indent}{label}"), LABEL);
        let pad = " ".repeat(LABEL.saturating_sub(label.chars().count()));
        let figures = format!("{:>8} {}", lasted(span), span.status.as_deref().unwrap_or("open"));
        text.push_str(&format!("{label}{pad} {} {figures}{}\n", scale.bar(span, bars), tokens(span)));
    }
    text.trim_start_matches('\n').to_owned()
}

fn depths(spans: &[Span]) -> Vec<usize> {
    let mut known: HashMap<i64, usize> = HashMap::with_capacity(spans.len());
    let mut depths = Vec::with_capacity(spans.len());
    for span in spans {
        let depth = span.parent.and_then(|parent| known.get(&parent)).map_or(0, |depth| depth + 1);
        known.insert(span.id, depth);
        depths.push(depth);
    }
    depths
}

/// What a line of bars stands for, in microseconds.
struct Scale {
    start: i64,
    length: u64,
}

impl Scale {
    /// The scale of a span at the top: up to the end of whatever is known within it.
    fn of(top: &Span, spans: &[Span]) -> Self {
        let start = top.started.as_microsecond();
        let end = match top.duration_us {
            Some(duration) => start.saturating_add_unsigned(duration),
            None => {
                let within = spans.iter().filter(|span| span.id > top.id && span.parent.is_some());
                within.map(end_of).max().unwrap_or(start)
            }
        };
        Self { start, length: u64::try_from(end.saturating_sub(start)).unwrap_or(0).max(1) }
    }

    fn bar(&self, span: &Span, columns: usize) -> String {
        let column = |at: i64| {
            let offset = u64::try_from(at.saturating_sub(self.start)).unwrap_or(0).min(self.length);
            usize::try_from(u128::from(offset) * columns as u128 / u128::from(self.length)).unwrap_or(columns)
        };
        let from = column(span.started.as_microsecond()).min(columns - 1);
        let to = column(end_of(span)).clamp(from + 1, columns);
        format!("{}{}{}", " ".repeat(from), "━".repeat(to - from), " ".repeat(columns - to))
    }
}

fn end_of(span: &Span) -> i64 {
    span.started.as_microsecond().saturating_add_unsigned(span.duration_us.unwrap_or(0))
}

fn lasted(span: &Span) -> String {
    match span.duration_us {
        None => "?".to_owned(),
        Some(us @ 0..1_000) => format!("{us} µs"),
        Some(us @ 1_000..1_000_000) => format!("{}.{} ms", us / 1000, us % 1000 / 100),
        Some(us) => super::jobs::duration(us / 1000),
    }
}

fn tokens(span: &Span) -> String {
    let known = [
        (span.tokens.input_tokens, "in"),
        (span.tokens.cache_read_tokens, "cached"),
        (span.tokens.output_tokens, "out"),
    ];
    let words: Vec<String> = known.iter().filter_map(|(count, word)| Some(format!("{} {word}", (*count)?))).collect();
    let words: Vec<String> = words.into_iter().chain(span.cost_micros.map(super::money::dollars)).collect();
    if words.is_empty() { String::new() } else { format!(" · {}", words.join(", ")) }
}

fn cut(text: &str, columns: usize) -> String {
    if text.chars().count() <= columns {
        return text.to_owned();
    }
    text.chars().take(columns.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pryx_terms::{Timestamp, Usage};

    fn span(id: i64, parent: Option<i64>, kind: &str, at_ms: i64, duration_ms: Option<u64>) -> Span {
        Span {
            id,
            parent,
            kind: kind.to_owned(),
            subject: "x".to_owned(),
            detail: "ls \u{1b}[2J -la".to_owned(),
            started: Timestamp::from_millisecond(1_700_000_000_000 + at_ms).expect("a time"),
            duration_us: duration_ms.map(|ms| ms * 1000),
            status: duration_ms.map(|_| "done".to_owned()),
            tokens: Usage::default(),
            cost_micros: None,
        }
    }

    #[test]
    fn bars_stand_where_their_time_was() {
        let spans = [
            span(1, None, "turn", 0, Some(1000)),
            span(2, Some(1), "model", 0, Some(500)),
            span(3, Some(1), "tool", 500, Some(500)),
            span(4, Some(3), "approval", 600, None),
        ];
        let drawn = draw(&spans, LABEL + FIGURES + 2 + 20);
        let lines: Vec<&str> = drawn.lines().collect();
        assert_eq!(lines.len(), 5, "{drawn}");
        let bar = |line: &str| line.chars().skip(LABEL + 1).take(20).collect::<String>();
        assert_eq!(bar(lines[1]), "━".repeat(20));
        assert_eq!(bar(lines[2]), format!("{}{}", "━".repeat(10), " ".repeat(10)));
        assert_eq!(bar(lines[3]), format!("{}{}", " ".repeat(10), "━".repeat(10)));
        assert_eq!(bar(lines[4]).trim(), "━");
        assert!(lines[4].starts_with("    approval") && lines[4].contains('?') && lines[4].contains("open"), "{drawn}");
        assert!(!drawn.contains('\u{1b}'));
    }

    #[test]
    fn a_narrow_terminal_and_odd_times_do_no_harm() {
        let spans = [span(1, Some(99), "tool", 0, None), span(2, Some(1), "wait", -500, Some(u64::MAX / 1_000_000))];
        for width in [0, 1, 40, 300] {
            assert_eq!(draw(&spans, width).lines().count(), 3);
        }
    }

    #[test]
    fn durations_keep_their_precision() {
        let of = |us| lasted(&Span { duration_us: Some(us), ..span(1, None, "turn", 0, None) });
        assert_eq!([of(7), of(1_250), of(2_500_000), of(192_000_000)], ["7 µs", "1.2 ms", "2.5 s", "3m12s"]);
    }
}
