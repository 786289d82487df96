//! What reads bytes from outside, as functions of any bytes: each says what must hold and panics when it doesn't. The targets
//! in `fuzz/` call them for as long as one likes; the tests below call them with a bounded number of cases, so that the
//! two can't drift apart.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "to panic is how a target says that something is wrong"
)]

use crate::keeper::modes::Scanner;
use crate::logs::collapse::Collapse;
use crate::logs::search::{Query, pattern, search};
use crate::logs::{LogFile, log_path, packed, times};
use crate::screen::Screen;
use pryx_ipc::{Frames, ScreenFormat, decode_from_server, decode_request};
use pryx_terms::{Keep, PlainFilter, Stream, Switched};
use std::path::Path;

/// Longest input that is looked at: more finds nothing that less doesn't, and takes time.
const MAX_INPUT: usize = 64 * 1024;

/// The first byte says in which portions the rest comes.
fn portions(data: &[u8]) -> (usize, &[u8]) {
    let data = &data[..data.len().min(MAX_INPUT)];
    data.split_first().map_or((1, data), |(first, rest)| (usize::from(*first).max(1), rest))
}

/// The frame decoder: lines don't depend on how they arrive, and no line makes the protocol's decoders panic.
pub fn frames(data: &[u8]) {
    let (portion, data) = portions(data);
    let mut frames = Frames::default();
    let mut lines = Vec::new();
    for part in data.chunks(portion) {
        frames.push(part);
        // The input is shorter than a frame may be.
        while let Some(line) = frames.next_line().expect("no line is too long") {
            lines.push(line.to_vec());
        }
    }
    let mut wanted: Vec<&[u8]> = data.split(|byte| *byte == b'\n').collect();
    let rest = wanted.pop().unwrap_or_default();
    let wanted: Vec<&[u8]> = wanted.into_iter().map(|line| line.strip_suffix(b"\r").unwrap_or(line)).collect();
    assert_eq!(lines, wanted);
    assert_eq!(frames.is_partial(), !rest.is_empty());
    for line in lines {
        // An error is as good as a message.
        drop(decode_request(&line));
        drop(decode_from_server(&line));
    }
}

/// What strips escape sequences: the same in any portions, and nothing left that could act on a terminal.
pub fn plain(data: &[u8]) {
    let (portion, data) = portions(data);
    for keep in [Keep::Text, Keep::Climbs, Keep::Colours] {
        let run = |portion: usize| {
            let (mut filter, mut out) = (PlainFilter::new(keep), Vec::new());
            data.chunks(portion).for_each(|part| filter.push(part, &mut out));
            out
        };
        let (parts, whole) = (run(portion), run(MAX_INPUT));
        assert_eq!(parts, whole, "{keep:?}: portions of {portion}");
        let controls = whole.iter().filter(|byte| **byte < 0x20 && !b"\t\n\r".contains(byte));
        assert!(controls.clone().all(|byte| *byte == 0x1b && keep != Keep::Text), "{keep:?}: {whole:?}");
        if keep == Keep::Text {
            assert_eq!(PlainFilter::strip(&whole), whole, "what is plain stays");
        }
    }
}

/// What knows how a viewer's terminal was left: the same in any portions, and what it says undoes it leaves nothing to undo.
pub fn viewer(data: &[u8]) {
    let (portion, data) = portions(data);
    let run = |portion: usize| {
        let mut switched = Switched::default();
        data.chunks(portion).for_each(|part| switched.feed(part));
        switched
    };
    let (parts, mut whole) = (run(portion), run(MAX_INPUT));
    let undo = whole.undo();
    assert_eq!((parts.undo(), parts.asked()), (undo.clone(), whole.asked()), "portions of {portion}");
    whole.feed(&undo);
    assert_eq!(whole.undo(), b"", "after {undo:?}");
}

/// The private channel of a terminal's shell: whatever a process writes there.
pub fn hooks(data: &[u8]) {
    let (portion, data) = portions(data);
    crate::keeper::shell::any_bytes(portion, data);
}

/// What follows a terminal's modes: the same in any portions.
pub fn modes(data: &[u8]) {
    let (portion, data) = portions(data);
    let run = |portion: usize| {
        let mut scanner = Scanner::default();
        data.chunks(portion).for_each(|part| scanner.feed(part));
        let undo = scanner.undo();
        // What undoes it leaves nothing to be undone.
        let modes = scanner.modes();
        scanner.feed(&undo);
        assert_eq!(scanner.undo(), b"", "after {undo:?}");
        (modes, undo)
    };
    assert_eq!(run(portion), run(MAX_INPUT), "portions of {portion}");
}

/// The screen model: any output, any sizes; what it draws is bounded by the screen, and harmless.
///
/// `dir` is a directory of the caller's own. The first two bytes say how much of the rest are the sizes.
pub fn screen(dir: &Path, data: &[u8]) {
    let (split, data) = portions(data);
    let (sizes, output) = data.split_at((split * 4).min(data.len()));
    std::fs::write(log_path(dir, Stream::Tty), output).unwrap();
    std::fs::write(times::path(dir, Stream::Tty), [times::MAGIC, sizes].concat()).unwrap();
    let times = times::read(dir, Stream::Tty).unwrap();
    let mut log = LogFile::open(dir, Stream::Tty).unwrap();
    let screen = Screen::play(&mut log, output.len() as u64, &times).unwrap();
    let (rows, cols) = screen.size();
    let text = screen.render(ScreenFormat::Text);
    assert!(text.lines().count() <= usize::from(rows), "{rows} rows");
    assert!(text.chars().all(|c| !c.is_control() || c == '\n'), "{text:?}");
    if let Some((row, col)) = screen.cursor() {
        assert!(row < rows && col <= cols, "the cursor is at {row}, {col} of {rows}, {cols}");
    }
    let ansi = screen.render(ScreenFormat::Ansi);
    let harmless = String::from_utf8(PlainFilter::strip(ansi.as_bytes())).unwrap();
    assert!(harmless.chars().all(|c| !c.is_control() || c == '\n' || c == '\r' || c == '\t'), "{harmless:?}");
    let svg = screen.render(ScreenFormat::Svg);
    assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>") && !svg.contains("<script"), "{svg}");
}

/// The readers of logs: any bytes as a compressed log or as times do no harm; what was packed reads back, any range of it.
pub fn logs(dir: &Path, data: &[u8]) {
    let (portion, data) = portions(data);
    let plain = log_path(dir, Stream::Stdout);
    let squeezed = packed::packed_path(dir, Stream::Stdout);
    let _ = std::fs::remove_file(&plain);
    // Whatever it is, as a compressed log.
    std::fs::write(&squeezed, data).unwrap();
    if let Ok(mut log) = LogFile::open(dir, Stream::Stdout) {
        drop(log.range(portion as u64, portion as u64));
        drop(log.range(0, 1));
    }
    // A true one, of these bytes.
    std::fs::remove_file(&squeezed).unwrap();
    std::fs::write(&plain, data).unwrap();
    packed::pack(dir, Stream::Stdout).unwrap();
    let mut log = LogFile::open(dir, Stream::Stdout).unwrap();
    let mut read = Vec::new();
    while read.len() < data.len() {
        let length = portion.min(data.len() - read.len());
        read.extend(log.range(read.len() as u64, length as u64).unwrap());
    }
    assert_eq!(read, data);
    assert!(log.range(data.len() as u64, 1).is_err(), "there is nothing behind the end");
    lines(&mut log, data);
    let _ = std::fs::remove_file(&squeezed);
    // What a model is shown is the same however it came.
    let (mut parts, whole) = (Collapse::after(&[]), Collapse::after(&[]));
    let mut whole = whole;
    data.chunks(portion).for_each(|part| parts.push(part));
    whole.push(data);
    assert_eq!(parts.text(), whole.text());
    // And the file of times.
    std::fs::write(times::path(dir, Stream::Stdout), [times::MAGIC, data].concat()).unwrap();
    let events = times::read(dir, Stream::Stdout).unwrap();
    assert!(events.len() <= data.len() / 2 + 1);
}

/// Every line is found once by a pattern that fits all, at its place.
fn lines(log: &mut LogFile, data: &[u8]) {
    let mut query =
        Query { pattern: pattern("(?s-u)^").unwrap(), offset: 0, line: Some(1), limit: 100, whole_lines: false };
    let mut places = Vec::new();
    loop {
        let found = search(log, data.len() as u64, &query).unwrap();
        places.extend(found.matches.iter().map(|found| found.at.offset));
        let on = found.next.offset > query.offset;
        (query.offset, query.line) = (found.next.offset, Some(found.next.line));
        if found.at_end {
            break;
        }
        assert!(on, "the search doesn't come on");
    }
    assert!(places.is_sorted(), "{places:?}");
    // Behind a carriage return, too: a line that was redrawn is told in its last state.
    let begins = |at: u64| at == 0 || matches!(data.get(usize::try_from(at - 1).unwrap()), Some(b'\n' | b'\r'));
    assert!(places.iter().all(|at| begins(*at) && *at <= data.len() as u64), "{places:?}");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    /// Cases per target: some seconds in all. The targets in `fuzz/` have as many as one likes.
    const CASES: u32 = 256;

    /// Bytes, and pieces of what terminals and protocols really say.
    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let pieces: Vec<&'static [u8]> = vec![
            b"\x1b[",
            b"\x1b]",
            b"\x1b[?",
            b"\x1bP",
            b"\x1bc",
            b"\x1b\\",
            b"\x07",
            b"\x1b",
            b"\xc2\x9b",
            b"\xc2",
            b"?1049",
            b"h",
            b"l",
            b"m",
            b"A",
            b"2J",
            b"2004",
            b";",
            b"38;5;1",
            b"99999",
            b"\r",
            b"\n",
            b"\r\n",
            b"\t",
            b"word ",
            "漢字".as_bytes(),
            "🦀".as_bytes(),
            b"\xf0\x9f",
            b"{\"id\":1,\"action\":\"",
            b"status",
            b"\"}",
            b"{\"event\":",
            b"\x00",
            b"\xff\xff",
        ];
        let one = prop_oneof![
            3 => proptest::sample::select(pieces).prop_map(<[u8]>::to_vec),
            1 => proptest::collection::vec(any::<u8>(), 0..8),
        ];
        proptest::collection::vec(one, 0..200).prop_map(|parts| parts.concat())
    }

    /// Pieces of the shell's messages, the key (0xfe) among them.
    fn messages() -> impl Strategy<Value = Vec<u8>> {
        let pieces: Vec<&'static [u8]> = vec![
            b"\xfe\0",
            b"\xfe",
            b"start\0",
            b"end\0",
            b"prompt\0",
            b"typed\0",
            b"0\0",
            b"255\0",
            b"256\0",
            b"/tmp\0",
            b"\0",
        ];
        let whole = b"\xfe\0end\x003\0/tmp\0/usr/bin\0\0\0";
        let one = prop_oneof![
            4 => proptest::sample::select(pieces).prop_map(<[u8]>::to_vec),
            1 => Just(whole.to_vec()),
            1 => proptest::collection::vec(any::<u8>(), 0..8),
        ];
        proptest::collection::vec(one, 0..100).prop_map(|parts| parts.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn frames(data in bytes()) {
            super::frames(&data);
        }

        #[test]
        fn plain(data in bytes()) {
            super::plain(&data);
        }

        #[test]
        fn viewer(data in bytes()) {
            super::viewer(&data);
        }

        #[test]
        fn hooks(data in messages()) {
            super::hooks(&data);
        }

        #[test]
        fn modes(data in bytes()) {
            super::modes(&data);
        }

        #[test]
        fn screen(data in bytes()) {
            super::screen(tempfile::tempdir()?.path(), &data);
        }

        #[test]
        fn logs(data in bytes()) {
            super::logs(tempfile::tempdir()?.path(), &data);
        }
    }
}
