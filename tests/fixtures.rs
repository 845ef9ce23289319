//! The models that PyTorch made, on the CPU, and what happens to fixtures that are wrong.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use common::gpu::{gpu_with, gpus_of_halves};
use common::{TestResult, fixtures};
use pollster::block_on;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use seq2seq::cpu::Cpu;
use seq2seq::device::Precision;
use seq2seq::gpu::Choices;
use seq2seq::verify::fixture::Fixture;
use seq2seq::verify::tolerance::Bound;

/// What a fixture expects, beside gradients.
const EXPECTED: [&str; 9] =
    ["memory", "query", "attention_weights", "context", "attentional", "logits", "loss", "loss_smoothed_0.1", "greedy"];

/// A tensor of a fixture, which can be changed.
#[derive(Clone)]
struct Tensor {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;
type Tensors = BTreeMap<String, Tensor>;

fn read(directory: &Path) -> Fallible<Tensors> {
    let bytes = fs::read(directory.join("fixture.safetensors"))?;
    let file = SafeTensors::deserialize(&bytes)?;
    let tensor = |(name, view): (&str, TensorView<'_>)| {
        let (dtype, shape, bytes) = (view.dtype(), view.shape().to_vec(), view.data().to_vec());
        (name.to_owned(), Tensor { dtype, shape, bytes })
    };
    Ok(file.iter().map(tensor).collect())
}

/// A copy of a fixture with other tensors.
fn write(original: &Path, tensors: &Tensors) -> Fallible<tempfile::TempDir> {
    let directory = tempfile::tempdir()?;
    for name in ["config.json", "model.safetensors"] {
        fs::copy(original.join(name), directory.path().join(name))?;
    }
    let mut views = Vec::new();
    for (name, tensor) in tensors {
        views.push((name.clone(), TensorView::new(tensor.dtype, tensor.shape.clone(), &tensor.bytes)?));
    }
    fs::write(directory.path().join("fixture.safetensors"), safetensors::serialize(views, None)?)?;
    Ok(directory)
}

fn numbers(tensor: &Tensor) -> Vec<f64> {
    tensor.bytes.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect()
}

fn ids(tensor: &Tensor) -> Vec<i64> {
    tensor.bytes.as_chunks().0.iter().map(|bytes| i64::from_le_bytes(*bytes)).collect()
}

fn verify(directory: &Path) -> Fallible<Output> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seq2seq"));
    Ok(command.args(["verify", "--device", "cpu", "--fixture"]).arg(directory).output()?)
}

#[test]
fn the_cpu_agrees_with_pytorch() -> TestResult {
    for directory in fixtures("the_cpu_agrees_with_pytorch") {
        let fixture = Fixture::load(&directory)?;
        let report = block_on(fixture.check(&Cpu::<f32>::new(), Precision::F32, Bound::Alone))?;
        assert!(report.passed, "{}: {report:#?}", directory.display());
        let tensors = read(&directory)?.keys().filter(|name| name.starts_with("expected.")).count();
        assert_eq!((report.reference.len(), report.device.len()), (tensors, tensors));
    }
    Ok(())
}

#[test]
fn the_gpu_agrees_with_pytorch() -> TestResult {
    for precision in [Precision::F32, Precision::F16] {
        let Some(gpu) = gpu_with("the_gpu_agrees_with_pytorch", Choices::best(precision)) else { return Ok(()) };
        for directory in fixtures("the_gpu_agrees_with_pytorch") {
            let report = block_on(Fixture::load(&directory)?.check(&gpu, precision, Bound::BesideCpu))?;
            assert!(report.passed, "{}: {report:#?}", directory.display());
        }
    }
    Ok(())
}

#[test]
fn products_of_halves_agree_with_pytorch() -> TestResult {
    for gpu in gpus_of_halves("products_of_halves_agree_with_pytorch") {
        let choices = gpu.choices();
        for directory in fixtures("products_of_halves_agree_with_pytorch") {
            let fixture = Fixture::load(&directory)?;
            let report = block_on(fixture.check(&gpu, choices.precision, Bound::of(choices)))?;
            assert!(report.passed, "{choices:?}: {}: {report:#?}", directory.display());
        }
    }
    Ok(())
}

#[test]
fn the_program_says_that_fixtures_pass() -> TestResult {
    let Some(directory) = fixtures("the_program_says_that_fixtures_pass").into_iter().next() else { return Ok(()) };
    let output = verify(&directory)?;
    let text = String::from_utf8(output.stdout)?;
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("all 1 fixtures agree with PyTorch"), "{text}");
    Ok(())
}

#[test]
fn the_program_checks_a_gpu_in_every_form() -> TestResult {
    let name = "the_program_checks_a_gpu_in_every_form";
    let Some(directory) = fixtures(name).into_iter().next() else { return Ok(()) };
    let Some(gpu) = gpu_with(name, Choices::best(Precision::F32)) else { return Ok(()) };
    let run = |device: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_seq2seq"));
        command.args(["verify", "--every-form", "--json", "--device", device, "--fixture"]).arg(&directory).output()
    };
    let output = run("gpu")?;
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let devices = report["devices"].as_array().map_or(&[][..], Vec::as_slice);
    let runs = |choices: &Choices| gpu.adapter().refusal(*choices).is_none();
    let forms: Vec<_> = Choices::every_path(Precision::F32).into_iter().filter(|(_, choices)| runs(choices)).collect();
    assert_eq!(devices.len(), forms.len());
    for (device, (form, _)) in devices.iter().zip(&forms) {
        assert!(device["device"].as_str().is_some_and(|name| name.ends_with(form)), "{form}: {device}");
    }
    let note = String::from_utf8(run("cpu")?.stderr)?;
    assert!(note.contains("--every-form is for GPUs"), "{note}");
    Ok(())
}

/// Where an expected number, changed by a hundredth, must be found: where it means something, and is not so small beside
/// the largest that rounding in 64 bits is as large. Of all these the smallest.
fn smallest(name: &str, tensors: &Tensors) -> usize {
    let values = numbers(&tensors[&format!("expected.{name}")]);
    let shape = &tensors[&format!("expected.{name}")].shape;
    let lengths = ids(&tensors["input.target_lengths"]);
    let means_something = |index: usize| match (name, shape.as_slice()) {
        ("memory", _) => true,
        (_, [_, tgt_len, cols]) => ((index / cols % tgt_len) as i64) < lengths[index / cols / tgt_len],
        _ => true,
    };
    let meant = || values.iter().enumerate().filter(|(index, _)| means_something(*index));
    let largest = meant().fold(0.0_f64, |largest, (_, value)| largest.max(value.abs()));
    meant()
        .filter(|(_, value)| value.abs() > 1e-4 * largest)
        .min_by(|(_, a), (_, b)| a.abs().total_cmp(&b.abs()))
        .map(|(index, _)| index)
        .expect("a number that is not zero")
}

#[test]
fn one_expected_number_off_by_a_hundredth_fails() -> TestResult {
    for directory in fixtures("one_expected_number_off_by_a_hundredth_fails") {
        let tensors = read(&directory)?;
        // Of the gradients, some of every kind.
        let gradients =
            tensors.keys().filter_map(|name| name.strip_prefix("expected.").filter(|name| name.starts_with("d_")));
        for name in EXPECTED.into_iter().chain(gradients.step_by(4)) {
            let mut tampered = tensors.clone();
            let tensor = tampered.get_mut(&format!("expected.{name}")).ok_or(name)?;
            if name == "greedy" {
                let token = (ids(tensor)[0] + 1) % 4;
                tensor.bytes[..8].copy_from_slice(&token.to_le_bytes());
            } else {
                let index = smallest(name, &tensors);
                let value = numbers(tensor)[index] * 1.01;
                tensor.bytes[index * 8..][..8].copy_from_slice(&value.to_le_bytes());
            }
            let output = verify(write(&directory, &tampered)?.path())?;
            let text = String::from_utf8(output.stdout)?;
            assert_eq!(output.status.code(), Some(1), "{} of {}: {text}", name, directory.display());
            assert!(text.contains("FAIL") && text.contains(name), "{text}");
        }
    }
    Ok(())
}

/// A way to spoil a fixture, and what the error must say.
type Spoiler = (&'static str, fn(&mut Tensors), &'static str);

#[test]
fn malformed_fixtures_are_errors_that_name_the_tensor() -> TestResult {
    let Some(directory) = fixtures("malformed_fixtures").into_iter().next() else { return Ok(()) };
    let spoilers: [Spoiler; 10] = [
        ("missing", |t| drop(t.remove("expected.query")), "expected.query is missing"),
        ("no inputs", |t| drop(t.remove("input.source")), "input.source is missing"),
        ("surplus", |t| drop(t.insert("expected.qeury".into(), t["expected.query"].clone())), "expected.qeury"),
        ("type", |t| t.get_mut("expected.query").expect("query").dtype = Dtype::I64, "expected type F64"),
        (
            "shape",
            |t| t.get_mut("expected.logits").expect("logits").shape.swap(0, 1),
            "expected.logits: expected shape",
        ),
        ("axes", |t| t.get_mut("expected.loss").expect("loss").shape.push(1), "expected.loss: expected 0 axes"),
        ("NaN", |t| t.get_mut("expected.loss").expect("loss").bytes.fill(0xff), "expected.loss: NaN"),
        ("id", |t| t.get_mut("input.source").expect("source").bytes[0] = 99, "input.source: token id 99"),
        ("negative", |t| t.get_mut("input.target_out").expect("target").bytes[7] = 0x80, "input.target_out: -"),
        ("length", |t| t.get_mut("input.source_lengths").expect("lengths").bytes[0] = 77, "input.source: "),
    ];
    let tensors = read(&directory)?;
    for (what, spoil, says) in spoilers {
        let mut spoiled = tensors.clone();
        spoil(&mut spoiled);
        let copy = write(&directory, &spoiled)?;
        let error = Fixture::load(copy.path()).expect_err(what).to_string();
        assert!(error.contains("fixture.safetensors") && error.contains(says), "{what}: {error}");
        let output = verify(copy.path())?;
        assert_eq!(output.status.code(), Some(2), "{what}");
        assert!(String::from_utf8(output.stderr)?.contains(says), "{what}");
    }
    Ok(())
}

#[test]
fn a_truncated_or_absent_fixture_is_an_error() -> TestResult {
    let Some(directory) = fixtures("a_truncated_fixture").into_iter().next() else { return Ok(()) };
    let copy = write(&directory, &read(&directory)?)?;
    let path: PathBuf = copy.path().join("fixture.safetensors");
    let bytes = fs::read(&path)?;
    fs::write(&path, &bytes[..bytes.len() / 2])?;
    assert!(Fixture::load(copy.path()).expect_err("truncated").to_string().contains("fixture.safetensors"));
    fs::remove_file(&path)?;
    assert!(Fixture::load(copy.path()).expect_err("absent").to_string().contains("fixture.safetensors"));
    Ok(())
}
