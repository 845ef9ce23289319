//! `seq2seq pronounce`, as a person meets it.

mod common;

use common::TestResult;
use common::program::{Ended, seq2seq, text};
use serde_json::{Value, json};

fn pronounce(args: &[&str], stdin: impl AsRef<[u8]>) -> Ended {
    seq2seq(&[&["pronounce", "--quiet"], args].concat(), stdin)
}

#[test]
fn a_line_for_each_text() {
    let ended = pronounce(&["Dr. Smith’s 3 cats live here.", "", "hello"], "");
    let expected = "D AA1 K T ER0 | S M IH1 TH S | TH R IY1 | K AE1 T S | L IH1 V | HH IY1 R\n\nHH AH0 L OW1\n";
    assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (0, expected, ""));
    assert_eq!(pronounce(&[], "hello\r\n\n\u{FEFF}hello").stdout, "HH AH0 L OW1\n\nHH AH0 L OW1\n");
    for (phones, expected) in [("ipa", "h ə ˈl oʊ"), ("ipa-vowel", "h ə l ˈoʊ"), ("xsampa", "h @ \"l oU")] {
        assert_eq!(pronounce(&["--phones", phones, "hello"], "").stdout.trim_end(), expected);
    }
}

#[test]
fn json_has_places_sources_and_others() -> TestResult {
    let ended = pronounce(&["--json", "--n-best", "2", "’Tis zyzzogeton: 北京 5%"], "");
    assert_eq!(ended.code, 1);
    let line: Value = serde_json::from_str(&ended.stdout)?;
    let words = line["words"].as_array().ok_or("no words")?;
    let about = |word: &Value| json!([word["span"], word["word"], word["from"]]);
    assert_eq!(
        words.iter().map(about).collect::<Vec<_>>(),
        [
            json!([[0, 4], "'tis", "lexicon"]),
            json!([[5, 15], "zyzzogeton", "model"]),
            json!([[20, 22], "five", "lexicon"]),
            json!([[20, 22], "percent", "lexicon"]),
        ]
    );
    assert_eq!(words[1]["others"].as_array().map(Vec::len), Some(1));
    assert_eq!(words[1]["alignment"].as_array().map(Vec::len), words[1]["phones"].as_array().map(Vec::len));
    assert_eq!(line["unread"], json!([{"span": [17, 19], "text": "北京", "reason": "no rule reads this"}]));
    Ok(())
}

#[test]
fn what_cannot_be_read_is_told_and_the_rest_is_answered() {
    let ended = pronounce(&[], ["a 🙂\n".as_bytes(), b"\xff\nhello\n"].concat());
    assert_eq!((ended.code, ended.stdout.as_str()), (1, "EY1\n\nHH AH0 L OW1\n"));
    let told: Vec<&str> = ended.stderr.lines().collect();
    assert_eq!(told[0], "line 1, characters 2 to 3: \"🙂\": no rule reads this");
    assert!(told[1].starts_with("line 2: ") && told.len() == 2, "{told:?}");
}

#[test]
fn words_of_ones_own_come_first() -> TestResult {
    let folder = tempfile::tempdir()?;
    let own = folder.path().join("own.tsv");
    std::fs::write(&own, "hello\tHH EH1 L OW0\nwgpu\tW EH1 B\n")?;
    let ended = pronounce(&["--dictionary", text(&own), "Hello WGPU"], "");
    assert_eq!((ended.code, ended.stdout.trim_end()), (0, "HH EH1 L OW0 | W EH1 B"), "{}", ended.stderr);
    std::fs::write(&own, "hello\tHH ə\n")?;
    let ended = pronounce(&["--dictionary", text(&own), "hello"], "");
    assert!(
        ended.code == 2 && ended.stderr.contains("\"hello\"") && ended.stderr.contains("\"ə\""),
        "{}",
        ended.stderr
    );
    Ok(())
}

#[test]
fn a_run_that_was_stopped_goes_on() -> TestResult {
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name);
    let lines: String = (0..100).map(|number| format!("{number} lines, no. {number}\n")).collect();
    std::fs::write(path("in.txt"), lines)?;
    let run = |more: &[&str]| {
        let (input, output) = (path("in.txt"), path("out.txt"));
        pronounce(&[&["--input", text(&input), "--output", text(&output), "--window", "16"], more].concat(), "")
    };
    for format in [&[][..], &["--json"]] {
        assert_eq!(run(format).code, 0);
        let whole = std::fs::read_to_string(path("out.txt"))?;
        for kept in [0, 1, whole.len() / 2, whole.len() - 1, whole.len()] {
            std::fs::write(path("out.txt"), &whole[..kept])?;
            let ended = run(&[format, &["--skip-done"]].concat());
            assert_eq!(ended.code, 0, "{}", ended.stderr);
            assert!(std::fs::read_to_string(path("out.txt"))? == whole, "{kept} bytes were kept");
        }
    }
    std::fs::write(path("out.txt"), "HH AH0 L OW1\n".repeat(40))?;
    assert_eq!(run(&["--skip-done"]).code, 2, "another run's output");
    let input = path("in.txt");
    assert_eq!(pronounce(&["--input", text(&input), "--output", text(&input)], "").code, 2);
    Ok(())
}
