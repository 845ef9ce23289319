//! The configuration of an imported model: what its stacks are, and what its toolkit says besides.

use super::recurrent::Stack;
use crate::model::{
    AttentionConfig, AttentionOutput, Bridge, Config, DecoderConfig, EncoderConfig, Score, SpecialTokens, Window,
};

/// What is not to be seen in a stack.
pub struct Architecture {
    /// Of source and target: symbols, and the size of an embedding.
    pub tables: [[usize; 2]; 2],
    pub input_feeding: bool,
    pub bridge: Bridge,
    pub score: Score,
    pub output: AttentionOutput,
    pub special_tokens: SpecialTokens,
}

impl Architecture {
    /// The configuration of a model with these stacks. No toolkit has other windows than the whole source.
    pub fn config(self, encoder: &Stack, decoder: &Stack) -> Config {
        let Self { tables: [source, target], input_feeding, bridge, score, output, special_tokens } = self;
        Config {
            format_version: 1,
            cell: encoder.cell,
            encoder: EncoderConfig {
                vocab_size: source[0],
                embedding_size: source[1],
                hidden_size: encoder.hidden_size,
                num_layers: encoder.layers,
                bidirectional: encoder.bidirectional,
            },
            decoder: DecoderConfig {
                vocab_size: target[0],
                embedding_size: target[1],
                hidden_size: decoder.hidden_size,
                num_layers: decoder.layers,
                input_feeding,
            },
            bridge,
            attention: AttentionConfig {
                score,
                window: Window::Global,
                half_width: None,
                max_source_length: None,
                output,
            },
            special_tokens,
            files: None,
        }
    }
}
