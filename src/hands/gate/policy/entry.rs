//! One line of a policy file's `tools`: a tool, or a tool with the commands or hosts that are meant.

use super::pattern::{CommandPattern, check_host};
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_saphyr::Spanned;
use std::fmt;

/// `fs.read`, or `shell.exec: {commands: […]}`, or `http.request: {domains: […]}`.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub tool: String,
    pub commands: Vec<(u64, CommandPattern)>,
    pub domains: Vec<(u64, String)>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Limits {
    #[serde(default)]
    commands: Vec<Spanned<String>>,
    #[serde(default)]
    domains: Vec<Spanned<String>>,
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Entry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a tool such as fs.read, or a tool with commands or domains such as `shell.exec: {commands: [ls]}`")
    }

    fn visit_str<E: de::Error>(self, tool: &str) -> Result<Entry, E> {
        check_tool(tool).map_err(E::custom)?;
        Ok(Entry { tool: tool.to_owned(), commands: Vec::new(), domains: Vec::new() })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entry, A::Error> {
        let wrong = |what: String| de::Error::custom(what);
        let Some((tool, limits)) = map.next_entry::<String, Limits>()? else {
            return Err(wrong("an entry needs the name of a tool".to_owned()));
        };
        if map.next_key::<String>()?.is_some() {
            return Err(wrong(format!("{tool} and another tool stand in one entry; begin each with a dash")));
        }
        check_tool(&tool).map_err(wrong)?;
        if limits.commands.is_empty() && limits.domains.is_empty() {
            return Err(wrong(format!("{tool}: name commands or domains, or write the tool alone to mean all of it")));
        }
        let mut commands = Vec::new();
        for text in &limits.commands {
            let line = text.defined.line();
            let pattern =
                CommandPattern::parse(&text.value).map_err(|why| wrong(format!("{:?}: {why}", text.value)))?;
            commands.push((line, pattern));
        }
        let mut domains = Vec::new();
        for text in limits.domains {
            check_host(&text.value).map_err(|why| wrong(format!("{:?}: {why}", text.value)))?;
            domains.push((text.defined.line(), text.value));
        }
        Ok(Entry { tool, commands, domains })
    }
}

fn check_tool(tool: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '*' | '_' | '-' | ':' | '/');
    let fine = !tool.is_empty() && tool.len() <= 200 && tool.chars().all(plain);
    if fine {
        Ok(())
    } else {
        Err(format!("{tool:?} is no tool; write shell.exec, fs.read, http.request or a pattern"))
    }
}
