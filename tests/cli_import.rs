//! `seq2seq import` as a person meets it, and what can be done with the model that it writes.

mod common;

use std::fs;
use std::path::Path;

use common::TestResult;
use common::program::{seq2seq, text, translate};

/// A checkpoint that OpenNMT-py has saved, with the optimizer's state.
const WITH_OPTIMIZER: &str = "gru-general-bridge";

/// One that has learnt well.
const GOOD: &str = "gru-mlp";

fn checkpoint(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/importers/opennmt");
    text(&folder.join(name).join("model.pt")).to_owned()
}

#[test]
fn a_model_is_imported_and_is_a_model_like_any_other() -> TestResult {
    let folder = tempfile::tempdir()?;
    let [mine, small, more] = ["mine", "small", "more"].map(|name| folder.path().join(name));
    let imported = seq2seq(&["import", &checkpoint(WITH_OPTIMIZER), "--out", text(&mine)], "");
    assert_eq!(imported.code, 0, "{}", imported.stderr);
    for line in [
        "toolkit: OpenNMT-py, version 3",
        "architecture: gru, encoder 1 × 12 in both directions, decoder 1 × 24 with input feeding, attention general",
        "vocabularies: 14 source and 14 target tokens",
        "step: 500",
        "dropped: the optimizer's state",
    ] {
        assert!(imported.stderr.contains(line), "{line}\n{}", imported.stderr);
    }

    let imported = seq2seq(&["import", &checkpoint(GOOD), "--out", text(&mine)], "");
    assert!(imported.code == 0 && imported.stderr.contains("dropped: nothing"), "{}", imported.stderr);
    let translated = translate(&["--model", text(&mine), "--alignment"], "3 1 4\n");
    assert!(translated.code == 0 && translated.stdout.contains("four one three"), "{}", translated.stdout);
    // Words that are joined of their letters, and an id for each join on the way, change nothing.
    let [codes, coded] = ["bpe.codes", "coded"].map(|name| folder.path().join(name));
    fs::write(&codes, "#version: 0.2\nf o\nfo u\nfou r</w>\n")?;
    let codes = ["--source-codes", text(&codes), "--target-codes", text(&codes)];
    let imported = seq2seq(&[&["import", &checkpoint(GOOD), "--out", text(&coded)], &codes[..]].concat(), "");
    assert_eq!(imported.code, 0, "{}", imported.stderr);
    assert_eq!(translate(&["--model", text(&coded)], "3 1 4\n").stdout, "four one three\n");
    let pairs = folder.path().join("pairs.tsv");
    fs::write(&pairs, "3 1 4\tfour one three\n2 7\tseven two\n5\tfive\n6 6\tsix six\n")?;
    let scored = seq2seq(&["score", "--device", "cpu", "--model", text(&mine), "--pairs", text(&pairs)], "");
    assert_eq!(scored.code, 0, "{}", scored.stderr);
    let converted = seq2seq(&["convert", "--model", text(&mine), "--weights", "f16", "--out", text(&small)], "");
    assert_eq!(converted.code, 0, "{}", converted.stderr);
    assert_eq!(translate(&["--model", text(&small)], "3 1 4\n").stdout, "four one three\n");

    let train =
        ["train", "--device", "cpu", "--quiet", "--pairs", text(&pairs), "--valid", text(&pairs), "--out", text(&more)];
    let trained =
        seq2seq(&[&train[..], &["--from", text(&mine), "--steps", "4", "--learning-rate", "0.0001"]].concat(), "");
    assert_eq!(trained.code, 0, "{}", trained.stderr);
    assert_eq!(translate(&["--model", text(&more)], "3 1 4\n").stdout, "four one three\n");
    // It goes on with the settings that it has written.
    let again = seq2seq(&["train", "--device", "cpu", "--quiet", "--resume", "--out", text(&more)], "");
    assert_eq!(again.code, 0, "{}", again.stderr);
    let chosen = seq2seq(&[&train[..], &["--overwrite", "--from", text(&mine), "--cell", "lstm"]].concat(), "");
    assert!(
        chosen.code == 2 && chosen.stderr.contains("--from takes architecture and tokenizers"),
        "{}",
        chosen.stderr
    );
    Ok(())
}

#[test]
fn nothing_is_written_of_what_is_refused() -> TestResult {
    let folder = tempfile::tempdir()?;
    let (file, out) = (folder.path().join("model.pt"), folder.path().join("out"));
    fs::write(&file, "no checkpoint")?;
    let refused = seq2seq(&["import", text(&file), "--out", text(&out)], "");
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("expected a checkpoint of PyTorch or safetensors"), "{}", refused.stderr);
    assert!(!out.exists());
    // Nor is a file overwritten that the model was read from.
    let [tensors, other] = ["model.safetensors", "other"].map(|name| folder.path().join(name));
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/importers/opennmt").join(WITH_OPTIMIZER);
    fs::copy(from.join("model.pt"), &file)?;
    fs::copy(from.join("model.00.safetensors"), &tensors)?;
    let before = fs::read(&tensors)?;
    let refused = seq2seq(&["import", text(&tensors), "--out", text(folder.path())], "");
    assert!(refused.code == 2 && refused.stderr.contains("is also read"), "{}", refused.stderr);
    assert!(fs::read(&tensors)? == before && !folder.path().join("config.json").exists());
    assert_eq!(seq2seq(&["import", text(&tensors), "--out", text(&other)], "").code, 0);
    let refused = seq2seq(&["convert", "--model", text(&other), "--to", "onnx", "--out", text(&other)], "");
    assert!(refused.code == 2 && refused.stderr.contains("is also read"), "{}", refused.stderr);
    Ok(())
}
