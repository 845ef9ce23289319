//! Previous tokens and memory to attentional states, one step at a time or for a whole target.

use super::{AttentionLayer, AttentionStep, Memory, recurrent_layer};
use crate::Result;
use crate::backend::{Backend, Input, State};
use crate::model::{Config, Parameters};

/// Embedding, recurrent layers and attention of the target side.
#[derive(Debug)]
pub struct Decoder<B: Backend> {
    config: Config,
    layers: Vec<B::Recurrent>,
    /// Attention over the memory.
    pub attention: AttentionLayer<B>,
}

/// Everything that changes from one decoder step to the next, allocated once.
///
/// Each step reads one of the two states of a layer and writes the other.
#[derive(Debug)]
pub struct DecoderState<B: Backend> {
    current: Vec<State<B>>,
    next: Vec<State<B>>,
    /// What attention wrote in the last step; its attentional state feeds the next.
    pub attention: AttentionStep<B>,
}

impl<B: Backend> Decoder<B> {
    /// Prepares the decoder's weights.
    pub fn new(backend: &B, config: &Config, parameters: &Parameters) -> Result<Self> {
        let decoder = &config.decoder;
        let layers = (0..decoder.num_layers)
            .map(|layer| {
                let feed_size = if layer == 0 && decoder.input_feeding { decoder.hidden_size } else { 0 };
                recurrent_layer(backend, parameters, "decoder", config.cell, layer, false, feed_size)
            })
            .collect::<Result<_>>()?;
        let attention = AttentionLayer::new(backend, config, parameters)?;
        Ok(Self { config: config.clone(), layers, attention })
    }

    /// The state before the first step; `rows` is how many steps' weights are kept (1: the last one's).
    pub fn start(
        &self,
        backend: &B,
        memory: &Memory<B>,
        initial: Vec<State<B>>,
        rows: usize,
    ) -> Result<DecoderState<B>> {
        let hidden = self.config.decoder.hidden_size;
        let next = (0..self.layers.len())
            .map(|_| State::zeros(backend, self.config.cell, memory.batch, hidden))
            .collect::<Result<_>>()?;
        Ok(DecoderState { current: initial, next, attention: self.attention.step(backend, memory, 1, rows)? })
    }

    /// Step `position`: the attentional states for `previous` tokens (batch).
    ///
    /// The weights go to row `row` of each sentence.
    pub fn step(
        &self,
        backend: &B,
        memory: &Memory<B>,
        previous: &B::Ids,
        position: usize,
        row: usize,
        state: &mut DecoderState<B>,
    ) -> Result<()> {
        let feed = self.config.decoder.input_feeding.then_some(&state.attention.attentional);
        for (layer, weights) in self.layers.iter().enumerate() {
            let (below, here) = state.next.split_at_mut(layer);
            let (input, feed) = match below.last() {
                None => (Input::Ids(previous), feed),
                Some(below) => (Input::Rows(&below.hidden), None),
            };
            backend.recurrent_step(weights, input, feed, &state.current[layer], &mut here[0])?;
        }
        std::mem::swap(&mut state.current, &mut state.next);
        let query = &state.current[state.current.len() - 1].hidden;
        self.attention.forward(backend, memory, query, position, row, &mut state.attention)
    }

    /// The queries (batch · tgt_len, H) for a whole target without input feeding.
    pub fn queries(
        &self,
        backend: &B,
        initial: &[State<B>],
        target: &B::Ids,
        lengths: &B::Ids,
        batch: usize,
        tgt_len: usize,
    ) -> Result<B::Tensor> {
        let hidden = self.config.decoder.hidden_size;
        let mut query: Option<B::Tensor> = None;
        for (weights, initial) in self.layers.iter().zip(initial) {
            let input = query.as_ref().map_or(Input::Ids(target), Input::Rows);
            let mut output = backend.zeros(batch * tgt_len, hidden)?;
            let mut last = State::zeros(backend, self.config.cell, batch, hidden)?;
            backend.recurrent_layer(weights, input, lengths, Some(initial), &mut output, &mut last)?;
            query = Some(output);
        }
        query.map_or_else(|| backend.zeros(batch * tgt_len, hidden), Ok)
    }
}

impl<B: Backend> DecoderState<B> {
    /// h_t (batch, H): the top layer's hidden state after the last step.
    pub fn query(&self) -> &B::Tensor {
        &self.current[self.current.len() - 1].hidden
    }
}
