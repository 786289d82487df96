//! The tools a model can be given: a closed list. Each is planned here, ruled on by the gate, then carried out.

pub(crate) mod fs;
pub(crate) mod http;
pub(crate) mod input;
mod job;
pub(crate) mod list;
pub(crate) mod read;
pub(crate) mod screen;
mod shell;
pub(crate) mod stop;
pub(crate) mod typed;
pub(crate) mod wait;

use crate::daemon::Hands;
use crate::gate::Request;
use crate::jobs::Launch;
use pryx_ipc::CallTool;
use pryx_terms::{JobRecord, SessionId, ToolSpec};
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
    /// Starts one and leaves it.
    Background(Box<Launch>),
    /// Runs one in a terminal.
    Typed(Box<typed::Typed>),
    /// Waits for a job.
    Wait(Box<wait::Wait>),
    /// Types into one.
    Input(input::Input),
    /// Reads a log.
    Read(read::Read),
    /// Draws a screen.
    Screen(Box<JobRecord>),
    /// Stops a job.
    Stop(Box<JobRecord>),
    /// Reads or changes files.
    Fs(fs::Fs),
    /// Asks a web server.
    Http(Box<http::Http>),
    /// Lists the jobs of a conversation.
    List(Option<SessionId>),
}

/// All of them, in the order in which a model should see them.
pub(crate) fn specs() -> Vec<ToolSpec> {
    let mut specs = vec![
        shell::spec(),
        shell::background_spec(),
        wait::spec(),
        input::spec(),
        read::spec(),
        screen::TOOL.spec(),
        stop::TOOL.spec(),
        list::spec(),
    ];
    specs.extend(fs::specs());
    specs.push(http::spec());
    specs
}

/// Turns a call into something to rule on; the error is for the model.
pub(crate) fn plan(hands: &Hands, mut call: CallTool, session: Option<&SessionId>) -> Result<Planned, String> {
    if let Some(planned) = fs::plan(hands, &mut call) {
        return planned;
    }
    match call.tool.as_str() {
        shell::NAME => shell::plan(hands, call),
        shell::BACKGROUND => shell::plan_background(hands, call),
        wait::NAME => wait::plan(hands, call, session),
        input::NAME => input::plan(hands, call, session),
        read::NAME => read::plan(hands, call, session),
        name if name == screen::TOOL.name => screen::TOOL.plan(hands, call, session),
        name if name == stop::TOOL.name => stop::TOOL.plan(hands, call, session),
        list::NAME => list::plan(call, session),
        http::NAME => http::plan(call),
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

#[cfg(test)]
mod tests {
    use super::specs;

    /// Every request to a model carries all of them: about four characters are a token.
    const ROOM: usize = 7200;

    #[test]
    fn the_tools_are_few_and_short() {
        let specs = specs();
        assert!(specs.len() <= 16);
        let text = serde_json::to_string(&specs).unwrap();
        assert!(text.len() < ROOM, "{} characters", text.len());
    }
}
