//! The one place where tool names meet the providers' alphabet: `shell.exec` here, `shell_exec` on the wire.

use pryx_terms::ToolSpec;

/// The name as providers allow it: letters, digits, `_` and `-`.
pub(crate) fn to_wire(tool: &str) -> String {
    let fit = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    tool.chars().map(fit).collect()
}

/// The tool that a model means by a name. A name that nothing was offered under is kept as it is, so that the answer
/// to it can say which one was wrong.
pub(crate) fn from_wire(name: &str, offered: &[ToolSpec]) -> String {
    let same = offered.iter().find(|spec| spec.name == name || to_wire(&spec.name) == name);
    same.map_or_else(|| name.to_owned(), |spec| spec.name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let spec = |name: &str| ToolSpec {
            name: name.into(),
            description: String::new(),
            parameters: serde_json::Value::Null,
        };
        let offered = [spec("shell.exec"), spec("fs.read_file")];
        assert_eq!(to_wire("shell.exec"), "shell_exec");
        assert_eq!(from_wire("shell_exec", &offered), "shell.exec");
        assert_eq!(from_wire("shell.exec", &offered), "shell.exec");
        assert_eq!(from_wire("fs_read_file", &offered), "fs.read_file");
        assert_eq!(from_wire("rm_rf", &offered), "rm_rf");
    }
}
