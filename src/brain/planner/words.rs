//! From a sentence to tokens: quotes joined, punctuation and politeness gone, synonyms resolved.

use super::lexicon;

/// One word of a request, or a quoted text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// As it was typed, without quotes and the sentence's punctuation.
    pub(super) raw: String,
    /// What patterns compare: lower case, its synonym's representative; empty for a quoted text.
    pub(super) word: String,
    /// It stood in quotes.
    pub(super) quoted: bool,
}

impl Token {
    fn bare(raw: &str) -> Self {
        let lower = raw.to_lowercase().replace('’', "'");
        Self { raw: raw.to_owned(), word: lexicon::canonical(&lower).to_owned(), quoted: false }
    }

    fn quoted(raw: &str) -> Self {
        Self { raw: raw.to_owned(), word: String::new(), quoted: true }
    }

    /// Whether it is this word, unquoted.
    pub(super) fn is(&self, word: &str) -> bool {
        !self.quoted && self.word == word
    }

    /// Whether it is one of these words, unquoted.
    pub(super) fn is_any(&self, words: &[&str]) -> bool {
        !self.quoted && words.contains(&self.word.as_str())
    }
}

/// The tokens of a request.
pub(super) fn tokens(request: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = split(request).into_iter().flat_map(contraction).collect();
    drop_politeness(&mut tokens);
    for (from, to) in lexicon::PHRASES {
        let words = |phrase: &'static str| phrase.split_whitespace().collect::<Vec<_>>();
        replace_phrase(&mut tokens, &words(from), &words(to));
    }
    tokens
}

/// "What is a port?" wants an explanation, not a listing.
pub(super) fn asks_for_a_definition(tokens: &[Token]) -> bool {
    match tokens {
        [what, is, article, ..] => {
            what.is("what") && is.is_any(&["is", "are"]) && article.is_any(&["a", "an"]) && tokens.len() <= 6
        }
        _ => false,
    }
}

/// "Update the system" wants it done; only an intent that changes something may answer.
pub(super) fn gives_an_order(tokens: &[Token]) -> bool {
    let typed = |token: &Token| token.raw.to_lowercase();
    match tokens {
        [verb, determiner, ..] if !verb.quoted => {
            let determiners = ["the", "a", "an", "my", "our", "this", "these", "some", "all", "every", "it", "me"];
            lexicon::ORDERS.split(' ').any(|order| order == typed(verb))
                && determiners.contains(&typed(determiner).as_str())
        }
        _ => false,
    }
}

/// "Delete the old folders" is no request for one thing.
pub(super) fn means_several(tokens: &[Token]) -> bool {
    tokens.iter().any(|token| !token.quoted && lexicon::is_several(&token.raw.to_lowercase()))
}

/// Words and quoted texts, in order.
fn split(request: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = request.trim_start();
    while let Some(first) = rest.chars().next() {
        let quoted = closing_quote(first).and_then(|close| quoted_text(&rest[first.len_utf8()..], close));
        let (token, after) = match quoted {
            Some((text, after)) => (Some(Token::quoted(text)).filter(|token| !token.raw.is_empty()), after),
            None => {
                let (chunk, after) = rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len()));
                (trim_punctuation(chunk).map(Token::bare), after)
            }
        };
        tokens.extend(token);
        rest = after.trim_start();
    }
    tokens
}

fn closing_quote(open: char) -> Option<char> {
    match open {
        '"' | '\'' | '`' => Some(open),
        '“' => Some('”'),
        '‘' => Some('’'),
        _ => None,
    }
}

/// The text up to a closing quote that ends a word, and what follows it.
fn quoted_text(rest: &str, close: char) -> Option<(&str, &str)> {
    rest.match_indices(close).find_map(|(at, _)| {
        let after = &rest[at + close.len_utf8()..];
        let ends = after.chars().next().is_none_or(|c| c.is_whitespace() || "?!.,;:".contains(c));
        ends.then(|| (&rest[..at], after.trim_start_matches(['?', '!', '.', ',', ';', ':'])))
    })
}

/// A word without the sentence's punctuation; `.`, `..`, `src/.` and `:8080` keep what is theirs.
fn trim_punctuation(chunk: &str) -> Option<&str> {
    let mut word = chunk;
    loop {
        let before = word;
        word = word.trim_end_matches(['?', '!', ',', ';', ':', '…']);
        let dots = matches!(word, "." | "..") || word.ends_with("/.") || word.ends_with("/..");
        if word.ends_with('.') && !dots {
            word = word.trim_end_matches('.');
        }
        if word.ends_with(')') && !word.contains('(') {
            word = word.trim_end_matches(')');
        }
        if word == before {
            break;
        }
    }
    if word.starts_with('(') && !word.contains(')') {
        word = word.trim_start_matches('(');
    }
    (!word.is_empty()).then_some(word)
}

fn contraction(token: Token) -> Vec<Token> {
    let lower = token.raw.to_lowercase().replace('’', "'");
    match lexicon::CONTRACTIONS.iter().find(|(short, _)| !token.quoted && *short == lower) {
        Some((_, words)) => words.split_whitespace().map(Token::bare).collect(),
        None => vec![token],
    }
}

/// Politeness is compared as it was typed: "view" is no opening because "see" is one.
fn drop_politeness(tokens: &mut Vec<Token>) {
    let same = |part: &[Token], phrase: &str| {
        let typed = part.iter().map(|token| if token.quoted { String::new() } else { token.raw.to_lowercase() });
        typed.eq(phrase.split(' '))
    };
    let length = |phrase: &str| phrase.split(' ').count();
    let opening = |tokens: &[Token]| {
        let fits = |phrase: &&str| tokens.get(..length(phrase)).is_some_and(|part| same(part, phrase));
        lexicon::OPENINGS.split("; ").find(fits).map(length)
    };
    let closing = |tokens: &[Token]| {
        let part = |phrase: &str| tokens.len().checked_sub(length(phrase)).and_then(|at| tokens.get(at..));
        lexicon::CLOSINGS.split("; ").find(|phrase| part(phrase).is_some_and(|part| same(part, phrase))).map(length)
    };
    while let Some(length) = opening(tokens) {
        tokens.drain(..length);
    }
    while let Some(length) = closing(tokens) {
        tokens.truncate(tokens.len() - length);
    }
}

fn replace_phrase(tokens: &mut Vec<Token>, from: &[&str], to: &[&str]) {
    let mut at = 0;
    while at + from.len() <= tokens.len() {
        if tokens[at..at + from.len()].iter().zip(from).all(|(token, word)| token.is(word)) {
            tokens.splice(at..at + from.len(), to.iter().map(|word| Token::bare(word)));
            at += to.len();
        } else {
            at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::tokens;

    fn words(request: &str) -> Vec<String> {
        tokens(request).into_iter().map(|t| if t.quoted { format!("\"{}\"", t.raw) } else { t.word }).collect()
    }

    #[test]
    fn politeness_and_punctuation_go() {
        assert_eq!(words("Hey, could you please show me the files in .?"), ["show", "me", "the", "file", "in", "."]);
        assert_eq!(words("What’s using port :8080, please?!"), ["what", "is", "use", "port", ":8080"]);
        assert_eq!(words("(how many lines?)"), ["count", "line"]);
    }

    #[test]
    fn quotes_join_words_and_apostrophes_do_not() {
        assert_eq!(words(r#"search for "a b" in 'c d'."#), ["search", "for", "\"a b\"", "in", "\"c d\""]);
        assert_eq!(words("it's bob's file"), ["it", "is", "bob's", "file"]);
        assert_eq!(words("an \"open quote"), ["an", "\"open", "quote"]);
    }
}
