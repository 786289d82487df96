//! A server on a real socket that says exactly what a test makes it say.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What the server does with one connection.
#[derive(Clone)]
pub(crate) enum Say {
    /// These bytes, then the end of the connection.
    All(Vec<u8>),
    /// An event stream in HTTP chunks of one byte.
    Bytewise(&'static str),
    /// These bytes, then silence until the client goes.
    Hang(Vec<u8>),
}

pub(crate) fn reply(status: &str, headers: &str, body: &str) -> Say {
    let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    Say::All([head.as_bytes(), body.as_bytes()].concat())
}

pub(crate) fn json(status: &str, body: &str) -> Say {
    reply(status, "Content-Type: application/json\r\n", body)
}

pub(crate) const STREAM_HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";

pub(crate) fn stream(body: &str) -> Say {
    Say::All([STREAM_HEAD, body].concat().into())
}

pub(crate) struct Server {
    pub(crate) address: String,
    requests: Arc<Mutex<Vec<String>>>,
    /// Gets a word when a hanging connection was closed by the client.
    pub(crate) closed: std::sync::mpsc::Receiver<()>,
}

impl Server {
    pub(crate) fn start(script: Vec<Say>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&requests);
        let (word, closed) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for say in script {
                let (mut socket, _) = listener.accept().unwrap();
                let Some(request) = read_request(&mut socket) else { continue };
                seen.lock().unwrap().push(request);
                let _ = answer(&mut socket, say, &word);
            }
        });
        Self { address, requests, closed }
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn read_request(socket: &mut TcpStream) -> Option<String> {
    let (mut bytes, mut chunk) = (Vec::new(), [0_u8; 4096]);
    loop {
        let count = socket.read(&mut chunk).ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let head = head.to_ascii_lowercase();
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
        // A GET has none.
        let length = length.map_or(Some(0), |length| length.parse::<usize>().ok())?;
        if body.len() >= length {
            return Some(text);
        }
    }
}

fn answer(socket: &mut TcpStream, say: Say, word: &std::sync::mpsc::Sender<()>) -> std::io::Result<()> {
    socket.set_nodelay(true)?;
    match say {
        Say::All(bytes) => socket.write_all(&bytes),
        Say::Bytewise(body) => {
            socket.write_all(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
            )?;
            for byte in body.bytes() {
                socket.write_all(&[b'1', b'\r', b'\n', byte, b'\r', b'\n'])?;
            }
            socket.write_all(b"0\r\n\r\n")
        }
        Say::Hang(bytes) => {
            socket.write_all(&bytes)?;
            let ended = matches!(socket.read(&mut [0]), Ok(0) | Err(_));
            if ended {
                let _ = word.send(());
            }
            Ok(())
        }
    }
}
