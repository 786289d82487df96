//! The HTTP client: TLS, certificates, proxies, and what it must not do with a key.

use reqwest::{Client, Url};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

/// The HTTP client for an address. TLS is prepared only where it's used: without it a client is there in a
/// millisecond. Redirects aren't followed: the key belongs to this host alone.
pub(crate) fn build(url: &Url, connect: Duration) -> reqwest::Result<Client> {
    let base = || {
        let builder = Client::builder()
            .user_agent(concat!("pryx/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(connect)
            // Where /etc/hosts has no such line, the resolver doesn't know this machine's own name.
            .resolve_to_addrs(
                "localhost",
                &[loopback(Ipv4Addr::LOCALHOST.into()), loopback(Ipv6Addr::LOCALHOST.into())],
            );
        // A proxy can't reach this machine's own servers.
        if is_loopback(url) { builder.no_proxy() } else { builder }
    };
    // Fails when another part of the program installed one before: then that one is used.
    let _ = rustls::crypto::ring::default_provider().install_default();
    if url.scheme() == "http" && is_loopback(url) {
        return base().tls_certs_only([]).build();
    }
    base().build().or_else(|error| {
        // No certificates on this machine, as in a slim container: then Mozilla's, which are compiled in.
        let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
        let roots: Vec<_> = roots.filter_map(|der| reqwest::Certificate::from_der(der).ok()).collect();
        if roots.is_empty() { Err(error) } else { base().tls_certs_only(roots).build() }
    })
}

fn loopback(address: IpAddr) -> SocketAddr {
    // Port 0 stands for the port of the address that is asked for.
    SocketAddr::new(address, 0)
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known_by_all_its_names() {
        let is = |url: &str| is_loopback(&Url::parse(url).unwrap());
        for url in ["http://localhost:1/v1", "http://127.0.0.1", "https://127.8.8.8/x", "http://[::1]:9"] {
            assert!(is(url), "{url}");
        }
        for url in ["http://localhost.example.org", "http://10.0.0.1", "https://[2001:db8::1]"] {
            assert!(!is(url), "{url}");
        }
    }

    #[test]
    fn a_client_can_be_made_for_every_kind_of_address() {
        for url in ["http://127.0.0.1:8080", "http://10.0.0.1", "https://api.example.org"] {
            assert!(build(&Url::parse(url).unwrap(), Duration::from_secs(1)).is_ok(), "{url}");
        }
    }
}
