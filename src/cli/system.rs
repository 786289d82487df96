//! The operating system in words, for people, models, and clients on other machines; and its time zone.

use jiff::tz::TimeZone;
use std::io::Read;

/// Rules of time of a place take a few KiB; what is longer is something else.
const MAX_ZONE: u64 = 64 * 1024;

/// Its name, distribution and processor.
pub fn name() -> String {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let pretty = release
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))
        .map(|name| format!(" ({})", name.trim_matches('"')))
        .unwrap_or_default();
    format!("{}{pretty}, {}", std::env::consts::OS, std::env::consts::ARCH)
}

/// The zone in which a day begins and ends here. Read from the system's own copy of its rules, which has no name: to find the
/// name, every zone there is would be looked through, which takes longer than the rest of a start.
pub fn zone() -> TimeZone {
    let named = std::env::var_os("TZ").is_some();
    let rules = if named { None } else { local_rules() };
    rules.unwrap_or_else(TimeZone::system)
}

fn local_rules() -> Option<TimeZone> {
    let mut rules = Vec::new();
    std::fs::File::open("/etc/localtime").ok()?.take(MAX_ZONE).read_to_end(&mut rules).ok()?;
    TimeZone::tzif("Local", &rules).ok()
}
