//! A model as ONNX graphs gives in ONNX Runtime the numbers that the CPU gives in 64 bits.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use seq2seq::batch::Batch;
use seq2seq::cpu::Cpu;
use seq2seq::model::{Config, Model, Parameters};
use seq2seq::nn::Seq2Seq;
use seq2seq::{Array, block_on, onnx};
use serde_json::{Value, json};

type TestResult = Result<(), Box<dyn std::error::Error>>;

/// Cell, score, window, bridge, input feeding, layers, whether in both directions, and the attentional state's end.
const MODELS: [[&str; 8]; 9] = [
    ["lstm", "dot", "global", r#""copy""#, "false", "1", "true", "{}"],
    ["lstm", "concat", "local_p", r#""linear""#, "true", "2", "true", "{}"],
    ["gru", "general", "local_m", r#""copy""#, "true", "2", "true", "{}"],
    ["gru", "scaled_dot", "global", r#""linear""#, "false", "2", "false", "{}"],
    ["tanh", "location", "local_m", r#""zeros""#, "true", "1", "false", "{}"],
    ["lstm", "general", "local_p", r#""zeros""#, "false", "1", "true", "{}"],
    [
        "lstm",
        "concat",
        "global",
        r#"{"reads": "all", "activation": "relu"}"#,
        "true",
        "2",
        "true",
        r#"{"activation": "identity", "bias": true}"#,
    ],
    [
        "lstm",
        "general",
        "global",
        r#"{"reads": "top", "activation": "identity", "cell": "hidden"}"#,
        "false",
        "2",
        "true",
        r#"{"activation": "relu"}"#,
    ],
    ["gru", "concat", "global", r#"{"reads": "top", "activation": "tanh"}"#, "true", "1", "true", r#"{"bias": true}"#],
];

fn config(
    [cell, score, window, bridge, feeding, layers, bidirectional, output]: [&str; 8],
) -> Result<Config, seq2seq::Error> {
    let encoder = if bidirectional == "true" { 5 } else { 10 };
    let json = format!(
        r#"{{"format_version": 1, "cell": "{cell}",
        "encoder": {{"vocab_size": 9, "embedding_size": 7, "hidden_size": {encoder}, "num_layers": {layers}, "bidirectional": {bidirectional}}},
        "decoder": {{"vocab_size": 11, "embedding_size": 6, "hidden_size": 10, "num_layers": {layers}, "input_feeding": {feeding}}},
        "bridge": {bridge},
        "attention": {{"score": "{score}", "window": "{window}", "half_width": 2, "max_source_length": 8, "output": {output}}},
        "special_tokens": {{"pad": 0, "bos": 1, "eos": 2, "unk": 3}}}}"#
    );
    Config::from_json(json.as_bytes(), "config.json")
}

/// An array (batch, len, cols) as lists in lists.
fn nested(array: &Array<f64>) -> Value {
    let (len, cols) = (array.shape[1], array.shape[2]);
    let sentence = |sentence: &[f64]| sentence.chunks(cols).map(<[f64]>::to_vec).collect::<Vec<_>>();
    json!(array.data.chunks(len * cols).map(sentence).collect::<Vec<_>>())
}

fn rows(batch: &Batch) -> Vec<&[u32]> {
    batch.ids().chunks(batch.len()).collect()
}

/// Writes the graphs of a model with random weights, inputs, and what is expected of them.
fn write(folder: &Path, config: &Config) -> TestResult {
    let parameters = Parameters::random(config, 5, 0.6)?;
    onnx::save(&Model::new(config.clone(), parameters.clone(), None, None)?, folder)?;
    let source = Batch::new(&[vec![4, 5, 6, 4, 8], vec![7], vec![5, 5, 3]], 0, 9)?;
    let target = Batch::new(&[vec![1, 7, 8, 9], vec![1, 3, 4], vec![1, 10, 5, 5]], 0, 11)?;
    let backend = Cpu::<f64>::new();
    let model = Seq2Seq::new(&backend, config, &parameters)?;
    let forced = block_on(model.forced(&backend, &source, &target))?;
    let case = json!({
        "source": rows(&source), "source_lengths": source.lengths(), "target": rows(&target),
        "target_lengths": target.lengths(), "hidden_size": config.decoder.hidden_size,
        "log_probs": nested(&forced.log_probs), "attention_weights": nested(&forced.attention_weights),
    });
    Ok(fs::write(folder.join("case.json"), case.to_string())?)
}

#[test]
fn onnx_runtime_gives_the_same_numbers() -> TestResult {
    let python = std::env::var("SEQ2SEQ_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let found = Command::new(&python).args(["-c", "import numpy, onnxruntime"]).output();
    let root = tempfile::tempdir()?;
    let mut folders: Vec<PathBuf> = Vec::new();
    for (number, model) in MODELS.into_iter().enumerate() {
        let config = config(model)?;
        let folder = root.path().join(format!("{number}-{}-{}-{}", model[0], model[1], model[2]));
        write(&folder, &config)?;
        folders.push(folder);
    }
    if !found.is_ok_and(|found| found.status.success()) {
        eprintln!("skipped: onnx_runtime_gives_the_same_numbers needs ONNX Runtime in {python}, or in SEQ2SEQ_PYTHON");
        return Ok(());
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/onnx/run.py");
    let output = Command::new(&python).arg(script).args(&folders).output()?;
    let (shown, complaint) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    println!("{shown}");
    assert!(output.status.success(), "{shown}{complaint}");
    Ok(())
}
