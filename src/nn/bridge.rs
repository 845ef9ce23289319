//! From the encoder's last states to the decoder's first.

use crate::backend::{Activation, Backend, State};
use crate::model::{Bridge, BridgeCell, BridgeLinear, Cell, Config, Parameters};
use crate::{Error, Result};

/// The bridge of every decoder layer.
#[derive(Debug)]
pub struct BridgeLayer<B: Backend> {
    kind: Bridge,
    cell: Cell,
    hidden_size: usize,
    num_layers: usize,
    /// Per layer, for hidden and, where it has its own, for cell; empty but for the linear bridge.
    linear: Vec<(Projection<B>, Option<Projection<B>>)>,
}

/// W and b of one state: the columns of W for each encoder layer that it reads, b with the first.
type Projection<B> = Vec<(usize, <B as crate::backend::Storage>::Linear)>;

impl<B: Backend> BridgeLayer<B> {
    /// Prepares the bridge's weights.
    pub fn new(backend: &B, config: &Config, parameters: &Parameters) -> Result<Self> {
        let num_layers = config.decoder.num_layers;
        let mut linear = Vec::new();
        if let Bridge::Linear(bridge) = config.bridge {
            let prepare = |state: &str, layer: usize| -> Result<Projection<B>> {
                let weight = parameters.get(&format!("bridge.{state}.{layer}.weight"))?;
                let bias = parameters.get(&format!("bridge.{state}.{layer}.bias"))?;
                let read = bridge.layers(layer, config.encoder.num_layers);
                let size = config.memory_size();
                let part = |(number, layer): (usize, usize)| {
                    let bias = (number == 0).then_some(bias);
                    let part = weight.columns(number * size..(number + 1) * size);
                    Ok((layer, backend.linear_weights(&part, bias)?))
                };
                read.enumerate().map(part).collect()
            };
            let has_own = config.cell.has_cell() && bridge.cell == BridgeCell::Cell;
            for layer in 0..num_layers {
                let cell = if has_own { Some(prepare("cell", layer)?) } else { None };
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
            Bridge::Linear(BridgeLinear { activation, .. }) => self
                .linear
                .iter()
                .map(|(hidden, cell)| {
                    let mut first = zeros()?;
                    let hiddens = |layer: usize| last_states.get(layer).map(|last| &last.hidden);
                    project(backend, hidden, hiddens, activation, &mut first.hidden)?;
                    match (cell, &mut first.cell) {
                        (Some(cell), Some(first)) => {
                            let cells = |layer: usize| last_states.get(layer).and_then(|last| last.cell.as_ref());
                            project(backend, cell, cells, activation, first)?;
                        }
                        // The same numbers as those of the hidden state, once more.
                        (None, Some(first)) => project(backend, hidden, hiddens, activation, first)?,
                        (_, None) => {}
                    }
                    Ok(first)
                })
                .collect(),
        }
    }
}

/// activation(W s + b), where s are the states of some layers, one below the other.
fn project<'a, B: Backend>(
    backend: &B,
    projection: &Projection<B>,
    state: impl Fn(usize) -> Option<&'a B::Tensor>,
    activation: Activation,
    out: &mut B::Tensor,
) -> Result<()>
where
    B::Tensor: 'a,
{
    for (number, (layer, weights)) in projection.iter().enumerate() {
        let state = state(*layer).ok_or(Error::Shape {
            operation: "bridge",
            what: "encoder layers",
            expected: layer + 1,
            found: *layer,
        })?;
        let activation = if number + 1 == projection.len() { activation } else { Activation::Identity };
        backend.linear(weights, state, activation, number > 0, out)?;
    }
    Ok(())
}
