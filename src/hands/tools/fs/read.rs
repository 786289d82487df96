//! `fs.read`: lines of a file with their numbers. What is shown and what is looked at is bounded, however large the file.

use super::super::arguments;
use super::{FileAct, Fs};
use crate::files::{self, LOOK, not_text};
use pryx_terms::{ByteCount, ToolSpec};
use serde::Deserialize;
use serde_json::json;
use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

pub(super) const NAME: &str = "fs.read";

/// Text in one answer (32 KiB): about 8,000 tokens. The model asks for more by line.
const MAX_TEXT: usize = 32 * 1024;

/// Longest line shown in full; a line without end must not fill the answer.
const MAX_LINE: usize = 2000;

/// Bytes looked at to get to a line (256 MiB, a second or two). Lines further on are for `tail` and `sed`.
const MAX_SCAN: u64 = 256 * 1024 * 1024;

/// Files up to this size are read to their end, to say how many lines they have.
const COUNTED: u64 = 8 * 1024 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    path: PathBuf,
    line: Option<u64>,
    lines: Option<u64>,
}

/// Which lines.
pub(crate) struct Lines {
    first: u64,
    count: u64,
}

pub(super) fn spec() -> ToolSpec {
    ToolSpec {
        name: NAME.to_owned(),
        description: "Read a text file, with line numbers.".to_owned(),
        parameters: json!({
            "type": "object",
            "properties": {
                "path": {"type": "string"},
                "line": {"type": "integer", "minimum": 1, "description": "first line"},
                "lines": {"type": "integer", "minimum": 1},
            },
            "required": ["path"],
            "additionalProperties": false,
        }),
    }
}

pub(super) fn plan(value: serde_json::Value) -> Result<(FileAct, Fs), String> {
    let Arguments { path, line, lines } = arguments(NAME, value)?;
    let lines = Lines { first: line.unwrap_or(1).max(1), count: lines.unwrap_or(u64::MAX) };
    Ok((FileAct::Read { path }, Fs::Read(lines)))
}

/// What was met while reading.
#[derive(Default)]
struct Seen {
    text: String,
    line: u64,
    shown: u64,
    cut_lines: u64,
    crlf: bool,
    not_utf8: bool,
    full: bool,
    last_line_open: bool,
}

pub(super) fn run(path: &Path, lines: &Lines) -> io::Result<String> {
    let Some(file) = files::open(path)? else { return Err(io::ErrorKind::NotFound.into()) };
    let (shown, size) = (path.display(), file.bytes());
    let mut reader = BufReader::with_capacity(64 * 1024, file.file);
    // A short read would be the whole of a small file.
    let head = reader.fill_buf()?;
    if let Some(what) = not_text(&head[..head.len().min(LOOK)]) {
        return Ok(format!("[{shown}: {what}, {}; not shown]", ByteCount(size)));
    }
    if head.is_empty() {
        return Ok(format!("[{shown}: empty]"));
    }
    let mut reader = reader.take(MAX_SCAN);
    let mut seen = Seen::default();
    let at_end = take_lines(&mut reader, lines, size, &mut seen)?;
    let total = if at_end { seen.line.to_string() } else { "more".to_owned() };
    let mut heading = match seen.shown {
        0 if at_end => format!("[{shown}: it has {} lines", seen.line),
        0 => format!("[{shown}: line {} is too far on: use a command", lines.first),
        count => format!("[{shown}: lines {} to {} of {total}", lines.first, lines.first + count - 1),
    };
    let _ = write!(heading, ", {}", ByteCount(size));
    for (is, note) in [
        (seen.full, "; more with line"),
        (seen.crlf, "; CR LF line ends"),
        (seen.not_utf8, "; not all of it is UTF-8"),
        (seen.cut_lines > 0, "; long lines are cut"),
        (at_end && seen.last_line_open, "; no line end after the last line"),
    ] {
        heading.push_str(if is { note } else { "" });
    }
    Ok(format!("{heading}]\n{}", seen.text))
}

/// Reads on until enough is shown, and of a small file to its end; says whether the end was met.
fn take_lines(
    reader: &mut io::Take<BufReader<std::fs::File>>,
    lines: &Lines,
    size: u64,
    seen: &mut Seen,
) -> io::Result<bool> {
    loop {
        let Some(line) = next_line(reader)? else { return Ok(reader.limit() > 0) };
        seen.line += 1;
        seen.last_line_open = !line.ended;
        let wanted = seen.line >= lines.first && seen.line - lines.first < lines.count;
        if wanted && !seen.full {
            show(&line, seen);
        }
        let done = seen.full || seen.line >= lines.first.saturating_add(lines.count - 1);
        if done && size > COUNTED {
            return Ok(false);
        }
    }
}

fn show(line: &Line, seen: &mut Seen) {
    let bytes = line.bytes.strip_suffix(b"\r").unwrap_or(&line.bytes);
    let mut text = String::from_utf8_lossy(bytes);
    if line.length > bytes.len() + 1 {
        text = format!("{text}[… {} bytes in all]", line.length).into();
    }
    if seen.text.len() + text.len() + 8 > MAX_TEXT && seen.shown > 0 {
        seen.full = true;
        return;
    }
    let _ = writeln!(seen.text, "{:>5}\t{text}", seen.line);
    seen.shown += 1;
    seen.cut_lines += u64::from(line.length > line.bytes.len());
    seen.crlf |= line.bytes.ends_with(b"\r");
    seen.not_utf8 |= matches!(text, std::borrow::Cow::Owned(_)) && std::str::from_utf8(bytes).is_err();
}

/// The beginning of a line, and how long it is.
struct Line {
    bytes: Vec<u8>,
    length: usize,
    ended: bool,
}

/// The next line, as far as it is shown, whatever its length; nothing at the end.
fn next_line(reader: &mut impl BufRead) -> io::Result<Option<Line>> {
    let mut line = Line { bytes: Vec::new(), length: 0, ended: false };
    loop {
        let chunk = reader.fill_buf()?;
        if chunk.is_empty() {
            return Ok((line.length > 0).then_some(line));
        }
        let end = memchr::memchr(b'\n', chunk);
        let part = &chunk[..end.unwrap_or(chunk.len())];
        let room = MAX_LINE.saturating_sub(line.bytes.len()).min(part.len());
        line.bytes.extend_from_slice(&part[..room]);
        line.length += part.len();
        let used = part.len() + usize::from(end.is_some());
        reader.consume(used);
        if end.is_some() {
            line.ended = true;
            return Ok(Some(line));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], first: u64, count: u64) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = std::fs::canonicalize(dir.path()).unwrap().join("f");
        std::fs::write(&path, bytes).unwrap();
        let text = run(&path, &Lines { first, count }).unwrap();
        text.replace(&path.display().to_string(), "F")
    }

    #[test]
    fn lines_have_their_numbers() {
        assert_eq!(read(b"a\nb\nc\n", 1, u64::MAX), "[F: lines 1 to 3 of 3, 6 B]\n    1\ta\n    2\tb\n    3\tc\n");
        assert_eq!(read(b"a\nb\nc\n", 2, 1), "[F: lines 2 to 2 of 3, 6 B]\n    2\tb\n");
        assert_eq!(read(b"a\n", 5, 1), "[F: it has 1 lines, 2 B]\n");
        assert_eq!(read(b"", 1, 1), "[F: empty]");
    }

    #[test]
    fn what_is_odd_about_a_file_is_said() {
        assert_eq!(
            read(b"a\r\nb", 1, 9),
            "[F: lines 1 to 2 of 2, 4 B; CR LF line ends; no line end after the last line]\n    1\ta\n    2\tb\n"
        );
        assert!(read(b"gr\xfcn\n", 1, 9).contains("not all of it is UTF-8"));
        assert_eq!(read(b"\x7fELF\x01\x02", 1, 9), "[F: an ELF program, 6 B; not shown]");
        let long = read(&[b"x".repeat(5000), b"\ny\n".to_vec()].concat(), 1, 9);
        assert!(long.contains("long lines are cut") && long.contains("[… 5000 bytes in all]\n    2\ty\n"), "{long}");
    }

    #[test]
    fn no_answer_is_long() {
        let many: Vec<u8> = (0..100_000).flat_map(|n| format!("line {n}\n").into_bytes()).collect();
        let text = read(&many, 1, u64::MAX);
        assert!(
            text.len() < MAX_TEXT + 200 && text.contains("of 100000") && text.contains("more with line"),
            "{}",
            &text[..100]
        );
        let endless = read(&b"x".repeat(1_000_000), 1, 9);
        assert!(endless.len() < MAX_LINE + 200, "{}", endless.len());
    }
}
