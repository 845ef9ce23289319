//! `seq2seq evaluate` as a person meets it, with the model inside the program.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::program::{Ended, seq2seq, text};
use serde_json::Value;
use tempfile::TempDir;

/// "banana" has two targets and neither is wrong; of "cat" the vowel is.
const PAIRS: &str = "\
attention\tAH0 T EH1 N SH AH0 N
banana\tB AH0 N AA1 N AH0
cat\tK EH1 T
banana\tB AH0 N AE1 N AH0
";

/// Runs `seq2seq evaluate --device cpu --quiet --pairs PAIRS ARGS`.
fn evaluate(pairs: &Path, args: &[&str]) -> Ended {
    let args = [&["evaluate", "--device", "cpu", "--quiet", "--pairs", text(pairs)], args].concat();
    seq2seq(&args, "")
}

fn file(directory: &TempDir, contents: &str) -> PathBuf {
    let path = directory.path().join("pairs.tsv");
    fs::write(&path, contents).expect("written");
    path
}

fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

#[test]
fn a_table_is_for_people() {
    let directory = directory();
    let ended = evaluate(&file(&directory, PAIRS), &[]);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    let begin = "\
sources                   3
pairs                     4
word error rate     33.33 %
symbol error rate    6.25 %
exact match         66.67 %
BLEU ";
    assert!(ended.stdout.starts_with(begin), "{}", ended.stdout);
    assert!(ended.stdout.contains("\nperplexity "), "{}", ended.stdout);
}

#[test]
fn json_is_for_programs() {
    let directory = directory();
    let ended = evaluate(&file(&directory, PAIRS), &["--json", "--batch-size", "2"]);
    let json: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    let number = |key: &str| json[key].as_f64().unwrap_or_else(|| panic!("{key}: {json}"));
    assert_eq!((number("sources"), number("pairs"), number("untranslated")), (3.0, 4.0, 0.0));
    assert!((number("word_error_rate") - 1.0 / 3.0).abs() < 1e-12);
    assert!((number("symbol_error_rate") - 1.0 / 16.0).abs() < 1e-12);
    assert!((number("exact_match") - 2.0 / 3.0).abs() < 1e-12);
    assert!((50.0..100.0).contains(&number("bleu")) && (50.0..100.0).contains(&number("chrf")), "{json}");
    assert!((0.05..5.0).contains(&number("loss")), "{json}");
    assert!((number("perplexity") - number("loss").exp()).abs() < 1e-9);
    assert_eq!(ended.code, 0);
}

#[test]
fn what_was_found_is_written_where_asked_for() {
    let directory = directory();
    let found = directory.path().join("found.tsv");
    let pairs = file(&directory, PAIRS);
    let ended = evaluate(&pairs, &["--hypotheses", found.to_str().expect("UTF-8")]);
    assert_eq!(ended.code, 0);
    let expected = "attention\tAH0 T EH1 N SH AH0 N\nbanana\tB AH0 N AE1 N AH0\ncat\tK AE1 T\n";
    assert_eq!(fs::read_to_string(&found).expect("text"), expected);

    let ended = evaluate(&pairs, &["--hypotheses", pairs.to_str().expect("UTF-8")]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("is also read, as "), "{}", ended.stderr);
    assert_eq!(fs::read_to_string(&pairs).expect("text"), PAIRS, "and is as it was");
}

#[test]
fn what_cannot_be_translated_is_wrong_and_named() {
    let directory = directory();
    let found = directory.path().join("found.tsv");
    let pairs = file(&directory, "cat\tK AE1 T\nca+t\tK AE1 T\ndog\tD AO1 G\ndog\tD ? G\n");
    let ended = evaluate(&pairs, &["--json", "--hypotheses", found.to_str().expect("UTF-8")]);
    assert_eq!(ended.code, 1);
    assert_eq!(
        ended.stderr,
        "line 2: the vocabulary has no symbol for \"+\" (position 2)\n\
         line 4: the target has no loss: the vocabulary has no symbol for \"?\" (position 1)\n"
    );
    let json: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!((&json["sources"], &json["untranslated"]), (&3.into(), &1.into()));
    assert!((json["symbol_error_rate"].as_f64().expect("a number") - 3.0 / 9.0).abs() < 1e-12, "{json}");
    assert_eq!(fs::read_to_string(&found).expect("text"), "cat\tK AE1 T\nca+t\t\ndog\tD AO1 G\n");

    let ended = evaluate(&file(&directory, "ca+t\tK AE1 T\n"), &["--json"]);
    let json: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!((&json["word_error_rate"], json.get("loss")), (&1.0.into(), None));
}

#[test]
fn a_malformed_file_is_refused_with_its_lines() {
    let directory = directory();
    let ended = evaluate(&file(&directory, "cat K AE1 T\ndog\tD AO1 G\n\n"), &[]);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    assert!(ended.stderr.contains("pairs.tsv: ") && ended.stderr.contains("line 1: 0 tabs; line 3: blank"));
    assert_eq!(evaluate(&directory.path().join("none.tsv"), &[]).code, 2);
}
