//! `write_policy`: puts a policy file in place. It is understood first, what was there is kept, and a row tells of it.

use crate::daemon::Hands;
use crate::daemon::handler::{machine, not_for_agents};
use crate::gate::PolicyFile;
use crate::store::{AuditEntry, AuditKind};
use pryx_ipc::{ErrorCode, RequestContext, WireError, WritePolicy, WritePolicyReply};
use pryx_terms::Actor;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub(crate) fn run(hands: &Hands, data: &WritePolicy, context: &RequestContext) -> Result<WritePolicyReply, WireError> {
    let actor = hands.actor(context.peer);
    if actor != Actor::Person {
        return Err(not_for_agents("change policies"));
    }
    let bad = |what: String| WireError::new(ErrorCode::BadData, what).hint("mend that line; nothing was changed");
    let file = hands.gate.policy_file(&data.name).map_err(bad)?;
    let parsed = PolicyFile::parse(&file, &data.text, Some(&hands.config.user_home));
    let policy = parsed.map_err(|fault| bad(fault.to_string()))?;
    let sha256: String = Sha256::digest(&data.text).iter().map(|b| format!("{b:02x}")).collect();
    let body = json!({"written": data.name, "sha256": sha256});
    // The row first: a policy that changed without one would be worse than a row about a change that failed.
    hands.store.audit(&AuditEntry {
        kind: AuditKind::Policy,
        actor: &actor,
        session: None,
        call: None,
        job: None,
        body,
    })?;
    let backup = replace(&file, &data.text).map_err(|error| machine(&error))?;
    Ok(WritePolicyReply { file, backup, warnings: policy.warnings() })
}

/// Whole or not at all; gives back where the former content is.
fn replace(file: &Path, text: &str) -> io::Result<Option<PathBuf>> {
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
    if let Some(dir) = file.parent() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    }
    let fresh = file.with_extension("yaml.new");
    let mut out = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    out.write_all(text.as_bytes())?;
    out.sync_all()?;
    let backup = file.with_extension("yaml.bak");
    let kept = match std::fs::copy(file, &backup) {
        Ok(_) => Some(backup),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    std::fs::rename(&fresh, file)?;
    Ok(kept)
}
