//! The older protocol: `{"action", "data"}` in, `{"success", "output", "error", "exists"}` out. Six actions on named
//! sessions, for clients that were written for it; nothing of it needs a greeting or an id.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// What such a client can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OlderAction {
    /// Runs a command in a session and answers with what it printed.
    Execute,
    /// What a session shows.
    Capture,
    /// Whether there is a session of that name.
    CheckSession,
    /// Makes sure that there is one.
    OpenTerminal,
    /// Closes the windows onto it.
    CloseTerminal,
    /// Ends it.
    CloseSession,
}

impl OlderAction {
    /// Their names.
    pub const NAMES: [&'static str; 6] =
        ["execute", "capture", "check_session", "open_terminal", "close_terminal", "close_session"];

    /// By name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        const ALL: [OlderAction; 6] = [
            OlderAction::Execute,
            OlderAction::Capture,
            OlderAction::CheckSession,
            OlderAction::OpenTerminal,
            OlderAction::CloseTerminal,
            OlderAction::CloseSession,
        ];
        Self::NAMES.iter().position(|known| *known == name).map(|at| ALL[at])
    }
}

/// A request of that kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Older {
    /// What for.
    pub action: OlderAction,
    /// With what.
    pub data: OlderData,
}

/// What such requests carry. Clients differ in what they call it; whatever else they say is ignored.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct OlderData {
    /// The command line.
    #[serde(alias = "cmd", alias = "input", deserialize_with = "text")]
    pub command: Option<String>,
    /// The session's name.
    #[serde(
        alias = "session_name",
        alias = "session_id",
        alias = "terminal",
        alias = "name",
        deserialize_with = "text"
    )]
    pub session: Option<String>,
    /// Lines wanted, from the end.
    #[serde(alias = "num_lines", alias = "limit", deserialize_with = "number")]
    pub lines: Option<f64>,
    /// Seconds to wait for the end of a command.
    #[serde(alias = "timeout_s", alias = "timeout_seconds", deserialize_with = "number")]
    pub timeout: Option<f64>,
    /// The directory.
    #[serde(alias = "dir", alias = "directory", alias = "working_dir", alias = "workdir", deserialize_with = "text")]
    pub cwd: Option<String>,
}

/// The answer, always with all of its fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OlderReply {
    /// Whether it was done. A command that ran to its end was, whatever its exit code.
    pub success: bool,
    /// Text, empty if there is none.
    pub output: String,
    /// What went wrong.
    pub error: Option<String>,
    /// Whether the session exists now.
    pub exists: bool,
    /// The command's exit code, when it ended and that was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<u8>,
}

impl OlderReply {
    /// It was done.
    #[must_use]
    pub fn done(output: String, exists: bool) -> Self {
        Self { success: true, output, error: None, exists, exit_code: None }
    }

    /// It was not.
    #[must_use]
    pub fn failed(error: impl Into<String>, exists: bool) -> Self {
        Self { success: false, output: String::new(), error: Some(error.into()), exists, exit_code: None }
    }
}

impl Older {
    /// Reads the data of a request. A bare string is the command, or where there is none, the session.
    ///
    /// # Errors
    /// When they are something else than an object, a string or nothing.
    pub(crate) fn read(action: OlderAction, data: Option<&str>) -> Result<Self, String> {
        let data = match data.map(serde_json::from_str::<Value>) {
            None | Some(Ok(Value::Null)) => OlderData::default(),
            Some(Ok(Value::String(text))) if action == OlderAction::Execute => {
                OlderData { command: Some(text), ..OlderData::default() }
            }
            Some(Ok(Value::String(text))) => OlderData { session: Some(text), ..OlderData::default() },
            Some(Ok(value @ Value::Object(_))) => {
                serde_json::from_value(value).map_err(|e| format!("the data don't fit: {e}"))?
            }
            // Serde would take an array for the fields in their order.
            Some(Ok(_)) => return Err("the data are neither an object nor a text".to_owned()),
            Some(Err(e)) => return Err(format!("the data are no JSON: {e}")),
        };
        Ok(Self { action, data })
    }
}

/// Text, a number as text, or nothing.
fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    match Value::deserialize(from)? {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        Value::Number(number) => Ok(Some(number.to_string())),
        _ => Err(serde::de::Error::custom("text was expected")),
    }
}

/// A number, text that is one, or nothing.
fn number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    let wrong = || serde::de::Error::custom("a number was expected");
    let number = match Value::deserialize(from)? {
        Value::Null => return Ok(None),
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number: &f64| number.is_finite() && *number >= 0.0).map(Some).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(action: OlderAction, data: &str) -> OlderData {
        Older::read(action, Some(data)).unwrap().data
    }

    #[test]
    fn what_clients_call_things() {
        let plain = read(OlderAction::Execute, r#"{"command": "ls", "session": "a", "timeout": 5}"#);
        for other in [
            r#"{"cmd": "ls", "session_name": "a", "timeout_s": 5.0, "color": true}"#,
            r#"{"input": "ls", "session_id": "a", "timeout_seconds": "5"}"#,
            r#"{"command": "ls", "name": "a", "timeout": " 5 ", "lines": null}"#,
        ] {
            assert_eq!(read(OlderAction::Execute, other), plain, "{other}");
        }
        assert_eq!(read(OlderAction::Execute, r#""ls""#).command.as_deref(), Some("ls"));
        assert_eq!(read(OlderAction::Capture, r#""a""#).session.as_deref(), Some("a"));
        assert_eq!(read(OlderAction::Capture, r#"{"session": 7, "lines": "50"}"#).lines, Some(50.0));
        assert_eq!(read(OlderAction::CheckSession, "null"), OlderData::default());
        assert_eq!(Older::read(OlderAction::CheckSession, None).unwrap().data, OlderData::default());
    }

    #[test]
    fn what_is_no_data() {
        for bad in
            ["7", "[1]", r#"{"command": ["ls"]}"#, r#"{"lines": -1}"#, r#"{"timeout": "soon"}"#, r#"{"lines": {}}"#]
        {
            assert!(Older::read(OlderAction::Execute, Some(bad)).is_err(), "{bad}");
        }
        assert!(OlderAction::NAMES.iter().all(|name| OlderAction::of(name).is_some()));
        assert_eq!(OlderAction::of("exec"), None);
    }
}
