//! What a window sends is more than keys: its terminal answers questions, and reports mouse and focus, by itself. What of it
//! goes on to the program, and whether a person typed.
//!
//! A question that a command has printed may be answered after the command has ended; typed into the shell, the answer
//! would be a line that an output has made. So answers go on only while who asked still has the terminal.

use super::modes::Scanner;

/// Bytes of a report of the mouse in its oldest form, behind `ESC [ M`.
const OLD_MOUSE: usize = 3;

/// What to do with a window's bytes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sieved {
    /// For the program.
    pub bytes: Vec<u8>,
    /// Some of it was typed.
    pub typed: bool,
}

/// What a terminal says by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Report {
    Answer,
    Mouse,
    Focus,
}

/// Takes a window's bytes apart. Who asks a terminal reads single keys then: in `lines` an answer would only be echoed.
pub(super) fn sieve(bytes: &[u8], scanner: &mut Scanner, lines: bool) -> Sieved {
    let modes = scanner.modes();
    let (mut out, mut rest) = (Sieved::default(), bytes);
    while !rest.is_empty() {
        let Some((report, length)) = report(rest) else {
            let more = rest[1..].iter().position(|byte| *byte == 0x1b).map_or(rest.len(), |at| at + 1);
            out.bytes.extend_from_slice(&rest[..more]);
            out.typed = true;
            rest = &rest[more..];
            continue;
        };
        let goes_on = match report {
            Report::Answer => scanner.takes_answer() && !lines,
            Report::Mouse => modes.mouse,
            Report::Focus => modes.focus,
        };
        if goes_on {
            scanner.note_told();
            out.bytes.extend_from_slice(&rest[..length]);
        }
        rest = &rest[length..];
    }
    out
}

/// The report that the bytes begin with, and its length. A key looks like none of them, save F3 with Shift, Alt or Ctrl,
/// which says the same as a cursor in the first line.
fn report(bytes: &[u8]) -> Option<(Report, usize)> {
    let behind = bytes.strip_prefix(b"\x1b")?;
    match behind.first()? {
        b'[' => {
            let last = behind[1..].iter().position(|byte| (0x40..=0x7e).contains(byte))? + 1;
            let (parameters, length) = (&behind[1..last], last + 2);
            let plain = parameters.iter().all(|byte| (0x20..=0x3f).contains(byte));
            let kind = match behind[last] {
                b'I' | b'O' if parameters.is_empty() => Report::Focus,
                b'M' if parameters.is_empty() => {
                    return (bytes.len() >= length + OLD_MOUSE).then_some((Report::Mouse, length + OLD_MOUSE));
                }
                b'M' | b'm' if parameters.starts_with(b"<") => Report::Mouse,
                b'c' | b'n' if parameters.first().is_some_and(|first| b"?>=03".contains(first)) => Report::Answer,
                b'R' if parameters.contains(&b';') => Report::Answer,
                b't' | b'x' if !parameters.is_empty() => Report::Answer,
                b'u' if parameters.starts_with(b"?") => Report::Answer,
                b'y' if parameters.ends_with(b"$") => Report::Answer,
                b'm' if parameters.starts_with(b">") => Report::Answer,
                _ => return None,
            };
            plain.then_some((kind, length))
        }
        // Alt with one of these letters is two bytes, and nothing ends it.
        b']' | b'P' | b'_' => {
            let end = behind.iter().position(|byte| matches!(byte, 0x07 | 0x1b))?;
            match behind[end..] {
                [0x07, ..] => Some((Report::Answer, end + 2)),
                [_, b'\\', ..] => Some((Report::Answer, end + 3)),
                _ => None,
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8], printed: &[u8]) -> (String, bool) {
        let mut scanner = Scanner::default();
        scanner.feed(printed);
        let Sieved { bytes, typed } = sieve(bytes, &mut scanner, false);
        (String::from_utf8_lossy(&bytes).into_owned(), typed)
    }

    const ANSWERS: &[&str] = &[
        "\x1b[?62;22c",
        "\x1b[>1;10;0c",
        "\x1b[12;40R",
        "\x1b[0n",
        "\x1b[8;24;80t",
        "\x1b[?1u",
        "\x1b[?25;1$y",
        "\x1b]11;rgb:00/00/00\x07",
        "\x1b]11;rgb:00/00/00\x1b\\",
        "\x1bP1+r\x1b\\",
        "\x1bP>|XTerm(380)\x1b\\",
    ];

    #[test]
    fn an_answer_goes_to_who_asked_and_is_no_typing() {
        for answer in ANSWERS {
            assert_eq!(of(answer.as_bytes(), b""), (String::new(), false), "{answer:?}");
            assert_eq!(of(answer.as_bytes(), b"\x1b[6n"), ((*answer).to_owned(), false), "{answer:?}");
            let with_keys = format!("ls{answer}\r");
            assert_eq!(of(with_keys.as_bytes(), b""), ("ls\r".to_owned(), true), "{answer:?}");
        }
        // One question, one answer: a second window has nothing to say.
        assert_eq!(of(b"\x1b[1;1R\x1b[2;2R", b"\x1b[6n").0, "\x1b[1;1R");
        let mut scanner = Scanner::default();
        scanner.feed(b"\x1b[6n\x1b[6n");
        assert_eq!(sieve(b"\x1b[1;1R", &mut scanner, true), Sieved::default(), "nobody reads keys");
        assert!(!scanner.changes_hands());
        scanner.feed(b"\x1b[6n");
        assert!(!sieve(b"\x1b[1;1R", &mut scanner, false).bytes.is_empty() && scanner.changes_hands());
        assert_eq!(sieve(b"\x1b[1;1R", &mut scanner, false), Sieved::default(), "it is somebody else's now");
    }

    #[test]
    fn mouse_and_focus_are_told_where_they_are_wanted() {
        for (report, mode) in [("\x1b[I", 1004), ("\x1b[O", 1004), ("\x1b[<0;1;1M", 1000), ("\x1b[M !!", 1002)] {
            assert_eq!(of(report.as_bytes(), b""), (String::new(), false), "{report:?}");
            let on = format!("\x1b[?{mode}h");
            assert_eq!(of(report.as_bytes(), on.as_bytes()), (report.to_owned(), false), "{report:?}");
        }
    }

    #[test]
    fn keys_are_keys() {
        for keys in [
            "a",
            "\r",
            "\x1b",
            "\x1b[A",
            "\x1bOP",
            "\x1b[15~",
            "\x1b[200~text\x1b[201~",
            "\x03",
            "\x1b]",
            "\x1bP",
            "\x1b[97;5u",
            "\x1b\x1b[A",
            "\x1b[",
            "ünï",
        ] {
            assert_eq!(of(keys.as_bytes(), b"\x1b[6n\x1b[?1000h"), (keys.to_owned(), true), "{keys:?}");
        }
        assert_eq!(of(b"", b""), (String::new(), false));
    }

    #[test]
    fn any_bytes_keep_their_order_and_nothing_is_added() {
        let mut seed = 3_u64;
        let mut byte = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let of = b"\x1b\x1b[]P_IOMmcnRtuy<>?$;019a\x07\\";
            of[usize::from(seed.to_be_bytes()[0]) % of.len()]
        };
        for _ in 0..2000 {
            let bytes: Vec<u8> = (0..40).map(|_| byte()).collect();
            let mut scanner = Scanner::default();
            let kept = sieve(&bytes, &mut scanner, false).bytes;
            let mut rest = bytes.iter();
            assert!(kept.iter().all(|byte| rest.any(|other| other == byte)), "{bytes:?}");
        }
    }
}
