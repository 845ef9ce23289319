//! `seq2seq serve`: what it answers, also to those who ask badly, slowly or too much.
#![cfg(unix)]

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

use common::program::{command, seq2seq, text};
use common::{TestResult, g2p, signals};
use seq2seq::device::{Device, DeviceRequest, Precision};
use seq2seq::model::Model;
use seq2seq::{TranslateOptions, Translator};
use serde_json::{Value, json};

/// A server on a port of its own.
struct Server {
    child: Child,
    address: String,
    log: Arc<Mutex<String>>,
    logging: Option<JoinHandle<()>>,
}

/// An answer of HTTP.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Server {
    /// Starts `seq2seq serve ARGS`.
    fn start(args: &[&str]) -> Self {
        signals::heed().expect("signals");
        let serve = ["serve", "--device", "cpu", "--listen", "127.0.0.1:0", "--log-level", "debug"];
        let mut child = command(&[&serve, args].concat()).stdin(Stdio::null()).spawn().expect("the program");
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

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
        stream
    }

    /// Sends bytes, and reads until the connection ends.
    fn raw(&self, request: &[u8]) -> Answer {
        let mut stream = self.connect();
        // It may be refused before it is read.
        let _ = stream.write_all(request);
        Answer::read(stream)
    }

    fn get(&self, path: &str) -> Answer {
        self.raw(format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes())
    }

    fn post(&self, path: &str, body: &str) -> Answer {
        self.raw(&post(path, body))
    }

    /// The number that /metrics gives for a name with its labels.
    fn metric(&self, name: &str) -> f64 {
        let text = self.get("/metrics").body;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{name} is not in\n{text}")).parse().expect("a number")
    }

    /// Asks it to end, and waits: its exit code, and all that it has logged.
    fn stop(mut self) -> (Option<i32>, String) {
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
    fn read(mut stream: TcpStream) -> Self {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("an answer and its end");
        let text = String::from_utf8(bytes).expect("UTF-8");
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Self { status, head: head.to_owned(), body: body.to_owned() }
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// A request in HTTP/1.0, whose answer is not in chunks and ends with the connection.
fn post(path: &str, body: &str) -> Vec<u8> {
    format!("POST {path} HTTP/1.0\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn translate(request: &Value) -> Vec<u8> {
    post("/translate", &request.to_string())
}

fn translator() -> seq2seq::Result<Translator> {
    Translator::new(Model::load(g2p())?, Device::open_blocking(&DeviceRequest::Cpu, Precision::F32)?)
}

/// Waits until something is so, for a while.
fn eventually(what: &str, mut so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !so() {
        assert!(start.elapsed() < Duration::from_secs(30), "{what} comes not to be");
        sleep(Duration::from_millis(20));
    }
}

#[test]
fn translations_are_those_of_the_library() -> TestResult {
    let server = Server::start(&[]);
    let lines = ["attention", "colonel", "?", "", "zyzzogeton"];
    let options = TranslateOptions { beam: 4, n_best: 2, alignment: true, ..TranslateOptions::default() };
    let expected = translator()?.translate_blocking(&lines, &options)?;
    let request = json!({ "lines": lines, "beam": 4, "n_best": 2, "alignment": true });
    let found = server.post("/translate", &request.to_string());
    assert_eq!(found.status, 200, "{found:?}");
    let found = found.json();
    assert_eq!(found["model"], "g2p-en");
    let mut streamed = request;
    streamed["stream"] = true.into();
    let streamed = server.post("/translate", &streamed.to_string());
    assert!(streamed.head.contains("content-type: application/x-ndjson"), "{}", streamed.head);
    let streamed: Vec<Value> = streamed.body.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    assert_eq!(found["translations"], Value::Array(streamed));
    for (at, expected) in expected.iter().enumerate() {
        let found = &found["translations"][at];
        assert_eq!(found["line"], at + 1);
        match expected {
            Err(error) => assert_eq!(found["error"], error.to_string()),
            Ok(expected) => {
                let json = serde_json::to_value(expected)?;
                assert_eq!((&found["source"], &found["text"]), (&json["source"], &json["text"]));
                assert_eq!(found["others"][0]["text"], json["others"][0]["text"]);
                let close = |a: &Value, b: &Value| (a.as_f64().expect("a") - b.as_f64().expect("b")).abs() < 1e-3;
                assert!(close(&found["score"], &json["score"]), "{found} {json}");
                assert!(close(&found["alignment"][0][0], &json["alignment"][0][0]), "{found} {json}");
            }
        }
    }
    assert_eq!(server.stop().0, Some(0));
    Ok(())
}

#[test]
fn what_is_wrong_is_said() {
    let server = Server::start(&["--limit-body", "64K", "--limit-symbols", "20"]);
    let long = "x".repeat(70_000);
    let json = |body: &str| post("/translate", body);
    for (request, status, said) in [
        (json(r#"{"lines": ["a"]"#), 400, "EOF while parsing"),
        (json("[]"), 400, "expected struct Request"),
        (json(r#"{"lines": "a"}"#), 400, "expected a sequence"),
        (json(r#"{"beam": 1}"#), 400, "missing field `lines`"),
        (json(r#"{"lines": ["a"], "beem": 1}"#), 400, "unknown field `beem`, expected one of `lines`"),
        (json(r#"{"lines": ["a"], "beam": 0}"#), 400, "beam: expected"),
        (json(r#"{"lines": ["a"], "beam": 99}"#), 400, "beam: expected at most 16 (--limit-beam), found 99"),
        (json(r#"{"lines": ["a"], "beam": 2, "n_best": 3}"#), 400, "n_best: expected"),
        (json(r#"{"lines": ["a"], "max_length": 9999}"#), 400, "max_length: expected at most 1000 symbols"),
        (json(r#"{"lines": ["aaaa"], "max_length": "400x"}"#), 400, "found 400x of 4, 1600"),
        (json(r#"{"lines": ["a"], "length_penalty": "often"}"#), 400, "\\\"often\\\": "),
        (json(r#"{"lines": ["a"], "model": "other"}"#), 404, "expected one of [\\\"g2p-en\\\"], found \\\"other\\\""),
        (json(r#"{"lines": ["abcdefghijk", "abcdefghijk"]}"#), 413, "source symbols: expected at most 20"),
        (json(&format!(r#"{{"lines": ["{long}"]}}"#)), 413, "body, in bytes: expected at most 65536 (--limit-body)"),
        (json(&"[".repeat(60_000)), 400, "body: "),
        ([&json(r#"{"lines": ["#)[..], b"\xff"].concat(), 400, "body: "),
        (b"POST /translate HTTP/1.0\r\ncontent-length: 3\r\n\r\n\"\xff\"".to_vec(), 400, "expected UTF-8"),
        (
            b"POST /translate HTTP/1.1\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\nzz\r\n".to_vec(),
            400,
            "body: ",
        ),
        (b"GET /translate HTTP/1.0\r\n\r\n".to_vec(), 405, "expected POST, found GET"),
        (b"DELETE / HTTP/1.0\r\n\r\n".to_vec(), 405, "expected GET, found DELETE"),
        (b"GET /translat HTTP/1.0\r\n\r\n".to_vec(), 404, "expected one of the paths"),
        // These never reach a path, and are answered without a body.
        (format!("GET / HTTP/1.1\r\nx: {long}\r\n\r\n").into_bytes(), 431, ""),
        (b"nonsense\r\n\r\n".to_vec(), 400, ""),
        (b"GET / HTTP/1.1\r\n\xff\xfe: x\r\n\r\n".to_vec(), 400, ""),
    ] {
        let answer = server.raw(&request);
        let shown = String::from_utf8_lossy(&request[..request.len().min(200)]).into_owned();
        assert_eq!(answer.status, status, "{shown}\n{answer:?}");
        assert!(answer.body.contains(said), "{shown}\n{answer:?}");
    }
    assert!(server.get("/translate").head.contains("allow: POST"));
    assert_eq!(server.get("/health").json()["status"], "ok");
    assert_eq!(server.stop().0, Some(0));
}

#[test]
fn ten_thousand_lines_are_answered_and_no_more() {
    let server = Server::start(&[]);
    let answer = server.raw(&translate(&json!({ "lines": vec!["a"; 10_000] })));
    assert_eq!(answer.json()["translations"].as_array().map(Vec::len), Some(10_000));
    let answer = server.raw(&translate(&json!({ "lines": vec!["a"; 10_001] })));
    assert_eq!(answer.status, 413);
    assert!(answer.body.contains("lines: expected at most 10000 (--limit-lines), found 10001"), "{answer:?}");
}

#[test]
fn who_sends_too_slowly_is_told() {
    let server = Server::start(&["--limit-idle", "1", "--limit-time", "2"]);

    // Half-open: nothing was asked, and nothing is answered.
    let silent = server.connect();
    // A header that never ends, though some of it comes all the time.
    let header = {
        let mut stream = server.connect();
        let mut sends = stream.try_clone().expect("a second handle");
        let sending = thread::spawn(move || {
            while sends.write_all(b"x").is_ok() {
                sleep(Duration::from_millis(100))
            }
        });
        stream.write_all(b"GET /health HTTP/1.1\r\nx: ").expect("a connection");
        let start = Instant::now();
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line).expect("an answer");
        assert!(start.elapsed() < Duration::from_secs(5));
        let _ = stream.shutdown(Shutdown::Both);
        sending.join().expect("a sender");
        line
    };
    assert_eq!(header, "HTTP/1.1 408 Request Timeout\r\n");
    // A body that never comes.
    let body = server.raw(b"POST /translate HTTP/1.1\r\ncontent-length: 100\r\n\r\n{\"lines\"");
    assert_eq!(body.status, 408);
    assert!(body.body.contains("body: expected all of it within 2 seconds (--limit-time)"), "{body:?}");

    assert_eq!(Answer::read(silent).head, "");
    assert_eq!(server.stop().0, Some(0));
}

#[test]
fn who_reads_too_slowly_is_cut_off_and_delays_nobody() {
    let server = Server::start(&["--limit-time", "3"]);
    let mut slow = server.connect();
    let request = json!({ "lines": vec!["internationalization"; 10_000], "stream": true, "html": true });
    slow.write_all(&translate(&request)).expect("a connection");
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(2) {
        assert_eq!(server.raw(&translate(&json!({ "lines": ["attention"] }))).status, 200);
    }
    eventually("an end", || server.metric("seq2seq_connections") == 1.0);
    assert_eq!(server.metric("seq2seq_queue_lines"), 0.0);
    assert_eq!(server.metric("seq2seq_requests_total{path=\"/translate\",status=\"499\"}"), 1.0);
    let mut read = Vec::new();
    let _ = slow.read_to_end(&mut read);
    assert!(lines(&read) < 10_000, "all was sent");
    assert_eq!(server.stop().0, Some(0));
}

/// The lines of an answer.
fn lines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte == b'\n').count()
}

#[test]
fn who_leaves_is_forgotten() {
    let server = Server::start(&[]);
    let mut stream = server.connect();
    stream.write_all(&translate(&json!({ "lines": vec!["internationalization"; 10_000] }))).expect("a connection");
    eventually("a queue", || server.metric("seq2seq_queue_lines") > 0.0);
    drop(stream);
    eventually("an empty queue", || server.metric("seq2seq_queue_lines") == 0.0);
    assert!(server.metric("seq2seq_lines_total{model=\"g2p-en\",outcome=\"translated\"}") < 10_000.0);
    assert_eq!(server.stop().0, Some(0));
}

#[test]
fn a_long_request_delays_no_short_one() {
    let server = Server::start(&[]);
    let mut long = server.connect();
    long.write_all(&translate(&json!({ "lines": vec!["internationalization"; 5000] }))).expect("a connection");
    eventually("a queue", || server.metric("seq2seq_queue_lines") > 0.0);
    for _ in 0..5 {
        assert_eq!(server.raw(&translate(&json!({ "lines": ["attention"] }))).status, 200);
        assert!(server.metric("seq2seq_queue_lines") > 0.0, "the long one was answered first");
    }
    assert_eq!(Answer::read(long).json()["translations"].as_array().map(Vec::len), Some(5000));
}

#[test]
fn what_there_is_no_room_for_may_come_again() {
    let waits = ["--wait", "3000", "--limit-queue", "10", "--limit-lines", "10", "--limit-time", "1"];
    let server = Server::start(&waits);
    let mut first = server.connect();
    first.write_all(&translate(&json!({ "lines": vec!["a"; 10] }))).expect("a connection");
    eventually("a queue", || server.metric("seq2seq_queue_lines") == 10.0);
    let full = server.raw(&translate(&json!({ "lines": ["a"] })));
    assert!(full.status == 503 && full.head.contains("retry-after: 1"), "{full:?}");
    assert!(full.body.contains("expected room for 1 more lines in the queue (--limit-queue), found 10"), "{full:?}");
    let late = Answer::read(first);
    assert!(late.status == 503 && late.head.contains("retry-after: 1"), "{late:?}");
    assert!(late.body.contains("expected an answer within 1 seconds (--limit-time)"), "{late:?}");
    drop(server);

    let server = Server::start(&["--limit-connections", "2"]);
    let held = [server.connect(), server.connect()];
    let third = server.get("/health");
    assert!(third.status == 503 && third.head.contains("retry-after: 1"), "{third:?}");
    assert!(third.body.contains("expected at most 2 connections (--limit-connections)"), "{third:?}");
    drop(held);
    eventually("room", || server.get("/health").status == 200);
}

#[test]
fn what_was_accepted_is_answered() {
    let server = Server::start(&["--wait", "1000"]);
    let mut stream = server.connect();
    stream.write_all(&translate(&json!({ "lines": ["attention"] }))).expect("a connection");
    eventually("a queue", || server.metric("seq2seq_queue_lines") == 1.0);
    let address = server.address.clone();
    assert_eq!(server.stop().0, Some(0));
    assert_eq!(Answer::read(stream).status, 200);
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn models_have_names() {
    let model = g2p();
    let named = format!("7={}", text(&model));
    let server = Server::start(&["--model", text(&model), "--model", &named]);
    assert_eq!(server.get("/models").json(), json!(["g2p-en", "7"]));
    let asked = |model: &str| server.raw(&translate(&json!({ "lines": ["attention"], "model": model }))).json();
    assert_eq!(asked("7")["model"], "7");
    assert_eq!(asked("7")["translations"], asked("g2p-en")["translations"]);

    let twice = seq2seq(&["serve", "--device", "cpu", "--model", text(&model), "--model", text(&model)], "");
    assert!(twice.code == 2 && twice.stderr.contains("two models are called \"g2p-en\""), "{}", twice.stderr);
    let taken = seq2seq(&["serve", "--device", "cpu", "--listen", &server.address], "");
    assert!(taken.code == 2 && taken.stderr.contains("--listen 127.0.0.1:"), "{}", taken.stderr);
}

#[test]
fn clients_of_opennmt_py_are_answered() -> TestResult {
    let server = Server::start(&["--beam", "3", "--n-best", "2"]);
    let models = server.get("/translator/models").json();
    assert_eq!((&models[0]["model_id"], &models[0]["loaded"]), (&json!(0), &json!(true)));
    assert_eq!(server.get("/translator/health").json(), json!({ "status": "ok" }));
    assert_eq!(server.get("/translator/to_cpu/0").json()["status"], "error");

    let options = TranslateOptions { beam: 3, n_best: 2, ..TranslateOptions::default() };
    let expected = translator()?.translate_blocking(&["attention"], &options)?.remove(0)?;
    let texts: Vec<&str> = expected.targets().map(|target| target.text.as_str()).collect();
    let found = server.post("/translator/translate", r#"[{"src": " attention\n", "id": 0}, {"src": ""}]"#).json();
    for (rank, text) in texts.into_iter().enumerate() {
        let first = &found[rank][0];
        assert_eq!((&first["src"], &first["n_best"]), (&json!(" attention\n"), &json!(2)));
        assert_eq!(first["tgt"], format!(" {text}\n"));
        assert!(first["pred_score"].is_f64());
        assert_eq!(found[rank][1], json!({ "src": "", "tgt": "", "n_best": 2, "pred_score": 0.0 }));
    }
    let unknown = server.post("/translator/translate", r#"[{"src": "a", "id": 5}]"#);
    assert!(unknown.status == 400 && unknown.body.contains("No such model '5'"), "{unknown:?}");
    let failed = server.post("/translator/translate", r#"[{"src": "?", "id": 0}]"#).json();
    assert_eq!(failed["status"], "error");
    Ok(())
}

#[test]
fn the_log_tells_of_requests_and_nothing_of_texts() -> TestResult {
    let server = Server::start(&["--log-format", "json"]);
    let body = json!({ "lines": ["zyzzogeton"] }).to_string();
    let head = format!("POST /translate HTTP/1.0\r\nx-request-id: mine-1\r\ncontent-length: {}\r\n\r\n", body.len());
    let answer = server.raw(format!("{head}{body}").as_bytes());
    assert!(answer.head.contains("x-request-id: mine-1"), "{}", answer.head);
    assert!(server.get("/health").head.contains("x-request-id: "));
    let (code, log) = server.stop();
    assert_eq!(code, Some(0));
    assert!(!log.contains("zyzz"), "{log}");
    let lines: Vec<Value> = log.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    assert!(lines[0]["message"].as_str().is_some_and(|message| message.starts_with("listening on http://127.0.0.1:")));
    assert_eq!(lines[0]["callers"], "this machine");
    let request = lines.iter().find(|line| line["id"] == "mine-1").expect("a line of the request");
    assert_eq!((&request["level"], &request["status"], &request["lines"]), (&json!("DEBUG"), &json!(200), &json!(1)));
    let spent = |part: &str| request[part].as_f64().expect("milliseconds");
    assert!(spent("computing_ms") > 0.0);
    assert!(spent("waiting_ms") + spent("batching_ms") + spent("computing_ms") <= spent("ms"), "{request}");
    Ok(())
}

#[test]
fn the_page_loads_nothing_but_answers() {
    let server = Server::start(&[]);
    let page = server.get("/");
    assert!(page.head.contains("content-type: text/html"));
    assert!(!page.body.contains("{{"), "a place of the template is left");
    for outside in ["http://", "https://", "src=", "@import", "url("] {
        assert!(!page.body.contains(outside), "{outside}");
    }
    let answer = server.raw(&translate(&json!({ "lines": ["attention"], "html": true }))).json();
    assert!(answer["translations"][0]["html"].as_str().is_some_and(|html| html.contains("data-weights=")));
}
