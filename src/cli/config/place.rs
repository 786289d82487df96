//! Places in a settings file: `providers."my own".base_url`, found, filled and emptied with everything around them left.

use crate::cli::failure::Failure;
use toml_edit::{DocumentMut, Item, Key, Table, TableLike, Value};

/// Reads a name with dots; parts with other signs than letters, digits, `_` and `-` are quoted.
///
/// # Errors
/// When it is none.
pub fn parse(name: &str) -> Result<Vec<String>, Failure> {
    let keys = Key::parse(name).map_err(|_| {
        Failure::usage(format!("{name:?} names no setting"))
            .hint("write it as in config.toml: hands.idle_minutes, models.\"openai/gpt-5-mini\".context")
    })?;
    Ok(keys.iter().map(|key| key.get().to_owned()).collect())
}

/// Puts a value there; what was written beside an old one stays. False when something else is in the way: a value where a
/// table would have to be, or the other way round.
pub fn put(document: &mut DocumentMut, place: &[String], mut value: Value) -> bool {
    let Some((last, tables)) = place.split_last() else { return false };
    let mut table: &mut dyn TableLike = document.as_table_mut();
    for name in tables {
        let entry = table.entry(name).or_insert_with(|| {
            let mut fresh = Table::new();
            // Only the innermost gets a line of its own.
            fresh.set_implicit(true);
            Item::Table(fresh)
        });
        let Some(inner) = entry.as_table_like_mut() else { return false };
        table = inner;
    }
    match table.get_mut(last) {
        Some(Item::Value(old)) => {
            *value.decor_mut() = old.decor().clone();
            *old = value;
        }
        Some(item) if !item.is_none() => return false,
        _ => drop(table.insert(last, Item::Value(value))),
    }
    true
}

/// Takes it out, with tables that hold nothing any more. Whether it was there.
pub fn take(document: &mut DocumentMut, place: &[String]) -> bool {
    take_from(document.as_table_mut(), place)
}

fn take_from(table: &mut dyn TableLike, place: &[String]) -> bool {
    let Some((first, rest)) = place.split_first() else { return false };
    if rest.is_empty() {
        return table.remove(first).is_some();
    }
    let Some(inner) = table.get_mut(first).and_then(Item::as_table_like_mut) else { return false };
    let was_there = take_from(inner, rest);
    if was_there && inner.is_empty() {
        table.remove(first);
    }
    was_there
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "# mine\nmodel = \"a/b\" # why\n\n[hands] # here\nidle_minutes = 5\n\n[providers.x]\napi = \"ollama\"\n";

    fn changed(change: impl FnOnce(&mut DocumentMut)) -> String {
        let mut document: DocumentMut = TEXT.parse().unwrap();
        change(&mut document);
        document.to_string()
    }

    fn at(name: &str) -> Vec<String> {
        parse(name).unwrap()
    }

    #[test]
    fn only_what_is_meant_changes() {
        let put = |name: &str, value: Value| changed(|document| assert!(put(document, &at(name), value)));
        assert_eq!(put("model", "c/d".into()), TEXT.replace("a/b", "c/d"));
        assert_eq!(put("hands.idle_minutes", 7.into()), TEXT.replace("= 5", "= 7"));
        assert_eq!(put("logs.keep_last", 9.into()), format!("{TEXT}\n[logs]\nkeep_last = 9\n"));
        let deep = put("models.\"openai/gpt 5\".context", 1.into());
        assert_eq!(deep, format!("{TEXT}\n[models.\"openai/gpt 5\"]\ncontext = 1\n"));
    }

    #[test]
    fn a_table_is_no_value_and_a_value_no_table() {
        for name in ["model.x", "hands", "providers"] {
            assert_eq!(changed(|document| assert!(!put(document, &at(name), 1.into()), "{name}")), TEXT);
        }
    }

    #[test]
    fn empty_tables_go_with_what_they_held() {
        let mut there = Vec::new();
        let mut take = |name: &str| changed(|document| there.push(take(document, &at(name))));
        assert_eq!(take("providers.x.api"), TEXT.split("\n[providers").next().unwrap());
        assert_eq!(take("providers"), TEXT.split("\n[providers").next().unwrap());
        assert_eq!(take("providers.y.api"), TEXT);
        assert_eq!(take("nothing"), TEXT);
        assert_eq!(there, [true, true, false, false]);
    }

    #[test]
    fn names_are_read_as_the_file_writes_them() {
        assert_eq!(at("folders.\"/home/me\".mode"), ["folders", "/home/me", "mode"]);
        for bad in ["", "a..b", "a b", "a=1", "\"x"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
