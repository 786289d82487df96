//! Which tools a request lists. A few fit; those beyond are found by a search and called through a tool of the brain's own,
//! so that the beginning of every request stays the same and a provider's cache holds.

use crate::message::ToolCall;
use crate::names;
use crate::tokens::Estimator;
use pryx_terms::{ToolResult, ToolSpec};
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::sync::Arc;

/// The tool that finds others.
pub(crate) const SEARCH: &str = "tool.search";

/// The tool that calls what was found.
pub(crate) const CALL: &str = "tool.call";

/// Most tokens of the tools that a request lists. With the system prompt they stay below 2,500: a model pays for them,
/// in money and attention, with every request.
const ROOM: f64 = 1_900.0;

/// Tools that one search gives back. Their schemas are long.
const FOUND: usize = 5;

/// Characters of a search that are looked at.
const LONGEST_QUERY: usize = 400;

/// The tools of a session.
#[derive(Debug)]
pub(crate) struct Toolbox {
    listed: Arc<[ToolSpec]>,
    deferred: Vec<ToolSpec>,
}

impl Toolbox {
    /// Sorts tools into those that requests list, in the order given, and those that are found.
    pub(crate) fn new(tools: Vec<ToolSpec>, estimator: &Estimator) -> Self {
        if estimator.tools(&tools) <= ROOM {
            return Self { listed: tools.into(), deferred: Vec::new() };
        }
        let own = [search(), call()];
        let mut left = ROOM - estimator.tools(&own);
        let (mut listed, mut deferred) = (Vec::new(), Vec::new());
        for tool in tools {
            let cost = estimator.tools(std::slice::from_ref(&tool));
            // Once one is left out, so are all behind it: which tools a model has must not depend on how long each is.
            if deferred.is_empty() && cost <= left {
                left -= cost;
                listed.push(tool);
            } else {
                deferred.push(tool);
            }
        }
        listed.extend(own);
        Self { listed: listed.into(), deferred }
    }

    /// What requests list.
    pub(crate) fn listed(&self) -> Arc<[ToolSpec]> {
        Arc::clone(&self.listed)
    }

    /// The name that the hands know a tool by. A model may write one that it found as it writes those that are listed.
    pub(crate) fn name(&self, tool: &str) -> String {
        let known = self.deferred.iter().find(|spec| spec.name == tool || names::to_wire(&spec.name) == tool);
        known.map_or_else(|| tool.to_owned(), |spec| spec.name.clone())
    }

    /// Answers the brain's own tools; nothing for those of the hands.
    pub(crate) fn answer(&self, tool: &str, arguments: &Value) -> Option<ToolResult> {
        match tool {
            SEARCH if !self.deferred.is_empty() => {
                let query = arguments.get("query").and_then(Value::as_str).unwrap_or_default();
                Some(ToolResult::Text { text: self.search(query) })
            }
            CALL if !self.deferred.is_empty() => {
                let message = format!("{CALL} wants the tool's name and its arguments, an object; {SEARCH} finds both");
                Some(ToolResult::Failed { message })
            }
            _ => None,
        }
    }

    fn search(&self, query: &str) -> String {
        let query: String = query.chars().take(LONGEST_QUERY).collect::<String>().to_lowercase();
        let words: Vec<&str> = query.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 1).collect();
        let mut found: Vec<(u32, &ToolSpec)> = self.deferred.iter().map(|tool| (fit(tool, &words), tool)).collect();
        found.retain(|(fit, _)| *fit > 0);
        // The sort is stable: what fits alike stays in the hands' order.
        found.sort_by_key(|(fit, _)| Reverse(*fit));
        if found.is_empty() {
            let names: Vec<&str> = self.deferred.iter().map(|tool| tool.name.as_str()).take(100).collect();
            return format!("Nothing fits. Tools that can be found: {}", names.join(", "));
        }
        let shown = found
            .iter()
            .take(FOUND)
            .map(|(_, tool)| format!("{}: {}\narguments: {}", tool.name, tool.description, tool.parameters));
        let more = found.len().saturating_sub(FOUND);
        let rest = if more > 0 { format!("\n\n{more} more fit: search with other words") } else { String::new() };
        format!("{}{rest}", shown.collect::<Vec<_>>().join("\n\n"))
    }
}

/// A call of a found tool as the call that it stands for.
pub(crate) fn unwrapped(call: ToolCall) -> ToolCall {
    let inner = || {
        let tool = call.arguments.get("tool")?.as_str()?.to_owned();
        let arguments = call.arguments.get("arguments")?.clone();
        (tool != CALL && arguments.is_object()).then_some((tool, arguments))
    };
    match inner() {
        Some((tool, arguments)) if call.tool == CALL => ToolCall { id: call.id, tool, arguments },
        _ => call,
    }
}

/// How well a tool fits a search: a word in the name says more than one in its arguments.
fn fit(tool: &ToolSpec, words: &[&str]) -> u32 {
    let (name, about) = (tool.name.to_lowercase(), tool.description.to_lowercase());
    let arguments = tool.parameters.to_string().to_lowercase();
    // "files" finds "file".
    let held = |text: &str, word: &str| text.contains(word) || word.strip_suffix('s').is_some_and(|w| text.contains(w));
    let one = |word: &&str| {
        4 * u32::from(held(&name, word)) + 2 * u32::from(held(&about, word)) + u32::from(held(&arguments, word))
    };
    words.iter().map(one).sum()
}

fn search() -> ToolSpec {
    ToolSpec {
        name: SEARCH.to_owned(),
        description: "Finds further tools by what they do; call them with tool.call.".to_owned(),
        parameters: json!({
            "type": "object",
            "properties": {"query": {"type": "string", "description": "what the tool should do, in a few words"}},
            "required": ["query"],
            "additionalProperties": false,
        }),
    }
}

fn call() -> ToolSpec {
    ToolSpec {
        name: CALL.to_owned(),
        description: "Calls a tool that tool.search found.".to_owned(),
        parameters: json!({
            "type": "object",
            "properties": {"tool": {"type": "string"}, "arguments": {"type": "object"}},
            "required": ["tool", "arguments"],
            "additionalProperties": false,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(name: &str, about: &str) -> ToolSpec {
        let parameters = json!({"type": "object", "properties": {"path": {"type": "string"}}});
        ToolSpec { name: name.into(), description: about.into(), parameters }
    }

    fn many(count: usize) -> Vec<ToolSpec> {
        let mut tools = vec![tool("shell.exec", "Runs a command.")];
        let about =
            |n: usize| format!("Does the thing of number {n} to a calendar entry. {}", "More words. ".repeat(20));
        tools.extend((0..count).map(|n| tool(&format!("extra.tool{n}"), &about(n))));
        tools.push(tool("mail.send_message", "Sends a letter to somebody."));
        tools
    }

    fn estimator() -> Estimator {
        Estimator::new(None, "gpt-5")
    }

    #[test]
    fn few_tools_are_listed_as_they_are() {
        let toolbox = Toolbox::new(many(2), &estimator());
        let names: Vec<_> = toolbox.listed().iter().map(|tool| tool.name.clone()).collect();
        assert_eq!(names, ["shell.exec", "extra.tool0", "extra.tool1", "mail.send_message"]);
        assert_eq!(toolbox.answer(SEARCH, &json!({"query": "mail"})), None, "then it's no tool of the brain's");
    }

    #[test]
    fn many_tools_take_no_more_room_than_a_few_and_are_found() {
        for count in [60, 600] {
            let toolbox = Toolbox::new(many(count), &estimator());
            let listed = toolbox.listed();
            assert!(estimator().tools(&listed) <= ROOM, "{count}");
            assert_eq!(listed[0].name, "shell.exec");
            assert_eq!(listed[listed.len() - 2..].iter().map(|t| t.name.as_str()).collect::<Vec<_>>(), [SEARCH, CALL]);
            let Some(ToolResult::Text { text }) = toolbox.answer(SEARCH, &json!({"query": "send messages by mail"}))
            else {
                panic!("no answer");
            };
            assert!(text.starts_with("mail.send_message: Sends a letter"), "{text}");
            assert_eq!(toolbox.name("mail_send_message"), "mail.send_message");
        }
    }

    #[test]
    fn a_search_always_answers_and_stays_short() {
        let toolbox = Toolbox::new(many(300), &estimator());
        for query in ["", "calendar", "zzz", &"word ".repeat(9_000), "ärger ✓"] {
            let Some(ToolResult::Text { text }) = toolbox.answer(SEARCH, &json!({ "query": query })) else { panic!() };
            assert!(!text.is_empty() && text.len() < 8_000, "{query}: {} bytes", text.len());
        }
        assert!(matches!(toolbox.answer(CALL, &json!({})), Some(ToolResult::Failed { .. })));
    }

    #[test]
    fn a_call_of_a_found_tool_is_the_call_of_that_tool() {
        let of = |tool: &str, arguments| unwrapped(ToolCall { id: "a".into(), tool: tool.into(), arguments });
        let found = of(CALL, json!({"tool": "mail.send", "arguments": {"to": "x"}}));
        assert_eq!((found.tool.as_str(), &found.arguments), ("mail.send", &json!({"to": "x"})));
        for odd in [
            json!({}),
            json!({"tool": 7}),
            json!({"tool": "x", "arguments": "y"}),
            json!({"tool": CALL, "arguments": {}}),
        ] {
            assert_eq!(of(CALL, odd.clone()).arguments, odd);
        }
        let other = json!({"tool": "x", "arguments": {}});
        assert_eq!(of("shell.exec", other.clone()).arguments, other);
    }
}
