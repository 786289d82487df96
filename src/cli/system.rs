//! The operating system in words, for people, models, and clients on other machines.

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
