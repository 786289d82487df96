//! Smaller forms of what fills a window: results and data lose their middle, then their text. Pictures and what anybody
//! said stay as they are.

use super::digest::{STATE, SUMMARY};
use crate::message::Part;
use pryx_terms::{Excerpt, ToolResult};

/// The share of the beginning in what is kept, in percent. The end of an output says more: that's where errors are.
const HEAD: usize = 30;

/// A request shorter than this stays whole whatever happens.
const SHORT_REQUEST: usize = 400;

/// Whether a part of a digest stands for what isn't in the conversation any more. Nobody else remembers it.
pub(super) fn is_memory(part: &Part) -> bool {
    matches!(part, Part::Data { label, .. } if label == STATE || label == SUMMARY)
}

/// A result or data with so many bytes of its text kept; nothing when it isn't longer.
pub(super) fn shorten(part: &Part, keep: usize) -> Option<Part> {
    match part {
        Part::ToolResult { id, result } => {
            Some(Part::ToolResult { id: id.clone(), result: shorten_result(result, keep)? })
        }
        Part::Data { label, text } => Some(Part::Data { label: label.clone(), text: cut(text, keep)? }),
        Part::Text { .. } | Part::Note { .. } | Part::Image(_) | Part::ToolCall(_) | Part::Opaque { .. } => None,
    }
}

/// A result or data without its text. How it ended and where its log is stay.
pub(super) fn leave_out(part: &Part) -> Option<Part> {
    match part {
        Part::ToolResult { id, result } => {
            let result = match result {
                ToolResult::Ran { job, output } => ToolResult::Ran { job: job.clone(), output: nothing_of(output)? },
                ToolResult::Waits { job, output, activity } => {
                    ToolResult::Waits { job: job.clone(), output: nothing_of(output)?, activity: *activity }
                }
                ToolResult::Text { text } => ToolResult::Text { text: placeholder(text)? },
                ToolResult::Refused { .. } | ToolResult::Failed { .. } => return None,
            };
            Some(Part::ToolResult { id: id.clone(), result })
        }
        Part::Data { label, text } => Some(Part::Data { label: label.clone(), text: placeholder(text)? }),
        Part::Text { .. } | Part::Note { .. } | Part::Image(_) | Part::ToolCall(_) | Part::Opaque { .. } => None,
    }
}

/// A person's text without half of it, from its middle.
pub(super) fn halve_request(part: &Part) -> Option<Part> {
    match part {
        Part::Text { text } if text.len() > SHORT_REQUEST => Some(Part::Text { text: cut(text, text.len() / 2)? }),
        _ => None,
    }
}

fn shorten_result(result: &ToolResult, keep: usize) -> Option<ToolResult> {
    Some(match result {
        ToolResult::Ran { job, output } => ToolResult::Ran { job: job.clone(), output: excerpt(output, keep)? },
        ToolResult::Waits { job, output, activity } => {
            ToolResult::Waits { job: job.clone(), output: excerpt(output, keep)?, activity: *activity }
        }
        ToolResult::Text { text } => ToolResult::Text { text: cut(text, keep)? },
        ToolResult::Failed { message } => ToolResult::Failed { message: cut(message, keep)? },
        ToolResult::Refused { .. } => return None,
    })
}

fn excerpt(output: &Excerpt, keep: usize) -> Option<Excerpt> {
    let length = output.head.len() + output.tail.len();
    if length <= keep {
        return None;
    }
    let (head, tail) = (keep * HEAD / 100, keep - keep * HEAD / 100);
    // Without a tail of its own, the end of the output is the end of what there is.
    let end = if output.tail.is_empty() { &output.head } else { &output.tail };
    let head = &output.head[..output.head.floor_char_boundary(head)];
    let tail = &end[end.ceil_char_boundary(end.len().saturating_sub(tail))..];
    let left_out = length.saturating_sub(head.len() + tail.len()) as u64;
    Some(Excerpt {
        head: head.to_owned(),
        tail: tail.to_owned(),
        omitted_bytes: output.omitted_bytes.saturating_add(left_out),
        total_bytes: output.total_bytes,
    })
}

fn nothing_of(output: &Excerpt) -> Option<Excerpt> {
    let length = output.head.len() + output.tail.len();
    (length > 0).then(|| Excerpt {
        head: String::new(),
        tail: String::new(),
        omitted_bytes: output.omitted_bytes.saturating_add(length as u64),
        total_bytes: output.total_bytes,
    })
}

/// What stands behind the number of bytes where some were left out.
const LEFT_OUT: &str = " bytes left out to save room";

/// Bytes of a text as it was before parts of it were left out.
fn whole(text: &str) -> usize {
    let marks = text.split("[… ").skip(1).filter_map(|rest| {
        let (count, rest) = rest.split_once(LEFT_OUT)?;
        let mark = "[… ".len() + count.len() + LEFT_OUT.len() + " …]".len();
        rest.starts_with(" …]").then(|| Some((count.parse::<usize>().ok()?, mark)))?
    });
    marks.fold(text.len(), |length, (count, mark)| length.saturating_add(count).saturating_sub(mark))
}

/// The beginning and the end of a text, with a count of what lies between.
pub(super) fn cut(text: &str, keep: usize) -> Option<String> {
    if text.len() <= keep {
        return None;
    }
    let head = text.floor_char_boundary(keep * HEAD / 100);
    let tail = text.ceil_char_boundary(text.len() - (keep - keep * HEAD / 100));
    let gone = whole(&text[head..tail]);
    let shorter = format!("{}\n[… {gone}{LEFT_OUT} …]\n{}", &text[..head], &text[tail..]);
    (shorter.len() < text.len()).then_some(shorter)
}

fn placeholder(text: &str) -> Option<String> {
    let is_one = text.starts_with('[') && text.ends_with(&format!("{LEFT_OUT}]"));
    let placeholder = format!("[{}{LEFT_OUT}]", whole(text));
    (!is_one && placeholder.len() < text.len()).then_some(placeholder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_text_keeps_its_ends_and_says_what_is_gone() {
        let text: String = (0..1000).map(|n| format!("line {n}\n")).collect();
        let shorter = cut(&text, 1_000).unwrap();
        assert!(shorter.starts_with("line 0\n") && shorter.ends_with("line 999\n"), "{shorter}");
        let kept = shorter.lines().filter(|line| line.starts_with("line")).count();
        assert!(kept > 90 && shorter.contains(&format!("{} bytes left out", text.len() - 1_000)), "{kept}");
        let (head, tail) = shorter.split_once('…').unwrap();
        assert!(head.len() * 2 < tail.len(), "the end gets more");
        assert_eq!(cut("short", 10), None);
        // However often something is left out, the count is of the text as it was.
        let again = cut(&shorter, 300).unwrap();
        let count: usize = again.split("[… ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
        let kept = again.lines().filter(|line| !line.contains("left out")).map(|line| line.len() + 1).sum::<usize>();
        assert!((text.len() - count).abs_diff(kept) < 8, "{count} + {kept} of {}: {again}", text.len());
        let nothing = placeholder(&again).unwrap();
        let count: usize = nothing[1..].split(' ').next().unwrap().parse().unwrap();
        assert!(count.abs_diff(text.len()) < 8, "{nothing}");
        assert_eq!(placeholder(&nothing), None, "what is left out once is not left out again");
        assert_eq!(cut(&"ä".repeat(12), 20), None, "what would be longer is no cut");
    }

    #[test]
    fn an_output_stays_one_whose_count_is_honest() {
        let whole = Excerpt { head: "ab".repeat(2_000), tail: String::new(), omitted_bytes: 0, total_bytes: 4_000 };
        let less = excerpt(&whole, 1_000).unwrap();
        assert_eq!((less.head.len(), less.tail.len(), less.omitted_bytes), (300, 700, 3_000));
        let least = nothing_of(&less).unwrap();
        assert_eq!((least.omitted_bytes, least.total_bytes), (4_000, 4_000));
        assert_eq!((nothing_of(&least), excerpt(&least, 10)), (None, None));
    }
}
