//! `http.request`: a request to a web server. The gate rules on the host; no key of the person's and no cookie goes along.

use super::{Planned, Work, arguments};
use crate::daemon::Hands;
use crate::files::not_text;
use crate::gate::{Act, Permit, Request, Surroundings};
use crate::http::{Fetch, Fetched, HttpAct, to_text};
use pryx_ipc::CallTool;
use pryx_terms::{ByteCount, ToolResult, ToolSpec};
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

pub(super) const NAME: &str = "http.request";

/// How long a request may take when the model says nothing.
const DEFAULT_TIMEOUT_S: u64 = 30;

/// The longest a model can ask for.
const MAX_TIMEOUT_S: u64 = 120;

/// Text in one answer (32 KiB), as with `fs.read`.
const MAX_TEXT: usize = 32 * 1024;

/// Headers of an answer that say something to a model. Cookies do not: nothing keeps them.
const TOLD: &[&str] =
    &["content-type", "location", "last-modified", "etag", "retry-after", "link", "www-authenticate", "allow"];

/// Longest header that is told.
const MAX_HEADER: usize = 400;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    url: String,
    method: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Option<String>,
    timeout_s: Option<u64>,
    #[serde(default)]
    raw: bool,
}

/// A request, and how its answer is shown.
pub(crate) struct Http {
    act: HttpAct,
    timeout: Duration,
    raw: bool,
}

pub(super) fn spec() -> ToolSpec {
    ToolSpec {
        name: NAME.to_owned(),
        description: "Make an HTTP request; HTML comes as text unless raw. Redirects to other hosts are not followed."
            .to_owned(),
        parameters: json!({
            "type": "object",
            "properties": {
                "url": {"type": "string"},
                "method": {"type": "string", "description": "default GET"},
                "headers": {"type": "object", "additionalProperties": {"type": "string"}},
                "body": {"type": "string"},
                "timeout_s": {"type": "integer", "minimum": 1, "maximum": MAX_TIMEOUT_S},
                "raw": {"type": "boolean"},
            },
            "required": ["url"],
            "additionalProperties": false,
        }),
    }
}

pub(super) fn plan(call: CallTool) -> Result<Planned, String> {
    let Arguments { url, method, headers, body, timeout_s, raw } = arguments(NAME, call.arguments)?;
    let method = method.map_or_else(|| "GET".to_owned(), |method| method.to_ascii_uppercase());
    let timeout_s = timeout_s.unwrap_or(DEFAULT_TIMEOUT_S);
    if timeout_s == 0 || timeout_s > MAX_TIMEOUT_S {
        return Err(format!("timeout_s is from 1 to {MAX_TIMEOUT_S}"));
    }
    let act = HttpAct { method, url, headers, body };
    let request = Request {
        tool: NAME.to_owned(),
        act: Act::Http(act.clone()),
        cwd: call.cwd,
        surroundings: Surroundings::default(),
    };
    let timeout = Duration::from_secs(timeout_s);
    Ok(Planned { request, work: Work::Http(Box::new(Http { act, timeout, raw })) })
}

/// Makes the request that the permit allows, and gives it up when nobody waits for it any more.
pub(crate) async fn run(
    hands: &Hands,
    permit: Permit,
    http: Http,
    interrupted: impl Future<Output = ()>,
) -> ToolResult {
    let failed = |message: String| ToolResult::Failed { message };
    let fetch = match (http.act.url(), http.act.header_map(), Method::from_bytes(http.act.method.as_bytes())) {
        (Ok(url), Ok(headers), Ok(method)) => {
            Fetch { method, url, headers, body: http.act.body, timeout: http.timeout }
        }
        _ => return failed("the request makes no sense".to_owned()),
    };
    // Kept before it is sent: whoever asks again after a crash is told so, and nothing is sent twice.
    let unknown = failed("the hands ended while the request was under way; whether it arrived is not known".to_owned());
    let begun = hands.gate.audit_act(&permit).and_then(|()| hands.gate.finish(permit.key(), &unknown));
    if let Err(error) = begun {
        return failed(format!("nothing is sent without a record: {error}"));
    }
    let fetched = tokio::select! {
        fetched = hands.fetcher.fetch(fetch) => fetched,
        () = interrupted => Err("it was stopped; whether it arrived is not known".to_owned()),
    };
    let outcome = match &fetched {
        Ok(fetched) => json!({"status": fetched.status.as_u16(), "bytes": fetched.body.len()}),
        Err(why) => json!({"error": why}),
    };
    let result = match fetched {
        Ok(fetched) => ToolResult::Text { text: told(&fetched, http.raw) },
        Err(why) => failed(why),
    };
    let ended = hands.gate.audit_acted(&permit, outcome).and_then(|()| hands.gate.finish(permit.key(), &result));
    if let Err(error) = ended {
        hands.journal.note(format_args!("call {}: its end can't be recorded: {error}", permit.key()));
    }
    // The same call on another connection waits for this moment.
    drop(permit);
    hands.decided.notify_waiters();
    result
}

/// An answer as a model reads it.
fn told(fetched: &Fetched, raw: bool) -> String {
    let mut text = format!("{} from {}\n", fetched.status, fetched.url);
    for name in TOLD {
        for value in fetched.headers.get_all(*name) {
            let value: String = String::from_utf8_lossy(value.as_bytes()).chars().take(MAX_HEADER).collect();
            let _ = writeln!(text, "{name}: {value}");
        }
    }
    let size = ByteCount(fetched.body.len() as u64);
    let packed = fetched.headers.contains_key("content-encoding").then_some("compressed data");
    if let Some(what) = not_text(&fetched.body).or(packed) {
        let _ = write!(text, "[{what}, {size}; not shown]");
        return text;
    }
    let body = decoded(&fetched.headers, &fetched.body);
    let is_html = kind(&fetched.headers).starts_with("text/html");
    let shown = if is_html && !raw { to_text(&body) } else { body };
    let cut = shown.floor_char_boundary(MAX_TEXT);
    let _ = write!(text, "\n{}", &shown[..cut]);
    if cut < shown.len() || fetched.cut {
        let all = if fetched.cut { format!("more than {size}") } else { size.to_string() };
        let _ = write!(text, "\n[cut here; the answer has {all}]");
    }
    text
}

fn kind(headers: &HeaderMap) -> String {
    headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default().to_ascii_lowercase()
}

/// The body as text: UTF-8, or what older servers call Latin-1.
fn decoded(headers: &HeaderMap, body: &[u8]) -> String {
    let kind = kind(headers);
    let latin = ["iso-8859-1", "windows-1252", "latin1"].iter().any(|name| kind.contains(name));
    if latin && std::str::from_utf8(body).is_err() {
        return body.iter().map(|byte| char::from(*byte)).collect();
    }
    String::from_utf8_lossy(body).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    fn answer(kind: &str, body: &[u8]) -> Fetched {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_str(kind).unwrap());
        headers.insert("set-cookie", HeaderValue::from_static("session=1"));
        Fetched {
            status: reqwest::StatusCode::OK,
            headers,
            url: reqwest::Url::parse("https://x.example/").unwrap(),
            body: body.to_vec(),
            cut: false,
        }
    }

    #[test]
    fn an_answer_is_told_as_text() {
        assert_eq!(
            told(&answer("text/html; charset=utf-8", b"<h1>A</h1><p>b"), false),
            "200 OK from https://x.example/\ncontent-type: text/html; charset=utf-8\n\n# A\n\nb"
        );
        assert!(told(&answer("text/html", b"<h1>A"), true).ends_with("<h1>A"));
        assert!(told(&answer("text/plain; charset=iso-8859-1", b"gr\xfcn"), false).ends_with("grün"));
        assert!(told(&answer("image/png", b"\x89PNG\r\n"), false).ends_with("[a PNG picture, 6 B; not shown]"));
        let long = told(&answer("text/plain", &b"x".repeat(100_000)), false);
        assert!(
            long.len() < MAX_TEXT + 300 && long.ends_with("[cut here; the answer has 97.6 KiB]"),
            "{}",
            &long[long.len() - 60..]
        );
    }
}
