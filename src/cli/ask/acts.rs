//! What the agent does besides commands, in a few words: a line for each file it reads or changes and each request.

use pryx_terms::visible;
use serde_json::Value;

/// Characters of a path or an address that are shown.
const MAX_SHOWN: usize = 120;

/// What a call is about; nothing for tools that show themselves in another way.
pub fn words(tool: &str, arguments: &Value) -> Option<String> {
    let text = |name: &str| arguments.get(name).and_then(Value::as_str);
    let (verb, about) = match tool {
        "fs.read" => ("reads", text("path")?.to_owned()),
        "fs.write" => ("writes", text("path")?.to_owned()),
        "fs.edit" => ("edits", text("path")?.to_owned()),
        "fs.list" => ("lists", text("path").unwrap_or(".").to_owned()),
        "fs.search" => ("searches", format!("{} for {:?}", text("path").unwrap_or("."), text("pattern")?)),
        "http.request" => (text("method").unwrap_or("GET"), text("url")?.to_owned()),
        _ => return None,
    };
    let shown = visible(&about);
    let cut: String = shown.chars().take(MAX_SHOWN).collect();
    let more = if cut.len() < shown.len() { "…" } else { "" };
    Some(format!("{} {cut}{more}", visible(verb)))
}

/// Whether what it did to a file can be taken back.
pub fn can_be_undone(tool: &str) -> bool {
    matches!(tool, "fs.write" | "fs.edit")
}

#[cfg(test)]
mod tests {
    use super::words;
    use serde_json::json;

    #[test]
    fn a_line_says_what_is_done_and_can_do_no_harm() {
        assert_eq!(words("fs.edit", &json!({"path": "a\u{1b}[2J"})).unwrap(), "edits a\\x1b[2J");
        assert_eq!(words("fs.search", &json!({"pattern": "x"})).unwrap(), "searches . for \"x\"");
        assert_eq!(
            words("http.request", &json!({"url": "https://x.example/", "method": "POST"})).unwrap(),
            "POST https://x.example/"
        );
        assert_eq!(words("fs.read", &json!({"path": "x".repeat(500)})).unwrap().chars().count(), 127);
        assert_eq!(words("shell.exec", &json!({"command": "ls"})), None);
        assert_eq!(words("fs.read", &json!({})), None);
    }
}
