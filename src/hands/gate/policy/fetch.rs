//! Requests that only fetch: `curl` of an address on a listed host, with nothing sent along and nothing written.

use super::judge::known_name;
use pryx_terms::Program;

/// Options that change how an answer is shown or how long is waited.
const FLAGS: &[&str] = &["--silent", "--show-error", "--fail", "--head", "--include", "--compressed", "--verbose"];
const LETTERS: &str = "sSfIiv";
/// Those with a number behind them.
const NUMBERS: &[&str] = &["-m", "--max-time", "--connect-timeout", "--retry"];

/// Why a program's request needs no question; nothing when it may.
pub(super) fn plain(program: &Program, listed: &dyn Fn(&str) -> bool) -> Option<String> {
    let hosts = hosts(program)?;
    let all = hosts.iter().all(|host| listed(host));
    all.then(|| format!("it only fetches from {}, which is listed", hosts.join(", ")))
}

/// The hosts that a program only fetches from; nothing when it does more, or something else.
pub(in crate::gate) fn hosts(program: &Program) -> Option<Vec<String>> {
    if known_name(program).ok()? != "curl" || !program.unsure.is_empty() {
        return None;
    }
    let mut hosts = Vec::new();
    let mut args = program.args.iter().map(String::as_str);
    while let Some(arg) = args.next() {
        let cluster = arg.strip_prefix('-').filter(|letters| !letters.is_empty());
        let flag = FLAGS.contains(&arg) || cluster.is_some_and(|letters| letters.chars().all(|c| LETTERS.contains(c)));
        if NUMBERS.contains(&arg) {
            args.next().filter(|number| number.parse::<u32>().is_ok())?;
        } else if !flag {
            hosts.push(host(arg)?);
        }
    }
    (!hosts.is_empty()).then_some(hosts)
}

/// The host of an address that is nothing but one: no user, no globs of curl's own.
fn host(address: &str) -> Option<String> {
    let rest = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://"))?;
    if address.contains(['@', '{', '[', '\\', ' ']) {
        return None;
    }
    let authority = rest.split(['/', '?', '#']).next()?;
    let (host, port) = authority.split_once(':').unwrap_or((authority, "443"));
    let plain = host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'));
    (plain && !host.is_empty() && port.parse::<u16>().is_ok()).then(|| host.to_ascii_lowercase())
}
