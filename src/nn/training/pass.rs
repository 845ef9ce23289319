//! What forward and backward of all layers work with.

use super::layout::{LinearSlots, RecurrentSlots, Slot, Slots};
use crate::backend::{Activation, Dropout, Sequence, State, Training, pcg};
use crate::model::Config;
use crate::{Error, Result};

/// How one batch is learnt from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepOptions {
    /// The share of embeddings, of outputs between layers and of attentional states that is dropped.
    pub dropout: f32,
    /// ε of label smoothing.
    pub smoothing: f32,
    /// What the masks of dropout depend on: another number for every batch.
    pub seed: u32,
    /// What the gradients are multiplied by: one over the target tokens of all batches of the step.
    pub scale: f32,
}

/// One batch on its way through the model.
#[derive(Debug)]
pub struct Pass<'a, B: Training> {
    pub backend: &'a B,
    pub config: &'a Config,
    pub slots: &'a Slots,
    /// (rows, cols) of every slot.
    pub shapes: &'a [[usize; 2]],
    pub values: &'a [B::Tensor],
    pub options: StepOptions,
}

/// Where elements are dropped, so that every place has a mask of its own.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// The embeddings of the source.
    Source,
    /// The embeddings of the target.
    Target,
    /// The output of an encoder layer.
    Encoder(usize),
    /// The output of a decoder layer, of one position where they are computed one by one.
    Decoder(usize, usize),
    /// The attentional states that the generator reads.
    Attentional,
}

impl<B: Training> Pass<'_, B> {
    /// The matrix of a slot.
    pub fn value(&self, slot: Slot) -> &B::Tensor {
        &self.values[slot]
    }

    /// Drops elements, or the gradients of those that were dropped.
    pub fn dropout(&self, place: Place, y: &mut B::Tensor) -> Result<()> {
        if !self.drops() {
            return Ok(());
        }
        let number = match place {
            Place::Source => 0,
            Place::Target => 1,
            Place::Attentional => 2,
            Place::Encoder(layer) => 3 + 2 * layer,
            Place::Decoder(layer, position) => 4 + 2 * layer + position * 1_000_003,
        };
        let seed = pcg(self.options.seed.wrapping_add(pcg(number as u32)));
        self.backend.dropout(Dropout { rate: self.options.dropout, seed }, y)
    }

    /// Whether there is dropout at all.
    pub fn drops(&self) -> bool {
        self.options.dropout > 0.0
    }

    /// W x + b of a recurrent layer's input, into the gates of rows.
    pub fn input_sums(&self, layer: &RecurrentSlots, input: &B::Tensor, gates: &mut B::Tensor) -> Result<()> {
        let bias = Some(self.value(layer.bias));
        self.backend.matmul_nt(input, self.value(layer.weight_ih), bias, Activation::Identity, false, gates)
    }

    /// A sequence of a layer that begins with `initial`, or with zeros.
    pub fn sequence(
        &self,
        layer: &RecurrentSlots,
        initial: Option<&State<B>>,
        lengths: &B::Ids,
        batch: usize,
        len: usize,
    ) -> Result<Sequence<B>> {
        let mut sequence = Sequence::zeros(self.backend, layer.gates, batch, len)?;
        if let Some(initial) = initial {
            self.backend.recurrent_begin(layer.gates, lengths, initial, &mut sequence)?;
        }
        Ok(sequence)
    }

    /// A copy.
    pub fn copy(&self, from: &B::Tensor, rows: usize, cols: usize) -> Result<B::Tensor> {
        let mut copy = self.backend.zeros(rows, cols)?;
        self.backend.take_position(from, 0, &mut copy)?;
        Ok(copy)
    }

    /// d_W += d_yᵀ x and d_b += Σ d_y of a linear layer.
    pub fn linear_backward(
        &self,
        [weight, bias]: LinearSlots,
        d_y: &B::Tensor,
        x: &B::Tensor,
        gradients: &mut [B::Tensor],
    ) -> Result<()> {
        let [d_weight, d_bias] = disjoint(gradients, [weight, bias])?;
        self.backend.matmul_tn(d_y, x, None, d_weight, Some(d_bias))
    }

    /// The gradients of W_ih and b, from those of the gates' sums and what W_ih was multiplied with.
    pub fn input_weights_backward(
        &self,
        layer: &RecurrentSlots,
        d_gates: &B::Tensor,
        input: &B::Tensor,
        gradients: &mut [B::Tensor],
    ) -> Result<()> {
        let [d_weight, d_bias] = disjoint(gradients, [layer.weight_ih, layer.bias])?;
        self.backend.matmul_tn(d_gates, input, layer.gates.skipped_of_input(), d_weight, Some(d_bias))
    }
}

/// Two matrices that are written at once.
pub fn disjoint<T>(tensors: &mut [T], slots: [Slot; 2]) -> Result<[&mut T; 2]> {
    let found = tensors.len();
    tensors.get_disjoint_mut(slots).map_err(|_| Error::Shape {
        operation: "training",
        what: "slots of the arena",
        expected: slots[0].max(slots[1]) + 1,
        found,
    })
}

/// A stack without layers, which no configuration that was checked asks for.
pub fn no_layers() -> Error {
    Error::Shape { operation: "training", what: "recurrent layers", expected: 1, found: 0 }
}
