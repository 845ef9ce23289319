//! From the encoder's last states to the decoder's first.

use crate::backend::{Activation, Backend, State};
use crate::model::{Bridge, Cell, Config, Parameters};
use crate::{Error, Result};

/// The bridge of every decoder layer.
#[derive(Debug)]
pub struct BridgeLayer<B: Backend> {
    kind: Bridge,
    cell: Cell,
    hidden_size: usize,
    num_layers: usize,
    /// tanh(W [forward; backward] + b) per layer, for hidden and cell.
    linear: Vec<(B::Linear, Option<B::Linear>)>,
}

impl<B: Backend> BridgeLayer<B> {
    /// Prepares the bridge's weights.
    pub fn new(backend: &B, config: &Config, parameters: &Parameters) -> Result<Self> {
        let num_layers = config.decoder.num_layers;
        let mut linear = Vec::new();
        if config.bridge == Bridge::Linear {
            let prepare = |state: &str, layer: usize| {
                let weight = parameters.get(&format!("bridge.{state}.{layer}.weight"))?;
                let bias = parameters.get(&format!("bridge.{state}.{layer}.bias"))?;
                backend.linear_weights(weight, Some(bias))
            };
            for layer in 0..num_layers {
                let cell = if config.cell.has_cell() { Some(prepare("cell", layer)?) } else { None };
                linear.push((prepare("hidden", layer)?, cell));
            }
        }
        let hidden_size = config.decoder.hidden_size;
        Ok(Self { kind: config.bridge, cell: config.cell, hidden_size, num_layers, linear })
    }

    /// The decoder's first state (batch, H) per layer, from the encoder's last ones (batch, M).
    pub fn forward(&self, backend: &B, last_states: Vec<State<B>>, batch: usize) -> Result<Vec<State<B>>> {
        let zeros = || State::zeros(backend, self.cell, batch, self.hidden_size);
        match self.kind {
            Bridge::Copy => {
                Error::check("bridge", "encoder layers", self.num_layers, last_states.len())?;
                Ok(last_states)
            }
            Bridge::Zeros => (0..self.num_layers).map(|_| zeros()).collect(),
            Bridge::Linear => self
                .linear
                .iter()
                .zip(&last_states)
                .map(|((hidden, cell), last)| {
                    let mut first = zeros()?;
                    backend.linear(hidden, &last.hidden, Activation::Tanh, false, &mut first.hidden)?;
                    if let (Some(weights), Some(last), Some(first)) = (cell, &last.cell, &mut first.cell) {
                        backend.linear(weights, last, Activation::Tanh, false, first)?;
                    }
                    Ok(first)
                })
                .collect(),
        }
    }
}
