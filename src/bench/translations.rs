//! Whole greedy translations, at the sizes that the PyTorch benchmark has.
//!
//! **A** embedding 128, hidden 256, 1 layer; **B** 256, 512, 2 layers: letters to phonemes, vocabularies of 30 and 43.
//! **V** 512, 512, 2 layers: vocabularies of 10,000, 20 symbols to 20. A bidirectional LSTM encoder, an LSTM decoder,
//! the `dot` score. Weights are random and eos is made improbable, so that the number of steps is known.

use std::collections::BTreeMap;

use super::timing::measure;
use super::{Row, Size};
use crate::Result;
use crate::backend::Backend;
use crate::decode::{GreedyOptions, greedy};
use crate::device::Precision;
use crate::model::{
    AttentionConfig, Bridge, Cell, Config, DecoderConfig, EncoderConfig, Parameters, Score, SpecialTokens, Window,
};
use crate::nn::Seq2Seq;
use crate::text::Batch;
use crate::verify::Inputs;

/// A model of the PyTorch benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelSize {
    /// Embedding 128, hidden 256, 1 layer.
    A,
    /// Embedding 256, hidden 512, 2 layers.
    B,
    /// Embedding 512, hidden 512, 2 layers, vocabularies of 10,000.
    V,
}

/// A model and a batch.
#[derive(Clone, Copy, Debug)]
pub struct TranslationCase {
    /// Which model.
    pub size: ModelSize,
    /// Sentences at once.
    pub batch: usize,
}

/// The translations to measure.
pub fn cases(size: Size) -> Vec<TranslationCase> {
    let sizes: &[ModelSize] = match size {
        Size::Small => &[ModelSize::A],
        Size::Large => &[ModelSize::A, ModelSize::B, ModelSize::V],
    };
    sizes.iter().flat_map(|&size| [1, 64, 512].map(|batch| TranslationCase { size, batch })).collect()
}

impl TranslationCase {
    /// The name that the PyTorch benchmark has for it.
    pub fn name(&self) -> String {
        format!("greedy {:?} B{} {} steps", self.size, self.batch, self.steps())
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
        let (embedding_size, hidden_size, num_layers) = match self.size {
            ModelSize::A => (128, 256, 1),
            ModelSize::B => (256, 512, 2),
            ModelSize::V => (512, 512, 2),
        };
        let (source_vocab, target_vocab) = if self.size == ModelSize::V { (10_000, 10_000) } else { (30, 43) };
        Config {
            format_version: 1,
            cell: Cell::Lstm,
            encoder: EncoderConfig {
                vocab_size: source_vocab,
                embedding_size,
                hidden_size: hidden_size / 2,
                num_layers,
                bidirectional: true,
            },
            decoder: DecoderConfig {
                vocab_size: target_vocab,
                embedding_size,
                hidden_size,
                num_layers,
                input_feeding: false,
            },
            bridge: Bridge::Copy,
            attention: AttentionConfig {
                score: Score::Dot,
                window: Window::Global,
                half_width: None,
                max_source_length: None,
            },
            special_tokens: SpecialTokens { pad: 0, bos: 1, eos: 2, unk: None },
        }
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

    /// Sources of ordinary ids: for A and B of the lengths that English words have, for V of 20.
    pub fn source(&self, config: &Config) -> Result<Batch> {
        let inputs = Inputs::new(&self.name(), Precision::F32);
        let vocab_size = config.encoder.vocab_size;
        let sentence = |sentence: usize| -> Vec<u32> {
            let length = if self.size == ModelSize::V { 20 } else { word_length(&inputs, sentence) };
            // Beyond the special ids.
            inputs.ids(&format!("source {sentence}"), length, vocab_size - 3).iter().map(|id| id + 3).collect()
        };
        let sentences: Vec<_> = (0..self.batch).map(sentence).collect();
        Batch::new(&sentences, config.special_tokens.pad, vocab_size)
    }
}

/// Normal with mean 7.5 and standard deviation 2.5, from 1 to 22; the sum of twelve uniform numbers is near enough.
fn word_length(inputs: &Inputs, word: usize) -> usize {
    let normal: f32 = (0..12).map(|part| inputs.uniform("length", 12 * word + part) / 2.0).sum();
    (7.5 + 2.5 * normal).round().clamp(1.0, 22.0) as usize
}

/// Measures one case for `seconds`.
pub async fn run<B: Backend>(backend: &B, case: &TranslationCase, seconds: f64) -> Result<Row> {
    let config = case.config();
    let model = Seq2Seq::new(backend, &config, &case.parameters(&config)?)?;
    let source = case.source(&config)?;
    let options = GreedyOptions { max_length: case.steps(), alignment: false };
    let call = async || greedy(backend, &model, &source, options).await.map(|_| ());
    let (timing, counters) = measure(backend, seconds, call).await?;
    Ok(Row {
        case: case.name(),
        operation: "translate",
        timing,
        device_s: None,
        rate: Some(case.batch as f64 / timing.median_s),
        unit: "sentences/s",
        bytes: None,
        share_of_bandwidth: None,
        flops: None,
        share_of_flops: None,
        counters,
        cpu_median_s: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_as_long_as_english_ones() {
        let case = TranslationCase { size: ModelSize::A, batch: 512 };
        let source = case.source(&case.config()).expect("a valid batch");
        let mean = source.lengths().iter().sum::<u32>() as f32 / 512.0;
        assert!((7.2..7.8).contains(&mean), "{mean}");
        assert!((12..=18).contains(&source.len()), "{}", source.len());
    }
}
