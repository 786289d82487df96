//! A web site that is none: an HTTP server on this machine that answers each request as a test's function says, and writes
//! all of them down.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A request.
#[derive(Debug, Clone)]
pub struct Visit {
    pub method: String,
    pub path: String,
    /// The head as it came.
    pub head: String,
    pub body: String,
}

/// An answer: status, headers with a line end after each, body.
pub type Page = (u16, String, String);

/// A page of JSON.
pub fn json(status: u16, body: &serde_json::Value) -> Page {
    (status, "content-type: application/json\r\n".to_owned(), body.to_string())
}

/// The site. It ends with its test.
pub struct Site {
    address: SocketAddr,
    visits: Arc<Mutex<Vec<Visit>>>,
    ending: Arc<AtomicBool>,
}

impl Site {
    /// Starts one. The function gets each request and how many came before it.
    pub fn start(answer: impl Fn(&Visit, usize) -> Page + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let visits = Arc::<Mutex<Vec<Visit>>>::default();
        let ending = Arc::new(AtomicBool::new(false));
        let (seen, ended, answer) = (Arc::clone(&visits), Arc::clone(&ending), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                // A client that goes away in the middle is its own affair.
                std::thread::spawn(move || drop(serve(stream, &seen, answer.as_ref())));
            }
        });
        Self { address, visits, ending }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn visits(&self) -> Vec<Visit> {
        self.visits.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::SeqCst);
        // Wakes the listener, which then sees that it is over.
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(
    mut stream: TcpStream,
    seen: &Mutex<Vec<Visit>>,
    answer: &(dyn Fn(&Visit, usize) -> Page + Send + Sync),
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let mut words = head.split_whitespace();
    let (method, path) = (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default().to_owned());
    let visit = Visit { method, path, head, body: String::from_utf8_lossy(&body).into_owned() };
    let before = {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.push(visit.clone());
        seen.len() - 1
    };
    let (status, headers, body) = answer(&visit, before);
    let length = body.len();
    let page = format!("HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}");
    stream.write_all(page.as_bytes())
}
