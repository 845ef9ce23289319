//! Source ids to memory and final states.

use super::recurrent_layer;
use crate::Result;
use crate::backend::{Backend, Input, State};
use crate::model::{Cell, Config, Parameters};

/// Embedding and the stacked recurrent layers of the source side.
#[derive(Debug)]
pub struct Encoder<B: Backend> {
    cell: Cell,
    memory_size: usize,
    layers: Vec<B::Recurrent>,
}

impl<B: Backend> Encoder<B> {
    /// Prepares the encoder's weights.
    pub fn new(backend: &B, config: &Config, parameters: &Parameters) -> Result<Self> {
        let layers = (0..config.encoder.num_layers)
            .map(|layer| {
                recurrent_layer(backend, parameters, "encoder", config.cell, layer, config.encoder.bidirectional, 0)
            })
            .collect::<Result<_>>()?;
        Ok(Self { cell: config.cell, memory_size: config.memory_size(), layers })
    }

    /// The top layer's output (batch · src_len, M) and every layer's last state (batch, M).
    pub fn forward(
        &self,
        backend: &B,
        source: &B::Ids,
        lengths: &B::Ids,
        batch: usize,
        src_len: usize,
    ) -> Result<(B::Tensor, Vec<State<B>>)> {
        let mut below: Option<B::Tensor> = None;
        let mut last_states = Vec::with_capacity(self.layers.len());
        for layer in &self.layers {
            let input = below.as_ref().map_or(Input::Ids(source), Input::Rows);
            let mut output = backend.scratch(batch * src_len, self.memory_size)?;
            let mut last = State::scratch(backend, self.cell, batch, self.memory_size)?;
            backend.recurrent_layer(layer, input, lengths, None, &mut output, &mut last)?;
            last_states.push(last);
            below = Some(output);
        }
        let memory = match below {
            Some(memory) => memory,
            None => backend.zeros(batch * src_len, self.memory_size)?,
        };
        Ok((memory, last_states))
    }
}
