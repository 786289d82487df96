//! `choose_mode`: under which rules a session runs. A person's choice, and made once.

use crate::daemon::Hands;
use crate::daemon::handler::machine;
use crate::gate::ChooseError;
use pryx_ipc::{ChooseMode, ChooseModeReply, ErrorCode, RequestContext, WireError};

pub(crate) fn run(hands: &Hands, data: &ChooseMode, context: &RequestContext) -> Result<ChooseModeReply, WireError> {
    let actor = hands.actor(context.peer);
    let choice = hands.gate.choose(&data.session, &data.mode, data.workspace.as_deref(), &actor)?;
    Ok(ChooseModeReply { mode: choice.name, workspace: choice.dir })
}

impl From<ChooseError> for WireError {
    fn from(error: ChooseError) -> Self {
        match &error {
            ChooseError::Agent => Self::new(ErrorCode::Refused, error.to_string()),
            ChooseError::Unknown { .. } => Self::new(ErrorCode::BadData, error.to_string())
                .hint("ready modes: read-only, workspace, network-allowlist, full"),
            ChooseError::Fixed { .. } => Self::new(ErrorCode::BadData, error.to_string()),
            ChooseError::Store(_) => machine(&error),
        }
    }
}
