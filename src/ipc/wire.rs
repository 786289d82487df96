//! Typed messages to lines of JSON and back: the only file that knows the envelopes.

use crate::older::{Older, OlderAction};
use crate::{ErrorCode, Event, Reply, Request, WireError};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A request as it arrived.
#[derive(Debug)]
pub struct IncomingRequest {
    /// Absent in the plain form.
    pub id: Option<u64>,
    /// The request, or why it isn't one.
    pub request: Result<Request, WireError>,
}

/// The answer to a request in the plain form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlainReply {
    /// Whether it was done.
    pub success: bool,
    /// Text a person would read: for `exec`, what the command printed.
    pub output: Option<String>,
    /// What went wrong and what to do.
    pub error: Option<String>,
    /// The typed result, as in the form with an id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<serde_json::Value>,
}

/// What a client can receive.
#[derive(Debug)]
pub enum FromServer {
    /// An event of the request with that id.
    Event {
        /// The request.
        request: u64,
        /// Counts up by one over the connection.
        seq: u64,
        /// The event.
        event: Event,
    },
    /// The reply to the request with that id.
    Reply(Answered),
    /// An error that belongs to no request (a frame that could not be read); the connection is of no more use.
    Broken(WireError),
}

/// A reply as it arrived, its result still untyped.
#[derive(Debug)]
pub struct Answered {
    /// The request.
    pub id: u64,
    /// Its result, or the error.
    pub result: Result<Box<RawValue>, WireError>,
}

#[derive(Deserialize)]
struct RequestFrame<'a> {
    #[serde(default)]
    id: Option<u64>,
    action: String,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
}

/// A line from a client.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// Of this protocol.
    Request(IncomingRequest),
    /// Of the older one; the error is for its sender.
    Older(Result<Older, String>),
}

/// Reads one line from a client, of either protocol: those of the older one have no id, and actions of their own.
pub(crate) fn decode_line(line: &[u8]) -> Incoming {
    let parsed = frame(line);
    if let Ok(frame) = &parsed
        && frame.id.is_none()
        && let Some(action) = OlderAction::of(&frame.action)
    {
        return Incoming::Older(Older::read(action, frame.data.map(RawValue::get)));
    }
    Incoming::Request(decode_frame(line, parsed))
}

fn frame(line: &[u8]) -> Result<RequestFrame<'_>, serde_json::Error> {
    // Serde would take an array for the fields in their order; the protocol has objects alone.
    match line.trim_ascii_start().first() {
        Some(b'{') => serde_json::from_slice(line),
        _ => Err(serde::de::Error::custom("it is no JSON object")),
    }
}

/// Reads one line from a client. A line that can't be read still tells, where possible, which id to answer.
#[must_use]
pub fn decode_request(line: &[u8]) -> IncomingRequest {
    decode_frame(line, frame(line))
}

fn decode_frame(line: &[u8], parsed: Result<RequestFrame<'_>, serde_json::Error>) -> IncomingRequest {
    let frame = match parsed {
        Ok(frame) => frame,
        Err(error) => {
            // The payload itself is never repeated: it may hold a secret.
            let id = serde_json::from_slice::<serde_json::Value>(line).ok().and_then(|v| v.get("id")?.as_u64());
            let what = WireError::new(ErrorCode::BadFrame, format!("that line is no request: {error}"))
                .hint(r#"a request is one line: {"id": 1, "action": "status", "data": {}}"#);
            return IncomingRequest { id, request: Err(what) };
        }
    };
    let request = match frame.data {
        Some(data) => Request::decode(&frame.action, data),
        None => match serde_json::from_str::<&RawValue>("{}") {
            Ok(empty) => Request::decode(&frame.action, empty),
            Err(error) => Err(WireError::new(ErrorCode::BadData, error.to_string())),
        },
    };
    IncomingRequest { id: frame.id, request }
}

/// One line for a request.
///
/// # Errors
/// When a path in it is not UTF-8.
pub fn encode_request(id: Option<u64>, request: &Request) -> Result<Vec<u8>, serde_json::Error> {
    #[derive(Serialize)]
    struct Frame {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<u64>,
        action: &'static str,
        data: serde_json::Value,
    }
    line(&Frame { id, action: request.name(), data: request.data()? })
}

/// One line for a reply with an id.
///
/// # Errors
/// When a path in it is not UTF-8.
pub fn encode_reply(id: Option<u64>, reply: &Result<Reply, WireError>) -> Result<Vec<u8>, serde_json::Error> {
    #[derive(Serialize)]
    struct Frame<'a> {
        id: Option<u64>,
        success: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        result: Option<&'a Reply>,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<&'a WireError>,
    }
    line(&Frame { id, success: reply.is_ok(), result: reply.as_ref().ok(), error: reply.as_ref().err() })
}

/// One line for an event.
///
/// # Errors
/// When a path in it is not UTF-8.
pub fn encode_event(request: u64, seq: u64, event: &Event) -> Result<Vec<u8>, serde_json::Error> {
    #[derive(Serialize)]
    struct Frame<'a> {
        seq: u64,
        request: u64,
        #[serde(flatten)]
        event: &'a Event,
    }
    line(&Frame { seq, request, event })
}

pub(crate) fn line<T: Serialize>(value: &T) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = serde_json::to_vec(value)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Reads one line from a server.
///
/// # Errors
/// When the line is neither event nor reply; a client then gives up the connection.
pub fn decode_from_server(text: &[u8]) -> Result<FromServer, serde_json::Error> {
    #[derive(Deserialize)]
    struct Head {
        event: Option<serde::de::IgnoredAny>,
    }
    #[derive(Deserialize)]
    struct EventFrame {
        seq: u64,
        request: u64,
        #[serde(flatten)]
        event: Event,
    }
    #[derive(Deserialize)]
    struct ReplyFrame {
        id: Option<u64>,
        result: Option<Box<RawValue>>,
        error: Option<WireError>,
    }
    if serde_json::from_slice::<Head>(text)?.event.is_some() {
        let frame: EventFrame = serde_json::from_slice(text)?;
        return Ok(FromServer::Event { request: frame.request, seq: frame.seq, event: frame.event });
    }
    let frame: ReplyFrame = serde_json::from_slice(text)?;
    let missing = || WireError::new(ErrorCode::BadFrame, "the server sent neither result nor error");
    Ok(match (frame.id, frame.result, frame.error) {
        (Some(id), Some(result), None) => FromServer::Reply(Answered { id, result: Ok(result) }),
        (Some(id), _, error) => FromServer::Reply(Answered { id, result: Err(error.unwrap_or_else(missing)) }),
        (None, _, error) => FromServer::Broken(error.unwrap_or_else(missing)),
    })
}
