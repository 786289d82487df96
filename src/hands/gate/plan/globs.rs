//! Globs, expanded by the plan: what would be handed to the program is what is ruled on.

use std::path::{Path, PathBuf};

/// Most paths that a glob may become. A card with more could not be read, and matching them would take too long.
const MOST_MATCHES: usize = 1000;
/// Most directory entries looked at for one glob. `/*/*/*` would walk half the disk.
const MOST_ENTRIES: usize = 20_000;

/// What a glob matches in a directory, sorted; nothing when it is too much to look through, or there is no match: a
/// shell would hand on the glob itself then, or what has turned up since.
pub(super) fn expand(chars: &[(char, bool)], directory: &Path) -> Option<Vec<String>> {
    let parts: Vec<&[(char, bool)]> = chars.split(|(c, _)| *c == '/').collect();
    let absolute = chars.first().is_some_and(|(c, _)| *c == '/');
    let start = if absolute { String::from("/") } else { String::new() };
    let mut found = vec![start];
    let mut budget = MOST_ENTRIES;
    for part in parts.iter().filter(|part| !part.is_empty()) {
        let mut next = Vec::new();
        for base in &found {
            step(base, part, directory, &mut budget, &mut next)?;
        }
        found = next;
        if found.len() > MOST_MATCHES {
            return None;
        }
    }
    if chars.last().is_some_and(|(c, _)| *c == '/') {
        found = found.into_iter().filter(|path| place(path, directory).is_dir()).map(|path| path + "/").collect();
    }
    found.sort();
    (!found.is_empty()).then_some(found)
}

fn place(path: &str, directory: &Path) -> PathBuf {
    directory.join(path)
}

fn join(base: &str, name: &str) -> String {
    if base.is_empty() || base.ends_with('/') { format!("{base}{name}") } else { format!("{base}/{name}") }
}

fn step(base: &str, part: &[(char, bool)], directory: &Path, budget: &mut usize, next: &mut Vec<String>) -> Option<()> {
    let is_glob = part.iter().any(|(c, active)| *active && matches!(c, '*' | '?' | '['));
    if !is_glob {
        let name: String = part.iter().map(|(c, _)| c).collect();
        let path = join(base, &name);
        if std::fs::symlink_metadata(place(&path, directory)).is_ok() {
            next.push(path);
        }
        return Some(());
    }
    let Ok(entries) = std::fs::read_dir(place(base, directory)) else { return Some(()) };
    for entry in entries.flatten() {
        *budget = budget.checked_sub(1)?;
        // A name that is no UTF-8 can't be written into a plan.
        let name = entry.file_name().into_string().ok()?;
        let hidden = name.starts_with('.') && part.first().is_none_or(|(c, _)| *c != '.');
        if !hidden && matches(part, &name.chars().collect::<Vec<_>>())? {
            next.push(join(base, &name));
        }
    }
    Some(())
}

/// Whether a name fits. Nothing for a bracket expression that shells read differently (classes, ranges by locale).
pub(super) fn matches(pattern: &[(char, bool)], name: &[char]) -> Option<bool> {
    // The position after the last star, and how much of the name that star has eaten so far.
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    loop {
        let fits = match (pattern.get(p), name.get(n)) {
            (None, None) => return Some(true),
            (Some(('*', true)), _) => {
                star = Some((p + 1, n));
                p += 1;
                continue;
            }
            (Some(('?', true)), Some(_)) => Some(p + 1),
            (Some(('[', true)), Some(c)) => bracket(pattern, p, *c)?,
            (Some((literal, _)), Some(c)) if literal == c => Some(p + 1),
            _ => None,
        };
        match (fits, star) {
            (Some(after), _) => {
                p = after;
                n += 1;
            }
            (None, Some((after, eaten))) if eaten < name.len() => {
                star = Some((after, eaten + 1));
                p = after;
                n = eaten + 1;
            }
            _ => return Some(false),
        }
    }
}

/// A `[…]` that begins at `start`: the position after it when the character fits. The outer nothing means "unclear".
#[expect(clippy::option_option, reason = "three outcomes: unclear, no match, match")]
fn bracket(pattern: &[(char, bool)], start: usize, c: char) -> Option<Option<usize>> {
    let close = pattern.iter().skip(start + 2).position(|(c, _)| *c == ']').map(|at| at + start + 2)?;
    let mut inner = &pattern[start + 1..close];
    let negated = matches!(inner.first(), Some(('!' | '^', true)));
    if negated {
        inner = &inner[1..];
    }
    if inner.is_empty() || inner.iter().any(|(c, _)| *c == '[' || *c == '\\') {
        return None;
    }
    let mut hit = false;
    let mut at = 0;
    while at < inner.len() {
        if at + 2 < inner.len() && inner[at + 1].0 == '-' {
            let (from, to) = (inner[at].0, inner[at + 2].0);
            // Which letters lie between two others depends on the locale.
            if from.is_alphabetic() && c.is_alphabetic() {
                return None;
            }
            hit |= (from..=to).contains(&c);
            at += 3;
        } else {
            hit |= inner[at].0 == c;
            at += 1;
        }
    }
    Some((hit != negated).then_some(close + 1))
}
