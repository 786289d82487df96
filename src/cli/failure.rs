//! Errors become words here, and nowhere else: what happened, why, what to do, and the exit code.

use super::exit;
use super::style::Style;
use pryx_ipc::{ClientError, ErrorCode, WireError};
use std::error::Error;
use std::fmt::Display;

/// Why a command ends without having done what it was asked.
#[derive(Debug)]
pub struct Failure {
    /// One sentence.
    message: String,
    /// What lies beneath, outermost first.
    causes: Vec<String>,
    /// What to do next.
    hint: Option<String>,
    /// The exit code.
    pub code: u8,
}

impl Failure {
    /// A failure that no more special code names.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), causes: Vec::new(), hint: None, code: exit::FAILED }
    }

    /// The command line or a settings file is wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(message).code(exit::USAGE)
    }

    /// A failure with its causes.
    pub fn because(message: impl Into<String>, cause: &dyn Error) -> Self {
        let mut causes = vec![cause.to_string()];
        let mut next = cause.source();
        while let Some(cause) = next {
            causes.push(cause.to_string());
            next = cause.source();
        }
        // Many errors repeat their source in their own text.
        causes.dedup_by(|inner, outer| outer.contains(inner.as_str()));
        Self { causes, ..Self::new(message) }
    }

    /// Says what to do next.
    pub fn hint(mut self, hint: impl Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }

    /// Sets the exit code.
    pub fn code(mut self, code: u8) -> Self {
        self.code = code;
        self
    }

    /// Puts it on stderr.
    pub fn print(&self, style: &Style) {
        let (message, hint) = self.words();
        let mut text = format!("{} {message}", style.error("error:"));
        if let Some(hint) = hint {
            text.push_str(&format!("\n  {} {hint}", style.bold("→")));
        }
        super::out::talk(&text);
    }

    /// The whole sentence, and what to do next.
    pub fn words(&self) -> (String, Option<String>) {
        let parts: Vec<&str> = std::iter::once(&self.message).chain(&self.causes).map(String::as_str).collect();
        (parts.join(": "), self.hint.clone())
    }

    /// As JSON, for `--json`.
    pub fn json(&self) -> serde_json::Value {
        let (message, hint) = self.words();
        serde_json::json!({ "error": { "message": message, "hint": hint, "exit_code": self.code } })
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Answer(error) => error.into(),
            ClientError::Lost => Self::new("the connection to the hands was lost")
                .hint("`pryx ps` shows what still runs; `pryx doctor` says what is wrong"),
            ClientError::Unreachable { .. } => {
                Self::because("the hands can't be reached", &error).hint("`pryx doctor` says what is wrong")
            }
            ClientError::Garbled(_) => Self::new(error.to_string())
                .hint("hands and command may be of different versions: run `pryx hands stop` and try again"),
            ClientError::Unsendable(_) => {
                Self::usage(error.to_string()).hint("use paths and arguments that are valid UTF-8")
            }
        }
    }
}

impl From<WireError> for Failure {
    fn from(error: WireError) -> Self {
        let code = match error.code {
            ErrorCode::Refused => exit::BLOCKED,
            ErrorCode::BadData | ErrorCode::UnknownAction => exit::USAGE,
            ErrorCode::Cancelled => exit::INTERRUPTED,
            ErrorCode::SpawnFailed => spawn_code(&error.message),
            ErrorCode::BadFrame
            | ErrorCode::FrameTooLarge
            | ErrorCode::HelloRequired
            | ErrorCode::VersionMismatch
            | ErrorCode::NotFound
            | ErrorCode::Busy
            | ErrorCode::ShuttingDown
            | ErrorCode::Machine => exit::FAILED,
        };
        let failure = Self::new(error.message).code(code);
        match (error.hint, code) {
            (Some(hint), _) => failure.hint(hint),
            (None, exit::NOT_FOUND) => {
                failure.hint("check the name and PATH; shell syntax wants a shell: pryx exec -- sh -c '…'")
            }
            (None, exit::NOT_EXECUTABLE) => failure.hint("is it a program? chmod +x makes a script one"),
            (None, _) => failure,
        }
    }
}

/// A shell's codes for a command that can't be started.
fn spawn_code(message: &str) -> u8 {
    let denied = ["Permission denied", "Exec format"].iter().any(|words| message.contains(words));
    if denied { exit::NOT_EXECUTABLE } else { exit::NOT_FOUND }
}
