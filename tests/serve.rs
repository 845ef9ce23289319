//! `seq2seq serve`: what it answers.
#![cfg(unix)]

mod common;

use std::io::Write;
use std::net::TcpStream;

use common::program::{seq2seq, text};
use common::server::{Answer, Server, eventually, translate};
use common::{TestResult, g2p};
use seq2seq::device::{Device, DeviceRequest, Precision};
use seq2seq::model::Model;
use seq2seq::{TranslateOptions, Translator};
use serde_json::{Value, json};

fn translator() -> seq2seq::Result<Translator> {
    Translator::new(Model::load(g2p())?, Device::open_blocking(&DeviceRequest::Cpu, Precision::F32)?)
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
fn a_long_request_delays_no_short_one() {
    let server = Server::start(&[]);
    let mut long = server.connect();
    long.write_all(&translate(&json!({ "lines": vec!["internationalization"; 10_000] }))).expect("a connection");
    eventually("a queue", || server.metric("seq2seq_queue_lines") > 0.0);
    for _ in 0..5 {
        assert_eq!(server.raw(&translate(&json!({ "lines": ["attention"] }))).status, 200);
        assert!(server.metric("seq2seq_queue_lines") > 0.0, "the long one was answered first");
    }
    assert_eq!(Answer::read(long).json()["translations"].as_array().map(Vec::len), Some(10_000));
}

#[test]
fn what_was_accepted_is_answered() {
    let server = Server::start(&["--wait", "5000"]);
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
    assert!(!log.contains("zyzz") && !log.contains("WARN"), "{log}");
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

#[test]
fn pronunciations_are_those_of_pronounce() {
    let server = Server::start(&[]);
    let lines = ["Dr. Zyzzogeton’s 3 cats live here.", "", "\u{1F600} 5 p.m."];
    let printed = seq2seq(&["pronounce", "--json", "--phones", "ipa"], lines.join("\n"));
    let found = server.post("/pronounce", &json!({ "lines": lines, "phones": "ipa" }).to_string());
    let printed: Vec<Value> = printed.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let found = found.json();
    let spoken = |line: &Value| -> Vec<Value> {
        let words = line["words"].as_array().into_iter().flatten();
        words.map(|word| json!([word["span"], word["word"], word["from"], word["phones"]])).collect()
    };
    for (at, printed) in printed.iter().enumerate() {
        let found = &found["lines"][at];
        assert_eq!((&found["line"], &found["unread"]), (&printed["line"], &printed["unread"]));
        assert_eq!(spoken(found), spoken(printed));
    }
    let wrong = server.post("/pronounce", r#"{"lines": [], "phones": "ipa2"}"#);
    assert!(wrong.status == 400 && wrong.body.contains("phones: expected one of"), "{wrong:?}");
    let long = server.post("/pronounce", &json!({ "lines": ["a ".repeat(6000)] }).to_string());
    assert!(long.status == 413 && long.body.contains("expected at most 10000"), "{long:?}");
}

#[test]
fn words_of_texts_and_dictionaries_are_those_of_translate() -> TestResult {
    let folder = tempfile::tempdir()?;
    let dictionary = folder.path().join("words.tsv");
    std::fs::write(&dictionary, "wgpu\tW EH B\nwgpu\tG P UW\n")?;
    let lines = ["Attention, WGPU!", " … ", "Zyzzogeton’s colonel"];
    let options = ["--dictionary", text(&dictionary), "--n-best", "2"];
    let printed = common::program::translate(&[&["--json", "--each-word"], &options[..]].concat(), lines.join("\n"));
    let server = Server::start(&options);
    let request = json!({ "lines": lines, "each_word": true, "alignment": true, "stream": true });
    let found = server.raw(&translate(&request));
    let [printed, found] = [printed.stdout, found.body]
        .map(|text| -> Vec<Value> { text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect() });
    assert_eq!(found.len(), 3);
    for (found, printed) in found.iter().zip(&printed) {
        let texts = |line: &Value| -> Vec<String> {
            let words = line["words"].as_array().into_iter().flatten();
            words
                .map(|word| {
                    [&word["word"], &word["from"], &word["text"], &word["error"]].map(ToString::to_string).join(" ")
                })
                .collect()
        };
        assert_eq!((&found["line"], texts(found)), (&printed["line"], texts(printed)));
    }
    assert_eq!(found[0]["words"][1]["from"], "dictionary");
    assert_eq!(found[0]["words"][1]["others"][0]["text"], "G P UW");

    let known = json!({ "lines": ["WGPU", "colonel"], "dictionary": { "wgpu": ["A", "B"], "colonel": "C" } });
    let found = server.raw(&translate(&known)).json();
    let of = |line: usize| &found["translations"][line];
    assert_eq!(
        (&of(0)["text"], &of(0)["others"][0]["text"], &of(0)["from"]),
        (&json!("A"), &json!("B"), &json!("dictionary"))
    );
    assert_eq!((&of(1)["text"], &of(1)["others"]), (&json!("C"), &Value::Null));
    assert_eq!(server.stop().0, Some(0));
    Ok(())
}
