//! The tools a model can be given: a closed list. Each is planned here, ruled on by the gate, then carried out.

pub(crate) mod read;
mod shell;

use crate::daemon::Hands;
use crate::gate::Request;
use crate::jobs::Launch;
use pryx_ipc::CallTool;
use pryx_terms::{SessionId, ToolSpec};
use serde::de::DeserializeOwned;

/// A call whose arguments made sense.
pub(crate) struct Planned {
    /// What the gate rules on.
    pub request: Request,
    /// What is done if it may be.
    pub work: Work,
}

/// What a tool does.
pub(crate) enum Work {
    /// Runs a command.
    Command(Box<Launch>),
    /// Reads a log.
    Read(read::Read),
}

/// All of them, in the order in which a model should see them.
pub(crate) fn specs() -> Vec<ToolSpec> {
    vec![shell::spec(), read::spec()]
}

/// Turns a call into something to rule on; the error is for the model.
pub(crate) fn plan(hands: &Hands, call: CallTool, session: Option<&SessionId>) -> Result<Planned, String> {
    match call.tool.as_str() {
        shell::NAME => shell::plan(hands, call),
        read::NAME => read::plan(hands, call, session),
        other => {
            let names: Vec<String> = specs().into_iter().map(|tool| tool.name).collect();
            let shown: String = other.chars().take(40).collect();
            Err(format!("there is no tool {shown:?}; tools: {}", names.join(", ")))
        }
    }
}

fn arguments<T: DeserializeOwned>(tool: &str, value: serde_json::Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|error| format!("the arguments of {tool} don't fit: {error}"))
}
