//! A client of the protocol that is fast enough for thousands of commands.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// A command that hangs fails the test instead of holding it up for ever.
const PATIENCE: Duration = Duration::from_secs(20);

/// How one ended.
#[derive(Debug)]
pub struct Ended {
    pub code: i64,
    pub said: String,
    pub seen: String,
}

pub struct Wire {
    stream: BufReader<UnixStream>,
    next: u64,
}

impl Wire {
    pub fn connect(socket: &Path) -> Self {
        let stream = UnixStream::connect(socket).expect("the hands listen");
        stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
        let mut wire = Self { stream: BufReader::new(stream), next: 1 };
        let hello = wire.call("hello", &json!({"protocol": 1, "client": "test"}), &mut |_| {});
        assert_eq!(hello["success"], true, "{hello}");
        wire
    }

    /// One request to its reply; events go to `hear`.
    pub fn call(&mut self, action: &str, data: &Value, hear: &mut dyn FnMut(&Value)) -> Value {
        let id = self.next;
        self.next += 1;
        let line = json!({"id": id, "action": action, "data": data}).to_string() + "\n";
        self.stream.get_mut().write_all(line.as_bytes()).expect("the hands listen");
        loop {
            let mut line = String::new();
            let count = self.stream.read_line(&mut line).unwrap_or_else(|e| panic!("no answer to {data}: {e}"));
            assert!(count > 0, "the hands hung up at {data}");
            let message: Value = serde_json::from_str(&line).expect("JSON");
            if message["id"] == id {
                return message;
            }
            hear(&message);
        }
    }

    /// Runs a line in a terminal; in `dir` first if `enter`.
    pub fn run(&mut self, terminal: &str, line: &str, dir: &Path, enter: bool, shell: &str) -> Ended {
        let data = json!({
            "argv": [line], "cwd": dir, "inside": {"terminal": terminal, "enter": enter},
            "env": {"SHELL": shell, "PATH": "/usr/bin:/bin", "HOME": dir.parent(), "LANG": "C.UTF-8"},
        });
        let mut said = Vec::new();
        let reply = self.call("exec", &data, &mut |event| {
            let data = &event["data"]["data"];
            match data.as_str() {
                Some(text) => said.extend_from_slice(text.as_bytes()),
                None => said.extend_from_slice(data["base64"].as_str().unwrap_or_default().as_bytes()),
            }
        });
        assert_eq!(reply["success"], true, "{line:?}: {reply}");
        let job = reply["result"]["job"].clone();
        let outcome = &job["outcome"];
        let code = outcome["code"].as_i64().or_else(|| outcome["signal"].as_i64().map(|signal| 128 + signal));
        Ended {
            code: code.unwrap_or_else(|| panic!("{line:?} has no code: {job}")),
            said: String::from_utf8_lossy(&said).replace("\r\n", "\n"),
            seen: job["seen"].as_str().unwrap_or_default().to_owned(),
        }
    }
}
