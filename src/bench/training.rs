//! Whole steps of training, at the sizes that the PyTorch benchmark has: forward, backward, clipping, Adam.

use super::models::ModelSize;
use super::timing::{measure, measure_on_device};
use super::{Instruments, Row, Size};
use crate::Result;
use crate::backend::{Rule, Training, Update};
use crate::batch::PairBatch;
use crate::device::Precision;
use crate::model::{Config, Parameters, Score};
use crate::nn::training::{Learner, StepOptions};
use crate::verify::Inputs;

/// Sentences of a batch.
const BATCH: usize = 64;
/// Batches that take turns.
const BATCHES: usize = 4;

/// A model that learns.
#[derive(Clone, Copy, Debug)]
pub struct TrainingCase {
    /// Which model.
    pub size: ModelSize,
    /// Whether it has input feeding and the `general` score, or neither and `dot`.
    pub input_feeding: bool,
}

/// The training to measure.
pub fn cases(size: Size) -> Vec<TrainingCase> {
    let sizes: &[ModelSize] = match size {
        Size::Small => &[ModelSize::A],
        Size::Large => &[ModelSize::A, ModelSize::B, ModelSize::V],
    };
    sizes.iter().flat_map(|&size| [false, true].map(|input_feeding| TrainingCase { size, input_feeding })).collect()
}

impl TrainingCase {
    /// The name that the PyTorch benchmark has for it.
    pub fn name(&self) -> String {
        let what = if self.input_feeding { "general, input feeding" } else { "dot" };
        format!("train {:?} B{BATCH} {what}", self.size)
    }

    /// The architecture.
    pub fn config(&self) -> Config {
        let score = if self.input_feeding { Score::General } else { Score::Dot };
        self.size.config(score, self.input_feeding)
    }

    /// Batches of ordinary ids, V's of 20 symbols on either side, eos included.
    fn batches(&self, config: &Config) -> Result<Vec<PairBatch>> {
        let inputs = Inputs::new(&self.name(), Precision::F32);
        let (source, target) = (config.encoder.vocab_size, config.decoder.vocab_size);
        let pair = |index: usize| {
            let source = self.size.sentence(&inputs, "source", index, 7.5, 20, source);
            (source, self.size.sentence(&inputs, "target", index, 6.5, 19, target))
        };
        let pairs: Vec<_> = (0..BATCHES * BATCH).map(pair).collect();
        pairs.chunks(BATCH).map(|pairs| PairBatch::new(pairs, config)).collect()
    }
}

/// Measures one case for `seconds`, and as long again by the device's own clock where it has one; the rate is that of
/// target tokens, eos included.
pub async fn run<B: Training>(
    backend: &B,
    instruments: Instruments<'_>,
    case: &TrainingCase,
    seconds: f64,
) -> Result<Row> {
    let config = case.config();
    let parameters = Parameters::initial(&config, 0, true)?;
    let mut learner = Learner::new(backend, &config, &parameters, false)?;
    let batches = case.batches(&config)?;
    let rule = Rule::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0, decoupled: false };
    let mut update = Update { rule, learning_rate: 1e-3, step: 0, clip: Some(5.0), average: 0.0 };
    let mut call = async || {
        let batch = &batches[update.step as usize % BATCHES];
        update.step += 1;
        let scale = 1.0 / batch.tokens as f32;
        let options = StepOptions { dropout: 0.0, smoothing: 0.0, seed: update.step as u32, scale };
        learner.accumulate(backend, batch, &options)?;
        learner.update(backend, &update)
    };
    // The first step with each batch makes room for what its shape needs.
    for _ in 0..BATCHES {
        call().await?;
    }
    let (timing, counters) = measure(backend, seconds, &mut call).await?;
    let (device_s, kernels) = measure_on_device(instruments, seconds, call).await?;
    let tokens: usize = batches.iter().map(|batch| batch.tokens).sum();
    Ok(Row {
        case: case.name(),
        operation: "train",
        timing,
        device_s,
        rate: Some(tokens as f64 / BATCHES as f64 / timing.median_s),
        unit: "target tokens/s",
        bytes: None,
        share_of_bandwidth: None,
        flops: None,
        share_of_flops: None,
        counters,
        cpu_median_s: None,
        kernels,
    })
}
