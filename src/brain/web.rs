//! Short requests to web servers that are no models: the catalog, logins, servers on this machine. Bounded in time and
//! size.

use crate::clean::line;
use crate::providers::client;
use reqwest::Url;
use std::error::Error;
use std::time::Duration;

/// A request.
#[derive(Debug, Default)]
pub(crate) struct Get<'a> {
    pub(crate) url: &'a str,
    pub(crate) headers: &'a [(&'static str, String)],
    /// What is sent with it as a form; then it is a POST.
    pub(crate) form: Option<&'a [(&'a str, &'a str)]>,
    /// How long all of it may take.
    pub(crate) limit: Duration,
    /// Most bytes of the answer.
    pub(crate) most: usize,
}

/// An answer, whatever its status.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) etag: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// Why there is none, in words.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unanswered(pub(crate) String);

/// Asks. Redirects aren't followed.
pub(crate) async fn get(get: Get<'_>) -> Result<Got, Unanswered> {
    let limit = get.limit;
    match tokio::time::timeout(limit, ask(get)).await {
        Ok(done) => done,
        Err(_) => Err(Unanswered(format!("no whole answer within {} s", limit.as_secs_f64()))),
    }
}

async fn ask(get: Get<'_>) -> Result<Got, Unanswered> {
    let url = Url::parse(get.url).map_err(|error| Unanswered(format!("{:?} is no address: {error}", get.url)))?;
    let client = client::build(&url, get.limit).map_err(|error| words(&error))?;
    let mut request = match get.form {
        None => client.get(url),
        Some(form) => {
            let body = form_urlencoded(form);
            client.post(url).header("content-type", "application/x-www-form-urlencoded").body(body)
        }
    };
    for (name, value) in get.headers {
        request = request.header(*name, value);
    }
    let mut response = request.send().await.map_err(|error| words(&error))?;
    let status = response.status().as_u16();
    let etag = response.headers().get("etag").and_then(|tag| tag.to_str().ok()).map(|tag| line(tag, 200));
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| words(&error))? {
        if body.len() + chunk.len() > get.most {
            return Err(Unanswered(format!("the answer has more than {} bytes", get.most)));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Got { status, etag, body })
}

/// `application/x-www-form-urlencoded`, as the URL standard defines it.
fn form_urlencoded(form: &[(&str, &str)]) -> String {
    let mut query = Url::parse("http://x").map(|mut url| {
        url.query_pairs_mut().extend_pairs(form);
        url
    });
    query.as_mut().ok().and_then(|url| url.query()).unwrap_or_default().to_owned()
}

/// The innermost cause, in the system's words.
fn words(error: &reqwest::Error) -> Unanswered {
    let innermost = std::iter::successors(error.source(), |cause| (*cause).source()).last();
    Unanswered(innermost.map_or_else(|| line(&error.to_string(), 200), |cause| line(&cause.to_string(), 200)))
}
