//! Requests that a model asks for. What may be talked to is the gate's to say; here nothing leads anywhere else: not a
//! name that means another address, not one that means another the second time, not a redirect.

mod act;
mod address;
mod fetch;
mod html;

pub use act::HttpAct;
pub(crate) use fetch::{Fetch, Fetched, Fetcher};
pub(crate) use html::to_text;

use reqwest::{ClientBuilder, NoProxy, Proxy, Url};

/// The person's way out of a closed network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    /// For http.
    pub http: Option<String>,
    /// For https.
    pub https: Option<String>,
    /// Hosts that are reached without, as in `NO_PROXY`.
    pub none: Option<String>,
}

impl Proxies {
    /// The hosts of the proxies.
    fn hosts(&self) -> impl Iterator<Item = String> {
        let urls = [&self.http, &self.https].into_iter().flatten();
        urls.filter_map(|url| Url::parse(&with_scheme(url)).ok()?.host_str().map(str::to_owned))
    }

    fn apply(&self, mut builder: ClientBuilder) -> Result<ClientBuilder, String> {
        let none = || self.none.as_deref().and_then(NoProxy::from_string);
        let wrong = |error: reqwest::Error| format!("the proxy can't be used: {error}");
        if let Some(url) = &self.http {
            builder = builder.proxy(Proxy::http(with_scheme(url)).map_err(wrong)?.no_proxy(none()));
        }
        if let Some(url) = &self.https {
            builder = builder.proxy(Proxy::https(with_scheme(url)).map_err(wrong)?.no_proxy(none()));
        }
        Ok(builder)
    }
}

/// People write `proxy.example:3128`.
fn with_scheme(url: &str) -> String {
    if url.contains("://") { url.to_owned() } else { format!("http://{url}") }
}
