//! Does a sentence say what an intent's patterns say? Every word must be accounted for: by a pattern, a parameter,
//! or as one that means nothing there.

use super::intent::Intent;
use super::lexicon;
use super::slot::Slot;
use super::value::{Args, Value};
use super::words::Token;
use std::sync::LazyLock;

/// Steps a match may take. Patterns are short and a match of a real sentence takes some dozens; a sentence of the same
/// filler word over and over would take very many without this.
const MAX_STEPS: u32 = 5_000;

/// How much a word of a pattern says about what is meant.
const WORD: u32 = 10;
/// A word of a pattern that elsewhere means nothing says less.
const WEAK_WORD: u32 = 3;

/// One element of a pattern.
enum Element {
    Word { any: Vec<&'static str>, optional: bool },
    Slot { slot: Slot, key: &'static str, optional: bool },
}

/// The patterns of all intents, read once.
static PATTERNS: LazyLock<Vec<(&'static Intent, Vec<Pattern>)>> = LazyLock::new(|| {
    let read = |intent: &'static Intent| intent.patterns().filter_map(Pattern::read).collect();
    super::table().map(|intent| (intent, read(intent))).collect()
});

/// Every intent that accounts for all tokens, with how specific the fit is and its parameters.
pub(super) fn fits(tokens: &[Token]) -> Vec<(u32, &'static Intent, Args)> {
    let fit = |(intent, patterns): &(&'static Intent, Vec<Pattern>)| {
        let (score, args) = fit(intent, patterns, tokens)?;
        Some((score, *intent, args))
    };
    PATTERNS.iter().filter_map(fit).collect()
}

fn fit(intent: &'static Intent, patterns: &[Pattern], tokens: &[Token]) -> Option<(u32, Args)> {
    let possible = patterns.iter().filter(|pattern| pattern.could_fit(tokens));
    let best = possible.filter_map(|pattern| {
        let mut search = Search { intent, tokens, elements: &pattern.0, steps: 0 };
        search.account(0, 0, Args::default(), 0)
    });
    let (score, mut args) = best.max_by_key(|(score, _)| *score)?;
    args.default_to("count", Value::Number(intent.count));
    if intent.with.contains(&Slot::Place) {
        args.default_to("place", Value::Path(".".to_owned()));
    }
    Some((score, args))
}

/// A pattern of an intent, read.
struct Pattern(Vec<Element>);

impl Pattern {
    /// Nothing for a pattern with a mistake; a test reads them all.
    fn read(text: &'static str) -> Option<Self> {
        text.split_whitespace().map(element).collect::<Option<_>>().map(Self)
    }

    /// A quick look before the search: all words that must be there are there.
    fn could_fit(&self, tokens: &[Token]) -> bool {
        self.0.iter().all(|element| match element {
            Element::Word { any, optional: false } => tokens.iter().any(|token| any.iter().any(|word| token.is(word))),
            _ => true,
        })
    }
}

fn element(text: &'static str) -> Option<Element> {
    let (text, optional) = text.strip_suffix('?').map_or((text, false), |text| (text, true));
    match text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
        Some(slot) => {
            let (name, key) = slot.split_once(':').unwrap_or((slot, slot));
            Some(Element::Slot { slot: Slot::named(name)?, key, optional })
        }
        None if text.is_empty() || text.contains(['?', '{', '}']) => None,
        None => Some(Element::Word { any: text.split('|').map(lexicon::canonical).collect(), optional }),
    }
}

/// Whether every element of a pattern is understood.
#[cfg(test)]
pub(super) fn is_readable(pattern: &'static str) -> bool {
    Pattern::read(pattern).is_some()
}

struct Search<'a> {
    intent: &'static Intent,
    tokens: &'a [Token],
    elements: &'a [Element],
    steps: u32,
}

impl Search<'_> {
    /// Accounts for the tokens from `at` with the elements from `next`; the first way that works is taken, and what
    /// says most is tried first.
    fn account(&mut self, at: usize, next: usize, args: Args, score: u32) -> Option<(u32, Args)> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return None;
        }
        let Some(token) = self.tokens.get(at) else {
            return self.elements[next..].iter().all(Element::is_optional).then_some((score, args));
        };
        let element = self.elements.get(next);
        if let Some(found) = element.and_then(|element| self.element(element, at, next, &args, score)) {
            return Some(found);
        }
        if let Some(found) = self.anywhere(at, next, &args, score) {
            return Some(found);
        }
        if element.is_some_and(Element::is_optional)
            && let Some(found) = self.account(at, next + 1, args.clone(), score)
        {
            return Some(found);
        }
        if self.says_nothing(token) { self.account(at + 1, next, args, score) } else { None }
    }

    fn element(&mut self, element: &Element, at: usize, next: usize, args: &Args, score: u32) -> Option<(u32, Args)> {
        match element {
            Element::Word { any, .. } => {
                let token = self.tokens.get(at)?;
                let said = any.iter().any(|word| token.is(word));
                let worth = if lexicon::is_filler(&token.word) { WEAK_WORD } else { WORD };
                if said { self.account(at + 1, next + 1, args.clone(), score + worth) } else { None }
            }
            Element::Slot { slot, key, .. } => {
                let (used, mut values) = slot.take(&self.tokens[at..])?;
                if let [(name, _)] = values.as_mut_slice() {
                    *name = key;
                }
                self.with(values, at + used, next + 1, args, score + slot.worth())
            }
        }
    }

    /// A parameter that may stand anywhere.
    fn anywhere(&mut self, at: usize, next: usize, args: &Args, score: u32) -> Option<(u32, Args)> {
        self.intent.with.iter().find_map(|slot| {
            if args.has(slot.key()) {
                return None;
            }
            let (used, values) = slot.take(&self.tokens[at..])?;
            self.with(values, at + used, next, args, score + slot.worth())
        })
    }

    fn with(
        &mut self,
        values: Vec<(&'static str, Value)>,
        at: usize,
        next: usize,
        args: &Args,
        score: u32,
    ) -> Option<(u32, Args)> {
        let mut args = args.clone();
        values.into_iter().for_each(|(key, value)| args.set(key, value));
        self.account(at, next, args, score)
    }

    fn says_nothing(&self, token: &Token) -> bool {
        if token.quoted {
            return false;
        }
        let here = self.intent.also.split_whitespace().any(|word| token.is(lexicon::canonical(word)));
        here || if self.intent.info.changes {
            lexicon::is_article(&token.word)
        } else {
            lexicon::is_filler(&token.word)
        }
    }
}

impl Element {
    fn is_optional(&self) -> bool {
        match self {
            Self::Word { optional, .. } | Self::Slot { optional, .. } => *optional,
        }
    }
}
