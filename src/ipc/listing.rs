//! A job in a list: its record, and what is true of it at the moment.

use pryx_terms::{JobRecord, Live};
use serde::{Deserialize, Serialize};

/// A job in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobListing {
    /// Its record.
    #[serde(flatten)]
    pub job: JobRecord,
    /// What it does and uses now; absent when none of its processes lives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<Live>,
    /// Windows that are open onto it.
    #[serde(default, skip_serializing_if = "is_none")]
    pub windows: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
fn is_none(count: &u32) -> bool {
    *count == 0
}
