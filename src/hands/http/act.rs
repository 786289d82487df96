//! A request as a model asks for it, checked, and as a plan shows it.

use super::address::{Reach, of_host};
use crate::files::sha256;
use crate::gate::Obstacle;
use pryx_terms::{Access, Plan};
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// Methods that make sense for a model.
const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// Longest address (8 KiB). Servers take no longer one, and nobody could read it.
const MAX_URL: usize = 8 * 1024;

/// Most headers in a request.
const MAX_HEADERS: usize = 32;

/// Longest header.
const MAX_HEADER: usize = 8 * 1024;

/// Characters of a body that are shown; of a longer one its hash is, too, so that no two are mistaken for each other.
const MAX_SHOWN: usize = 2000;

/// Headers that steer the connection. They are ours to set.
const OURS: &[&str] =
    &["host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "expect"];

/// A request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HttpAct {
    /// Its method, in capitals.
    pub method: String,
    /// Its address, as it was given.
    pub url: String,
    /// Its headers.
    pub headers: BTreeMap<String, String>,
    /// Its body.
    pub body: Option<String>,
}

impl HttpAct {
    /// The address, if it can be one.
    ///
    /// # Errors
    /// When it is no address of the web, or one that nobody should talk to.
    pub(crate) fn url(&self) -> Result<Url, Obstacle> {
        check_url(&self.url).map_err(|why| Obstacle(format!("the url: {why}")))
    }

    /// Its headers, if they can be.
    ///
    /// # Errors
    /// When a name or a value is none, or not the model's to set.
    pub(crate) fn header_map(&self) -> Result<HeaderMap, Obstacle> {
        if self.headers.len() > MAX_HEADERS {
            return Err(Obstacle(format!("there are more than {MAX_HEADERS} headers")));
        }
        let mut map = HeaderMap::new();
        for (name, value) in &self.headers {
            let lower = name.to_ascii_lowercase();
            if OURS.contains(&lower.as_str()) || lower.starts_with("proxy-") || value.len() > MAX_HEADER {
                return Err(Obstacle(format!("the header {name:?} can't be set")));
            }
            match (HeaderName::try_from(lower), HeaderValue::try_from(value)) {
                (Ok(name), Ok(value)) => map.insert(name, value),
                _ => return Err(Obstacle(format!("{name:?} is no header"))),
            };
        }
        Ok(map)
    }

    /// What would be sent, and to whom.
    ///
    /// # Errors
    /// When it makes no sense, or goes where nothing may go.
    pub fn plan(&self, tool: &str, cwd: &Path) -> Result<Plan, Obstacle> {
        if !METHODS.contains(&self.method.as_str()) {
            return Err(Obstacle(format!("method is one of {}", METHODS.join(", "))));
        }
        let url = self.url()?;
        self.header_map()?;
        let host = url.host_str().unwrap_or_default().trim_end_matches('.').to_owned();
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Plan {
            tool: tool.to_owned(),
            command: self.words(&url),
            argv: Vec::new(),
            cwd: std::fs::canonicalize(cwd).unwrap_or_else(|_| cwd.to_owned()),
            programs: Vec::new(),
            files: vec![Access::Contact { host }],
            touches: Vec::new(),
            sets: Vec::new(),
            open: Vec::new(),
            diff: None,
        })
    }

    /// The whole request on one line, as somebody could type it for curl.
    fn words(&self, url: &Url) -> String {
        let mut words = format!("{} {url}", self.method);
        for (name, value) in &self.headers {
            let _ = write!(words, " -H {:?}", format!("{name}: {value}"));
        }
        if let Some(body) = &self.body {
            let shown: String = body.chars().take(MAX_SHOWN).collect();
            let _ = write!(words, " -d {shown:?}");
            if shown.len() < body.len() {
                let _ = write!(words, "… ({} bytes in all, SHA-256 {})", body.len(), sha256(body.as_bytes()));
            }
        }
        words
    }
}

/// An address that may be asked for, before its name is looked up.
pub(super) fn check_url(text: &str) -> Result<Url, String> {
    if text.len() > MAX_URL {
        return Err(format!("it is longer than {MAX_URL} bytes"));
    }
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("{} is neither http nor https", url.scheme()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it holds a user name or password: send them as a header".to_owned());
    }
    match of_host(url.host_str().unwrap_or_default()) {
        Some(Reach::Never(what)) => Err(format!("{} is {what}", url.host_str().unwrap_or_default())),
        _ => Ok(url),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(url: &str) -> HttpAct {
        HttpAct { method: "GET".into(), url: url.into(), headers: BTreeMap::new(), body: None }
    }

    fn host(url: &str) -> Result<String, String> {
        let plan = get(url).plan("http.request", Path::new("/")).map_err(|why| why.0)?;
        let [Access::Contact { host }] = plan.files.as_slice() else { panic!() };
        Ok(host.clone())
    }

    #[test]
    fn the_card_names_the_host_that_is_meant() {
        for (url, wanted) in [
            ("https://Example.COM/x?y", "example.com"),
            ("https://example.com./", "example.com"),
            ("http://2130706433/", "127.0.0.1"),
            ("http://0x7f.1/", "127.0.0.1"),
            ("http://0177.0.0.1/", "127.0.0.1"),
            ("http://127.1:8080/", "127.0.0.1"),
            ("http://①②⑦.⓪.⓪.①/", "127.0.0.1"),
            ("http://[::1]:80/", "::1"),
            ("http://[::ffff:127.0.0.1]/", "::ffff:7f00:1"),
            ("https://example.com\\@evil.example/", "example.com"),
            ("https://bücher.example/", "xn--bcher-kva.example"),
            ("http:\\\\example.com", "example.com"),
        ] {
            assert_eq!(host(url).as_deref(), Ok(wanted), "{url}");
        }
    }

    #[test]
    fn where_nothing_may_go() {
        for url in [
            "http://169.254.169.254/latest/meta-data/",
            "http://2852039166/",
            "http://0xa9fea9fe/",
            "http://0251.0376.0251.0376/",
            "http://[::ffff:169.254.169.254]/",
            "http://[fd00:ec2::254]/",
            "http://metadata.google.internal/",
            "http://METADATA.google.internal./",
            "http://0.0.0.0/",
            "http://0/",
            "http://[::]/",
            "http://224.0.0.1/",
            "http://user@example.com/",
            "http://example.com@127.0.0.1/",
            "http://:pw@example.com/",
            "ftp://example.com/",
            "file:///etc/passwd",
            "gopher://x/",
            "//example.com",
            "example.com",
            "http://",
            "http://exa mple.com/",
            "http://1.2.3.4.5/",
            "http://[::1%25eth0]/",
        ] {
            assert!(host(url).is_err(), "{url}: {:?}", host(url));
        }
    }

    #[test]
    fn headers_that_are_not_the_models() {
        let with = |name: &str, value: &str| HttpAct {
            headers: [(name.into(), value.into())].into(),
            ..get("https://x.example")
        };
        for (name, value) in [
            ("Host", "evil"),
            ("Content-Length", "1"),
            ("transfer-encoding", "chunked"),
            ("Proxy-Authorization", "x"),
            ("a b", "x"),
            ("x", "a\r\nb: c"),
            ("", "x"),
        ] {
            assert!(with(name, value).plan("http.request", Path::new("/")).is_err(), "{name}");
        }
        assert!(with("Authorization", "Bearer x").plan("http.request", Path::new("/")).is_ok());
        assert!(HttpAct { method: "CONNECT".into(), ..get("https://x.example") }.plan("t", Path::new("/")).is_err());
    }

    #[test]
    fn long_bodies_that_differ_are_different_plans() {
        let with = |last: &str| HttpAct {
            method: "POST".into(),
            body: Some("x".repeat(5000) + last),
            ..get("https://x.example")
        };
        let plan = |act: HttpAct| act.plan("http.request", Path::new("/")).unwrap();
        assert_ne!(plan(with("a")).hash(), plan(with("b")).hash());
        assert!(plan(with("a")).command.len() < 3000);
    }
}
