//! `docs/protocol.md` can be relied on: each of its examples is of the protocol, and nothing of the protocol is missing.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so by failing")]

use pryx_ipc::{
    Action, CallTool, Cancel, ChangeCall, ChooseMode, CloseWindows, Exec, Explain, Follow, FromServer, GrantAlways,
    HELLO_DEADLINE, Hello, ListApprovals, ListChanges, ListGrants, ListJobs, ListTools, MAX_FRAME, OfferGrant,
    OlderAction, OlderData, OlderReply, PROTOCOL_VERSION, PlainReply, ReadAudit, ReadLog, ReadTiming, Request, Resize,
    ResolveApproval, RevokeGrant, Screen, SearchLog, SendInput, SendKeys, Shutdown, Status, Stop, Undo, VerifyAudit,
    Wait, WritePolicy, decode_from_server, decode_request,
};
use serde_json::{Value, value::RawValue};
use std::collections::{BTreeSet, HashMap};
use std::path::Path;

fn document() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/protocol.md")).unwrap()
}

/// The lines of each ```json block.
fn examples(text: &str) -> Vec<Vec<&str>> {
    let blocks = text.split("```json\n").skip(1);
    blocks.map(|rest| rest.split("\n```").next().unwrap().lines().collect()).collect()
}

/// Whether a result is one that the action may have.
fn fits(action: &str, result: &RawValue) -> Result<(), serde_json::Error> {
    fn read<A: Action>(result: &RawValue) -> Result<(), serde_json::Error> {
        serde_json::from_str::<A::Reply>(result.get()).map(drop)
    }
    let read = match action {
        Hello::NAME => read::<Hello>,
        Status::NAME => read::<Status>,
        ListTools::NAME => read::<ListTools>,
        CallTool::NAME => read::<CallTool>,
        Exec::NAME => read::<Exec>,
        ListJobs::NAME => read::<ListJobs>,
        ReadLog::NAME => read::<ReadLog>,
        ReadTiming::NAME => read::<ReadTiming>,
        SearchLog::NAME => read::<SearchLog>,
        Follow::NAME => read::<Follow>,
        SendInput::NAME => read::<SendInput>,
        SendKeys::NAME => read::<SendKeys>,
        Screen::NAME => read::<Screen>,
        Wait::NAME => read::<Wait>,
        Resize::NAME => read::<Resize>,
        CloseWindows::NAME => read::<CloseWindows>,
        Stop::NAME => read::<Stop>,
        ListApprovals::NAME => read::<ListApprovals>,
        ResolveApproval::NAME => read::<ResolveApproval>,
        ListChanges::NAME => read::<ListChanges>,
        Undo::NAME => read::<Undo>,
        ChooseMode::NAME => read::<ChooseMode>,
        Explain::NAME => read::<Explain>,
        OfferGrant::NAME => read::<OfferGrant>,
        GrantAlways::NAME => read::<GrantAlways>,
        ChangeCall::NAME => read::<ChangeCall>,
        ListGrants::NAME => read::<ListGrants>,
        RevokeGrant::NAME => read::<RevokeGrant>,
        WritePolicy::NAME => read::<WritePolicy>,
        ReadAudit::NAME => read::<ReadAudit>,
        VerifyAudit::NAME => read::<VerifyAudit>,
        Cancel::NAME => read::<Cancel>,
        Shutdown::NAME => read::<Shutdown>,
        other => panic!("{other} is missing here"),
    };
    read(result)
}

#[test]
fn every_example_is_of_the_protocol() {
    let text = document();
    let (mut shown, mut answered, mut older) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for block in examples(&text) {
        let mut asked: HashMap<Option<u64>, &'static str> = HashMap::new();
        for line in block {
            let value: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
            let action = value.get("action").and_then(Value::as_str).unwrap_or_default();
            if value.get("id").is_none() && OlderAction::of(action).is_some() {
                let data = value.get("data").cloned().unwrap_or_default();
                serde_json::from_value::<OlderData>(data).unwrap_or_else(|e| panic!("{e}: {line}"));
                older.insert(action.to_owned());
            } else if value.get("exists").is_some() {
                serde_json::from_value::<OlderReply>(value).unwrap_or_else(|e| panic!("{e}: {line}"));
            } else if value.get("action").is_some() {
                let incoming = decode_request(line.as_bytes());
                let request = incoming.request.unwrap_or_else(|e| panic!("{e}: {line}"));
                asked.insert(incoming.id, request.name());
                shown.insert(request.name());
            } else if value.get("success").is_some() && value.get("id").is_none() {
                let reply: PlainReply = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
                assert_eq!(reply.success, reply.error.is_none(), "{line}");
                assert!(asked.contains_key(&None), "a plain reply without its request: {line}");
            } else {
                match decode_from_server(line.as_bytes()).unwrap_or_else(|e| panic!("{e}: {line}")) {
                    FromServer::Reply(reply) => {
                        if let (Ok(result), Some(action)) = (reply.result, asked.get(&Some(reply.id))) {
                            fits(action, &result).unwrap_or_else(|e| panic!("{e}: {line}"));
                            answered.insert(*action);
                        }
                    }
                    FromServer::Event { .. } | FromServer::Broken(_) => {}
                }
            }
        }
    }
    let actions: BTreeSet<&str> = Request::ACTIONS.iter().copied().collect();
    assert_eq!(shown, actions, "each action needs an example");
    assert_eq!(answered, actions, "each action needs an example of its reply");
    let actions: BTreeSet<String> = OlderAction::NAMES.map(str::to_owned).into();
    assert_eq!(older, actions, "each action of the older protocol needs an example");
}

#[test]
fn every_event_and_error_is_described() {
    let text = document();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut described = 0;
    for entry in std::fs::read_dir(golden).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let mut parts = name.split('.');
        let (Some(kind @ ("event" | "error")), Some(name)) = (parts.next(), parts.next()) else { continue };
        if name != "stray" {
            assert!(text.contains(&format!("\n| `{name}` | ")), "{kind} {name} has no line in a table");
            described += 1;
        }
    }
    assert!(described > 15, "the golden files were not found");
}

#[test]
fn the_numbers_are_the_ones_in_force() {
    let text = document();
    let frame = format!("{},{:03},{:03}", MAX_FRAME / 1_000_000, MAX_FRAME / 1000 % 1000, MAX_FRAME % 1000);
    assert!(text.contains(&format!("| a line | {frame} bytes |")));
    assert!(text.contains(&format!("| first line after connecting | {} s |", HELLO_DEADLINE.as_secs())));
    assert!(text.contains(&format!("\"protocol\": {PROTOCOL_VERSION}, \"client\"")));
}
