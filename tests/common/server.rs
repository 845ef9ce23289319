//! `seq2seq serve`, as its clients see it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::program::command;
use super::signals;

/// A server on a port of its own.
pub struct Server {
    pub child: Child,
    pub address: String,
    log: Arc<Mutex<String>>,
    logging: Option<JoinHandle<()>>,
}

/// An answer of HTTP.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Server {
    /// Starts `seq2seq serve ARGS` on a port of this machine.
    pub fn start(args: &[&str]) -> Self {
        let serve = ["serve", "--device", "cpu", "--log-level", "debug"];
        let listen: &[&str] = if args.contains(&"--listen") { &[] } else { &["--listen", "127.0.0.1:0"] };
        Self::run(&mut command(&[&serve, listen, args].concat()))
    }

    /// Starts a program that is one in the end.
    pub fn run(command: &mut Command) -> Self {
        signals::heed().expect("signals");
        let mut child = command.stdin(Stdio::null()).spawn().expect("the program");
        let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines().map_while(Result::ok);
        let log = Arc::new(Mutex::new(String::new()));
        let mut read = String::new();
        let address = lines.by_ref().find_map(|line| {
            read += &format!("{line}\n");
            let (_, rest) = line.split_once("http://")?;
            Some(rest.split([' ', '"']).next()?.to_owned())
        });
        let address = address.unwrap_or_else(|| panic!("it listens nowhere: {read}"));
        let rest = Arc::clone(&log);
        rest.lock().expect("a log").push_str(&read);
        let logging = Some(thread::spawn(move || {
            for line in lines {
                rest.lock().expect("a log").push_str(&format!("{line}\n"));
            }
        }));
        Self { child, address, log, logging }
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
        stream
    }

    /// Sends bytes, and reads until the connection ends.
    pub fn raw(&self, request: &[u8]) -> Answer {
        let mut stream = self.connect();
        // It may be refused before it is read.
        let _ = stream.write_all(request);
        Answer::read(stream)
    }

    pub fn get(&self, path: &str) -> Answer {
        self.raw(format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes())
    }

    pub fn post(&self, path: &str, body: &str) -> Answer {
        self.raw(&post(path, body))
    }

    /// The number that /metrics gives for a name with its labels.
    pub fn metric(&self, name: &str) -> f64 {
        let text = self.get("/metrics").body;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{name} is not in\n{text}")).parse().expect("a number")
    }

    /// Asks it to end, and waits: its exit code, and all that it has logged.
    pub fn stop(mut self) -> (Option<i32>, String) {
        signals::send(&self.child, "TERM");
        let code = self.child.wait().expect("an end").code();
        self.logging.take().map(JoinHandle::join);
        (code, self.log.lock().expect("a log").clone())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Answer {
    pub fn read(mut stream: TcpStream) -> Self {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("an answer and its end");
        let text = String::from_utf8(bytes).expect("UTF-8");
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Self { status, head: head.to_owned(), body: body.to_owned() }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// A request in HTTP/1.0, whose answer is not in chunks and ends with the connection.
pub fn post(path: &str, body: &str) -> Vec<u8> {
    format!("POST {path} HTTP/1.0\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

pub fn translate(request: &Value) -> Vec<u8> {
    post("/translate", &request.to_string())
}

/// Waits until something is so, for a while.
pub fn eventually(what: &str, mut so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !so() {
        assert!(start.elapsed() < Duration::from_secs(30), "{what} comes not to be");
        sleep(Duration::from_millis(20));
    }
}
