//! Requests against servers on this machine, with a resolver that says what a test wants.

use super::*;
use reqwest::header::HeaderValue;
use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Names and what they lead to: one answer per look-up, the last one for all that follow.
#[derive(Default)]
struct Names(Mutex<HashMap<String, VecDeque<Vec<IpAddr>>>>);

impl Names {
    fn new(names: &[(&str, &[&[&str]])]) -> Arc<Self> {
        let parse = |answers: &[&[&str]]| {
            answers.iter().map(|list| list.iter().map(|text| text.parse().unwrap()).collect()).collect()
        };
        let map = names.iter().map(|(name, answers)| ((*name).to_owned(), parse(answers))).collect();
        Arc::new(Self(Mutex::new(map)))
    }
}

impl Lookup for Names {
    fn lookup(&self, name: &str) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
        let mut names = self.0.lock().unwrap();
        let answers = names.get_mut(name);
        let found =
            answers.and_then(|answers| if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() });
        Box::pin(async move { found.ok_or_else(|| io::Error::other("no such name")) })
    }
}

/// 127.0.0.1 plays the internet; everything else is what it is.
fn world(address: IpAddr) -> Reach {
    if address == IpAddr::from(Ipv4Addr::LOCALHOST) { Reach::Public } else { reach(address) }
}

/// A server that gives these answers, one per connection, and keeps what it was sent.
struct Server {
    port: u16,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(address: &str, answers: Vec<Vec<u8>>) -> Self {
        let listener = TcpListener::bind((address, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&seen);
        tokio::spawn(async move {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut head = vec![0; 64 * 1024];
                let count = stream.read(&mut head).await.unwrap();
                sink.lock().unwrap().push(String::from_utf8_lossy(&head[..count]).into_owned());
                let _ = stream.write_all(&answer).await;
                let _ = stream.shutdown().await;
            }
        });
        Self { port, seen }
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

fn ok(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()).into_bytes()
}

fn to(code: u16, location: &str) -> Vec<u8> {
    format!("HTTP/1.1 {code} Found\r\nlocation: {location}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        .into_bytes()
}

fn fetcher(names: Arc<Names>) -> Fetcher {
    Fetcher { lookup: names, reach: world, proxies: Proxies::default(), agent: "pryx/test".to_owned() }
}

fn request(url: &str) -> Fetch {
    Fetch {
        method: Method::GET,
        url: Url::parse(url).unwrap(),
        headers: HeaderMap::new(),
        body: None,
        timeout: Duration::from_secs(20),
    }
}

#[tokio::test]
async fn a_name_that_leads_inside_is_refused_whatever_else_it_leads_to() {
    let server = Server::start("127.0.0.2", vec![ok("inside")]).await;
    for inside in [
        "127.0.0.2",
        "10.0.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "::1",
        "fe80::1",
        "fd00::1",
        "::ffff:127.0.0.2",
        "64:ff9b::7f00:2",
        "224.0.0.1",
    ] {
        let names = Names::new(&[("site.example", &[&["127.0.0.1", inside]]), ("only.example", &[&[inside]])]);
        for name in ["site.example", "only.example"] {
            let url = format!("http://{name}:{}/", server.port);
            let why = fetcher(Arc::clone(&names)).fetch(request(&url)).await.map(drop).unwrap_err();
            assert!(why.contains("only an address that is named itself"), "{inside}: {why}");
        }
    }
    assert!(server.seen().is_empty());
    // Named itself, it can be reached: then the gate has ruled on it.
    let fetched = fetcher(Names::new(&[])).fetch(request(&format!("http://127.0.0.2:{}/", server.port))).await.unwrap();
    assert_eq!(fetched.body, b"inside");
}

#[tokio::test]
async fn a_name_that_changes_its_mind_is_refused_the_second_time() {
    let inside = Server::start("127.0.0.2", vec![ok("inside")]).await;
    let outside = Server::start("127.0.0.1", vec![to(302, "/next")]).await;
    // The first look-up leads out, the second, for the redirect, leads in.
    let names = Names::new(&[("site.example", &[&["127.0.0.1"], &["127.0.0.2"]])]);
    let why =
        fetcher(names).fetch(request(&format!("http://site.example:{}/", outside.port))).await.map(drop).unwrap_err();
    assert!(why.contains("127.0.0.2"), "{why}");
    assert_eq!(outside.seen().len(), 1);
    assert!(inside.seen().is_empty());
}

#[tokio::test]
async fn redirects_stay_where_the_gate_said_yes() {
    let secret = Server::start("127.0.0.1", vec![ok("other host")]).await;
    let others = [
        format!("http://other.example:{}/", secret.port),
        format!("http://127.0.0.1:{}/", secret.port),
        format!("http://localhost:{}/", secret.port),
        format!("//other.example:{}/", secret.port),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "http://2852039166/".to_owned(),
        "http://site.example@other.example/".to_owned(),
        format!("http://site.example:{}/", secret.port),
        "file:///etc/passwd".to_owned(),
        "https://site.example:1/".to_owned(),
    ];
    for other in others {
        let server = Server::start("127.0.0.1", vec![to(302, &other)]).await;
        let names = Names::new(&[("site.example", &[&["127.0.0.1"]]), ("other.example", &[&["127.0.0.1"]])]);
        let fetched = fetcher(names).fetch(request(&format!("http://site.example:{}/", server.port))).await.unwrap();
        assert_eq!(fetched.status, 302, "{other}");
        assert_eq!(fetched.headers[LOCATION], other.as_str(), "it is told, not followed");
    }
    assert!(secret.seen().is_empty());
}

#[tokio::test]
async fn redirects_on_the_same_host_are_followed_but_not_for_ever() {
    let names = || Names::new(&[("site.example", &[&["127.0.0.1"]])]);
    let server = Server::start("127.0.0.1", vec![to(302, "/there?x=1"), ok("arrived")]).await;
    let mut fetch = request(&format!("http://site.example:{}/here", server.port));
    fetch.headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer t"));
    fetch.method = Method::POST;
    fetch.body = Some("body".to_owned());
    let fetched = fetcher(names()).fetch(fetch).await.unwrap();
    assert_eq!((fetched.body.as_slice(), fetched.url.path()), (&b"arrived"[..], "/there"));
    let seen = server.seen();
    assert!(seen[0].starts_with("POST /here ") && seen[0].contains("authorization: Bearer t"), "{seen:?}");
    assert!(seen[1].starts_with("GET /there?x=1 ") && seen[1].contains("authorization"), "the same origin: {seen:?}");
    assert!(!seen[1].contains("body") && !seen[0].to_lowercase().contains("cookie"), "{seen:?}");

    let circle = Server::start("127.0.0.1", vec![to(307, "/again"); 20]).await;
    let fetched = fetcher(names()).fetch(request(&format!("http://site.example:{}/", circle.port))).await.unwrap();
    assert_eq!(fetched.status, 307);
    assert_eq!(circle.seen().len(), MAX_REDIRECTS + 1);
}

#[tokio::test]
async fn size_and_time_are_bounded() {
    let names = || Names::new(&[("site.example", &[&["127.0.0.1"]])]);
    let mut endless = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_vec();
    endless.extend(vec![b'x'; MAX_BODY + 100_000]);
    let server = Server::start("127.0.0.1", vec![endless]).await;
    let fetched = fetcher(names()).fetch(request(&format!("http://site.example:{}/", server.port))).await.unwrap();
    assert!(fetched.cut);
    assert_eq!(fetched.body.len(), MAX_BODY);

    // A bomb stays packed: nothing here unpacks it.
    let zeros = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0];
    let mut packed =
        format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", zeros.len()).into_bytes();
    packed.extend(&zeros);
    let server = Server::start("127.0.0.1", vec![packed]).await;
    let fetched = fetcher(names()).fetch(request(&format!("http://site.example:{}/", server.port))).await.unwrap();
    assert_eq!(fetched.body, zeros);
    assert!(!server.seen()[0].to_lowercase().contains("accept-encoding"), "nobody was told to pack");

    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut fetch = request(&format!("http://site.example:{}/", silent.local_addr().unwrap().port()));
    fetch.timeout = Duration::from_millis(200);
    assert!(fetcher(names()).fetch(fetch).await.map(drop).unwrap_err().contains("no whole answer within"));
}

#[tokio::test]
async fn a_proxy_is_used_and_is_no_target() {
    let proxy = Server::start("127.0.0.2", vec![ok("by proxy")]).await;
    let names = Names::new(&[("proxy.example", &[&["127.0.0.2"]])]);
    let proxies = Proxies {
        http: Some(format!("http://proxy.example:{}", proxy.port)),
        https: None,
        none: Some("direct.example".to_owned()),
    };
    let fetcher = Fetcher { proxies, ..fetcher(names) };
    let fetched = fetcher.fetch(request("http://unknown.example/x")).await.unwrap();
    assert_eq!(fetched.body, b"by proxy");
    assert!(proxy.seen()[0].starts_with("GET http://unknown.example/x "), "{:?}", proxy.seen());
    let why = fetcher.fetch(request("http://proxy.example/")).await.map(drop).unwrap_err();
    assert!(why.contains("the proxy itself"), "{why}");
    for never in ["http://169.254.169.254/", "http://metadata.google.internal/"] {
        assert!(check_url(never).is_err(), "the name alone is enough: {never}");
    }
    let why = fetcher.fetch(request("http://direct.example/")).await.map(drop).unwrap_err();
    assert!(why.contains("no such name"), "asked for without the proxy: {why}");
}
