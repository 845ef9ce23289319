//! The target side, forward and backward: embedding, recurrent layers and attention, for a whole target at once or,
//! with input feeding, one position after the other.

use super::attention::{Attended, AttendedGradients, Keys};
use super::embedded::Embedded;
use super::encoder::{Encoded, InitialGradient};
use super::pass::{Pass, Place, no_layers};
use crate::Result;
use crate::backend::{Activation, Sequence, Training};
use crate::batch::Batch;
use crate::model::Bridge;

/// What backward needs of the target side.
#[derive(Debug)]
pub struct Decoded<B: Training> {
    batch: usize,
    len: usize,
    lengths: B::Ids,
    keys: Keys<B>,
    embedded: Embedded<B>,
    layers: Vec<Sequence<B>>,
    /// What the layers above the first read, where it is not the layer below itself.
    inputs: Vec<B::Tensor>,
    /// With input feeding, the attentional state before each position (batch · len, H).
    feeds: Option<B::Tensor>,
    /// a (batch · len, src_len)
    weights: B::Tensor,
    attended: Attended<B>,
    /// h̃ as the generator reads it, where it is not the attentional state itself.
    dropped: Option<B::Tensor>,
}

impl<B: Training> Decoded<B> {
    /// h̃ (batch · len, H) as the generator reads it.
    pub fn attentional(&self) -> &B::Tensor {
        self.dropped.as_ref().unwrap_or(&self.attended.attentional)
    }

    /// h (batch · len, H)
    fn query(&self) -> &B::Tensor {
        &self.layers[self.layers.len() - 1].output
    }

    /// What a layer above the first reads.
    fn input(&self, layer: usize) -> &B::Tensor {
        self.inputs.get(layer - 1).unwrap_or(&self.layers[layer - 1].output)
    }
}

impl<B: Training> Pass<'_, B> {
    /// Forward over the targets, whose rows begin with bos.
    pub fn decode(&self, encoded: &Encoded<B>, target: &Batch) -> Result<Decoded<B>> {
        let (backend, decoder) = (self.backend, &self.config.decoder);
        let (batch, len, hidden) = (target.batch(), target.len(), decoder.hidden_size);
        let lengths = backend.upload_ids(target.lengths())?;
        let mut layers = Vec::with_capacity(decoder.num_layers);
        for (index, layer) in self.slots.decoder.iter().enumerate() {
            let initial = encoded.initial(self.config.bridge, index);
            layers.push(self.sequence(layer, initial, &lengths, batch, len)?);
        }
        let first = self.slots.decoder.first().ok_or_else(no_layers)?;
        let table = self.slots.target_embedding;
        let embedded = self.embed(table, Place::Target, target, first, &mut layers[0].gates)?;
        let mut decoded = Decoded {
            batch,
            len,
            keys: self.keys(encoded)?,
            embedded,
            layers,
            inputs: Vec::new(),
            feeds: None,
            weights: backend.zeros(batch * len, encoded.len)?,
            attended: Attended::zeros(self, batch * len)?,
            dropped: None,
            lengths,
        };
        match first.feed {
            Some(feed) => self.decode_stepwise(encoded, feed, &mut decoded)?,
            None => self.decode_at_once(encoded, &mut decoded)?,
        }
        if self.drops() {
            let mut dropped = self.copy(&decoded.attended.attentional, batch * len, hidden)?;
            self.dropout(Place::Attentional, &mut dropped)?;
            decoded.dropped = Some(dropped);
        }
        Ok(decoded)
    }

    fn decode_at_once(&self, encoded: &Encoded<B>, decoded: &mut Decoded<B>) -> Result<()> {
        let layers = self.slots.decoder.len();
        for (index, layer) in self.slots.decoder.iter().enumerate() {
            let (below, here) = decoded.layers.split_at_mut(index);
            if let Some(below) = below.last() {
                self.input_sums(layer, &below.output, &mut here[0].gates)?;
            }
            let weight_hh = self.value(layer.weight_hh);
            let steps = 0..decoded.len;
            self.backend.recurrent_forward(layer.gates, weight_hh, &decoded.lengths, steps, &mut here[0])?;
            if index + 1 < layers {
                self.dropout(Place::Decoder(index, 0), &mut here[0].output)?;
            }
        }
        let Decoded { keys, layers, weights, attended, .. } = decoded;
        let query = &layers[layers.len() - 1].output;
        self.attend(encoded, keys, query, 0, weights, attended)
    }

    /// With input feeding every position waits for the attentional state of the one before.
    fn decode_stepwise(&self, encoded: &Encoded<B>, feed: usize, decoded: &mut Decoded<B>) -> Result<()> {
        let (backend, batch, hidden) = (self.backend, decoded.batch, self.config.decoder.hidden_size);
        let mut feeds = backend.zeros(batch * decoded.len, hidden)?;
        if self.drops() {
            for _ in 1..self.slots.decoder.len() {
                decoded.inputs.push(backend.zeros(batch * decoded.len, hidden)?);
            }
        }
        let mut rows = backend.zeros(batch, hidden)?;
        let mut step = Attended::zeros(self, batch)?;
        for position in 0..decoded.len {
            for (index, layer) in self.slots.decoder.iter().enumerate() {
                let mut gates = backend.zeros(batch, layer.gates.cols())?;
                if index == 0 {
                    backend.take_position(&decoded.layers[0].gates, position, &mut gates)?;
                    if position > 0 {
                        let weight = self.value(feed);
                        backend.matmul_nt(&step.attentional, weight, None, Activation::Identity, true, &mut gates)?;
                        backend.put_position(&step.attentional, position, &mut feeds)?;
                    }
                } else {
                    backend.take_position(&decoded.layers[index - 1].output, position, &mut rows)?;
                    self.dropout(Place::Decoder(index - 1, position), &mut rows)?;
                    if let Some(input) = decoded.inputs.get_mut(index - 1) {
                        backend.put_position(&rows, position, input)?;
                    }
                    self.input_sums(layer, &rows, &mut gates)?;
                }
                let sequence = &mut decoded.layers[index];
                backend.put_position(&gates, position, &mut sequence.gates)?;
                let weight_hh = self.value(layer.weight_hh);
                let steps = position..position + 1;
                backend.recurrent_forward(layer.gates, weight_hh, &decoded.lengths, steps, sequence)?;
            }
            backend.take_position(decoded.query(), position, &mut rows)?;
            self.attend(encoded, &decoded.keys, &rows, position, &mut decoded.weights, &mut step)?;
            let whole = &mut decoded.attended;
            backend.put_position(&step.context, position, &mut whole.context)?;
            backend.put_position(&step.attentional, position, &mut whole.attentional)?;
            for (step, whole) in [(&step.query, &mut whole.query), (&step.position, &mut whole.position)] {
                if let (Some(step), Some(whole)) = (step, whole) {
                    backend.put_position(step, position, whole)?;
                }
            }
        }
        decoded.feeds = Some(feeds);
        Ok(())
    }

    /// Backward over the targets, from d_h̃ as the generator read it: the gradients of the memory and of the first
    /// state of every layer.
    pub fn decode_backward(
        &self,
        encoded: &Encoded<B>,
        mut decoded: Decoded<B>,
        mut d_attentional: B::Tensor,
        gradients: &mut [B::Tensor],
    ) -> Result<(B::Tensor, Vec<InitialGradient<B>>)> {
        let (backend, batch, len) = (self.backend, decoded.batch, decoded.len);
        let hidden = self.config.decoder.hidden_size;
        self.dropout(Place::Attentional, &mut d_attentional)?;
        let mut d = AttendedGradients::zeros(self, batch * len)?;
        let mut d_scores = backend.zeros(batch * len, encoded.len + 1)?;
        let mut carries: Vec<B::Tensor> =
            self.slots.decoder.iter().map(|_| backend.zeros(batch, hidden)).collect::<Result<_>>()?;

        let first = self.slots.decoder.first().ok_or_else(no_layers)?;
        match first.feed {
            Some(feed) => self.decode_stepwise_backward(
                encoded,
                feed,
                &mut decoded,
                &mut d_attentional,
                &mut d_scores,
                &mut d,
                &mut carries,
                gradients,
            )?,
            None => {
                let Decoded { keys, weights, attended, .. } = &decoded;
                let query = decoded.query();
                self.attend_backward(
                    encoded,
                    keys,
                    query,
                    0,
                    weights,
                    attended,
                    &mut d_attentional,
                    &mut d_scores,
                    &mut d,
                )?;
                self.decode_at_once_backward(&mut decoded, &d.d_hidden, &mut carries, gradients)?;
            }
        }
        let (table, d_gates) = (self.slots.target_embedding, (&decoded.layers[0].gates, batch * len));
        self.embed_backward(table, Place::Target, &decoded.embedded, first, d_gates, gradients)?;

        let Decoded { keys, weights, attended, .. } = &decoded;
        let query = decoded.query();
        let d_memory =
            self.attention_backward(encoded, keys, query, weights, attended, &d_attentional, &d_scores, &d, gradients)?;
        let mut d_initial = Vec::new();
        if self.config.bridge != Bridge::Zeros {
            for ((layer, sequence), carry) in self.slots.decoder.iter().zip(&decoded.layers).zip(carries) {
                let mut d_hidden = backend.zeros(batch, hidden)?;
                let (weight_hh, lengths) = (self.value(layer.weight_hh), &decoded.lengths);
                backend.recurrent_initial_backward(layer.gates, weight_hh, lengths, sequence, &carry, &mut d_hidden)?;
                // A GRU's carry is part of its hidden state's gradient, and no cell's.
                let cell = if self.config.cell.has_cell() { carry } else { backend.zeros(batch, hidden)? };
                d_initial.push(InitialGradient { hidden: d_hidden, cell });
            }
        }
        Ok((d_memory, d_initial))
    }

    /// The recurrent layers, from the top one's d_h.
    fn decode_at_once_backward(
        &self,
        decoded: &mut Decoded<B>,
        d_query: &B::Tensor,
        carries: &mut [B::Tensor],
        gradients: &mut [B::Tensor],
    ) -> Result<()> {
        let (backend, len) = (self.backend, decoded.len);
        let mut d_above: Option<B::Tensor> = None;
        for (index, layer) in self.slots.decoder.iter().enumerate().rev() {
            let d_output = d_above.as_ref().unwrap_or(d_query);
            let (sequence, carry) = (&mut decoded.layers[index], &mut carries[index]);
            let (weight_hh, lengths) = (self.value(layer.weight_hh), &decoded.lengths);
            backend.recurrent_backward(layer.gates, weight_hh, lengths, 0..len, d_output, None, sequence, carry)?;
            backend.recurrent_weight_backward(layer.gates, sequence, &mut gradients[layer.weight_hh])?;
            if index > 0 {
                let d_gates = &decoded.layers[index].gates;
                self.input_weights_backward(layer, d_gates, decoded.input(index), gradients)?;
                let mut d_input = backend.zeros(decoded.batch * len, self.config.decoder.hidden_size)?;
                backend.matmul_nn(d_gates, self.value(layer.weight_ih), false, &mut d_input)?;
                self.dropout(Place::Decoder(index - 1, 0), &mut d_input)?;
                d_above = Some(d_input);
            }
        }
        Ok(())
    }

    /// With input feeding the last position comes first, as a whole.
    #[expect(clippy::too_many_arguments, reason = "all that forward computed, with its gradients")]
    fn decode_stepwise_backward(
        &self,
        encoded: &Encoded<B>,
        feed: usize,
        decoded: &mut Decoded<B>,
        d_attentional: &mut B::Tensor,
        d_scores: &mut B::Tensor,
        d: &mut AttendedGradients<B>,
        carries: &mut [B::Tensor],
        gradients: &mut [B::Tensor],
    ) -> Result<()> {
        let (backend, batch, len) = (self.backend, decoded.batch, decoded.len);
        let hidden = self.config.decoder.hidden_size;
        let rows = || backend.zeros(batch, hidden);
        let mut d_outputs: Vec<B::Tensor> =
            self.slots.decoder.iter().map(|_| backend.zeros(batch * len, hidden)).collect::<Result<_>>()?;
        let (mut query, mut d_step) = (rows()?, rows()?);
        // The gradients of the first layer's sums at the position after this one.
        let mut d_later: Option<B::Tensor> = None;
        for position in (0..len).rev() {
            backend.take_position(d_attentional, position, &mut d_step)?;
            if let Some(d_later) = &d_later {
                backend.matmul_nn(d_later, self.value(feed), true, &mut d_step)?;
            }
            let step = self.attended_at(decoded, position)?;
            let mut d_attended = AttendedGradients::zeros(self, batch)?;
            backend.take_position(decoded.query(), position, &mut query)?;
            self.attend_backward(
                encoded,
                &decoded.keys,
                &query,
                position,
                &decoded.weights,
                &step,
                &mut d_step,
                d_scores,
                &mut d_attended,
            )?;
            backend.put_position(&d_step, position, d_attentional)?;
            backend.put_position(&d_attended.d_context, position, &mut d.d_context)?;
            for (step, whole) in [(&d_attended.d_query, &mut d.d_query), (&d_attended.d_position, &mut d.d_position)] {
                if let (Some(step), Some(whole)) = (step, whole) {
                    backend.put_position(step, position, whole)?;
                }
            }
            let mut d_output = d_attended.d_hidden;
            for (index, layer) in self.slots.decoder.iter().enumerate().rev() {
                backend.put_position(&d_output, position, &mut d_outputs[index])?;
                let sequence = &mut decoded.layers[index];
                let (weight_hh, lengths, steps) =
                    (self.value(layer.weight_hh), &decoded.lengths, position..position + 1);
                let (d_outputs, carry) = (&d_outputs[index], &mut carries[index]);
                backend.recurrent_backward(layer.gates, weight_hh, lengths, steps, d_outputs, None, sequence, carry)?;
                let mut d_gates = backend.zeros(batch, layer.gates.cols())?;
                backend.take_position(&sequence.gates, position, &mut d_gates)?;
                if index == 0 {
                    d_later = Some(d_gates);
                    break;
                }
                d_output = rows()?;
                backend.matmul_nn(&d_gates, self.value(layer.weight_ih), false, &mut d_output)?;
                self.dropout(Place::Decoder(index - 1, position), &mut d_output)?;
            }
        }
        for (index, layer) in self.slots.decoder.iter().enumerate() {
            let sequence = &decoded.layers[index];
            backend.recurrent_weight_backward(layer.gates, sequence, &mut gradients[layer.weight_hh])?;
            match &decoded.feeds {
                Some(feeds) if index == 0 => {
                    let skipped = layer.gates.skipped_of_input();
                    backend.matmul_tn(&sequence.gates, feeds, skipped, &mut gradients[feed], None)?;
                }
                _ => self.input_weights_backward(layer, &sequence.gates, decoded.input(index), gradients)?,
            }
        }
        Ok(())
    }

    /// What attention computed at one position.
    fn attended_at(&self, decoded: &Decoded<B>, position: usize) -> Result<Attended<B>> {
        let (mut step, whole) = (Attended::zeros(self, decoded.batch)?, &decoded.attended);
        self.backend.take_position(&whole.attentional, position, &mut step.attentional)?;
        for (step, whole) in [(&mut step.query, &whole.query), (&mut step.position, &whole.position)] {
            if let (Some(step), Some(whole)) = (step, whole) {
                self.backend.take_position(whole, position, step)?;
            }
        }
        Ok(step)
    }
}
