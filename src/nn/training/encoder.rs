//! The source side, forward and backward: embedding, recurrent layers, and the bridge to the decoder.

use super::embedded::Embedded;
use super::pass::{Pass, Place, no_layers};
use crate::Result;
use crate::backend::{Activation, Sequence, State, Training};
use crate::batch::Batch;
use crate::model::Bridge;

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
            Bridge::Linear => Some(&self.initial[layer]),
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
        let mut initial = Vec::new();
        for ((hidden, cell), layer) in self.slots.bridge.iter().zip(&layers) {
            let mut state = State::zeros(backend, self.config.cell, batch, self.config.decoder.hidden_size)?;
            let through = |[weight, bias]: [usize; 2], from: &B::Tensor, to: &mut B::Tensor| {
                let bias = Some(self.value(bias));
                backend.matmul_nt(from, self.value(weight), bias, Activation::Tanh, false, to)
            };
            through(*hidden, &layer.last.hidden, &mut state.hidden)?;
            if let (Some(slots), Some(from), Some(to)) = (cell, &layer.last.cell, &mut state.cell) {
                through(*slots, from, to)?;
            }
            initial.push(state);
        }
        let embedded = embedded.ok_or_else(no_layers)?;
        Ok(Encoded { batch, len, lengths, embedded, layers, initial })
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
        if self.config.bridge != Bridge::Linear {
            return Ok(d_initial.into_iter().map(Some).collect());
        }
        let states = self.slots.bridge.iter().zip(&encoded.initial).zip(&encoded.layers).zip(d_initial);
        states
            .map(|((((hidden, cell), initial), layer), mut d)| {
                let mut through = |slots: [usize; 2], y: &B::Tensor, x: &B::Tensor, d_y: &mut B::Tensor| {
                    backend.tanh_backward(y, d_y)?;
                    self.linear_backward(slots, d_y, x, gradients)?;
                    let mut d_x = backend.zeros(batch, memory_size)?;
                    backend.matmul_nn(d_y, self.value(slots[0]), false, &mut d_x)?;
                    Ok(d_x)
                };
                let d_hidden = through(*hidden, &initial.hidden, &layer.last.hidden, &mut d.hidden)?;
                let d_cell = match (cell, &initial.cell, &layer.last.cell) {
                    (Some(slots), Some(y), Some(x)) => through(*slots, y, x, &mut d.cell)?,
                    _ => backend.zeros(batch, memory_size)?,
                };
                Ok(Some(InitialGradient { hidden: d_hidden, cell: d_cell }))
            })
            .collect()
    }
}
