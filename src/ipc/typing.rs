//! `send_keys`: text and keys for a job's terminal.

use crate::Blob;
use serde::{Deserialize, Serialize};

/// `send_keys`: the text first, then the keys.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendKeys {
    /// As in [`crate::ReadLog::job`].
    pub job: String,
    /// Text, byte for byte. A program that has asked for pasted text in brackets gets it so.
    #[serde(default)]
    pub text: Blob,
    /// Keys by name: `Enter`, `C-c`, `M-x`, `Up`, `F5`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
}
