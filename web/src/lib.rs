//! seq2seq-wgpu for JavaScript: a translator, the verification and the benchmark. Options come, and answers go, as JSON.
//!
//! Nothing here blocks but the computation itself: a page calls it in a worker.

#![cfg(target_arch = "wasm32")]

use std::rc::Rc;

use js_sys::{Function, Promise};
use seq2seq::bench::{Bench, Size};
use seq2seq::device::{Device, DeviceRequest, Precision};
use seq2seq::gpu::{Choices, Gpu};
use seq2seq::heatmap::{ReportHypothesis, hypotheses_html};
use seq2seq::model::{Model, ModelBytes};
use seq2seq::verify::cases::{Case, cases};
use seq2seq::verify::report::{DeviceReport, OperationReport, Reports};
use seq2seq::verify::tolerance::Bound;
use seq2seq::{TranslateOptions, Translation, Translator, words};
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = console, js_name = error)]
    fn console_error(text: &str);
}

/// A panic ends the module; that it says why is all that can be done.
#[wasm_bindgen(start)]
fn start() {
    std::panic::set_hook(Box::new(|panic| console_error(&panic.to_string())));
}

/// A model on a device.
#[wasm_bindgen]
pub struct Session {
    translator: Rc<Translator>,
    device: String,
}

/// How to translate; see `TranslateOptions`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Options {
    beam: usize,
    n_best: usize,
    alignment: bool,
    length_penalty: String,
    coverage_penalty: f64,
    max_length: String,
    /// Whether answers come with their hypotheses and alignments as HTML.
    html: bool,
    /// Whether sources are texts whose words are translated.
    each_word: bool,
}

impl Default for Options {
    fn default() -> Self {
        let options = TranslateOptions::default();
        Self {
            beam: options.beam,
            n_best: options.n_best,
            alignment: options.alignment,
            length_penalty: options.length_penalty.to_string(),
            coverage_penalty: options.coverage_penalty,
            max_length: options.max_length.to_string(),
            html: false,
            each_word: false,
        }
    }
}

/// What became of a source.
#[derive(Serialize)]
struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    word: Option<String>,
    #[serde(flatten)]
    translation: Option<Translation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    html: Option<String>,
}

#[wasm_bindgen]
impl Session {
    /// Checks the files of a model, and loads it onto a device: `auto`, `gpu` or `cpu`.
    pub async fn open(
        config: Vec<u8>,
        weights: Vec<u8>,
        source_tokenizer: Option<Vec<u8>>,
        target_tokenizer: Option<Vec<u8>>,
        device: String,
        precision: String,
    ) -> Result<Session, JsError> {
        let model = Model::from_bytes(ModelBytes {
            config: &config,
            weights: &weights,
            source_tokenizer: source_tokenizer.as_deref(),
            target_tokenizer: target_tokenizer.as_deref(),
        })?;
        drop(weights);
        let device = open(&device, precision_of(&precision)?).await?;
        let described = device.describe();
        Ok(Self { translator: Rc::new(Translator::new(model, device)?), device: described })
    }

    /// The device in a few words.
    #[wasm_bindgen(getter)]
    pub fn device(&self) -> String {
        self.device.clone()
    }

    /// Translates sources; the answers are a JSON array in their order. The session may be freed meanwhile.
    pub fn translate(&self, sources: Vec<String>, options: String) -> Promise {
        let translator = Rc::clone(&self.translator);
        future_to_promise(async move { Ok(translate(&translator, sources, &options).await?.into()) })
    }
}

async fn translate(translator: &Translator, sources: Vec<String>, options: &str) -> Result<String, JsError> {
    let options: Options = serde_json::from_str(options)?;
    let wanted = TranslateOptions {
        beam: options.beam,
        n_best: options.n_best,
        alignment: options.alignment || options.html,
        length_penalty: options.length_penalty.parse().map_err(JsError::new)?,
        coverage_penalty: options.coverage_penalty,
        max_length: options.max_length.parse().map_err(JsError::new)?,
        ..TranslateOptions::default()
    };
    let sources: Vec<String> = match options.each_word {
        true => sources.iter().flat_map(|text| words(text).map(str::to_owned).collect::<Vec<_>>()).collect(),
        false => sources,
    };
    let found = translator.translate(&sources, &wanted).await?;
    let answers: Vec<Answer> = found
        .into_iter()
        .zip(sources)
        .enumerate()
        .map(|(at, (found, source))| {
            let word = options.each_word.then_some(source);
            match found {
                Ok(translation) => {
                    let html = options.html.then(|| html(at, &translation)).transpose()?;
                    Ok(Answer { word, translation: Some(translation), error: None, html })
                }
                Err(error) => Ok(Answer { word, translation: None, error: Some(error.to_string()), html: None }),
            }
        })
        .collect::<Result<_, JsError>>()?;
    Ok(serde_json::to_string(&answers)?)
}

/// Checks every operation of a device against the CPU in 64 bits, of a GPU in every form that its computations can have
/// where that is asked for; what the GPU lacks for one is left out. `progress` is told how many of all cases are done, and
/// the report of the last operation as JSON, with its form; the answer is what `seq2seq verify --json` prints.
#[wasm_bindgen]
pub async fn verify(
    device: String,
    precision: String,
    every_form: bool,
    progress: Function,
) -> Result<String, JsError> {
    let precision = precision_of(&precision)?;
    let device = open(&device, precision).await?;
    let cases = cases();
    let forms = match &device {
        Device::Gpu(gpu) if every_form => {
            let all = Choices::every_path(precision).into_iter();
            all.filter(|(_, choices)| gpu.adapter().refusal(*choices).is_none()).collect()
        }
        _ => Vec::new(),
    };
    let (mut done, mut told, all) = (0, Ok(()), cases.len() * forms.len().max(1));
    let mut told_of = |form: Option<&str>, report: &OperationReport| {
        done += report.cases;
        if told.is_ok() {
            told = tell(&progress, done, all, &Told { form, report });
        }
    };
    let mut devices = Vec::new();
    if forms.is_empty() {
        let told_of = |report: &OperationReport| told_of(None, report);
        devices.push(check(&device, device.describe(), precision, &cases, told_of).await);
    }
    for (form, choices) in forms {
        let gpu = Gpu::open_with(&DeviceRequest::Gpu, choices).await?;
        let device = Device::Gpu(gpu.clone());
        let name = format!("{}: {form}", device.describe());
        let told_of = |report: &OperationReport| told_of(Some(&form), report);
        devices.push(check(&device, name, precision, &cases, told_of).await);
        // A browser takes back what it has lent when it likes, and has no more for the next ones.
        gpu.destroy();
    }
    told?;
    Ok(serde_json::to_string(&Reports::new(&devices))?)
}

/// An operation that was checked, and in which form, where there are several.
#[derive(Serialize)]
struct Told<'a> {
    form: Option<&'a str>,
    #[serde(flatten)]
    report: &'a OperationReport,
}

/// Checks one device; `told_of` is called after each operation.
async fn check(
    device: &Device,
    name: String,
    precision: Precision,
    cases: &[Case],
    told_of: impl FnMut(&OperationReport),
) -> DeviceReport {
    // The CPU always stores 32 bits.
    let precision = if matches!(device, Device::Cpu(_)) { Precision::F32 } else { precision };
    let operations = match device {
        Device::Cpu(cpu) => seq2seq::verify::verify(cpu, cases, precision, Bound::Alone, told_of).await,
        Device::Gpu(gpu) => seq2seq::verify::verify(gpu, cases, precision, Bound::of(gpu.choices()), told_of).await,
    };
    let passed = operations.iter().all(|operation| operation.passed);
    DeviceReport { device: name, precision, operations, fixtures: Vec::new(), error: None, passed }
}

/// Measures how fast a device computes the small cases of `seq2seq bench` whose names contain `part`, and the CPU beside a
/// GPU. `progress` is told how many of all cases are done, and the row of the last one as JSON; the answer is what
/// `seq2seq bench --json` prints.
#[wasm_bindgen]
pub async fn bench(device: String, precision: String, part: String, progress: Function) -> Result<String, JsError> {
    /// How long to measure each case, and on each clock.
    const SECONDS: f64 = 0.2;
    let mut cases = seq2seq::bench::cases(Size::Small);
    cases.retain(|case| case.name().contains(&part));
    if cases.is_empty() {
        return Err(JsError::new(&format!("case: no case has {part:?} in its name")));
    }
    let precision = precision_of(&precision)?;
    let device = open(&device, precision).await?;
    let bench = Bench::new(&device, precision, SECONDS, false).await?;
    let mut rows = Vec::with_capacity(cases.len());
    for case in &cases {
        let row = bench.measure(case).await?;
        tell(&progress, rows.len() + 1, cases.len(), &row)?;
        rows.push(row);
    }
    Ok(serde_json::to_string(&bench.report(rows))?)
}

/// The adapters that the browser offers, as JSON.
#[wasm_bindgen]
pub async fn adapters() -> Result<String, JsError> {
    Ok(serde_json::to_string(&seq2seq::gpu::adapters().await)?)
}

async fn open(device: &str, precision: Precision) -> Result<Device, JsError> {
    Ok(Device::open(&device.parse()?, precision).await?)
}

/// Tells of progress: how many of all are done, and what came of the last.
fn tell(progress: &Function, done: usize, all: usize, last: &impl Serialize) -> Result<(), JsError> {
    let json = serde_json::to_string(last)?;
    let called = progress.call3(&JsValue::NULL, &done.into(), &all.into(), &json.into());
    called.map(|_| ()).map_err(|_| JsError::new("who was to be told of the progress has failed"))
}

fn precision_of(name: &str) -> Result<Precision, JsError> {
    match name {
        "f32" => Ok(Precision::F32),
        "f16" => Ok(Precision::F16),
        _ => Err(JsError::new(&format!("precision: expected f32 or f16, found {name:?}"))),
    }
}

/// The hypotheses of a translation and their alignments, as the report shows them.
fn html(number: usize, translation: &Translation) -> Result<String, JsError> {
    let hypotheses = translation.targets().map(|target| {
        let figure = target.figure(&translation.source)?;
        Ok(ReportHypothesis { text: &target.text, log_prob: target.log_prob, score: target.score, figure })
    });
    Ok(hypotheses_html(number, &hypotheses.collect::<seq2seq::Result<Vec<_>>>()?)?)
}
