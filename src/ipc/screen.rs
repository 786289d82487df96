//! `screen`: what a job's terminal shows now.

use pryx_terms::JobRecord;
use serde::{Deserialize, Serialize};

/// `screen`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Screen {
    /// As in [`crate::ReadLog::job`].
    pub job: String,
    /// In which form.
    #[serde(default)]
    pub format: ScreenFormat,
}

/// How a screen is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScreenFormat {
    /// Its characters.
    #[default]
    Text,
    /// With colours, as a terminal writes them; nothing else that a terminal obeys.
    Ansi,
    /// A drawing.
    Svg,
}

/// A screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScreenReply {
    /// The job, as it is now.
    pub job: JobRecord,
    /// Lines of the terminal.
    pub rows: u16,
    /// Columns.
    pub cols: u16,
    /// Row and column of the cursor, counted from 0; absent when it is hidden.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<(u16, u16)>,
    /// Whether it is the alternate screen, where full-screen programs draw.
    pub alternate: bool,
    /// The screen in the form asked for; empty lines at the end are left out of text.
    pub content: String,
}
