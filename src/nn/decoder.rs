//! Previous tokens and memory to attentional states, one step at a time or for a whole target.

use super::{AttentionLayer, AttentionStep, Memory, WeightRows, recurrent_layer};
use crate::Result;
use crate::backend::{Backend, Input, Positions, State};
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
    /// h̃ of the last step (its rows, H), zeros before the first.
    pub attentional: B::Tensor,
    /// What attention has written beside it.
    pub attention: AttentionStep<B>,
    /// Rows of the next step.
    rows: usize,
    /// Rows of the last one.
    current_rows: usize,
}

impl<B: Backend> Decoder<B> {
    /// Prepares the decoder's weights.
    pub fn new(backend: &B, config: &Config, parameters: &Parameters) -> Result<Self> {
        let decoder = &config.decoder;
        let layers = (0..decoder.num_layers)
            .map(|layer| {
                let feed_size = decoder.feed_size(layer);
                recurrent_layer(backend, parameters, "decoder", config.cell, layer, false, feed_size)
            })
            .collect::<Result<_>>()?;
        let attention = AttentionLayer::new(backend, config, parameters)?;
        Ok(Self { config: config.clone(), layers, attention })
    }

    /// The state before the first step, of one hypothesis a sentence.
    pub fn start(&self, backend: &B, memory: &Memory<B>, initial: Vec<State<B>>) -> Result<DecoderState<B>> {
        Ok(DecoderState {
            current: initial,
            next: self.room(backend, memory.batch)?,
            attentional: backend.zeros(memory.batch, self.config.decoder.hidden_size)?,
            attention: self.attention.step(backend, memory, 1)?,
            rows: memory.batch,
            current_rows: memory.batch,
        })
    }

    /// From the next step on there are `width` hypotheses of each sentence of `memory`, which may have fewer sentences
    /// than before: the frontier says what each continues.
    pub fn resize(&self, backend: &B, memory: &Memory<B>, width: usize, state: &mut DecoderState<B>) -> Result<()> {
        state.rows = memory.batch * width;
        state.next = self.room(backend, state.rows)?;
        state.attention = self.attention.step(backend, memory, width)?;
        Ok(())
    }

    /// Room for the states of `rows` hypotheses.
    fn room(&self, backend: &B, rows: usize) -> Result<Vec<State<B>>> {
        let state = |_| State::scratch(backend, self.config.cell, rows, self.config.decoder.hidden_size);
        (0..self.layers.len()).map(state).collect()
    }

    /// Step `position`: the attentional states of the hypotheses in `frontier` (2 · rows).
    pub fn step(
        &self,
        backend: &B,
        memory: &Memory<B>,
        frontier: &B::Ids,
        position: usize,
        rows: WeightRows<'_, B>,
        state: &mut DecoderState<B>,
    ) -> Result<()> {
        let feed = self.config.decoder.input_feeding.then_some(&state.attentional);
        for (layer, weights) in self.layers.iter().enumerate() {
            let (below, here) = state.next.split_at_mut(layer);
            let (below, feed) = match below.last() {
                None => (None, feed),
                Some(below) => (Some(&below.hidden), None),
            };
            backend.recurrent_step(weights, frontier, below, feed, &state.current[layer], &mut here[0])?;
        }
        std::mem::swap(&mut state.current, &mut state.next);
        let query = &state.current[state.current.len() - 1].hidden;
        self.attention.forward(backend, memory, query, Positions::At(position), rows, &mut state.attention)?;
        std::mem::swap(&mut state.attentional, &mut state.attention.attentional);
        if state.current_rows != state.rows {
            // What was read in this step is of the old size, and to be written in the next.
            state.next = self.room(backend, state.rows)?;
            state.attention.attentional = backend.scratch(state.rows, self.config.decoder.hidden_size)?;
            state.current_rows = state.rows;
        }
        Ok(())
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
