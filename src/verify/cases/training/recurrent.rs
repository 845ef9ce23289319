//! `recurrent_begin`, `recurrent_forward`, and the three operations backward.

use std::fmt;

use super::super::operation::{Operation, Output, Values, Work, count};
use super::super::recurrent::Gates;
use super::super::recurrent::cell_name;
use crate::backend::{GateLayout, Sequence, State, Training};
use crate::model::Cell;
use crate::verify::inputs::Inputs;
use crate::{Array, Result};

/// Which operation runs; what stands before it is prepared by the backend itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub enum SequencePart {
    /// The state before the first position.
    Begin,
    /// The steps.
    Forward,
    /// The steps backward.
    Backward,
    /// The gradient of the initial state.
    Initial,
    /// The gradient of the weights.
    Weight,
}

/// A recurrent layer while it learns.
#[derive(Clone, Copy, Debug)]
pub struct SequenceCase {
    /// What of it runs.
    pub part: SequencePart,
    /// Which cell.
    pub cell: Cell,
    /// 1 or 2.
    pub directions: usize,
    /// Units of a direction.
    pub hidden: usize,
    /// Sentences.
    pub batch: usize,
    /// Positions of the longest.
    pub len: usize,
    /// Whether the other sentences are shorter.
    pub ragged: bool,
    /// Whether there is a state before the first position.
    pub initial: bool,
    /// Whether the last state has a gradient.
    pub last: bool,
    /// Whether each step is asked for alone.
    pub stepwise: bool,
    /// Where its gates stand.
    pub gates: Gates,
}

/// Inputs and outputs of [`SequenceCase`].
#[derive(Debug)]
pub struct SequenceReady<B: Training> {
    weight_hh: B::Tensor,
    lengths: B::Ids,
    initial: State<B>,
    sequence: Sequence<B>,
    d_output: B::Tensor,
    d_last: Option<B::Tensor>,
    carry: B::Tensor,
    d_initial: B::Tensor,
    d_weight_hh: B::Tensor,
}

impl SequenceCase {
    fn layout(&self) -> GateLayout {
        GateLayout { cell: self.cell, hidden: self.hidden, directions: self.directions }
    }

    /// Whether column `index` of the gates, or row `index` of W_hh, is a unit's and not padding.
    fn is_unit(&self, index: usize) -> bool {
        index % self.layout().padded() < self.hidden
    }

    /// W_hh in rows as [`GateLayout`] has them.
    fn weight_hh(&self, inputs: &Inputs) -> Array {
        let layout = self.layout();
        let scale = 1.5 / (self.hidden as f32).sqrt();
        let mut weight = inputs.array("weight_hh", [layout.cols(), self.hidden], scale);
        for (row, weights) in weight.data.chunks_exact_mut(self.hidden).enumerate() {
            if !self.is_unit(row) || layout.skipped_of_hidden().is_some_and(|skipped| skipped.contains(row)) {
                weights.fill(0.0);
            }
        }
        weight
    }

    /// W_ih x + b
    fn sums(&self, inputs: &Inputs) -> Array {
        let layout = self.layout();
        let cols = layout.cols();
        let shape = [self.batch * self.len, cols];
        let mut sums = match self.gates {
            Gates::Ordinary => inputs.array("gates", shape, 1.5),
            Gates::Saturated => inputs.steps("gates", shape, 5000.0),
        };
        for (index, sum) in sums.data.iter_mut().enumerate() {
            if !self.is_unit(index % cols) {
                *sum = 0.0;
            } else if layout.skipped_of_input().is_some_and(|skipped| skipped.contains(index % cols)) {
                // n_h of a GRU: the sum of two large numbers that cancel would round away all the rest.
                *sum = sum.clamp(-1.0, 1.0);
            }
        }
        sums
    }

    fn begin<B: Training>(&self, backend: &B, ready: &mut SequenceReady<B>) -> Result<()> {
        if !self.initial {
            return Ok(());
        }
        backend.recurrent_begin(self.layout(), &ready.lengths, &ready.initial, &mut ready.sequence)
    }

    fn forward<B: Training>(&self, backend: &B, ready: &mut SequenceReady<B>) -> Result<()> {
        let SequenceReady { weight_hh, lengths, sequence, .. } = ready;
        let size = if self.stepwise { 1 } else { self.len };
        for first in (0..self.len).step_by(size) {
            backend.recurrent_forward(self.layout(), weight_hh, lengths, first..first + size, sequence)?;
        }
        Ok(())
    }

    fn backward<B: Training>(&self, backend: &B, ready: &mut SequenceReady<B>) -> Result<()> {
        let SequenceReady { weight_hh, lengths, sequence, d_output, d_last, carry, .. } = ready;
        let (layout, d_last) = (self.layout(), d_last.as_ref());
        let size = if self.stepwise { 1 } else { self.len };
        for first in (0..self.len).step_by(size).rev() {
            let steps = first..first + size;
            backend.recurrent_backward(layout, weight_hh, lengths, steps, d_output, d_last, sequence, carry)?;
        }
        Ok(())
    }
}

impl fmt::Display for SequenceCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cell, directions, hidden, batch, len, .. } = self;
        let directions = if *directions == 2 { "both directions" } else { "one direction" };
        write!(f, "{}, {directions}, batch {batch}, length {len}, hidden {hidden}", cell_name(*cell))?;
        for (said, word) in [
            (self.ragged, "ragged"),
            (self.initial, "initial state"),
            (self.last, "last state"),
            (self.stepwise, "step by step"),
            (self.gates == Gates::Saturated, "saturated gates"),
        ] {
            if said {
                write!(f, ", {word}")?;
            }
        }
        Ok(())
    }
}

impl Operation for SequenceCase {
    type Ready<B: Training> = SequenceReady<B>;

    fn name(&self) -> &'static str {
        match self.part {
            SequencePart::Begin => "recurrent_begin",
            SequencePart::Forward => "recurrent_forward",
            SequencePart::Backward => "recurrent_backward",
            SequencePart::Initial => "recurrent_initial_backward",
            SequencePart::Weight => "recurrent_weight_backward",
        }
    }

    fn prepare<B: Training>(&self, backend: &B, inputs: &Inputs) -> Result<Self::Ready<B>> {
        let Self { part, cell, batch, len, .. } = *self;
        let (layout, rows) = (self.layout(), batch * len);
        let size = self.directions * self.hidden;
        let lengths = if self.ragged { inputs.lengths(batch, len) } else { vec![len as u32; batch] };
        let state = |name: &str| backend.upload(&inputs.array(name, [batch, size], 0.9));
        let mut sequence = Sequence::zeros(backend, layout, batch, len)?;
        sequence.gates = backend.upload(&self.sums(inputs))?;
        let mut ready = SequenceReady {
            weight_hh: backend.upload(&self.weight_hh(inputs))?,
            lengths: backend.upload_ids(&inputs.told(lengths))?,
            initial: State {
                hidden: state("hidden")?,
                cell: if cell.has_cell() { Some(state("cell")?) } else { None },
            },
            sequence,
            d_output: backend.upload(&inputs.array("d_output", [rows, size], 1.0))?,
            d_last: if self.last { Some(state("d_last")?) } else { None },
            carry: if cell.has_cell() && self.last { state("carry")? } else { backend.zeros(batch, size)? },
            d_initial: state("d_initial")?,
            d_weight_hh: backend.upload(&inputs.array("d_weight_hh", [layout.cols(), self.hidden], 1.0))?,
        };
        if part > SequencePart::Begin {
            self.begin(backend, &mut ready)?;
        }
        if part > SequencePart::Forward {
            self.forward(backend, &mut ready)?;
        }
        if part > SequencePart::Backward {
            self.backward(backend, &mut ready)?;
        }
        Ok(ready)
    }

    async fn run<B: Training>(&self, backend: &B, ready: &mut Self::Ready<B>) -> Result<()> {
        let layout = self.layout();
        match self.part {
            SequencePart::Begin => self.begin(backend, ready),
            SequencePart::Forward => self.forward(backend, ready),
            SequencePart::Backward => self.backward(backend, ready),
            SequencePart::Initial => {
                let SequenceReady { weight_hh, lengths, sequence, carry, d_initial, .. } = ready;
                backend.recurrent_initial_backward(layout, weight_hh, lengths, sequence, carry, d_initial)
            }
            SequencePart::Weight => backend.recurrent_weight_backward(layout, &ready.sequence, &mut ready.d_weight_hh),
        }
    }

    async fn outputs<B: Training>(&self, backend: &B, ready: &Self::Ready<B>) -> Result<Vec<Output>> {
        let Self { batch, len, directions, hidden, .. } = *self;
        let layout = self.layout();
        let (size, padded) = (directions * hidden, directions * layout.padded());
        let SequenceReady { sequence, carry, d_initial, d_weight_hh, .. } = ready;
        let gates = async || Output::read(backend, "gates", [batch, len, layout.cols()], &sequence.gates).await;
        let mut outputs = Vec::new();
        match self.part {
            SequencePart::Begin => {}
            SequencePart::Forward => {
                let mut gates = gates().await?;
                if let Values::Numbers(gates) = &mut gates.values {
                    // What stands in the padding of gates is never read.
                    let padding = |index: &usize| !self.is_unit(index % layout.cols());
                    (0..gates.data.len()).filter(padding).for_each(|index| gates.data[index] = 0.0);
                }
                outputs.push(gates);
                outputs.push(Output::read(backend, "output", [batch, len, size], &sequence.output).await?);
                outputs.push(Output::read(backend, "last hidden", [batch, size], &sequence.last.hidden).await?);
                if let Some(cell) = &sequence.last.cell {
                    outputs.push(Output::read(backend, "last cell", [batch, size], cell).await?);
                }
            }
            SequencePart::Backward => {
                outputs.push(gates().await?);
                outputs.push(Output::read(backend, "carry", [batch, size], carry).await?);
            }
            SequencePart::Initial => {
                outputs.push(Output::read(backend, "d_initial", [batch, size], d_initial).await?);
            }
            SequencePart::Weight => {
                outputs.push(Output::read(backend, "d_weight_hh", [layout.cols(), hidden], d_weight_hh).await?);
            }
        }
        if self.part <= SequencePart::Forward {
            outputs.push(Output::read(backend, "previous", [batch, len, padded], &sequence.previous).await?);
            if let Some(cell) = &sequence.previous_cell {
                outputs.push(Output::read(backend, "previous cell", [batch, len, padded], cell).await?);
            }
        }
        Ok(outputs)
    }

    fn work(&self) -> Work {
        let Self { batch, len, hidden, directions, .. } = *self;
        let cols = self.cell.gates() * directions * hidden;
        let (product, weights) = (2.0 * count([batch, cols, hidden]), count([cols, hidden]));
        let (gates, states) = (count([batch, len, cols]), count([batch, len, directions, hidden]));
        match self.part {
            SequencePart::Begin => Work { flops: 0.0, weights: 0.0, values: 2.0 * count([batch, directions, hidden]) },
            SequencePart::Forward | SequencePart::Backward => {
                Work { flops: len as f64 * product, weights, values: 2.0 * (gates + states) }
            }
            SequencePart::Initial => Work { flops: product, weights, values: count([batch, cols + hidden]) },
            SequencePart::Weight => {
                Work { flops: len as f64 * product, weights: 0.0, values: gates + states + 2.0 * weights }
            }
        }
    }
}

pub fn cases<C: From<SequenceCase>>() -> Vec<C> {
    use SequencePart::{Backward, Begin, Forward, Initial, Weight};

    let plain = SequenceCase {
        part: Begin,
        cell: Cell::Tanh,
        directions: 1,
        hidden: 13,
        batch: 6,
        len: 7,
        ragged: true,
        initial: true,
        last: false,
        stepwise: false,
        gates: Gates::Ordinary,
    };
    let mut cases = Vec::new();
    for part in [Begin, Forward, Backward, Initial, Weight] {
        for cell in [Cell::Tanh, Cell::Gru, Cell::Lstm] {
            for directions in [1, 2] {
                let case = SequenceCase { part, cell, directions, ..plain };
                cases.extend([
                    case,
                    SequenceCase { initial: part == Begin, last: true, batch: 5, hidden: 6, ..case },
                    SequenceCase { last: true, stepwise: true, len: 4, hidden: 3, ..case },
                    // One sentence, one position, one unit.
                    SequenceCase { batch: 1, len: 1, hidden: 1, ..case },
                    SequenceCase { batch: 1, len: 5, ragged: false, ..case },
                ]);
            }
            let both = SequenceCase { part, cell, directions: 2, ..plain };
            cases.extend([
                SequenceCase { gates: Gates::Saturated, last: true, ..both },
                // Beyond one tile of sentences and of units.
                SequenceCase { batch: 67, len: 3, hidden: 9, ..both },
                SequenceCase { batch: 3, len: 4, hidden: 69, ..both },
            ]);
        }
    }
    cases.into_iter().map(C::from).collect()
}
