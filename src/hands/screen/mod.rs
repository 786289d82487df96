//! What a job's terminal shows: its log, played into a model of a screen.

mod svg;

use crate::logs::LogFile;
use pryx_ipc::{ScreenFormat, TimingEvent};
use std::io;
use std::num::NonZeroU16;
use std::ops::Range;

/// Bytes of log played at most: a full-screen program has drawn everything anew within far less, and the time it takes
/// is felt.
const WINDOW: u64 = 1024 * 1024;

/// Bytes read at once.
const CHUNK: u64 = 64 * 1024;

/// Largest screen that is modelled. A job can be told any size, and each character takes memory.
const MAX_ROWS: u16 = 500;
const MAX_COLS: u16 = 1000;

/// Where nothing is known: a job on pipes, or of an older keeper.
const ROWS: u16 = 24;
const COLS: u16 = 80;

/// After these everything is drawn anew: a full reset, the way onto the alternate screen and back, a cleared screen.
const FRESH: &[&[u8]] = &[b"\x1bc", b"\x1b[?1049h", b"\x1b[?1049l", b"\x1b[2J"];

/// A screen.
pub(crate) struct Screen(vt100::Parser);

fn clamp(rows: u16, cols: u16) -> (NonZeroU16, NonZeroU16) {
    let fit = |n: u16, max, default| NonZeroU16::new(n.min(max)).unwrap_or(default);
    (fit(rows, MAX_ROWS, vt100::Parser::DEFAULT_ROWS), fit(cols, MAX_COLS, vt100::Parser::DEFAULT_COLS))
}

impl Screen {
    fn new(rows: u16, cols: u16) -> Self {
        let (rows, cols) = clamp(rows, cols);
        Self(vt100::Parser::new(rows, cols, 0))
    }

    fn resize(&mut self, rows: u16, cols: u16) {
        let (rows, cols) = clamp(rows, cols);
        self.0.screen_mut().set_size(rows, cols);
    }

    /// Plays the first `total` bytes of a log, the last of them at least, with the sizes that the terminal had.
    ///
    /// # Errors
    /// When the log can't be read.
    pub fn play(log: &mut LogFile, total: u64, times: &[TimingEvent]) -> io::Result<Self> {
        let window = total.saturating_sub(WINDOW)..total;
        let start = if window.start == 0 { 0 } else { fresh_start(log, window)? };
        let (mut sizes, mut end) = (Vec::new(), 0);
        for event in times {
            match *event {
                TimingEvent::Output { end: known, .. } => end = known,
                TimingEvent::Size { rows, cols, .. } => sizes.push((end, rows, cols)),
            }
        }
        let before = sizes.iter().rposition(|(at, ..)| *at <= start);
        let (rows, cols) =
            before.and_then(|index| sizes.get(index)).map_or((ROWS, COLS), |(_, rows, cols)| (*rows, *cols));
        let mut screen = Self::new(rows, cols);
        let mut at = start;
        for (from, rows, cols) in sizes.into_iter().filter(|(from, ..)| *from > start && *from <= total) {
            screen.feed(log, at..from)?;
            screen.resize(rows, cols);
            at = from;
        }
        screen.feed(log, at..total)?;
        Ok(screen)
    }

    fn feed(&mut self, log: &mut LogFile, range: Range<u64>) -> io::Result<()> {
        let mut at = range.start;
        while at < range.end {
            let chunk = log.range(at, CHUNK.min(range.end - at))?;
            self.0.process(&chunk);
            at += chunk.len() as u64;
        }
        Ok(())
    }

    /// Rows and columns.
    pub fn size(&self) -> (u16, u16) {
        let (rows, cols) = self.0.screen().size();
        (rows.get(), cols.get())
    }

    /// Row and column of the cursor, from 0; nothing when it is hidden.
    pub fn cursor(&self) -> Option<(u16, u16)> {
        (!self.0.screen().hide_cursor()).then(|| self.0.screen().cursor_position())
    }

    /// Whether it is the alternate one.
    pub fn alternate(&self) -> bool {
        self.0.screen().alternate_screen()
    }

    /// The screen in a form.
    pub fn render(&self, format: ScreenFormat) -> String {
        match format {
            ScreenFormat::Text => self.text(),
            ScreenFormat::Ansi => self.ansi(),
            ScreenFormat::Svg => svg::draw(self.0.screen()),
        }
    }

    /// Its lines, without the empty ones at the end.
    fn text(&self) -> String {
        let (_, cols) = self.size();
        let mut text: Vec<String> = self.0.screen().rows(0, cols).map(|row| row.trim_end().to_owned()).collect();
        while text.last().is_some_and(String::is_empty) {
            text.pop();
        }
        text.iter().map(|line| format!("{line}\n")).collect()
    }

    /// Its lines with their colours and nothing else that a terminal obeys.
    fn ansi(&self) -> String {
        let (_, cols) = self.size();
        let lines = self.text().lines().count();
        let rows = self.0.screen().rows_formatted(0, cols).take(lines);
        rows.map(|row| format!("{}\x1b[m\n", coloured(row.as_ref()))).collect()
    }
}

/// A row is drawn with moves over empty cells; those become spaces by way of the filter that keeps colours alone.
fn coloured(row: &[u8]) -> String {
    let (mut out, mut at) = (Vec::with_capacity(row.len()), 0);
    while at < row.len() {
        let rest = &row[at..];
        let moved = rest.strip_prefix(b"\x1b[").and_then(|tail| {
            let digits = tail.iter().take_while(|b| b.is_ascii_digit()).count();
            let count =
                std::str::from_utf8(&tail[..digits]).ok()?.parse::<usize>().ok().or((digits == 0).then_some(1))?;
            (tail.get(digits) == Some(&b'C')).then_some((count.min(usize::from(MAX_COLS)), digits + 3))
        });
        match moved {
            Some((count, length)) => {
                out.resize(out.len() + count, b' ');
                at += length;
            }
            None => {
                out.push(row[at]);
                at += 1;
            }
        }
    }
    let mut filter = pryx_terms::PlainFilter::new(pryx_terms::Keep::Colours);
    let mut plain = Vec::with_capacity(out.len());
    filter.push(&out, &mut plain);
    String::from_utf8_lossy(&plain).into_owned()
}

/// Where in a window playing can begin: behind what draws everything anew, else with a line.
fn fresh_start(log: &mut LogFile, window: Range<u64>) -> io::Result<u64> {
    let bytes = log.range(window.start, window.end - window.start)?;
    let fresh = FRESH.iter().filter_map(|mark| bytes.windows(mark.len()).position(|part| part == *mark)).min();
    let line = || bytes.iter().position(|b| *b == b'\n').map(|at| at + 1);
    Ok(window.start + fresh.or_else(line).unwrap_or(0) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use pryx_terms::Stream;

    fn play(bytes: &[u8], times: &[TimingEvent]) -> Screen {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("log"), bytes).unwrap();
        let mut log = LogFile::open(dir.path(), Stream::Tty).unwrap();
        Screen::play(&mut log, bytes.len() as u64, times).unwrap()
    }

    fn size(rows: u16, cols: u16) -> TimingEvent {
        TimingEvent::Size { at_ms: 0, rows, cols }
    }

    #[test]
    fn it_shows_what_is_there_now() {
        let screen = play(b"gone\x1b[2J\x1b[Htop\x1b[5;3Hlow \x1b[31mred\x1b[0m\x1b[?25l", &[size(10, 20)]);
        assert_eq!(screen.render(ScreenFormat::Text), "top\n\n\n\n  low red\n");
        assert_eq!((screen.size(), screen.cursor(), screen.alternate()), ((10, 20), None, false));
        let ansi = screen.render(ScreenFormat::Ansi);
        assert!(ansi.contains("  low ") && ansi.contains("\x1b[31mred"), "{ansi:?}");
        let svg = screen.render(ScreenFormat::Svg);
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n") && svg.contains(">red<"), "{svg}");
    }

    #[test]
    fn a_long_log_is_played_from_a_sound_start() {
        let mut log = b"\x1b[?1049h".to_vec();
        (0..200_000).for_each(|n| log.extend(format!("\x1b[1;1Hframe {n}\x1b[K").bytes()));
        log.extend(b"\x1b[?1049l\r\n");
        (0..100).for_each(|n| log.extend(format!("line {n}\r\n").bytes()));
        let text = play(&log, &[size(4, 30)]).render(ScreenFormat::Text);
        assert_eq!(text, "line 97\nline 98\nline 99\n");
    }

    #[test]
    fn markup_in_the_output_is_text_in_the_drawing() {
        let svg = play(b"</text><script>alert(1)</script>&\"'", &[]).render(ScreenFormat::Svg);
        assert!(!svg.contains("<script") && svg.contains("&lt;script&gt;"), "{svg}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

        #[test]
        fn no_bytes_and_no_size_do_harm(
            bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(0x1b), Just(b'['), Just(b'?'), 0x30..0x7f_u8], 0..2000),
            sizes in proptest::collection::vec((any::<u16>(), any::<u16>()), 0..4),
        ) {
            let mut times = Vec::new();
            for (index, (rows, cols)) in sizes.iter().enumerate() {
                times.push(size(*rows % 60, *cols % 200));
                times.push(TimingEvent::Output { at_ms: 1, end: index as u64 * 300 });
            }
            let screen = play(&bytes, &times);
            for format in [ScreenFormat::Text, ScreenFormat::Ansi, ScreenFormat::Svg] {
                let shown = screen.render(format);
                prop_assert!(format == ScreenFormat::Ansi || !shown.contains('\x1b'));
            }
        }
    }
}
