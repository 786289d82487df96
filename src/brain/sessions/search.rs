//! Where a word was said, in all sessions.

use super::{Session, by_id, parsed};
use crate::clean::line;
use crate::store::{Store, StoreError, words};
use pryx_terms::Timestamp;
use rusqlite::{Connection, params};
use serde::Serialize;

/// Messages that are ranked by how well they fit. A word that is in more of them says little, and ranking half of a
/// large history takes a tenth of a second: then the newest come first.
const RANKED: u32 = 2000;

/// Messages looked at for one answer. Many of one session count as one hit.
const CANDIDATES: u32 = 100;

/// Memory for pages of the file during a search, in KiB. With SQLite's usual two megabytes, the sizes of some thousand
/// messages, which ranking needs, are read again and again.
const CACHE_KIB: i64 = 16 * 1024;

/// Words of a snippet.
const SNIPPET_WORDS: u32 = 18;

/// Marks around what was searched for. They can't be in the text: it's cleaned after they have served.
const MARKS: (char, char) = ('\u{2}', '\u{3}');

/// A session in which the words were said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hit {
    /// The session.
    pub session: Session,
    /// When the message that fits best was said.
    pub at: Timestamp,
    /// By whom: `user` (which includes results of tools) or `assistant`.
    pub role: String,
    /// The place, in one line.
    pub snippet: Vec<Piece>,
    /// How many messages of the session fit, of those that were looked at.
    pub messages: u32,
}

/// A piece of a snippet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Piece {
    /// The text.
    pub text: String,
    /// Whether it is what was searched for.
    pub matched: bool,
}

impl Store {
    /// Finds sessions in which all of the words were said in one message. Quotes make a phrase, a `*` at a word's end
    /// fits every word that begins so.
    ///
    /// # Errors
    /// When they can't be read.
    pub fn search_sessions(&self, wanted: &str, limit: u32) -> Result<Vec<Hit>, StoreError> {
        let query = query(wanted);
        if query.is_empty() {
            return Ok(Vec::new());
        }
        self.with(|connection| {
            connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
            words::index_all(connection)?;
            search(connection, &query, limit)
        })
    }
}

struct Candidate {
    id: i64,
    at: Timestamp,
    role: String,
    messages: u32,
}

fn search(connection: &Connection, query: &str, limit: u32) -> rusqlite::Result<Vec<Hit>> {
    let count = "SELECT count(*) FROM (SELECT 1 FROM words WHERE words MATCH ?1 LIMIT ?2)";
    let found: u32 = connection.query_row(count, params![query, RANKED + 1], |row| row.get(0))?;
    let order = if found > RANKED { "rowid DESC" } else { "rank, rowid DESC" };
    let mut select = connection.prepare(&format!(
        "SELECT messages.id, session, at, role FROM (SELECT rowid AS id FROM words WHERE words MATCH ?1
         ORDER BY {order} LIMIT {CANDIDATES}) JOIN messages USING (id)"
    ))?;
    let mut sessions: Vec<(String, Candidate)> = Vec::new();
    let mut rows = select.query([query])?;
    while let Some(row) = rows.next()? {
        let session: String = row.get(1)?;
        match sessions.iter_mut().find(|(known, _)| *known == session) {
            Some((_, best)) => best.messages += 1,
            None => {
                let best = Candidate { id: row.get(0)?, at: parsed(row, 2)?, role: row.get(3)?, messages: 1 };
                sessions.push((session, best));
            }
        }
    }
    let mut hits = Vec::new();
    for (session, best) in sessions {
        let Some(session) = by_id(connection, &session)? else { continue };
        let snippet = snippet(connection, query, best.id)?;
        hits.push(Hit { session, at: best.at, role: best.role, snippet, messages: best.messages });
        if hits.len() as u64 >= u64::from(limit) {
            break;
        }
    }
    Ok(hits)
}

fn snippet(connection: &Connection, query: &str, id: i64) -> rusqlite::Result<Vec<Piece>> {
    let sql = format!(
        "SELECT snippet(words, 0, char(2), char(3), '…', {SNIPPET_WORDS}) FROM words WHERE words MATCH ?1 AND rowid = ?2"
    );
    let text: String = connection.prepare_cached(&sql)?.query_row(params![query, id], |row| row.get(0))?;
    let mut pieces = Vec::new();
    for (at, part) in text.split(MARKS.0).enumerate() {
        let (matched, after) = if at == 0 { ("", part) } else { part.split_once(MARKS.1).unwrap_or((part, "")) };
        for (text, matched) in [(matched, true), (after, false)] {
            push(&mut pieces, text, matched);
        }
    }
    Ok(pieces)
}

/// One line of it, with the spaces at its borders that tell words apart.
fn push(pieces: &mut Vec<Piece>, text: &str, matched: bool) {
    let cleaned = line(text, usize::MAX);
    let space = |border: Option<char>| if border.is_some_and(char::is_whitespace) { " " } else { "" };
    let (before, after) = (space(text.chars().next()), space(text.chars().next_back()));
    let text = if cleaned.is_empty() { before.to_owned() } else { format!("{before}{cleaned}{after}") };
    if !text.is_empty() {
        pieces.push(Piece { text, matched });
    }
}

/// What a person writes, as the index wants it: every word quoted, so that none is an operator.
fn query(wanted: &str) -> String {
    let mut terms = Vec::new();
    for (at, part) in wanted.split('"').enumerate() {
        // Every second part stood between quotes.
        let words: Vec<&str> = if at % 2 == 1 { vec![part] } else { part.split_whitespace().collect() };
        for word in words.into_iter().filter(|word| word.chars().any(char::is_alphanumeric)) {
            let (word, star) = word.strip_suffix('*').map_or((word, ""), |word| (word, "*"));
            terms.push(format!("\"{}\"{star}", word.replace('\0', " ")));
        }
    }
    terms.join(" ")
}

#[cfg(test)]
mod tests {
    use super::query;

    #[test]
    fn nothing_a_person_writes_is_an_operator() {
        assert_eq!(query("disk usage"), r#""disk" "usage""#);
        assert_eq!(query(r#"a "b c" d* NOT (x)"#), r#""a" "b c" "d"* "NOT" "(x)""#);
        assert_eq!(query("-- * \""), "");
    }
}
