//! Carrying a request out. Names are looked up once for each connection, every address is checked, and only those are
//! connected to; redirects stay on the host that was allowed; time and size are bounded.

use super::Proxies;
use super::act::check_url;
use super::address::{Reach, of_host, reach};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{AUTHORIZATION, COOKIE, HeaderMap, LOCATION};
use reqwest::{Client, Method, Response, StatusCode, Url};
use std::error::Error;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// Redirects followed on the same host. Browsers follow 20; more than a few is a circle.
const MAX_REDIRECTS: usize = 5;

/// How long connecting may take: a host that doesn't answer is told early.
const CONNECT: Duration = Duration::from_secs(10);

/// Bytes read of an answer (4 MiB). What the model sees of it is much less.
const MAX_BODY: usize = 4 * 1024 * 1024;

/// Looks a name up.
pub(crate) trait Lookup: Send + Sync {
    /// The addresses of a name.
    fn lookup(&self, name: &str) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;
}

/// The system's way.
pub(crate) struct System;

impl Lookup for System {
    fn lookup(&self, name: &str) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
        let name = name.to_owned();
        Box::pin(
            async move { Ok(tokio::net::lookup_host((name.as_str(), 0)).await?.map(|found| found.ip()).collect()) },
        )
    }
}

/// What requests are made with.
#[derive(Clone)]
pub(crate) struct Fetcher {
    lookup: Arc<dyn Lookup>,
    reach: fn(IpAddr) -> Reach,
    proxies: Proxies,
    agent: String,
}

/// A request that is to be made.
pub(crate) struct Fetch {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Option<String>,
    pub timeout: Duration,
}

/// An answer.
pub(crate) struct Fetched {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// Where it came from in the end.
    pub url: Url,
    pub body: Vec<u8>,
    /// Whether there was more than is read.
    pub cut: bool,
}

impl Fetcher {
    /// With the system's names, and its rules for addresses.
    pub fn new(proxies: Proxies, version: &str) -> Self {
        Self { lookup: Arc::new(System), reach, proxies, agent: format!("pryx/{version}") }
    }

    /// Makes a request.
    ///
    /// # Errors
    /// Why there is no answer, in words.
    pub async fn fetch(&self, fetch: Fetch) -> Result<Fetched, String> {
        let timeout = fetch.timeout;
        let fetched = tokio::time::timeout(timeout, self.hops(fetch)).await;
        fetched.unwrap_or_else(|_| Err(format!("there was no whole answer within {} s", timeout.as_secs())))
    }

    async fn hops(&self, fetch: Fetch) -> Result<Fetched, String> {
        let Fetch { mut method, mut url, mut headers, mut body, .. } = fetch;
        for hop in 0.. {
            let response = self.once(&method, &url, &headers, body.as_deref()).await?;
            let Some(next) = follows(&response, &url).filter(|_| hop < MAX_REDIRECTS) else {
                return read(response, url).await;
            };
            if next.origin() != url.origin() {
                headers.remove(AUTHORIZATION);
                headers.remove(COOKIE);
            }
            // As browsers do: only 307 and 308 repeat what was sent.
            let repeats = matches!(response.status(), StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT);
            if !repeats && method != Method::HEAD {
                (method, body) = (Method::GET, None);
            }
            url = next;
        }
        Err("there are too many redirects".to_owned())
    }

    async fn once(
        &self,
        method: &Method,
        url: &Url,
        headers: &HeaderMap,
        body: Option<&str>,
    ) -> Result<Response, String> {
        let client = self.client(url)?;
        let mut request = client.request(method.clone(), url.clone()).headers(headers.clone());
        if let Some(body) = body {
            request = request.body(body.to_owned());
        }
        request.send().await.map_err(|error| words(&error))
    }

    /// A client for one connection: what was checked for one host is not used for another.
    fn client(&self, url: &Url) -> Result<Client, String> {
        let host = url.host_str().unwrap_or_default();
        if self.proxies.hosts().any(|proxy| proxy == host) {
            return Err(format!("{host} is the proxy itself"));
        }
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        if let Ok(Reach::Never(what)) = literal.map(self.reach) {
            return Err(format!("{host} is {what}"));
        }
        let guard = Guard { lookup: Arc::clone(&self.lookup), reach: self.reach, proxies: self.proxies.clone() };
        let is_local = matches!(of_host(host), Some(Reach::Local(_)));
        let base = || {
            let builder = Client::builder()
                .user_agent(&self.agent)
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                .connect_timeout(CONNECT)
                .pool_max_idle_per_host(0)
                .no_proxy()
                .dns_resolver(guard.clone());
            // A proxy can't reach this machine's own servers.
            if is_local { Ok(builder) } else { self.proxies.apply(builder) }
        };
        // Fails when another part of the program installed one before: then that one is used.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let cannot = |error: &reqwest::Error| format!("no request can be made: {}", words(error));
        if url.scheme() == "http" && is_local {
            return base()?.tls_certs_only([]).build().map_err(|error| cannot(&error));
        }
        base()?.build().or_else(|_| {
            // No certificates on this machine, as in a slim container: then Mozilla's, which are compiled in.
            let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
            let roots: Vec<_> = roots.filter_map(|der| reqwest::Certificate::from_der(der).ok()).collect();
            base()?.tls_certs_only(roots).build().map_err(|error| cannot(&error))
        })
    }
}

/// Where a redirect is followed to: the same host, and never from https to http. Everything else is the model's to ask
/// for, and the gate's to rule on.
fn follows(response: &Response, url: &Url) -> Option<Url> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let target = response.headers().get(LOCATION)?.to_str().ok()?;
    let mut next = check_url(url.join(target).ok()?.as_str()).ok()?;
    if next.fragment().is_none() {
        next.set_fragment(url.fragment());
    }
    let down = url.scheme() == "https" && next.scheme() == "http";
    let up = url.scheme() == "http" && next.scheme() == "https" && url.port().is_none() && next.port().is_none();
    let same_port = up || next.port_or_known_default() == url.port_or_known_default();
    (next.host_str() == url.host_str() && same_port && !down).then_some(next)
}

async fn read(mut response: Response, url: Url) -> Result<Fetched, String> {
    let (status, headers) = (response.status(), response.headers().clone());
    let (mut body, mut cut) = (Vec::new(), false);
    while let Some(chunk) = response.chunk().await.map_err(|error| words(&error))? {
        let room = MAX_BODY - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            cut = true;
            break;
        }
    }
    Ok(Fetched { status, headers, url, body, cut })
}

/// Stands between a name and a connection: gives out addresses that were checked, or none.
#[derive(Clone)]
struct Guard {
    lookup: Arc<dyn Lookup>,
    reach: fn(IpAddr) -> Reach,
    proxies: Proxies,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move { Ok(guard.addresses(name.as_str()).await?) })
    }
}

impl Guard {
    async fn addresses(&self, name: &str) -> io::Result<Addrs> {
        if matches!(of_host(name), Some(Reach::Local(_))) {
            // What it means is known; where /etc/hosts has no such line, the system's resolver would ask a server.
            let own = [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
            return Ok(Box::new(own.into_iter().map(|address| SocketAddr::new(address, 0))));
        }
        let found = self.lookup.lookup(name).await?;
        if found.is_empty() {
            return Err(io::Error::other(format!("{name} has no address")));
        }
        // Where the person's own proxy is, is not the model's choice.
        if !self.proxies.hosts().any(|proxy| proxy == name) {
            for address in &found {
                if let Reach::Local(what) | Reach::Never(what) = (self.reach)(*address) {
                    return Err(io::Error::other(format!(
                        "{name} leads to {address}, {what}: only an address that is named itself can be allowed"
                    )));
                }
            }
        }
        // Port 0 stands for the port of the address that is asked for.
        Ok(Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0))))
    }
}

/// An error with what lies beneath it: the outermost of reqwest says little.
fn words(error: &reqwest::Error) -> String {
    let mut words = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let text = error.to_string();
        if !words.contains(&text) {
            words = format!("{words}: {text}");
        }
        next = error.source();
    }
    words
}

#[cfg(test)]
mod tests;
