//! What a long memory costs: 10,000 sessions with 200,000 messages and 1,000,000 spans, beside an empty one in the same
//! run. `cargo bench --bench sessions`.
//!
//! Lists, searches and timelines are measured in this process and as whole commands; a turn is measured as a whole
//! command with both memories in turn (A B A B …), and the ratio is taken pair by pair.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a benchmark talks, and stops at what it can't measure")]

use pryx_brain::{Listing, Store};
use pryx_terms::SessionId;
use rusqlite::{Connection, params};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const SESSIONS: usize = 10_000;
const MESSAGES_PER_SESSION: usize = 20;
const SPANS_PER_SESSION: usize = 100;
const SPANS_PER_TURN: usize = 10;
const WORDS_PER_MESSAGE: usize = 60;
const VOCABULARY: usize = 20_000;

/// Measurements per row, after three that warm up.
const RUNS: usize = 50;

const PRYX: &str = env!("CARGO_BIN_EXE_pryx");

fn main() {
    let dir = tempfile::tempdir().expect("a directory");
    let (empty, full) = (dir.path().join("empty"), dir.path().join("full"));
    // The program itself makes the tables.
    for home in [&empty, &full] {
        run(home, &["sessions"]);
    }
    let start = Instant::now();
    fill(&full.join("brain.db"));
    spans(&full.join("brain.db"));
    println!(
        "{SESSIONS} sessions, {} messages, {} spans: written in {:.1} s, {} MiB",
        SESSIONS * MESSAGES_PER_SESSION,
        SESSIONS * SPANS_PER_SESSION,
        start.elapsed().as_secs_f64(),
        std::fs::metadata(full.join("brain.db")).expect("the file").len() / (1 << 20)
    );
    inside(&full.join("brain.db"));
    commands(&empty, &full);
}

/// In this process.
fn inside(database: &Path) {
    let store = Store::open(database).expect("the store");
    let start = Instant::now();
    let hits = store.search_sessions("w19999", 20).expect("hits");
    println!(
        "first search after it, which takes in all words: {:.1} s, {} hits",
        start.elapsed().as_secs_f64(),
        hits.len()
    );
    let start = Instant::now();
    drop(Store::open(database).expect("the store"));
    println!("{:<44} {:>9.3} ms", "open the store", ms(start.elapsed()));
    let all = Listing { workspace: None, archived: false, limit: 30 };
    row("list 30", || assert_eq!(store.sessions(all).expect("a list").len(), 30));
    row("list 30 of a directory", || {
        let here = Listing { workspace: Some(Path::new("/home/ann/p7")), ..all };
        assert_eq!(store.sessions(here).expect("a list").len(), 30);
    });
    row("list all 10,000", || {
        let every = Listing { limit: u32::MAX, ..all };
        assert_eq!(store.sessions(every).expect("a list").len(), SESSIONS);
    });
    for (what, words) in [
        ("search a word of some 60 messages", "w19000"),
        ("search a word of some 1,900 messages", "w640"),
        ("search a word of some 4,000 messages", "w300"),
        ("search the commonest word", "w0"),
        ("search two common words", "w1 w2"),
        ("search a beginning", "w1999*"),
        ("search what is nowhere", "nowhere"),
    ] {
        row(what, || drop(store.search_sessions(words, 20).expect("hits")));
    }
    let session = SessionId::parse("s0004999").expect("an id");
    row("trace of a session with 100 spans", || {
        assert_eq!(store.trace(&session, 500).expect("spans").0.len(), SPANS_PER_SESSION);
    });
    row("a whole session of 20 messages", || drop(store.transcript(&session).expect("messages")));
}

/// As whole commands.
fn commands(empty: &Path, full: &Path) {
    for args in
        [&["sessions"][..], &["sessions", "search", "w300"], &["sessions", "search", "w0"], &["trace", "s0004999"]]
    {
        row(&format!("pryx {}", args.join(" ")), || run(full, args));
    }
    for args in [&["--version"][..], &["sessions", "list"], &["run", "write me a poem"]] {
        let (mut a, mut b, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for n in 0..RUNS + 3 {
            let (without, with) = (time(|| run(empty, args)), time(|| run(full, args)));
            if n >= 3 {
                ratios.push(ms(with) / ms(without));
                a.push(ms(without));
                b.push(ms(with));
            }
        }
        println!(
            "{:<44} {:>9.3} ms with nothing kept, {:>7.3} ms with everything, ratio {:.2}",
            format!("pryx {}", args.join(" ")),
            median(a),
            median(b),
            median(ratios)
        );
    }
}

fn row(what: &str, mut work: impl FnMut()) {
    (0..3).for_each(|_| work());
    let mut times: Vec<f64> = (0..RUNS).map(|_| ms(time(&mut work))).collect();
    times.sort_by(f64::total_cmp);
    println!("{what:<44} {:>9.3} ms (90 % under {:.3} ms)", times[RUNS / 2], times[RUNS * 9 / 10]);
}

fn time(mut work: impl FnMut()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn run(home: &Path, args: &[&str]) {
    let mut command = Command::new(PRYX);
    command.args(args).env_clear().env("HOME", home).env("PRYX_HOME", home);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().expect("pryx runs");
}

/// The same numbers in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Words as language has them: few are common, most are rare.
    fn word(&mut self) -> usize {
        ((VOCABULARY as f64).powf(self.roll()) - 1.0) as usize
    }
}

fn fill(database: &Path) {
    let mut connection = Connection::open(database).expect("the database");
    connection.pragma_update(None, "synchronous", "OFF").expect("a setting");
    let change = connection.transaction().expect("a transaction");
    let mut dice = Dice(7);
    for n in 0..SESSIONS {
        let (id, at) = (format!("s{n:07}"), format!("2026-{:02}-{:02}T10:00:00.000000Z", n / 900 + 1, n / 33 % 28 + 1));
        change
            .prepare_cached(
                "INSERT INTO sessions (id, created, updated, surface, model, workspace, title, turns)
                 VALUES (?1, ?2, ?2, 'cli', 'a/b', ?3, ?4, 5)",
            )
            .and_then(|mut insert| {
                insert.execute(params![id, at, format!("/home/ann/p{}", n % 100), format!("request number {n}")])
            })
            .expect("a session");
        for m in 0..MESSAGES_PER_SESSION {
            let words: Vec<String> = (0..WORDS_PER_MESSAGE).map(|_| format!("w{}", dice.word())).collect();
            let content = format!("[{{\"part\":\"text\",\"text\":\"{}\"}}]", words.join(" "));
            let role = if m % 2 == 0 { "user" } else { "assistant" };
            change
                .prepare_cached("INSERT INTO messages (session, turn, at, role, content) VALUES (?1, 't', ?2, ?3, ?4)")
                .and_then(|mut insert| insert.execute(params![id, at, role, content]))
                .expect("a message");
        }
    }
    change.commit().expect("a commit");
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("a checkpoint");
}

/// Spans as a turn writes them: opened within others, then closed, each step in a transaction of its own. Their pace must not
/// depend on how many there are.
fn spans(database: &Path) {
    let connection = Connection::open(database).expect("the database");
    connection.pragma_update(None, "synchronous", "NORMAL").expect("a setting");
    let (mut tenth, mut paces) = (Instant::now(), Vec::new());
    for n in 0..SESSIONS {
        let id = format!("s{n:07}");
        for turn in 0..SPANS_PER_SESSION / SPANS_PER_TURN {
            one_turn(&connection, &id, turn).expect("spans");
        }
        if (n + 1) % (SESSIONS / 10) == 0 {
            let written = SESSIONS / 10 * SPANS_PER_SESSION;
            paces.push(written as f64 / tenth.elapsed().as_secs_f64());
            tenth = Instant::now();
        }
    }
    let (first, last) = (paces[0], paces[9]);
    println!(
        "spans opened and closed in a second: {first:.0} in the first tenth, {last:.0} in the last, ratio {:.2}",
        first / last
    );
}

/// A turn, a call of the model, and calls of tools.
fn one_turn(connection: &Connection, session: &str, turn: usize) -> rusqlite::Result<()> {
    let at = i64::try_from(turn).unwrap_or(0) * 1_000;
    let open = |kind: &str, subject: &str, within: Option<&str>, at: i64| {
        let sql = "INSERT INTO spans (parent, session, kind, subject, detail, started) VALUES (
            (SELECT id FROM spans WHERE session = ?1 AND ended IS NULL AND subject = ?2), ?1, ?3, ?4, 'ls -la', ?5)";
        connection.prepare_cached(sql)?.execute(params![session, within, kind, subject, at])
    };
    let close = |kind: &str, subject: &str, at: i64| {
        let sql = "UPDATE spans SET ended = ?4, status = 'done'
            WHERE session = ?1 AND ended IS NULL AND kind = ?2 AND subject = ?3";
        connection.prepare_cached(sql)?.execute(params![session, kind, subject, at])
    };
    let step = |work: &dyn Fn() -> rusqlite::Result<usize>| {
        connection.execute_batch("BEGIN IMMEDIATE")?;
        work()?;
        connection.execute_batch("COMMIT")
    };
    let name = format!("t{turn}");
    step(&|| open("turn", &name, None, at).and_then(|_| open("model", "model", Some(&name), at)))?;
    for call in 0..SPANS_PER_TURN - 2 {
        let subject = format!("{name}-{call}");
        step(&|| {
            close("model", "model", at)?;
            open("tool", &subject, Some(&name), at + 1)?;
            close("tool", &subject, at + 2)
        })?;
    }
    step(&|| close("turn", &name, at + 9))
}
