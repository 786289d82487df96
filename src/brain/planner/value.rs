//! Parameters of a request, as they were understood.

use std::collections::BTreeMap;

/// A parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// A port, process id, count or point in Unix time.
    Number(u64),
    /// A file or directory; `~/` at its start means the home directory.
    Path(String),
    /// A name, host, word to search for.
    Text(String),
    /// A file size in KiB.
    KiB(u64),
    /// A stretch of time that ends now.
    Span(Span),
}

/// A stretch of time that ends now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Span {
    /// This many minutes.
    Minutes(u64),
    /// Since midnight.
    Today,
    /// The day before today, from midnight to midnight.
    Yesterday,
}

const HOUR: u64 = 60;
const DAY: u64 = 24 * HOUR;

impl Span {
    /// The largest unit that divides it, as a number and a letter.
    fn unit(minutes: u64) -> (u64, char) {
        match minutes {
            m if m >= DAY && m % DAY == 0 => (m / DAY, 'd'),
            m if m >= HOUR && m % HOUR == 0 => (m / HOUR, 'h'),
            m => (m, 'm'),
        }
    }

    /// As tests of find(1), both GNU and BSD: modified since.
    pub(super) fn find_newer(self) -> String {
        match self {
            Self::Today => " -newermt 'today 00:00'".to_owned(),
            Self::Yesterday => " -newermt 'yesterday 00:00' -not -newermt 'today 00:00'".to_owned(),
            Self::Minutes(m) => match Self::unit(m) {
                (days, 'd') => format!(" -mtime -{days}"),
                _ => format!(" -mmin -{m}"),
            },
        }
    }

    /// As tests of find(1): not modified since.
    pub(super) fn find_older(self) -> String {
        match self {
            Self::Today => " -not -newermt 'today 00:00'".to_owned(),
            Self::Yesterday => " -not -newermt 'yesterday 00:00'".to_owned(),
            Self::Minutes(m) => match Self::unit(m) {
                (days, 'd') => format!(" -mtime +{days}"),
                _ => format!(" -mmin +{m}"),
            },
        }
    }

    /// Options of git log. git takes a bare "today" for this very moment.
    pub(super) fn since_git(self) -> String {
        match self {
            Self::Today => " --since=midnight".to_owned(),
            Self::Yesterday => " --since='yesterday 00:00' --until=midnight".to_owned(),
            Self::Minutes(m) => format!(" --since='{}'", Self::ago(m)),
        }
    }

    /// Options of journalctl, systemd.time(7).
    pub(super) fn since_journal(self) -> String {
        match self {
            Self::Today => " --since=today".to_owned(),
            Self::Yesterday => " --since=yesterday --until=today".to_owned(),
            Self::Minutes(m) => format!(" --since='{}'", Self::ago(m)),
        }
    }

    /// As the argument of `log show --last` on macOS, which knows no calendar days.
    pub(super) fn last(self) -> String {
        match self {
            Self::Today => "1d".to_owned(),
            Self::Yesterday => "2d".to_owned(),
            Self::Minutes(m) => {
                let (n, unit) = Self::unit(m);
                format!("{n}{unit}")
            }
        }
    }

    fn ago(minutes: u64) -> String {
        let (n, unit) = Self::unit(minutes);
        let unit = match unit {
            'd' => "days",
            'h' => "hours",
            _ => "minutes",
        };
        format!("{n} {unit} ago")
    }

    /// For a person.
    pub(super) fn prose(self) -> String {
        match self {
            Self::Today => "today".to_owned(),
            Self::Yesterday => "yesterday".to_owned(),
            Self::Minutes(m) => Self::ago(m),
        }
    }
}

/// The parameters of one request, by key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Args(BTreeMap<&'static str, Value>);

impl Args {
    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    pub(super) fn set(&mut self, key: &'static str, value: Value) {
        self.0.insert(key, value);
    }

    /// Sets what the sentence left open.
    pub(super) fn default_to(&mut self, key: &'static str, value: Value) {
        self.0.entry(key).or_insert(value);
    }
}
