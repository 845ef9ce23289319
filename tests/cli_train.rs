//! `seq2seq train` as a person meets it.

mod common;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use common::TestResult;
use serde_json::Value;

/// Runs `seq2seq ARGS` in a folder.
fn seq2seq(folder: &Path, args: &str) -> Output {
    command(folder, args).output().expect("the program")
}

fn command(folder: &Path, args: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seq2seq"));
    command
        .current_dir(folder)
        .args(args.split(' '))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

/// A folder with words beside their letters in capitals, and a small model's settings.
fn folder() -> std::io::Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    let pairs = |numbers: std::ops::Range<u32>| -> String {
        let line = |number: u32| {
            let word: Vec<char> =
                (0..1 + number % 3).map(|at| char::from(b'a' + (number / 3 + 2 * at) as u8 % 5)).collect();
            let capitals: Vec<String> = word.iter().map(|letter| letter.to_ascii_uppercase().to_string()).collect();
            format!("{}\t{}\n", word.iter().collect::<String>(), capitals.join(" "))
        };
        numbers.map(line).collect()
    };
    fs::write(folder.path().join("train.tsv"), pairs(0..90))?;
    fs::write(folder.path().join("dev.tsv"), pairs(0..15))?;
    fs::write(
        folder.path().join("small.toml"),
        "[model]\nhidden_size = 16\nembedding_size = 8\n[training]\nbatch_size = 8\nlearning_rate = 0.01\nsteps = 12\n\
         [validation]\nvalidate_every = 6\n",
    )?;
    Ok(folder)
}

const SMALL: &str = "train --pairs train.tsv --valid dev.tsv --config small.toml --device cpu";

#[test]
fn a_model_is_trained_and_translates() -> TestResult {
    let folder = folder()?;
    let path = folder.path();
    let trained = seq2seq(path, &format!("{SMALL} --out model --log log.jsonl --plot loss.svg"));
    let stderr = text(&trained.stderr);
    assert_eq!((trained.status.code(), text(&trained.stdout)), (Some(0), ""), "{stderr}");
    let lines: Vec<&str> = stderr.lines().collect();
    assert!(lines.iter().any(|line| line.contains("90 pairs, 15 to validate")), "{stderr}");
    assert_eq!(lines.iter().filter(|line| line.contains("validation loss")).count(), 2, "{stderr}");
    assert!(!stderr.contains('\r') && !stderr.contains('\u{1b}'), "nothing moves where there is no terminal");
    assert!(lines.last().is_some_and(|line| line.contains("seq2seq translate --model model")), "{stderr}");

    for model in ["model", "model/last"] {
        let translated = seq2seq(path, &format!("translate --device cpu --quiet --model {model} abc"));
        assert_eq!(translated.status.code(), Some(0), "{}", text(&translated.stderr));
    }
    let events: Vec<Value> =
        fs::read_to_string(path.join("log.jsonl"))?.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    assert_eq!(events[0]["event"], "began");
    let validated: Vec<&Value> = events.iter().filter(|event| event["event"] == "validated").collect();
    assert!(validated.len() == 2 && validated[1]["step"] == 12 && validated[1]["loss"].as_f64().is_some());
    let picture = fs::read_to_string(path.join("loss.svg"))?;
    assert!(picture.starts_with("<svg ") && picture.contains("<title>step 12: "));
    assert!(fs::read_to_string(path.join("model/train.toml"))?.contains("hidden_size = 16\n"));
    Ok(())
}

#[test]
fn the_settings_beside_a_model_make_it_again() -> TestResult {
    let folder = folder()?;
    let path = folder.path();
    assert!(seq2seq(path, &format!("{SMALL} --out one --dropout 0.3 --quiet")).status.success());
    let again = seq2seq(path, "train --config one/train.toml --out two --device cpu --quiet");
    assert_eq!((again.status.code(), text(&again.stderr)), (Some(0), ""));
    let other = seq2seq(path, "train --config one/train.toml --out three --seed 2 --device cpu --quiet");
    assert!(other.status.success());
    let weights = |out: &str| fs::read(path.join(out).join("last/model.safetensors")).expect("weights");
    assert!(weights("one") == weights("two"));
    assert!(weights("one") != weights("three"), "a flag wins over the file");
    assert_eq!(fs::read(path.join("one/train.toml"))?, fs::read(path.join("two/train.toml"))?);
    Ok(())
}

#[test]
fn a_killed_run_goes_on_to_the_same_weights() -> TestResult {
    let folder = folder()?;
    let path = folder.path();
    let options = "--steps 1200 --checkpoint-every 15 --quiet";
    assert!(seq2seq(path, &format!("{SMALL} {options} --out whole")).status.success());
    let mut child = command(path, &format!("{SMALL} {options} --out killed")).spawn()?;
    let began = Instant::now();
    while !path.join("killed/checkpoint/checkpoint.safetensors").exists() && began.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill()?; // as kill -9 does
    assert!(!child.wait()?.success(), "it was killed before its end");

    // Nothing but the folder is needed, and what is there is not lost by mistake.
    let refused = seq2seq(path, &format!("{SMALL} {options} --out killed"));
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("--resume"), "{}", text(&refused.stderr));
    let resumed = seq2seq(path, "train --resume --out killed --device cpu --quiet");
    assert_eq!((resumed.status.code(), text(&resumed.stderr)), (Some(0), ""));
    for file in ["model.safetensors", "last/model.safetensors", "checkpoint/checkpoint.safetensors"] {
        assert!(fs::read(path.join("whole").join(file))? == fs::read(path.join("killed").join(file))?, "{file}");
    }
    Ok(())
}

#[cfg(unix)]
#[test]
fn who_interrupts_is_told_how_to_go_on() -> TestResult {
    common::signals::heed()?;
    let folder = folder()?;
    let path = folder.path();
    let child = command(path, &format!("{SMALL} --steps 100000 --checkpoint-every 5 --out model")).spawn()?;
    let began = Instant::now();
    while !path.join("model/checkpoint/checkpoint.safetensors").exists() && began.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(5));
    }
    common::signals::send(&child, "INT");
    let ended = child.wait_with_output()?;
    assert_eq!(ended.status.code(), Some(130), "{}", text(&ended.stderr));
    assert!(text(&ended.stderr).contains("to go on: seq2seq train --resume --out model"), "{}", text(&ended.stderr));
    Ok(())
}

#[test]
fn what_is_wrong_is_named() -> TestResult {
    let folder = folder()?;
    let path = folder.path();
    fs::write(path.join("typo.toml"), "[training]\nlearning_rat = 0.1\n")?;
    fs::write(path.join("bad.tsv"), "a\tA\nno tab\n")?;
    for (args, named) in [
        ("train --pairs train.tsv --config typo.toml --out model", "learning_rat"),
        ("train --pairs train.tsv --config none.toml --out model", "none.toml"),
        ("train --pairs bad.tsv --out model", "line 2"),
        ("train --pairs none.tsv --out model", "none.tsv"),
        ("train --pairs train.tsv --valid 1.5 --out model", "valid"),
        ("train --pairs train.tsv --dropout 1 --out model", "dropout"),
        ("train --pairs train.tsv --hidden-size 15 --score dot --out model", "decoder.hidden_size"),
        ("train --pairs train.tsv --source-tokens bpe:x --out model", "bpe:x"),
        ("train --pairs train.tsv --optimizer adagrad --out model", "adagrad"),
        ("train --pairs train.tsv --out train.tsv", "train.tsv"),
        ("train --pairs train.tsv --log none/log.jsonl --out model", "none/log.jsonl"),
        ("train --pairs train.tsv", "--out"),
        ("train --out model", "--pairs"),
    ] {
        let ended = seq2seq(path, args);
        let stderr = text(&ended.stderr);
        assert_eq!((ended.status.code(), text(&ended.stdout)), (Some(2), ""), "{args}: {stderr}");
        assert!(stderr.contains(named), "{args}: {stderr}");
    }
    assert!(!path.join("model").exists(), "nothing is made for nothing");
    Ok(())
}

#[test]
fn one_folder_has_one_run_at_a_time() -> TestResult {
    let folder = folder()?;
    let path = folder.path();
    let mut first = command(path, &format!("{SMALL} --steps 1000000 --out model --quiet --log log.jsonl")).spawn()?;
    let begin = Instant::now();
    while !path.join("model/config.json").exists() {
        assert!(begin.elapsed() < Duration::from_secs(60), "the first run never got to a model");
        std::thread::sleep(Duration::from_millis(20));
    }
    for args in ["train --resume --out model", &format!("{SMALL} --out model --overwrite --log log.jsonl")] {
        let second = seq2seq(path, args);
        let stderr = text(&second.stderr);
        assert_eq!(second.status.code(), Some(2), "{args}: {stderr}");
        assert!(stderr.contains(&format!("model: process {} is training into it", first.id())), "{args}: {stderr}");
    }
    assert!(first.try_wait()?.is_none(), "the first run goes on");
    first.kill()?;
    first.wait()?;
    assert!(fs::read_to_string(path.join("log.jsonl"))?.contains("began"), "its log is as it left it");
    let third = seq2seq(path, &format!("{SMALL} --out model --overwrite --quiet"));
    assert_eq!(third.status.code(), Some(0), "a killed run keeps nobody out: {}", text(&third.stderr));
    Ok(())
}

#[test]
fn a_run_with_other_options_does_not_go_on() -> TestResult {
    let folder = folder()?;
    let path = folder.path();
    assert!(seq2seq(path, &format!("{SMALL} --out model --quiet")).status.success());
    let settings = fs::read(path.join("model/train.toml"))?;
    let ended = seq2seq(path, "train --resume --out model --learning-rate 0.5 --device cpu --quiet");
    assert_eq!(ended.status.code(), Some(2));
    assert!(text(&ended.stderr).contains("learning_rate: expected 0.01"), "{}", text(&ended.stderr));
    assert_eq!(fs::read(path.join("model/train.toml"))?, settings);
    let anew = seq2seq(path, &format!("{SMALL} --out model --learning-rate 0.5 --overwrite --quiet"));
    assert_eq!(anew.status.code(), Some(0), "{}", text(&anew.stderr));
    Ok(())
}

#[test]
fn every_architecture_can_be_chosen() -> TestResult {
    let folder = folder()?;
    let path = folder.path();
    for (at, flags) in [
        "--cell gru --layers 2 --score general --bridge linear",
        "--cell tanh --directions 1 --score concat --window local_m --half-width 2 --bridge zeros",
        "--score location --input-feeding --window local_p",
        "--score scaled-dot --encoder-layers 2 --decoder-layers 1 --decoder-embedding-size 4 --average 0.9",
        "--target-tokens char --batch-tokens 50 --accumulate 2 --optimizer sgd --schedule plateau --metric bleu",
    ]
    .into_iter()
    .enumerate()
    {
        let trained = seq2seq(path, &format!("{SMALL} --steps 3 --out model{at} --quiet {flags}"));
        assert_eq!((trained.status.code(), text(&trained.stderr)), (Some(0), ""), "{flags}");
        let translated = seq2seq(path, &format!("translate --device cpu --model model{at} --max-length 5 --quiet ab"));
        assert_eq!(translated.status.code(), Some(0), "{flags}");
    }
    Ok(())
}
