//! Greedy search of a model whose steps a device takes several at a time.

use super::{Memory, Seq2Seq, recurrent_parameters};
use crate::backend::{Backend, GreedyParameters, GreedySteps, LengthPenalty, Search, SearchRules, State};
use crate::model::{Config, Parameters};
use crate::{Error, Result};

/// The decoder and its generator, prepared for it; `None` where there is no such way.
pub(super) fn greedy_weights<B: Backend>(
    backend: &B,
    config: &Config,
    parameters: &Parameters,
) -> Result<Option<B::Greedy>> {
    let (decoder, memory) = (&config.decoder, config.memory_size());
    let layer = |layer| {
        let feed_size = decoder.feed_size(layer);
        recurrent_parameters(parameters, "decoder", config.cell, layer, false, feed_size)
    };
    let output = &config.attention.output;
    let projection = parameters.get("attention.linear_out.weight")?.columns(memory..memory + decoder.hidden_size);
    backend.greedy_weights(&GreedyParameters {
        layers: (0..decoder.num_layers).map(layer).collect::<Result<_>>()?,
        score: config.attention.score,
        window: config.attention.window,
        projection: &projection,
        projection_bias: output.bias.then(|| parameters.get("attention.linear_out.bias")).transpose()?,
        activation: output.activation,
        generator: parameters.get("generator.weight")?,
        generator_bias: parameters.get("generator.bias")?,
    })
}

impl<B: Backend> Seq2Seq<B> {
    /// The state before the first of [`greedy_steps`](Self::greedy_steps); `None` where a search by these rules takes one
    /// step at a time.
    pub fn greedy_state(
        &self,
        backend: &B,
        rules: &SearchRules,
        memory: &Memory<B>,
        initial: &[State<B>],
    ) -> Result<Option<B::GreedyState>> {
        let plain = rules.beam == 1 && rules.length_penalty == LengthPenalty::None && rules.coverage_penalty == 0.0;
        match &self.greedy {
            Some(greedy) if plain => backend.greedy_state(greedy, initial, memory.src_len),
            _ => Ok(None),
        }
    }

    /// `steps` steps of greedy search behind `step` of them; `first_frontier` is what the first of all reads.
    #[expect(clippy::too_many_arguments, reason = "what a search has")]
    pub fn greedy_steps(
        &self,
        backend: &B,
        rules: &SearchRules,
        memory: &Memory<B>,
        first_frontier: Option<&B::Ids>,
        [step, steps]: [usize; 2],
        weights: &mut B::Tensor,
        state: &mut B::GreedyState,
        search: &mut Search<B>,
    ) -> Result<()> {
        let missing =
            Error::Shape { operation: "greedy_steps", what: "decoders that take several", expected: 1, found: 0 };
        let greedy = self.greedy.as_ref().ok_or(missing)?;
        let keys = memory.keys.as_ref().unwrap_or(&memory.states);
        let (values, lengths) = (&memory.values, &memory.lengths);
        let taken = GreedySteps { rules, keys, values, lengths, first_frontier, step, steps };
        backend.greedy_steps(greedy, &taken, weights, state, search)
    }
}
