//! Parameters that name something on the network: hosts, ports of hosts, addresses of pages.

use super::super::value::Value;
use super::super::words::Token;
use std::net::IpAddr;

/// Longest host name, RFC 1035.
const MAX_HOST: usize = 253;

fn is_host_name(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= MAX_HOST && text.split('.').all(label)
}

/// A host in a request: a name with a dot that ends in letters, an address, or localhost; of a URL its host.
fn find_host(text: &str) -> Option<String> {
    let bare = text.split_once("://").map_or(text, |(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or(rest));
    let lettered_end =
        bare.rsplit('.').next().is_some_and(|end| end.len() > 1 && end.chars().all(|c| c.is_alphabetic()));
    let fits = bare.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok()
        || (bare.contains('.') && lettered_end && is_host_name(bare));
    fits.then(|| bare.to_owned())
}

pub(super) fn host(token: &Token) -> Option<Value> {
    find_host(&token.raw).map(Value::Text)
}

/// `host:port`, where the host may be any name.
pub(super) fn host_and_port(token: &Token) -> Option<Vec<(&'static str, Value)>> {
    let (host, port) = token.raw.rsplit_once(':')?;
    let port: u16 = port.parse().ok().filter(|port| *port > 0)?;
    let fits = is_host_name(host) || host.parse::<IpAddr>().is_ok();
    fits.then(|| vec![("host", Value::Text(host.to_owned())), ("port", Value::Number(port.into()))])
}

/// An address with its scheme; nothing that curl would take for a pattern or an option.
pub(super) fn url(token: &Token) -> Option<Value> {
    let rest = token.raw.strip_prefix("https://").or_else(|| token.raw.strip_prefix("http://"))?;
    let plain = |c: char| c.is_ascii_graphic() && !"{}[]\\\"<>^`|".contains(c);
    (rest.len() > 1 && rest.chars().all(plain)).then(|| Value::Text(token.raw.clone()))
}
