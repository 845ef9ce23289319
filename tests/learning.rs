//! Steps of training on both backends: the same losses, the same weights twice, one submission each.

#[path = "../examples/dates/calendar.rs"]
mod calendar;
mod common;
#[path = "../examples/dates/corpus.rs"]
mod corpus;
#[path = "../examples/dates/forms.rs"]
mod forms;
#[path = "../examples/dates/lesson.rs"]
mod lesson;

use common::TestResult;
use common::gpu::gpu;
use lesson::Lesson;
use seq2seq::backend::{Rule, Training, Update};
use seq2seq::batch::PairBatch;
use seq2seq::cpu::Cpu;
use seq2seq::device::DeviceRequest;
use seq2seq::gpu::AdapterKind;
use seq2seq::model::{Config, Parameters};
use seq2seq::nn::training::{Learner, StepOptions};
use seq2seq::{Result, block_on};

const STEPS: usize = 20;

fn config(cell: &str, score: &str, window: &str, feeding: bool) -> Result<Config> {
    let json = format!(
        r#"{{"format_version": 1, "cell": "{cell}",
        "encoder": {{"vocab_size": 11, "embedding_size": 5, "hidden_size": 7, "num_layers": 2, "bidirectional": true}},
        "decoder": {{"vocab_size": 13, "embedding_size": 6, "hidden_size": 14, "num_layers": 2, "input_feeding": {feeding}}},
        "bridge": "copy",
        "attention": {{"score": "{score}", "window": "{window}", "half_width": 2}},
        "special_tokens": {{"pad": 0, "bos": 1, "eos": 2, "unk": 3}}}}"#
    );
    Config::from_json(json.as_bytes(), "config.json")
}

/// Copies of one to seven symbols.
fn batches(config: &Config) -> Result<Vec<PairBatch>> {
    let sentence = |index: usize| -> Vec<u32> {
        (0..1 + (index * 5) % 7).map(|at| 4 + ((index * 31 + at * 17) % 7) as u32).collect()
    };
    let pairs: Vec<_> = (0..5 * 4).map(|index| (sentence(index), sentence(index))).collect();
    pairs.chunks(5).map(|pairs| PairBatch::new(pairs, config)).collect()
}

/// The mean loss of each of twenty steps with dropout and smoothing, the last parameters, and submissions of a step.
fn learn<B: Training>(backend: &B, config: &Config) -> Result<(Vec<f64>, Parameters, u64)> {
    let parameters = Parameters::initial(config, 3, true)?;
    let mut learner = Learner::new(backend, config, &parameters, true)?;
    let batches = batches(config)?;
    let rule = Rule::Adam { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weight_decay: 0.01, decoupled: true };
    let (mut losses, mut submits) = (Vec::new(), 0);
    for step in 0..STEPS {
        let batch = &batches[step % batches.len()];
        let scale = 1.0 / batch.tokens as f32;
        let before = backend.counters();
        learner.accumulate(backend, batch, &StepOptions { dropout: 0.3, smoothing: 0.1, seed: step as u32, scale })?;
        let update = Update { rule, learning_rate: 0.01, step: step as u64 + 1, clip: Some(1.0), average: 0.9 };
        learner.update(backend, &update)?;
        submits = (backend.counters() - before).submits;
        losses.push(block_on(learner.progress(backend))?.loss / batch.tokens as f64);
    }
    Ok((losses, block_on(learner.parameters(backend))?, submits))
}

#[test]
fn twenty_steps_are_the_same_on_both_backends_and_twice() -> TestResult {
    let gpu = gpu("twenty_steps_are_the_same_on_both_backends_and_twice");
    for (cell, score, window, feeding) in
        [("lstm", "dot", "global", false), ("gru", "general", "local_p", true), ("tanh", "concat", "local_m", false)]
    {
        let config = config(cell, score, window, feeding)?;
        let cpu = Cpu::<f32>::new();
        let (losses, parameters, _) = learn(&cpu, &config)?;
        assert!(losses[STEPS - 1] < losses[0], "{cell} learns nothing: {losses:?}");
        let (again, same, _) = learn(&cpu, &config)?;
        assert!(losses == again && parameters == same, "{cell}: two runs on the CPU differ");
        let Some(gpu) = &gpu else { continue };
        let (found, on_gpu, submits) = learn(gpu, &config)?;
        // Hardware begins before all is recorded.
        assert!(submits == 1 || gpu.adapter().kind != AdapterKind::Software, "{cell}: {submits} submissions of a step");
        let error = |(a, b): (&f64, &f64)| (a - b).abs() / a.abs();
        let largest = losses.iter().zip(&found).map(error).fold(0.0, f64::max);
        println!("{cell}: losses differ by {largest:e} at most");
        assert!(largest <= 1e-4, "{cell}: losses differ by {largest:e}: {losses:?} and {found:?}");
        let (again, same, _) = learn(gpu, &config)?;
        assert!(found == again && on_gpu == same, "{cell}: two runs on the GPU differ");
    }
    Ok(())
}

#[test]
fn dates_are_learnt_on_the_cpu() -> TestResult {
    let folder = tempfile::tempdir()?;
    let (_, exact) = Lesson::LARGE.learn(&DeviceRequest::Cpu, folder.path(), &mut ())?;
    println!("{:.1} % of unseen dates are right", 100.0 * exact);
    assert!(exact > 0.99, "{exact}");
    Ok(())
}

#[test]
fn dates_are_learnt_on_a_gpu() -> TestResult {
    if gpu("dates_are_learnt_on_a_gpu").is_none() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let lesson = Lesson { train: 320, valid: 30, test: 30, epochs: 3, embedding_size: 12, hidden_size: 24 };
    // A software adapter is too slow to learn them all: that it learns is seen from the loss.
    let mut losses = Losses(Vec::new());
    lesson.learn(&DeviceRequest::Gpu, folder.path(), &mut losses)?;
    assert!(losses.0.last() < losses.0.first(), "{:?}", losses.0);
    Ok(())
}

struct Losses(Vec<f64>);

impl seq2seq::train::Observer for Losses {
    fn event(&mut self, event: &seq2seq::train::Event) -> Result<()> {
        if let seq2seq::train::Event::Step(step) = event {
            self.0.push(step.loss);
        }
        Ok(())
    }
}
