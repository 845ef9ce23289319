//! Whole translations, greedy and with a beam of five, at the sizes that the PyTorch benchmark has.
//!
//! Weights are random and eos is made improbable, so that the number of steps is known.

use std::collections::BTreeMap;

use super::models::ModelSize;
use super::timing::{measure, measure_on_device};
use super::{Instruments, Row, Size};
use crate::Result;
use crate::backend::{Backend, SearchRules};
use crate::batch::Batch;
use crate::decode::{MaxLength, SearchOptions, search};
use crate::device::Precision;
use crate::model::{Config, Parameters, Score};
use crate::nn::Seq2Seq;
use crate::verify::Inputs;

/// A model and a batch.
#[derive(Clone, Copy, Debug)]
pub struct TranslationCase {
    /// Which model.
    pub size: ModelSize,
    /// Sentences at once.
    pub batch: usize,
    /// Hypotheses of each: 1 is greedy.
    pub beam: usize,
}

/// The translations to measure.
pub fn cases(size: Size) -> Vec<TranslationCase> {
    let sizes: &[ModelSize] = match size {
        Size::Small => &[ModelSize::A],
        Size::Large => &[ModelSize::A, ModelSize::B, ModelSize::V],
    };
    let batches =
        |beam| sizes.iter().flat_map(move |&size| [1, 64, 512].map(|batch| TranslationCase { size, batch, beam }));
    [1, 5].into_iter().flat_map(batches).collect()
}

impl TranslationCase {
    /// The name that the PyTorch benchmark has for it.
    pub fn name(&self) -> String {
        let search = if self.beam == 1 { "greedy" } else { "beam" };
        format!("{search} {:?} B{} {} steps", self.size, self.batch, self.steps())
    }

    /// Decoder steps: for A and B the length of the longest of that many words.
    pub fn steps(&self) -> usize {
        match (self.size, self.batch) {
            (ModelSize::V, _) => 20,
            (_, 1) => 8,
            (_, 2..=64) => 13,
            _ => 15,
        }
    }

    /// The architecture.
    pub fn config(&self) -> Config {
        self.size.config(Score::Dot, false)
    }

    /// Random weights, none of which lets eos be chosen.
    pub fn parameters(&self, config: &Config) -> Result<Parameters> {
        let random = Parameters::random(config, 0, 0.1)?;
        let mut tensors: BTreeMap<_, _> = random.iter().map(|(name, array)| (name.to_owned(), array.clone())).collect();
        if let Some(bias) = tensors.get_mut("generator.bias") {
            bias.data[config.special_tokens.eos as usize] = -50.0;
        }
        Parameters::new(config, tensors)
    }

    /// The search.
    pub fn options(&self, config: &Config) -> SearchOptions {
        let greedy = SearchRules::greedy(&config.special_tokens);
        let rules = SearchRules { beam: self.beam, text_only: self.beam > 1, ..greedy };
        SearchOptions { rules, max_length: MaxLength::Symbols(self.steps()), alignment: false }
    }

    /// Sources as the model's size has them.
    pub fn source(&self, config: &Config) -> Result<Batch> {
        let inputs = Inputs::new(&self.name(), Precision::F32);
        let vocab = config.encoder.vocab_size;
        let sentence = |index: usize| self.size.sentence(&inputs, "source", index, 7.5, 20, vocab);
        let sentences: Vec<_> = (0..self.batch).map(sentence).collect();
        Batch::new(&sentences, config.special_tokens.pad, vocab)
    }
}

/// Measures one case for `seconds`, and as long again by the device's own clock where it has one.
pub async fn run<B: Backend>(
    backend: &B,
    instruments: Instruments<'_>,
    case: &TranslationCase,
    seconds: f64,
) -> Result<Row> {
    let config = case.config();
    let model = Seq2Seq::new(backend, &config, &case.parameters(&config)?)?;
    let source = case.source(&config)?;
    let options = case.options(&config);
    let models = [model];
    let call = async || search(backend, &models, &source, &options).await.map(|_| ());
    let (timing, counters) = measure(backend, seconds, call).await?;
    let (device_s, kernels) = measure_on_device(instruments, seconds, call).await?;
    Ok(Row {
        case: case.name(),
        operation: "translate",
        timing,
        device_s,
        rate: Some(case.batch as f64 / timing.median_s),
        unit: "sentences/s",
        bytes: None,
        share_of_bandwidth: None,
        flops: None,
        share_of_flops: None,
        counters,
        cpu_median_s: None,
        kernels,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_as_long_as_english_ones() {
        let case = TranslationCase { size: ModelSize::A, batch: 512, beam: 1 };
        let source = case.source(&case.config()).expect("a valid batch");
        let mean = source.lengths().iter().sum::<u32>() as f32 / 512.0;
        assert!((7.2..7.8).contains(&mean), "{mean}");
        assert!((12..=18).contains(&source.len()), "{}", source.len());
    }
}
