//! What can go wrong with a provider, sorted by who can act, in the words a person reads. A key never gets in here;
//! what a server said does, bounded and cleaned.

use crate::clean::line;
use crate::model::ProviderConfig;
use serde_json::Value;
use std::time::Duration;

/// Most characters of a server's own message that are shown.
const MAX_SERVER_WORDS: usize = 300;

/// The code of a request that no budget held.
pub(crate) const BUDGET_REACHED: &str = "budget_reached";

/// The kind of a failure: decides whether trying again makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A budget doesn't hold it, and nobody said to go on.
    OverBudget,
    /// 401, 403: the key is missing, wrong or may not do this.
    Unauthorized,
    /// 402, or 429 for an account without credit: waiting doesn't help.
    OutOfCredit,
    /// 429.
    RateLimited {
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
    },
    /// 5xx, and "overloaded" inside a stream.
    Overloaded,
    /// The request itself was refused.
    BadRequest,
    /// The request has more tokens than the model reads.
    TooLong,
    /// 404.
    NotFound,
    /// Something answered that isn't the API: a web page, a redirect.
    NotTheApi,
    /// The stream held what is no event of the format.
    Malformed,
    /// The stream ended before the answer did, or the answer ended in nonsense.
    Truncated,
    /// There was no answer at all.
    Empty,
    /// No connection, or it broke.
    Connect {
        /// Somebody is there and said no: nothing listens on that port.
        refused: bool,
    },
    /// Silence.
    Timeout,
    /// More than any answer has.
    TooLarge,
    /// The address or this machine's TLS can't be used.
    Setup,
}

/// A failure of a provider.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct ProviderError {
    /// What kind.
    pub(crate) kind: Kind,
    /// One sentence.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: Option<String>,
}

/// What a decoder finds wrong with a stream, before it is known whose stream it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Not of the format; in words.
    Malformed(String),
    /// It ended early.
    Truncated,
    /// It ended with something that is no answer; in the server's words. The next try mostly is one.
    Spoiled(String),
    /// The server reports an error: its type or code, and its message.
    Reported {
        /// "overloaded_error", "429".
        code: String,
        /// For people.
        message: String,
    },
}

impl Kind {
    /// The word for programs.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::OverBudget => BUDGET_REACHED,
            Self::Unauthorized => "unauthorized",
            Self::OutOfCredit => "out_of_credit",
            Self::RateLimited { .. } => "rate_limited",
            Self::Overloaded => "overloaded",
            Self::BadRequest => "bad_request",
            Self::TooLong => "context_too_long",
            Self::NotFound => "not_found",
            Self::NotTheApi => "not_the_api",
            Self::Malformed => "malformed_answer",
            Self::Truncated => "truncated_answer",
            Self::Empty => "empty_answer",
            Self::Connect { .. } => "connect",
            Self::Timeout => "provider_timeout",
            Self::TooLarge => "answer_too_large",
            Self::Setup => "setup",
        }
    }
}

impl ProviderError {
    /// An error of a kind, with the hint that goes with it.
    pub(crate) fn new(config: &ProviderConfig, kind: Kind, message: String) -> Self {
        Self { kind, message, hint: hint(config, kind) }
    }

    /// From the status and body of an answer that is no success.
    pub(crate) fn from_status(
        config: &ProviderConfig,
        model: &str,
        status: u16,
        retry_after: Option<Duration>,
        body: &[u8],
    ) -> Self {
        let name = &config.name;
        let said = server_message(body);
        let words = said.as_ref().map_or_else(String::new, |said| format!(": {}", said.message));
        let page = said.is_none() && looks_like_page(body);
        let bad_key = status == 400 && said.as_ref().is_some_and(|said| said.reason == "API_KEY_INVALID");
        let retry_after = retry_after.or(said.as_ref().and_then(|said| said.retry_after));
        let no_credit = said.as_ref().is_some_and(|said| said.code == "insufficient_quota");
        let (kind, message) = match status {
            401 | 403 if page => (Kind::NotTheApi, format!("{name} answered {status} with a web page")),
            401 | 403 if config.key.is_none() => {
                (Kind::Unauthorized, format!("{name} wants a key and there is none ({status}{words})"))
            }
            401 | 403 => (Kind::Unauthorized, format!("{name} refused the key ({status}{words})")),
            400 if bad_key => (Kind::Unauthorized, format!("{name} refused the key ({status}{words})")),
            402 => (Kind::OutOfCredit, format!("the account at {name} has no credit{words}")),
            429 if no_credit => (Kind::OutOfCredit, format!("the account at {name} has no credit{words}")),
            429 => (Kind::RateLimited { retry_after }, format!("{name} wants fewer requests (429{words})")),
            300..=399 => (Kind::NotTheApi, format!("{name} answered with a redirect ({status}), which isn't followed")),
            404 if page => (Kind::NotTheApi, format!("{name} answered 404 with a web page")),
            404 => (Kind::NotFound, format!("{name} doesn't know the model {model} or the address (404{words})")),
            408 | 500.. => (Kind::Overloaded, format!("{name} has trouble ({status}{words})")),
            400 | 413 | 422 if said.as_ref().is_some_and(Said::is_too_long) => {
                (Kind::TooLong, format!("{name} found the request too long for {model} ({status}{words})"))
            }
            _ if page => (Kind::NotTheApi, format!("{name} answered {status} with a web page")),
            _ => (Kind::BadRequest, format!("{name} refused the request ({status}{words})")),
        };
        Self::new(config, kind, message)
    }

    /// From a fault inside a stream.
    pub(crate) fn from_fault(config: &ProviderConfig, model: &str, fault: Fault) -> Self {
        let name = &config.name;
        match fault {
            Fault::Malformed(what) => {
                let what = line(&what, MAX_SERVER_WORDS);
                Self::new(config, Kind::Malformed, format!("{name} sent an answer that can't be read: {what}"))
            }
            Fault::Truncated => {
                Self::new(config, Kind::Truncated, format!("the answer of {name} broke off before its end"))
            }
            Fault::Spoiled(what) => {
                let what = line(&what, MAX_SERVER_WORDS);
                Self::new(config, Kind::Truncated, format!("the model at {name} wrote what is no answer: {what}"))
            }
            Fault::Reported { code, message } => {
                let status = reported_status(&code);
                let body = serde_json::json!({ "error": { "message": message, "code": code } }).to_string();
                Self::from_status(config, model, status, None, body.as_bytes())
            }
        }
    }
}

/// The HTTP status that an error inside a stream would have had. Anthropic names a type, others a number.
fn reported_status(code: &str) -> u16 {
    match code {
        "authentication_error" | "invalid_api_key" => 401,
        "permission_error" => 403,
        "billing_error" => 402,
        "not_found_error" => 404,
        "rate_limit_error" | "rate_limit_exceeded" | "insufficient_quota" => 429,
        "invalid_request_error" | "request_too_large" | "invalid_prompt" | "context_length_exceeded" => 400,
        "overloaded_error" => 529,
        other => other.parse().ok().filter(|status| (400..600).contains(status)).unwrap_or(500),
    }
}

/// What a server says about an error.
pub(crate) struct Said {
    /// Its code or type; empty when it gave none.
    pub(crate) code: String,
    /// Its words, cleaned and bounded.
    pub(crate) message: String,
    /// The reason in its details, as Google writes it ("API_KEY_INVALID").
    reason: String,
    /// How long to wait, where that stands in its details.
    retry_after: Option<Duration>,
}

/// How servers say that a request has more tokens than the model reads.
const TOO_LONG: [&str; 9] = [
    "prompt is too long",
    "context_length_exceeded",
    "context length",
    "context window",
    "context size",
    "exceed_context",
    "input is too long",
    "input token count",
    "too many tokens",
];

impl Said {
    fn is_too_long(&self) -> bool {
        let words = format!("{} {}", self.code, self.message).to_ascii_lowercase();
        TOO_LONG.iter().any(|long| words.contains(long))
    }
}

/// Reads the forms that errors come in: `{"error": {"message", "type", "code"}}`, `{"error": "…"}`, `{"message"}`,
/// `{"detail"}`, the first of a list of these, or a short plain text.
fn server_message(body: &[u8]) -> Option<Said> {
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        let text = String::from_utf8_lossy(body);
        let plain = !looks_like_page(body) && text.len() <= 2_000;
        let message = line(&text, MAX_SERVER_WORDS);
        return (plain && !message.is_empty()).then_some(Said {
            code: String::new(),
            message,
            reason: String::new(),
            retry_after: None,
        });
    };
    said(value.get(0).unwrap_or(&value))
}

/// The same, of a value that was read already.
pub(crate) fn said(value: &Value) -> Option<Said> {
    let error = value.get("error").unwrap_or(value);
    let message = match error {
        Value::String(text) => Some(text.clone()),
        error => ["message", "detail", "msg"].iter().find_map(|key| match error.get(key)? {
            Value::String(text) => Some(text.clone()),
            Value::Null => None,
            other => Some(other.to_string()),
        }),
    }?;
    let code = ["code", "type"].iter().find_map(|key| match error.get(key)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    });
    let details = error.get("details").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let detail = |key: &'static str| details.iter().find_map(move |detail| detail.get(key)?.as_str());
    let seconds = detail("retryDelay").and_then(|delay| delay.strip_suffix('s')?.parse().ok());
    Some(Said {
        code: code.unwrap_or_default(),
        message: line(&message, MAX_SERVER_WORDS),
        reason: detail("reason").unwrap_or_default().to_owned(),
        retry_after: seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
    })
}

/// Whether a body is HTML.
pub(crate) fn looks_like_page(body: &[u8]) -> bool {
    let start = body.iter().position(|b| !b.is_ascii_whitespace() && !matches!(b, 0xEF | 0xBB | 0xBF));
    start.and_then(|at| body.get(at)).is_some_and(|b| *b == b'<')
}

/// The address without what may hold a password.
pub(crate) fn shown_url(url: &str) -> String {
    let Ok(mut parsed) = reqwest::Url::parse(url) else { return line(url, 200) };
    let _ = parsed.set_password(None);
    let _ = parsed.set_username("");
    parsed.set_query(None);
    line(parsed.as_str().trim_end_matches('/'), 200)
}

fn hint(config: &ProviderConfig, kind: Kind) -> Option<String> {
    let source = &config.key_source;
    let url = shown_url(&config.base_url);
    Some(match kind {
        Kind::Unauthorized if config.key.is_none() => format!("set {source}"),
        Kind::Unauthorized => {
            format!("check the key in {source}: it may be mistyped, expired or meant for another address than {url}")
        }
        Kind::OverBudget => "`pryx budget show` tells what is left".to_owned(),
        Kind::OutOfCredit => format!(
            "add credit to the account that the key in {source} belongs to, or choose another model with --model"
        ),
        Kind::RateLimited { .. } | Kind::Overloaded => {
            "try again later, or choose another model with --model".to_owned()
        }
        Kind::BadRequest => "choose another model with --model if this one can't do what was asked".to_owned(),
        Kind::TooLong => {
            "begin a new session, make room in this one with /compact, or choose a model that reads more with --model"
                .to_owned()
        }
        Kind::NotFound | Kind::NotTheApi => {
            format!("check the name given with --model and the provider's address ({url})")
        }
        Kind::Malformed | Kind::Truncated | Kind::Empty | Kind::TooLarge => {
            format!("check that {url} speaks the format that is expected of {}", config.name)
        }
        Kind::Connect { refused: true } => format!("start the model server at {url}, or correct the address"),
        Kind::Connect { refused: false } | Kind::Timeout => format!("check the network and the address ({url})"),
        Kind::Setup => format!("correct the address of {} ({url}): it begins with https:// or http://", config.name),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Api;
    use pryx_terms::Secret;

    fn config() -> ProviderConfig {
        ProviderConfig {
            name: "openai".into(),
            api: Api::OpenAiChat,
            base_url: "https://user:hunter2@api.example/v1".into(),
            key: Some(Secret::new("sk-secret".into())),
            key_source: "OPENAI_API_KEY".into(),
            limits: crate::model::Limits::default(),
        }
    }

    fn of(status: u16, body: &str) -> ProviderError {
        ProviderError::from_status(&config(), "m", status, None, body.as_bytes())
    }

    #[test]
    fn each_status_has_its_kind() {
        let message = r#"{"error":{"message":"words","type":"t"}}"#;
        let cases = [
            (400, Kind::BadRequest),
            (401, Kind::Unauthorized),
            (402, Kind::OutOfCredit),
            (403, Kind::Unauthorized),
            (404, Kind::NotFound),
            (413, Kind::BadRequest),
            (429, Kind::RateLimited { retry_after: None }),
            (302, Kind::NotTheApi),
            (500, Kind::Overloaded),
            (529, Kind::Overloaded),
        ];
        for (status, kind) in cases {
            assert_eq!(of(status, message).kind, kind, "{status}");
        }
        assert!(of(400, message).message.contains("words"));
        assert_eq!(of(429, r#"{"error":{"message":"x","code":"insufficient_quota"}}"#).kind, Kind::OutOfCredit);
    }

    #[test]
    fn a_request_that_is_too_long_is_told_from_a_wrong_one() {
        for words in [
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 210000 tokens > 200000 maximum"}}"#,
            r#"{"error":{"message":"This model's maximum context length is 8192 tokens.","code":"context_length_exceeded"}}"#,
            r#"{"error":{"code":400,"message":"The input token count (1200000) exceeds the maximum number of tokens allowed"}}"#,
            r#"{"error":{"code":400,"message":"the request exceeds the available context size","type":"exceed_context_size_error"}}"#,
        ] {
            assert_eq!(of(400, words).kind, Kind::TooLong, "{words}");
        }
        assert_eq!(of(400, r#"{"error":{"message":"max_tokens is too large"}}"#).kind, Kind::BadRequest);
    }

    #[test]
    fn google_says_it_in_the_details() {
        let detail = r#"{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT","details":
            [{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}]}}"#;
        assert_eq!(of(400, detail).kind, Kind::Unauthorized);
        let wait = r#"{"error":{"code":429,"message":"quota","details":[{"reason":"RATE_LIMIT_EXCEEDED"},
            {"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34.5s"}]}}"#;
        assert_eq!(of(429, wait).kind, Kind::RateLimited { retry_after: Some(Duration::from_millis(34_500)) });
    }

    #[test]
    fn pages_are_told_from_the_api() {
        assert_eq!(of(404, "<!doctype html><p>nothing here").kind, Kind::NotTheApi);
        assert_eq!(of(502, "<html>bad gateway").kind, Kind::Overloaded);
        assert!(!of(502, "<html>bad gateway").message.contains('<'));
    }

    #[test]
    fn a_servers_words_are_cleaned_and_bounded() {
        let evil = format!(r#"{{"error":"\u001b[2J\u202e{}"}}"#, "x".repeat(5000));
        let message = of(400, &evil).message;
        assert!(message.len() < 400 && !message.contains('\u{1b}') && !message.contains('\u{202e}'), "{message}");
        assert!(of(400, r#"[{"error":{"message":"in a list"}}]"#).message.contains("in a list"));
        assert!(of(422, r#"{"detail":[{"msg":"field required"}]}"#).message.contains("field required"));
    }

    #[test]
    fn the_hint_names_the_variable_and_no_secret() {
        let error = of(401, "{}");
        let hint = error.hint.clone().unwrap();
        assert!(hint.contains("OPENAI_API_KEY") && hint.contains("https://api.example/v1"), "{hint}");
        assert!(!format!("{error:?}{error}{:?}", config().key).contains("sk-secret"));
        assert!(!hint.contains("hunter2"));
    }

    #[test]
    fn errors_inside_a_stream_have_the_kind_of_their_status() {
        let fault = |code: &str| Fault::Reported { code: code.into(), message: "m".into() };
        let kind = |code: &str| ProviderError::from_fault(&config(), "m", fault(code)).kind;
        assert_eq!(kind("overloaded_error"), Kind::Overloaded);
        assert_eq!(kind("rate_limit_error"), Kind::RateLimited { retry_after: None });
        assert_eq!(kind("invalid_request_error"), Kind::BadRequest);
        assert_eq!(kind("502"), Kind::Overloaded);
        assert_eq!(kind(""), Kind::Overloaded);
    }
}
