//! The models that the PyTorch benchmark has.
//!
//! **A** embedding 128, hidden 256, 1 layer; **B** 256, 512, 2 layers: letters to phonemes, vocabularies of 30 and 43.
//! **V** 512, 512, 2 layers: vocabularies of 10,000, 20 symbols to 20. A bidirectional LSTM encoder and an LSTM
//! decoder.

use crate::model::{
    AttentionConfig, AttentionOutput, Bridge, Cell, Config, DecoderConfig, EncoderConfig, Score, SpecialTokens, Window,
};
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

impl ModelSize {
    /// The architecture.
    pub fn config(self, score: Score, input_feeding: bool) -> Config {
        let (embedding_size, hidden_size, num_layers) = match self {
            ModelSize::A => (128, 256, 1),
            ModelSize::B => (256, 512, 2),
            ModelSize::V => (512, 512, 2),
        };
        let (source_vocab, target_vocab) = if self == ModelSize::V { (10_000, 10_000) } else { (30, 43) };
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
            decoder: DecoderConfig { vocab_size: target_vocab, embedding_size, hidden_size, num_layers, input_feeding },
            bridge: Bridge::Copy,
            attention: AttentionConfig {
                score,
                window: Window::Global,
                half_width: None,
                max_source_length: None,
                output: AttentionOutput::default(),
            },
            special_tokens: SpecialTokens { pad: 0, bos: 1, eos: 2, unk: None },
            files: None,
        }
    }

    /// Ordinary ids: for A and B of the lengths that English words and their pronunciations have, for V of `fixed`.
    pub fn sentence(
        self,
        inputs: &Inputs,
        side: &str,
        index: usize,
        mean: f32,
        fixed: usize,
        vocab: usize,
    ) -> Vec<u32> {
        let length = if self == Self::V { fixed } else { word_length(inputs, side, index, mean) };
        // Beyond the special ids.
        inputs.ids(&format!("{side} {index}"), length, vocab - 3).iter().map(|id| id + 3).collect()
    }
}

/// Normal with standard deviation 2.5, from 1 to 22; the sum of twelve uniform numbers is near enough.
fn word_length(inputs: &Inputs, side: &str, word: usize, mean: f32) -> usize {
    let normal: f32 = (0..12).map(|part| inputs.uniform(side, 12 * word + part) / 2.0).sum();
    (mean + 2.5 * normal).round().clamp(1.0, 22.0) as usize
}
