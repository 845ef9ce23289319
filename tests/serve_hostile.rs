//! `seq2seq serve`: those who ask badly, slowly or too much get a stated answer, and delay nobody else.
#![cfg(unix)]

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::{Command, Stdio};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use common::server::{Answer, Server, eventually, post, translate};
use common::signals;
use serde_json::json;

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
            b"POST /translate HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\nzz\r\n"
                .to_vec(),
            400,
            "body: ",
        ),
        (b"GET /translate HTTP/1.0\r\n\r\n".to_vec(), 405, "expected POST, found GET"),
        (b"DELETE / HTTP/1.0\r\n\r\n".to_vec(), 405, "expected GET, HEAD, found DELETE"),
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
        stream.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\nx: ").expect("a connection");
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
    let body = server.raw(b"POST /translate HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{\"lines\"");
    assert_eq!(body.status, 408);
    assert!(body.body.contains("body: expected all of it within 2 seconds (--limit-time)"), "{body:?}");

    assert_eq!(Answer::read(silent).head, "");
    assert_eq!(server.stop().0, Some(0));
}

#[test]
fn who_reads_too_slowly_is_cut_off_and_delays_nobody() {
    let server = Server::start(&["--limit-time", "8"]);
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

#[test]
fn who_reads_drop_by_drop_is_cut_off() {
    let server = Server::start(&["--limit-time", "12", "--max-length", "500"]);
    let mut slow = server.connect();
    let lines = vec!["internationalization".repeat(50); 5];
    slow.write_all(&translate(&json!({ "lines": lines, "alignment": true }))).expect("a connection");
    let (mut first, mut read, mut part) = (None, Vec::new(), [0; 1 << 16]);
    while let Ok(bytes @ 1..) = slow.read(&mut part) {
        read.extend_from_slice(&part[..bytes]);
        // What the system holds of the answer comes in any case.
        if first.get_or_insert_with(Instant::now).elapsed() < Duration::from_secs(16) {
            sleep(Duration::from_millis(200));
        }
    }
    let head = String::from_utf8_lossy(&read[..read.len().min(1000)]).into_owned();
    let length =
        head.lines().find_map(|line| line.strip_prefix("content-length: ")).and_then(|length| length.parse().ok());
    assert!(length.is_some_and(|length: usize| length > read.len()), "{} bytes of {head}", read.len());
    eventually("an end", || server.metric("seq2seq_connections") == 1.0);
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
fn what_there_is_no_room_for_may_come_again() {
    let waits = ["--wait", "20000", "--limit-queue", "10", "--limit-lines", "10", "--limit-time", "5"];
    let server = Server::start(&waits);
    let mut first = server.connect();
    first.write_all(&translate(&json!({ "lines": vec!["a"; 10] }))).expect("a connection");
    eventually("a queue", || server.metric("seq2seq_queue_lines") == 10.0);
    let full = server.raw(&translate(&json!({ "lines": ["a"] })));
    assert!(full.status == 503 && full.head.contains("retry-after: 1"), "{full:?}");
    assert!(full.body.contains("expected room for 1 more lines in the queue (--limit-queue), found 10"), "{full:?}");
    let late = Answer::read(first);
    assert!(late.status == 503 && late.head.contains("retry-after: 1"), "{late:?}");
    assert!(late.body.contains("expected an answer within 5 seconds (--limit-time)"), "{late:?}");
    drop(server);

    let server = Server::start(&["--limit-connections", "2"]);
    let held = [server.connect(), server.connect()];
    let third = server.get("/health");
    assert!(third.status == 503 && third.head.contains("retry-after: 1"), "{third:?}");
    assert!(third.body.contains("expected at most 2 connections (--limit-connections)"), "{third:?}");
    drop(held);
    eventually("room", || server.get("/health").status == 200);
}

/// What a connection answers to these bytes, whose last request closes it.
fn exchange(server: &Server, bytes: &[u8]) -> String {
    let mut stream = server.connect();
    let _ = stream.write_all(bytes);
    let mut read = Vec::new();
    let _ = stream.read_to_end(&mut read);
    String::from_utf8_lossy(&read).into_owned()
}

/// The statuses of answers that stand one behind the other.
fn statuses(answers: &str) -> Vec<&str> {
    answers.split("HTTP/1.1 ").skip(1).filter_map(|answer| answer.get(..3)).collect()
}

#[test]
fn every_method_has_its_answer() {
    let server = Server::start(&[]);
    let ask = |line: &str| server.raw(format!("{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes());
    for (line, status, allowed) in [
        ("OPTIONS /translate", 405, "POST"),
        ("HEAD /translate", 405, "POST"),
        ("BREW /translate", 405, "POST"),
        ("PUT /health", 405, "GET, HEAD"),
        ("OPTIONS /", 405, "GET, HEAD"),
        ("POST /translator/models", 405, "GET, HEAD"),
        ("GET /translator/clone_model/0", 405, "POST"),
    ] {
        let answer = ask(line);
        assert_eq!(answer.status, status, "{line}: {answer:?}");
        assert!(answer.head.contains(&format!("allow: {allowed}\r\n")), "{line}: {answer:?}");
    }
    let [head, get] = ["HEAD /models", "GET /models"].map(ask);
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    let length =
        |answer: &Answer| answer.head.lines().find(|line| line.starts_with("content-length")).map(str::to_owned);
    assert_eq!(length(&head), length(&get));
    for (line, status) in [
        ("OPTIONS *", 404),
        ("GET /health/", 404),
        ("GET /health?a=b", 200),
        ("GET http://x/health", 200),
        ("CONNECT x:1", 404),
    ] {
        assert_eq!(ask(line).status, status, "{line}");
    }
}

#[test]
fn a_header_means_one_thing() {
    let server = Server::start(&[]);
    let body = r#"{"lines": ["a"]}"#;
    let ask = |head: &str, body: &str| {
        let request = format!("POST /translate HTTP/1.1\r\n{head}connection: close\r\n\r\n{body}");
        server.raw(request.as_bytes())
    };
    let length = body.len();
    let sized = format!("content-length: {length}\r\n");
    for (head, status, said) in [
        (format!("host: x\r\n{sized}"), 200, "translations"),
        (sized.clone(), 400, "header: expected one host, found 0"),
        (format!("host: x\r\nhost: y\r\n{sized}"), 400, "header: expected one host, found 2"),
        (
            format!("host: x\r\ncontent-encoding: gzip\r\n{sized}"),
            415,
            "expected no content-encoding, found \\\"gzip\\\"",
        ),
        (format!("host: x\r\ncontent-type: text/plain\r\n{sized}"), 200, "translations"),
        (format!("host: x\r\n{sized}{sized}"), 200, "translations"),
        (format!("host: x\r\n{sized}content-length: 3\r\n"), 400, ""),
        (format!("host: x\r\ncontent-length: +{length}\r\n"), 400, ""),
        ("host: x\r\ncontent-length: -1\r\n".to_owned(), 400, ""),
        ("host: x\r\ncontent-length: 99999999999999999999999\r\n".to_owned(), 400, ""),
        ("host: x\r\ncontent-length: 9999999999\r\n".to_owned(), 413, "--limit-body"),
        ("host: x\r\ntransfer-encoding: chunked, gzip\r\n".to_owned(), 400, ""),
        (format!("host: x\r\n folded: x\r\n{sized}"), 400, ""),
        (format!("host: x\r\na b: x\r\n{sized}"), 400, ""),
    ] {
        let answer = ask(&head, body);
        assert_eq!(answer.status, status, "{head}{answer:?}");
        assert!(answer.body.contains(said), "{head}{answer:?}");
    }
    // A length beside chunks does not count, and what stands behind them is not believed to be a request.
    let smuggled = b"POST /translate HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n\
        10\r\n{\"lines\": [\"a\"]}\r\n0\r\n\r\nGET /none HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    assert_eq!(statuses(&exchange(&server, smuggled)), ["200"]);
    // What is no HTTP/1 at all.
    assert_eq!(server.raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").head, "", "a connection of HTTP/2 is closed");
    assert_eq!(server.raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03").status, 400);
}

#[test]
fn bodies_come_in_every_way_that_http_has() {
    let server = Server::start(&["--limit-body", "64K"]);
    // In chunks that divide a letter, with an extension and a trailer.
    let chunked = b"POST /translate HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n\
        d;x=y\r\n{\"lines\": [\"\xc3\r\n4\r\n\xa9\"]}\r\n0\r\nx: y\r\n\r\n";
    let answer = exchange(&server, chunked);
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"line\":1"), "{answer}");
    // Asked for first: a body that would be too large is not.
    let mut stream = server.connect();
    let head = |length| {
        format!(
            "POST /translate HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
        )
    };
    stream.write_all(head(16).as_bytes()).expect("a connection");
    let mut line = String::new();
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    reader.read_line(&mut line).expect("a line");
    assert_eq!(line, "HTTP/1.1 100 Continue\r\n");
    stream.write_all(br#"{"lines": ["a"]}"#).expect("a connection");
    let mut rest = String::new();
    reader.read_to_string(&mut rest).expect("an answer");
    assert!(rest.contains("HTTP/1.1 200 OK"), "{rest}");
    assert_eq!(server.raw(head(70_000).as_bytes()).status, 413);
    // Several requests at once are answered in their order, the wrong one among them too.
    let one = |id: usize, body: &str| {
        let length = body.len();
        format!("POST /translate HTTP/1.1\r\nhost: x\r\nx-request-id: {id}\r\ncontent-length: {length}\r\n\r\n{body}")
    };
    let body = r#"{"lines": ["a"]}"#;
    let last = "GET /health HTTP/1.1\r\nhost: x\r\nx-request-id: 4\r\nconnection: close\r\n\r\n";
    let answers = exchange(&server, [one(1, body), one(2, "{"), one(3, body), last.to_owned()].concat().as_bytes());
    assert_eq!(statuses(&answers), ["200", "400", "200", "200"]);
    let ids: Vec<&str> = answers.lines().filter_map(|line| line.strip_prefix("x-request-id: ")).collect();
    assert_eq!(ids, ["1", "2", "3", "4"]);
    // Chunks without an end are no more than a body may be.
    let endless = b"POST /translate HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    let chunk = format!("8000\r\n{}\r\n", " ".repeat(0x8000));
    assert_eq!(server.raw(&[endless, chunk.repeat(4).into_bytes()].concat()).status, 413);
}

#[test]
fn json_of_every_kind_is_answered() {
    let server = Server::start(&[]);
    for (body, status, said) in [
        (r#"{"lines": []}"#, 200, "\"translations\":[]"),
        (r#"{"lines": [""]}"#, 200, "\"error\":\"the source is empty"),
        (r#"{"lines": ["a\u0000b", "\n", "\ud83d\ude00"]}"#, 200, "\"line\":3,\"error\""),
        (r#"{"lines": ["\ud800"]}"#, 400, "body: "),
        (r#"{"lines": ["a"], "lines": ["b"]}"#, 400, "duplicate field `lines`"),
        (r#"{"lines": ["a"], "beam": 1e999}"#, 400, "number out of range"),
        (r#"{"lines": ["a"], "beam": -1}"#, 400, "invalid value: integer `-1`"),
        (r#"{"lines": ["a"], "beam": 2.5}"#, 400, "invalid type: floating point `2.5`"),
        (r#"{"lines": ["a"], "beam": 18446744073709551615}"#, 400, "beam: expected"),
        (r#"{"lines": ["a"], "beam": 18446744073709551616}"#, 400, "body: "),
        (r#"{"lines": ["a"], "n_best": 18446744073709551615}"#, 400, "expected"),
        (r#"{"lines": ["a"], "n_best": 0}"#, 400, "n_best: expected"),
        (r#"{"lines": ["a"], "max_length": 18446744073709551615}"#, 400, "max_length"),
        (r#"{"lines": ["a"], "max_length": "1e300x"}"#, 400, "max_length"),
        (r#"{"lines": ["a"], "max_length": 0}"#, 400, "max_length"),
        (r#"{"lines": ["a"], "coverage_penalty": 1e300}"#, 400, "coverage_penalty"),
        (r#"{"lines": ["a"], "coverage_penalty": NaN}"#, 400, "body: "),
        (r#"{"lines": ["a"], "alignment": "yes"}"#, 400, "expected a boolean"),
        (r#"{"lines": ["a"], "alignment": null}"#, 400, "expected a boolean"),
        (r#"{"lines": [null]}"#, 400, "expected a string"),
        (r#"{"lines": ["a"], "dictionary": ["a"]}"#, 400, "expected an object with translations"),
        (r#"{"lines": ["a"], "dictionary": {"a": 1}}"#, 400, "expected a text or an array of texts"),
        (r#"{"lines": ["a"]} {"lines": ["b"]}"#, 400, "trailing characters"),
        ("\u{feff}{\"lines\": [\"a\"]}", 400, "body: "),
        ("null", 400, "body: "),
        ("", 400, "EOF while parsing"),
    ] {
        let answer = server.post("/translate", body);
        assert_eq!(answer.status, status, "{body}\n{answer:?}");
        assert!(answer.body.contains(said), "{body}\n{answer:?}");
    }
    for (body, status, said) in [
        ("[]", 200, "[[]]"),
        ("{}", 400, "body: "),
        (r#"[{"id": 0}]"#, 400, "missing field `src`"),
        (r#"[{"src": "a", "src": "b"}]"#, 400, "duplicate field `src`"),
        (r#"[{"src": "a", "ref": "b", "id": -1}]"#, 400, "No such model '-1'"),
        (r#"[{"src": "a", "id": [[]]}]"#, 400, "No such model '[[]]'"),
        (r#"[{"src": "a", "id": 1e300}]"#, 400, "No such model"),
    ] {
        let answer = server.post("/translator/translate", body);
        assert_eq!(answer.status, status, "{body}\n{answer:?}");
        assert!(answer.body.contains(said), "{body}\n{answer:?}");
    }
    assert_eq!(server.stop().0, Some(0));
}

/// A server with room for a request of many lines.
fn roomy() -> Server {
    let lines = ["--limit-lines", "1000000", "--limit-queue", "1000000", "--limit-body", "64M", "--limit-time", "600"];
    let symbols = ["--limit-symbols", "30000000", "--limit-queue-symbols", "30000000"];
    Server::start(&[&lines[..], &symbols].concat())
}

#[test]
fn a_long_answer_in_lines_delays_no_short_one() {
    let server = roomy();
    let mut long = server.connect();
    long.write_all(&translate(&json!({ "lines": vec!["a"; 200_000], "stream": true }))).expect("a connection");
    let mut read = BufReader::new(long);
    let mut line = String::new();
    while !line.starts_with("{\"line\":1,") {
        line.clear();
        assert!(read.read_line(&mut line).expect("a line") > 0, "it ends before its first line");
    }
    let waiting = || server.metric("seq2seq_queue_lines");
    for _ in 0..5 {
        let start = Instant::now();
        assert_eq!(server.raw(&translate(&json!({ "lines": ["attention"] }))).status, 200);
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        assert!(waiting() > 100_000.0, "the long one was answered first");
    }
    drop(read);
    eventually("an empty queue", || waiting() == 0.0);
    assert_eq!(server.stop().0, Some(0));
}

#[test]
fn who_closes_its_half_has_left() {
    let server = Server::start(&["--wait", "30000"]);
    let mut stream = server.connect();
    stream.write_all(&translate(&json!({ "lines": ["attention"] }))).expect("a connection");
    eventually("a queue", || server.metric("seq2seq_queue_lines") == 1.0);
    stream.shutdown(Shutdown::Write).expect("half a connection");
    eventually("an empty queue", || server.metric("seq2seq_queue_lines") == 0.0);
    assert_eq!(Answer::read(stream).head, "");
    assert_eq!(server.metric("seq2seq_requests_total{path=\"/translate\",status=\"499\"}"), 1.0);
    assert_eq!(server.metric("seq2seq_lines_total{model=\"g2p-en\",outcome=\"translated\"}"), 0.0);
}

#[test]
fn what_the_device_cannot_compute_fails_alone() {
    // Less memory than attention to a thousand letters takes.
    let server = Server::start(&["--memory", "40M", "--max-source-length", "20000", "--limit-answer", "1G"]);
    let long = "internationalization".repeat(500);
    let failed = server.raw(&translate(&json!({ "lines": [long] })));
    assert_eq!(failed.status, 500, "{:.300}", failed.body);
    assert!(failed.body.contains("out of memory"), "{:.300}", failed.body);
    assert_eq!(server.metric("seq2seq_device_failures_total"), 1.0);
    let health = server.get("/health");
    assert!(health.status == 503 && health.body.contains("the device failed at the last batch"), "{health:?}");
    assert_eq!(server.raw(&translate(&json!({ "lines": ["attention"] }))).status, 200);
    assert_eq!(server.get("/health").status, 200);
    // Whose lines come line by line learns it in the last.
    let streamed = server.raw(&translate(&json!({ "lines": [long], "stream": true })));
    assert!(
        streamed.status == 200 && streamed.body.contains("{\"error\":\"CPU: out of memory"),
        "{:.300}",
        streamed.body
    );
    assert_eq!(server.stop().0, Some(0));
}

#[test]
fn a_crowd_without_files_to_hold_it_waits() {
    let program = env!("CARGO_BIN_EXE_seq2seq");
    let script = format!(
        "ulimit -n 24; exec {program} serve --device cpu --listen 127.0.0.1:0 --log-level warn --log-format json"
    );
    // At this level it does not say where it listens.
    let script = script.replace("--log-level warn", "--log-level info");
    let mut server = Command::new("sh");
    server.args(["-c", &script]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let server = Server::run(&mut server);
    // Behind this the device is warm, and has nothing to do.
    assert_eq!(server.raw(&translate(&json!({ "lines": ["attention"] }))).status, 200);
    let crowd: Vec<TcpStream> = (0..60).map(|_| server.connect()).collect();
    sleep(Duration::from_millis(500));
    let before = cpu_seconds(&server);
    sleep(Duration::from_secs(1));
    let spent = cpu_seconds(&server) - before;
    assert!(spent < 0.3, "{spent} of a second were spent on waiting");
    drop(crowd);
    eventually("room", || server.raw(&translate(&json!({ "lines": ["attention"] }))).status == 200);
    let (code, log) = server.stop();
    assert_eq!(code, Some(0));
    assert!(log.contains("no connection could be accepted"), "{log}");
}

/// What a server has had of the processor, where the system says so.
fn cpu_seconds(server: &Server) -> f64 {
    let Ok(stat) = fs::read_to_string(format!("/proc/{}/stat", server.child.id())) else { return 0.0 };
    let behind = stat.rsplit_once(')').map_or("", |(_, behind)| behind);
    behind.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

#[test]
fn the_end_waits_for_nobody_who_asks_nothing() {
    let server = Server::start(&[]);
    let silent = server.connect();
    let mut idle = server.connect();
    idle.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n").expect("a connection");
    let mut answer = [0; 12];
    idle.read_exact(&mut answer).expect("an answer");
    let start = Instant::now();
    assert_eq!(server.stop().0, Some(0));
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    drop((silent, idle));
}

#[test]
fn asked_twice_it_ends_at_once() {
    let server = roomy();
    let mut stream = server.connect();
    stream.write_all(&translate(&json!({ "lines": vec!["internationalization"; 20_000] }))).expect("a connection");
    eventually("a queue", || server.metric("seq2seq_queue_lines") > 0.0);
    signals::send(&server.child, "TERM");
    // Two signals of one kind at the same moment are one.
    eventually("no listener", || TcpStream::connect(&server.address).is_err());
    let start = Instant::now();
    let (code, log) = server.stop();
    assert_eq!(code, Some(1), "{log}");
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    assert!(log.contains("connections=1"), "{log}");
}

#[test]
fn it_listens_on_the_other_internet_too() {
    // Where there is none this is no failure of the server.
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        return;
    }
    let server = Server::start(&["--listen", "[::1]:0"]);
    assert!(server.address.starts_with("[::1]:"), "{}", server.address);
    assert_eq!(server.get("/health").status, 200);
    assert_eq!(server.stop().0, Some(0));
}

#[test]
fn labels_are_those_of_the_server() {
    let server = Server::start(&[]);
    for path in ["/a", "/b", "/translate/x", "/translator/unload_model/x", "/translator/unload_model/y"] {
        server.get(path);
    }
    let metrics = server.get("/metrics").body;
    let paths: Vec<&str> = metrics.lines().filter(|line| line.starts_with("seq2seq_requests_total{")).collect();
    assert_eq!(paths.len(), 2, "{paths:#?}");
}
