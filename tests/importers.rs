//! Models of other toolkits, trained by them, give the tokens and the scores that they give there.
//!
//! `tests/importers/*.py` have made the checkpoints and the translations beside them, and say how.

#![allow(clippy::print_stdout, reason = "the figures are what a person wants to see of these tests")]

use std::fs;
use std::path::{Path, PathBuf};

use seq2seq::backend::LengthPenalty;
use seq2seq::decode::MaxLength;
use seq2seq::device::{Device, DeviceRequest, Precision};
use seq2seq::import::import;
use seq2seq::model::{Model, WeightFormat};
use seq2seq::{TranslateOptions, Translator};

type TestResult = Result<(), Box<dyn std::error::Error>>;

/// Of 500 lines.
const LEAST_EQUAL: usize = 498;
const SCORE_TOLERANCE: f64 = 1e-4;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/importers")
}

/// Imports a checkpoint, saves it, and translates as the toolkit did.
fn check(checkpoint: &str, length_penalty: LengthPenalty) -> TestResult {
    let path = folder().join(checkpoint);
    let imported = import(&path)?;
    let saved = tempfile::tempdir()?;
    imported.model.save(saved.path(), WeightFormat::F32)?;
    let device = Device::open_blocking(&DeviceRequest::Cpu, Precision::F32)?;
    let translator = Translator::new(Model::load(saved.path())?, device)?;
    let sources = fs::read_to_string(folder().join("test.src"))?;
    let sources: Vec<&str> = sources.lines().collect();
    for (search, beam) in [("greedy", 1), ("beam", 5)] {
        let max_length = MaxLength::Symbols(31);
        let options = TranslateOptions { beam, length_penalty, max_length, ..TranslateOptions::default() };
        let expected = fs::read_to_string(path.with_file_name(format!("{search}.txt")))?;
        let found = translator.translate_blocking(&sources, &options)?;
        assert_eq!(expected.lines().count(), found.len());
        let (mut equal, mut largest) = (0, 0.0_f64);
        for (line, found) in expected.lines().zip(found) {
            let (score, tokens) = line.split_once('\t').ok_or("a score and tokens")?;
            let best = found?.best;
            if best.text == tokens {
                equal += 1;
                // Where the toolkit does not tell its score, it is no number, and no difference is larger.
                largest = largest.max((best.score - score.parse::<f64>()?).abs());
            } else {
                println!("{checkpoint}, {search}: {tokens:?} ({score}), here {:?} ({:.6})", best.text, best.score);
            }
        }
        let lines = sources.len();
        println!("{checkpoint}, {search}: {equal} of {lines} lines equal, largest difference of scores {largest:.1e}");
        assert!(
            equal >= LEAST_EQUAL && largest < SCORE_TOLERANCE,
            "{checkpoint}, {search}: {equal} equal, {largest:e}"
        );
    }
    Ok(())
}

#[test]
fn opennmt_brnn_of_two_layers_with_bridge_and_input_feeding() -> TestResult {
    check("opennmt/lstm-general-bridge/model.pt", LengthPenalty::None)
}

#[test]
fn opennmt_gru_with_mlp() -> TestResult {
    check("opennmt/gru-mlp/model.pt", LengthPenalty::None)
}

#[test]
fn opennmt_shared_embeddings() -> TestResult {
    check("opennmt/lstm-dot-shared/model.pt", LengthPenalty::None)
}

#[test]
fn opennmt_safetensors() -> TestResult {
    check("opennmt/gru-general-bridge/model.pt", LengthPenalty::None)
}

#[test]
fn opennmt_1_with_fields_of_torchtext() -> TestResult {
    check("opennmt/lstm-fields/model.pt", LengthPenalty::None)
}

#[test]
fn joey_luong_with_bridge() -> TestResult {
    check("joey/lstm-luong-bridge/best.ckpt", LengthPenalty::None)
}

#[test]
fn joey_bahdanau_from_the_last_state() -> TestResult {
    check("joey/gru-bahdanau-last/best.ckpt", LengthPenalty::None)
}

#[test]
fn joey_bahdanau_from_zeros() -> TestResult {
    check("joey/lstm-bahdanau-zero/best.ckpt", LengthPenalty::None)
}

#[test]
fn fairseq_with_args() -> TestResult {
    check("fairseq/bidirectional-args/checkpoint.pt", LengthPenalty::Power(1.0))
}

#[test]
fn fairseq_with_cfg() -> TestResult {
    check("fairseq/two-layers-tied-cfg/checkpoint.pt", LengthPenalty::Power(1.0))
}

/// A checkpoint as PyTorch's zip archives are, of a pickle alone.
fn archive(pickle: &str) -> Vec<u8> {
    let name = "archive/data.pkl";
    let sizes = |bytes: &mut Vec<u8>| {
        bytes.extend((pickle.len() as u32).to_le_bytes());
        bytes.extend((pickle.len() as u32).to_le_bytes());
        bytes.extend((name.len() as u16).to_le_bytes());
    };
    let mut bytes = b"PK\x03\x04\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec();
    sizes(&mut bytes);
    bytes.extend([0, 0]);
    bytes.extend(name.bytes().chain(pickle.bytes()));
    let directory = bytes.len();
    bytes.extend(b"PK\x01\x02\x0a\0\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0");
    sizes(&mut bytes);
    bytes.extend([0; 16]);
    bytes.extend(name.bytes());
    let length = bytes.len() - directory;
    bytes.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    bytes.extend((length as u32).to_le_bytes());
    bytes.extend((directory as u32).to_le_bytes());
    bytes.extend([0, 0]);
    bytes
}

/// What is wrong with a checkpoint of this pickle.
fn reason(folder: &Path, pickle: &str) -> Result<String, Box<dyn std::error::Error>> {
    let path = folder.join("model.pt");
    fs::write(&path, archive(pickle))?;
    let error = import(&path).err().ok_or("a model")?.to_string();
    Ok(error.replace(&format!("{}: ", path.display()), ""))
}

#[test]
fn what_is_not_run_here_is_refused_by_name() -> TestResult {
    let folder = tempfile::tempdir()?;
    let opennmt = |option: &str| format!("(dVmodel\n(dsVgenerator\n(dsVopt\n(d{option}ssVvocab\n(ds.");
    for (option, what) in [
        ("Vcopy_attn\nI01\n", "copy attention (copy_attn)"),
        ("Vcoverage_attn\nI01\n", "coverage attention (coverage_attn)"),
        ("Vcontext_gate\nVboth\n", "a context gate (context_gate)"),
        ("Vposition_encoding\nI01\n", "position encoding (position_encoding)"),
        ("Vencoder_type\nVtransformer\n", "encoder_type transformer"),
        ("Vencoder_type\nVcnn\n", "encoder_type cnn"),
        ("Vdecoder_type\nVtransformer\n", "decoder_type transformer"),
        ("Vmodel_type\nVaudio\n", "model_type audio"),
        ("Vmodel_type\nVimg\n", "model_type img"),
        ("Vrnn_type\nVSRU\n", "rnn_type SRU"),
        ("Vglobal_attention\nVnone\n", "no attention (global_attention none)"),
        ("Vglobal_attention_function\nVsparsemax\n", "global_attention_function sparsemax"),
        ("Vgenerator_function\nVsparsemax\n", "generator_function sparsemax"),
    ] {
        let expected = format!("{what}: models that have it are not run here");
        assert_eq!(reason(folder.path(), &opennmt(option))?, expected);
    }
    let features = "(dVmodel\n(dsVgenerator\n(dsVopt\n(dsVvocab\n(dVsrc_feats\n(lVa\nass.";
    assert_eq!(reason(folder.path(), features)?, "source features (src_feats): models that have it are not run here");
    // What fairseq's other architectures have in place of encoder.lstm.
    let fairseq = "(dVmodel\n(dsVargs\n(dVarch\nVtransformer_iwslt_de_en\nss.";
    let expected = "transformer_iwslt_de_en (no encoder.lstm): models that have it are not run here";
    assert_eq!(reason(folder.path(), fairseq)?, expected);
    fs::write(folder.path().join("config.yaml"), "model:\n    encoder:\n        type: transformer\n")?;
    let joey = import(folder.path().join("model.pt"));
    assert!(joey.is_err());
    fs::write(folder.path().join("best.ckpt"), archive("(dVmodel_state\n(ds."))?;
    let error = import(folder.path().join("best.ckpt")).err().ok_or("a model")?.to_string();
    assert!(
        error.ends_with("config.yaml: model.encoder.type transformer: models that have it are not run here"),
        "{error}"
    );
    Ok(())
}

#[test]
fn what_is_no_checkpoint_is_said_so() -> TestResult {
    let folder = tempfile::tempdir()?;
    assert_eq!(
        reason(folder.path(), "(dVweights\n(dsVepoch\nI3\ns.")?,
        "expected a checkpoint of OpenNMT-py, JoeyNMT or fairseq, found a value with the keys [\"weights\", \"epoch\"]"
    );
    // A pickle that would run a command, were it not data.
    let keys = reason(folder.path(), "cos\nsystem\n(Vtouch owned\ntR.")?;
    assert!(keys.ends_with("found a value with the keys []") && !folder.path().join("owned").exists(), "{keys}");
    for (bytes, reason) in [
        (&b"hello"[..], "expected a checkpoint of PyTorch or safetensors"),
        (b"\x80\x02K\x01.", "a pickle that PyTorch's save has not written"),
        (b"PK\x03\x04", "zip: no directory"),
    ] {
        let path = folder.path().join("file.pt");
        fs::write(&path, bytes)?;
        let error = import(&path).err().ok_or("a model")?.to_string();
        assert_eq!(error, format!("{}: {reason}", path.display()));
    }
    Ok(())
}

/// Whatever a byte of it becomes, a checkpoint is a model or an error, and never the end of the program.
#[test]
fn a_damaged_checkpoint_is_no_end() -> TestResult {
    let mut state = 7_u64;
    // The linear generator of Knuth's MMIX.
    let mut draw = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut models = 0;
    for name in ["opennmt/lstm-fields/model.pt", "opennmt/gru-mlp/model.pt", "fairseq/bidirectional-args/checkpoint.pt"]
    {
        let path = folder().join(name);
        let bytes = fs::read(&path)?;
        // Most of it is numbers; what says how they are meant stands at its ends.
        let ends = (bytes.len() / 2).min(6000);
        for _ in 0..100 {
            let mut damaged = bytes.clone();
            for _ in 0..1 + draw(3) {
                let at = draw(2 * ends);
                let at = if at < ends { at } else { bytes.len() - 1 - (at - ends) };
                damaged[at] = draw(256) as u8;
            }
            let file = seq2seq::import::Checkpoint::from_bytes(damaged, &path);
            models += usize::from(file.is_ok_and(|file| seq2seq::import::import_checkpoint(&file).is_ok()));
        }
    }
    println!("{models} of 300 damaged checkpoints are models still");
    Ok(())
}

/// A checkpoint that is cut off anywhere is an error, and never the end of the program.
#[test]
fn a_checkpoint_that_was_cut_off_is_an_error() -> TestResult {
    for name in ["opennmt/lstm-fields/model.pt", "opennmt/gru-mlp/model.pt"] {
        let bytes = fs::read(folder().join(name))?;
        for length in (0..bytes.len()).step_by(977) {
            let cut = seq2seq::import::Checkpoint::from_bytes(bytes[..length].to_vec(), "cut.pt");
            assert!(cut.is_err(), "{name} with {length} bytes of {}", bytes.len());
        }
    }
    Ok(())
}
