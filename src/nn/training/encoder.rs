//! The source side, forward and backward: embedding, recurrent layers, and the bridge to the decoder.

use super::embedded::Embedded;
use super::layout::BridgeSlots;
use super::pass::{Pass, Place, no_layers};
use crate::Result;
use crate::backend::{Activation, Sequence, State, Training};
use crate::batch::Batch;
use crate::model::{Bridge, BridgeLinear};

/// What backward needs of the source side.
#[derive(Debug)]
pub struct Encoded<B: Training> {
    pub batch: usize,
    pub len: usize,
    pub lengths: B::Ids,
    embedded: Embedded<B>,
    /// Every layer; what the next one reads is dropped in place.
    layers: Vec<Sequence<B>>,
    /// The decoder's first state per layer, where the bridge makes one.
    initial: Vec<State<B>>,
}

impl<B: Training> Encoded<B> {
    /// h̄ (batch · len, M)
    pub fn memory(&self) -> &B::Tensor {
        &self.layers[self.layers.len() - 1].output
    }

    /// The decoder's first state in a layer; none where it is zero.
    pub fn initial(&self, bridge: Bridge, layer: usize) -> Option<&State<B>> {
        match bridge {
            Bridge::Copy => Some(&self.layers[layer].last),
            Bridge::Linear(_) => Some(&self.initial[layer]),
            Bridge::Zeros => None,
        }
    }
}

/// The gradient of the decoder's first state in one layer.
#[derive(Debug)]
pub struct InitialGradient<B: Training> {
    /// (batch, H)
    pub hidden: B::Tensor,
    /// (batch, H), of an LSTM's cell
    pub cell: B::Tensor,
}

impl<B: Training> Pass<'_, B> {
    /// Forward over the sources.
    pub fn encode(&self, source: &Batch) -> Result<Encoded<B>> {
        let (backend, encoder) = (self.backend, &self.config.encoder);
        let (batch, len) = (source.batch(), source.len());
        let lengths = backend.upload_ids(source.lengths())?;
        let mut embedded = None;
        let mut layers: Vec<Sequence<B>> = Vec::with_capacity(encoder.num_layers);
        for (index, layer) in self.slots.encoder.iter().enumerate() {
            let mut sequence = self.sequence(layer, None, &lengths, batch, len)?;
            match layers.last() {
                Some(below) => self.input_sums(layer, &below.output, &mut sequence.gates)?,
                None => {
                    let table = self.slots.source_embedding;
                    embedded = Some(self.embed(table, Place::Source, source, layer, &mut sequence.gates)?);
                }
            }
            let weight_hh = self.value(layer.weight_hh);
            backend.recurrent_forward(layer.gates, weight_hh, &lengths, 0..len, &mut sequence)?;
            if index + 1 < encoder.num_layers {
                self.dropout(Place::Encoder(index), &mut sequence.output)?;
            }
            layers.push(sequence);
        }
        let embedded = embedded.ok_or_else(no_layers)?;
        let mut encoded = Encoded { batch, len, lengths, embedded, layers, initial: Vec::new() };
        if let Bridge::Linear(bridge) = self.config.bridge {
            encoded.initial = self.bridge(bridge, &encoded)?;
        }
        Ok(encoded)
    }

    /// The decoder's first states.
    fn bridge(&self, bridge: BridgeLinear, encoded: &Encoded<B>) -> Result<Vec<State<B>>> {
        let (backend, layers) = (self.backend, &encoded.layers);
        let through = |slots: &BridgeSlots, cells: bool, to: &mut B::Tensor| -> Result<()> {
            for (number, &(layer, weight)) in slots.weights.iter().enumerate() {
                let is_last = number + 1 == slots.weights.len();
                let activation = if is_last { bridge.activation } else { Activation::Identity };
                let bias = (number == 0).then(|| self.value(slots.bias));
                let from = last(&layers[layer], cells);
                backend.matmul_nt(from, self.value(weight), bias, activation, number > 0, to)?;
            }
            Ok(())
        };
        let state = |(hidden, cell): &(BridgeSlots, Option<BridgeSlots>)| {
            let hidden_size = self.config.decoder.hidden_size;
            let mut state = State::zeros(backend, self.config.cell, encoded.batch, hidden_size)?;
            through(hidden, false, &mut state.hidden)?;
            if let Some(to) = &mut state.cell {
                through(cell.as_ref().unwrap_or(hidden), cell.is_some(), to)?;
            }
            Ok(state)
        };
        self.slots.bridge.iter().map(state).collect()
    }

    /// Backward over the sources, from the gradients of the memory and of the decoder's first states.
    pub fn encode_backward(
        &self,
        mut encoded: Encoded<B>,
        d_memory: B::Tensor,
        d_initial: Vec<InitialGradient<B>>,
        gradients: &mut [B::Tensor],
    ) -> Result<()> {
        let (backend, batch, len) = (self.backend, encoded.batch, encoded.len);
        let memory_size = self.config.memory_size();
        let mut d_initial = self.bridge_backward(&encoded, d_initial, gradients)?;
        let mut d_output = d_memory;
        for (index, layer) in self.slots.encoder.iter().enumerate().rev() {
            let (below, here) = encoded.layers.split_at_mut(index);
            let sequence = &mut here[0];
            let (d_last, mut carry) = match d_initial.get_mut(index).and_then(Option::take) {
                Some(InitialGradient { hidden, cell }) => (Some(hidden), cell),
                None => (None, backend.zeros(batch, memory_size)?),
            };
            let weight_hh = self.value(layer.weight_hh);
            let lengths = &encoded.lengths;
            let d_last = d_last.as_ref();
            backend.recurrent_backward(
                layer.gates,
                weight_hh,
                lengths,
                0..len,
                &d_output,
                d_last,
                sequence,
                &mut carry,
            )?;
            backend.recurrent_weight_backward(layer.gates, sequence, &mut gradients[layer.weight_hh])?;
            let Some(below) = below.last() else {
                let (table, d_gates) = (self.slots.source_embedding, (&sequence.gates, batch * len));
                return self.embed_backward(table, Place::Source, &encoded.embedded, layer, d_gates, gradients);
            };
            self.input_weights_backward(layer, &sequence.gates, &below.output, gradients)?;
            let mut d_input = backend.zeros(batch * len, memory_size)?;
            backend.matmul_nn(&sequence.gates, self.value(layer.weight_ih), false, &mut d_input)?;
            self.dropout(Place::Encoder(index - 1), &mut d_input)?;
            d_output = d_input;
        }
        Ok(())
    }

    /// From the gradients of the decoder's first states to those of the encoder's last ones, per layer.
    fn bridge_backward(
        &self,
        encoded: &Encoded<B>,
        d_initial: Vec<InitialGradient<B>>,
        gradients: &mut [B::Tensor],
    ) -> Result<Vec<Option<InitialGradient<B>>>> {
        let (backend, batch, memory_size) = (self.backend, encoded.batch, self.config.memory_size());
        let Bridge::Linear(bridge) = self.config.bridge else {
            return Ok(d_initial.into_iter().map(Some).collect());
        };
        // Of hidden states and cells, where there are any yet.
        let mut d_last: Vec<[Option<B::Tensor>; 2]> = encoded.layers.iter().map(|_| [None, None]).collect();
        let mut through = |slots: &BridgeSlots, cells: bool, y: &B::Tensor, d_y: &mut B::Tensor| -> Result<()> {
            backend.activation_backward(bridge.activation, y, d_y)?;
            for (number, &(layer, weight)) in slots.weights.iter().enumerate() {
                let x = last(&encoded.layers[layer], cells);
                if number == 0 {
                    self.linear_backward([weight, slots.bias], d_y, x, gradients)?;
                } else {
                    backend.matmul_tn(d_y, x, None, &mut gradients[weight], None)?;
                }
                let d_x = &mut d_last[layer][usize::from(cells)];
                let accumulate = d_x.is_some();
                if d_x.is_none() {
                    *d_x = Some(backend.zeros(batch, memory_size)?);
                }
                if let Some(d_x) = d_x {
                    backend.matmul_nn(d_y, self.value(weight), accumulate, d_x)?;
                }
            }
            Ok(())
        };
        for (((hidden, cell), initial), mut d) in self.slots.bridge.iter().zip(&encoded.initial).zip(d_initial) {
            through(hidden, false, &initial.hidden, &mut d.hidden)?;
            if let Some(initial) = &initial.cell {
                through(cell.as_ref().unwrap_or(hidden), cell.is_some(), initial, &mut d.cell)?;
            }
        }
        let zeros = || backend.zeros(batch, memory_size);
        let gradient = |[hidden, cell]: [Option<B::Tensor>; 2]| {
            let Some(hidden) = hidden else { return Ok(None) };
            Ok(Some(InitialGradient { hidden, cell: cell.map_or_else(zeros, Ok)? }))
        };
        d_last.into_iter().map(gradient).collect()
    }
}

/// The last hidden states of a layer, or its last cells.
fn last<B: Training>(layer: &Sequence<B>, cells: bool) -> &B::Tensor {
    layer.last.cell.as_ref().filter(|_| cells).unwrap_or(&layer.last.hidden)
}
