//! What is recognised by its shape: addresses, passwords in URLs, private keys, signed tokens.

use super::{PLACEHOLDER, Sensitive, begins_a_word, is_url_safe, run};

/// Longest user name and password of a URL looked at.
const LONGEST_USERINFO: usize = 512;

/// Longest private key looked at: an RSA key of 16,384 bits takes 13 KiB.
const LONGEST_KEY: usize = 64 * 1024;

/// Longest token looked at.
const LONGEST_TOKEN: usize = 16 * 1024;

/// The two parts of an e-mail address (RFC 5321, 4.5.3.1).
const LONGEST_LOCAL: usize = 64;
const LONGEST_DOMAIN: usize = 255;

/// The password of `scheme://user:password@host`, by the colon of the scheme.
pub(super) fn url_password(text: &str, at: usize) -> Option<Sensitive> {
    let bytes = text.as_bytes();
    let start = at + 3;
    if !bytes[at..].starts_with(b"://") || at == 0 || !bytes[at - 1].is_ascii_alphanumeric() {
        return None;
    }
    let ends = |byte: u8| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'?' | b'#' | b'"' | b'\'' | b'`' | b'<');
    let authority = start + run(bytes, start, LONGEST_USERINFO, |byte| !ends(byte));
    // An `@` in the password isn't allowed there, and is found there all the same.
    let sign = start + bytes[start..authority].iter().rposition(|&byte| byte == b'@')?;
    let colon = bytes[start..sign].iter().position(|&byte| byte == b':');
    let (from, kind) = match colon {
        Some(colon) => (start + colon + 1, "password"),
        // A token alone, as git hosts take it. A name is shorter.
        None if sign - start >= 20 => (start, "token"),
        None => return None,
    };
    let value = &text[from..sign];
    (!value.is_empty() && !is_variable(value)).then_some(Sensitive { range: from..sign, kind })
}

/// `Bearer …` and `Basic …`, as in an `Authorization` header (RFC 6750, RFC 7617).
pub(super) fn bearer(text: &str, at: usize) -> Option<Sensitive> {
    let bytes = text.as_bytes();
    let (scheme, least) = match bytes[at] {
        b'B' | b'b' if starts(bytes, at, b"bearer ") => ("bearer ", 8),
        b'B' | b'b' if starts(bytes, at, b"basic ") => ("basic ", 8),
        _ => return None,
    };
    let from = at + scheme.len();
    let in_token = |byte: u8| is_url_safe(byte) || matches!(byte, b'.' | b'~' | b'+' | b'/' | b'=');
    let length = run(bytes, from, LONGEST_TOKEN, in_token);
    let token = &bytes[from..from + length];
    // "basic understanding" is prose.
    let telling = token.iter().any(u8::is_ascii_digit) || token.ends_with(b"=") || mixes_case(token);
    (length >= least && telling).then_some(Sensitive { range: from..from + length, kind: "token" })
}

fn mixes_case(token: &[u8]) -> bool {
    let inner = token.get(1..).unwrap_or_default();
    inner.iter().any(u8::is_ascii_uppercase) && token.iter().any(u8::is_ascii_lowercase)
}

/// A JSON web token (RFC 7519): three parts, the first two of them JSON.
pub(super) fn jwt(text: &str, at: usize) -> Option<Sensitive> {
    let bytes = text.as_bytes();
    if !bytes[at..].starts_with(b"eyJ") {
        return None;
    }
    let length = run(bytes, at, LONGEST_TOKEN, |byte| is_url_safe(byte) || byte == b'.');
    let token = text[at..at + length].trim_end_matches('.');
    let mut parts = token.split('.');
    let (head, body) = (parts.next()?, parts.next()?);
    (head.len() >= 10 && body.len() >= 8).then(|| Sensitive { range: at..at + token.len(), kind: "token" })
}

/// Discord's bots: an id, a time and a signature with dots between.
pub(super) fn dotted_bot_token(text: &str, at: usize) -> Option<Sensitive> {
    let bytes = text.as_bytes();
    if !matches!(bytes[at], b'M' | b'N' | b'O') {
        return None;
    }
    let mut next = at;
    for (part, least, most) in [(0, 23, 28), (1, 6, 7), (2, 27, 40)] {
        let length = run(bytes, next, most + 1, is_url_safe);
        if !(least..=most).contains(&length) {
            return None;
        }
        next += length;
        if part < 2 {
            if bytes.get(next) != Some(&b'.') {
                return None;
            }
            next += 1;
        }
    }
    Some(Sensitive { range: at..next, kind: "Discord token" })
}

/// Azure's client secrets: three characters, `8Q~`, and 31 to 34 more. By the tilde.
pub(super) fn azure_secret(text: &str, at: usize) -> Option<Sensitive> {
    let bytes = text.as_bytes();
    let from = at.checked_sub(5)?;
    let head = &bytes[from..at];
    let length = run(bytes, at + 1, 40, |byte| is_url_safe(byte) || matches!(byte, b'.' | b'~'));
    (head[..3].iter().all(|&byte| is_url_safe(byte))
        && head[3..] == *b"8Q"
        && begins_a_word(&bytes[..from])
        && (31..=34).contains(&length))
    .then_some(Sensitive { range: from..at + 1 + length, kind: "Azure secret" })
}

/// A private key in PEM, OpenSSH or PGP armour, whole. One that was cut off is taken as far as it goes.
pub(super) fn private_key(text: &str, at: usize) -> Option<Sensitive> {
    let rest = &text[at..];
    if !rest.starts_with("-----BEGIN ") {
        return None;
    }
    let label_end = 11 + rest[11..].find("-----").filter(|&n| n <= 64)?;
    if !rest[11..label_end].contains("PRIVATE KEY") {
        return None;
    }
    let mut most = rest.len().min(LONGEST_KEY);
    while !rest.is_char_boundary(most) {
        most -= 1;
    }
    let window = &rest[..most];
    let end = match window[label_end..].find("-----END ") {
        Some(foot) => {
            let foot = label_end + foot + "-----END ".len();
            window[foot..].find("-----").map_or(most, |n| foot + n + 5)
        }
        None => label_end + 5 + cut_off(&window[label_end + 5..]),
    };
    Some(Sensitive { range: at..at + end, kind: "private key" })
}

/// How far the body of a key without a foot goes: over lines of base64, and their ends as JSON writes them.
fn cut_off(body: &str) -> usize {
    let in_key = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'\r' | b'\n' | b'\\');
    let length = run(body.as_bytes(), 0, LONGEST_KEY, in_key);
    body[..length].trim_end().len()
}

/// An e-mail address, by its `@`.
pub(super) fn email(text: &str, at: usize) -> Option<Sensitive> {
    let bytes = text.as_bytes();
    let in_local = |byte: u8| is_url_safe(byte) || matches!(byte, b'.' | b'%' | b'+');
    let local = bytes[..at].iter().rev().take(LONGEST_LOCAL + 1).take_while(|&&byte| in_local(byte)).count();
    let in_domain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    let length = run(bytes, at + 1, LONGEST_DOMAIN, in_domain);
    let domain = text[at + 1..at + 1 + length].trim_end_matches(['.', '-']);
    let from = at - local;
    let (name, end) = (&text[from..at], at + 1 + domain.len());
    let top = domain.rsplit_once('.').map(|(_, top)| top)?;
    let is_address = (1..=LONGEST_LOCAL).contains(&local)
        && !name.starts_with(['.', '%'])
        && top.len() >= 2
        && top.bytes().all(|byte| byte.is_ascii_alphabetic())
        && !UNITS.contains(&top);
    // `ssh` and `scp` name accounts in the same way: a place, not a person.
    let account = name == "git"
        || bytes.get(end) == Some(&b':')
        || from > 0 && bytes[from - 1] == b'/'
        || after_ssh(&text[..from]);
    (is_address && !account).then_some(Sensitive { range: from..end, kind: "e-mail" })
}

/// Endings of systemd's units: `getty@tty1.service` is no address.
const UNITS: &[&str] = &["service", "socket", "timer", "target", "slice", "mount", "scope", "path", "device", "swap"];

/// Whether what comes before is an `ssh` and its options.
fn after_ssh(before: &str) -> bool {
    const LOOK_BACK: usize = 200;
    let line = before.rsplit('\n').next().unwrap_or_default();
    let mut from = line.len().saturating_sub(LOOK_BACK);
    while !line.is_char_boundary(from) {
        from += 1;
    }
    let remote =
        |word: &str| matches!(word.rsplit('/').next(), Some("ssh" | "scp" | "sftp" | "rsync" | "mosh" | "ssh-copy-id"));
    line[from..].split_ascii_whitespace().any(remote)
}

fn starts(bytes: &[u8], at: usize, with: &[u8]) -> bool {
    bytes.get(at..at + with.len()).is_some_and(|head| head.eq_ignore_ascii_case(with))
}

/// Whether a value only stands for one: a variable, a placeholder, asterisks.
pub(super) fn is_variable(value: &str) -> bool {
    value.starts_with(['$', '<', '%', '{', '('])
        || value.starts_with(PLACEHOLDER)
        || value.starts_with("[redacted")
        || value.bytes().all(|byte| matches!(byte, b'*' | b'x' | b'X' | b'.' | b'?'))
        || value.starts_with('…')
}
