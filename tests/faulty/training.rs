//! Training on the faulty CPU: of its faults, those of lengths and of what is read.

use std::ops::Range;

use seq2seq::Result;
use seq2seq::backend::{
    Activation, Attention, AttentionGradients, Dropout, GateLayout, GeneratorGradients, LossOptions, Occurrences,
    Sequence, Skipped, State, Training, Update,
};

use super::{Faulty, Ids, Inner, Tensor, attention, state};

/// A sequence of the CPU's like this one.
fn sequence(from: &Sequence<Faulty>) -> Sequence<Inner> {
    Sequence {
        gates: from.gates.clone(),
        previous: from.previous.clone(),
        previous_cell: from.previous_cell.clone(),
        output: from.output.clone(),
        last: state(&from.last),
    }
}

/// Writes to a sequence of the CPU's, then moves that here.
fn written(into: &mut Sequence<Faulty>, write: impl FnOnce(&mut Sequence<Inner>) -> Result<()>) -> Result<()> {
    let mut inner = sequence(into);
    write(&mut inner)?;
    let Sequence { gates, previous, previous_cell, output, last } = inner;
    let last = State { hidden: last.hidden, cell: last.cell };
    *into = Sequence { gates, previous, previous_cell, output, last };
    Ok(())
}

impl Training for Faulty {
    type Arena = <Inner as Training>::Arena;

    fn arena(&self, shapes: &[[usize; 2]]) -> Result<Self::Arena> {
        self.inner.arena(shapes)
    }

    fn write(&self, tensor: &mut Tensor, data: &[f64]) -> Result<()> {
        self.inner.write(tensor, data)
    }

    fn matmul_nt(
        &self,
        a: &Tensor,
        b: &Tensor,
        bias: Option<&Tensor>,
        activation: Activation,
        accumulate: bool,
        out: &mut Tensor,
    ) -> Result<()> {
        self.inner.matmul_nt(a, b, bias, activation, accumulate, out)
    }

    fn matmul_nn(&self, a: &Tensor, b: &Tensor, accumulate: bool, out: &mut Tensor) -> Result<()> {
        self.inner.matmul_nn(a, b, accumulate, out)
    }

    fn matmul_tn(
        &self,
        a: &Tensor,
        b: &Tensor,
        skipped: Option<Skipped>,
        out: &mut Tensor,
        sums: Option<&mut Tensor>,
    ) -> Result<()> {
        self.inner.matmul_tn(a, b, skipped, out, sums)
    }

    fn dropout(&self, dropout: Dropout, y: &mut Tensor) -> Result<()> {
        self.inner.dropout(dropout, y)
    }

    fn tanh_backward(&self, y: &Tensor, d_y: &mut Tensor) -> Result<()> {
        self.inner.tanh_backward(y, d_y)
    }

    fn take_position(&self, sequence: &Tensor, position: usize, out: &mut Tensor) -> Result<()> {
        self.inner.take_position(sequence, position, out)
    }

    fn put_position(&self, rows: &Tensor, position: usize, sequence: &mut Tensor) -> Result<()> {
        self.inner.put_position(rows, position, sequence)
    }

    fn embedding_backward(&self, occurrences: &Occurrences<Self>, d_out: &Tensor, d_table: &mut Tensor) -> Result<()> {
        let Occurrences { symbols, starts, rows, count } = occurrences;
        let (symbols, starts, rows) = (symbols.clone(), starts.clone(), rows.clone());
        self.inner.embedding_backward(&Occurrences { symbols, starts, rows, count: *count }, d_out, d_table)
    }

    fn recurrent_begin(
        &self,
        layout: GateLayout,
        lengths: &Ids,
        initial: &State<Self>,
        sequence: &mut Sequence<Self>,
    ) -> Result<()> {
        let (lengths, initial) = (self.lengths(lengths)?, state(initial));
        written(sequence, |sequence| self.inner.recurrent_begin(layout, &lengths, &initial, sequence))
    }

    fn recurrent_forward(
        &self,
        layout: GateLayout,
        weight_hh: &Tensor,
        lengths: &Ids,
        steps: Range<usize>,
        sequence: &mut Sequence<Self>,
    ) -> Result<()> {
        let lengths = self.lengths(lengths)?;
        written(sequence, |sequence| self.inner.recurrent_forward(layout, weight_hh, &lengths, steps, sequence))
    }

    fn recurrent_backward(
        &self,
        layout: GateLayout,
        weight_hh: &Tensor,
        lengths: &Ids,
        steps: Range<usize>,
        d_output: &Tensor,
        d_last: Option<&Tensor>,
        sequence: &mut Sequence<Self>,
        carry: &mut Tensor,
    ) -> Result<()> {
        let lengths = self.lengths(lengths)?;
        written(sequence, |sequence| {
            self.inner.recurrent_backward(layout, weight_hh, &lengths, steps, d_output, d_last, sequence, carry)
        })
    }

    fn recurrent_initial_backward(
        &self,
        layout: GateLayout,
        weight_hh: &Tensor,
        lengths: &Ids,
        given: &Sequence<Self>,
        carry: &Tensor,
        d_initial: &mut Tensor,
    ) -> Result<()> {
        let lengths = self.lengths(lengths)?;
        self.inner.recurrent_initial_backward(layout, weight_hh, &lengths, &sequence(given), carry, d_initial)
    }

    fn recurrent_weight_backward(
        &self,
        layout: GateLayout,
        given: &Sequence<Self>,
        d_weight_hh: &mut Tensor,
    ) -> Result<()> {
        self.inner.recurrent_weight_backward(layout, &sequence(given), d_weight_hh)
    }

    fn attention_backward(
        &self,
        given: &Attention<'_, Self>,
        weights: &Tensor,
        first_row: usize,
        d_context: &Tensor,
        gradients: AttentionGradients<'_, Self>,
    ) -> Result<()> {
        let lengths = self.lengths(given.lengths)?;
        let AttentionGradients { d_scores, d_query, d_position } = gradients;
        let gradients = AttentionGradients { d_scores, d_query, d_position };
        self.inner.attention_backward(&attention(given, &lengths), weights, first_row, d_context, gradients)
    }

    fn attention_memory_backward(
        &self,
        given: &Attention<'_, Self>,
        weights: &Tensor,
        d_scores: &Tensor,
        d_context: &Tensor,
        d_keys: Option<&mut Tensor>,
        d_memory: &mut Tensor,
        d_vectors: Option<&mut Tensor>,
    ) -> Result<()> {
        let lengths = self.lengths(given.lengths)?;
        let given = attention(given, &lengths);
        self.inner.attention_memory_backward(&given, weights, d_scores, d_context, d_keys, d_memory, d_vectors)
    }

    fn generator_loss(
        &self,
        attentional: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        targets: &Ids,
        options: LossOptions,
        loss: &mut Tensor,
        gradients: Option<GeneratorGradients<'_, Self>>,
    ) -> Result<()> {
        let gradients = gradients.map(|GeneratorGradients { d_attentional, d_weight, d_bias }| GeneratorGradients {
            d_attentional,
            d_weight,
            d_bias,
        });
        self.inner.generator_loss(attentional, weight, bias, targets, options, loss, gradients)
    }

    fn gradient_norm(&self, gradients: &Self::Arena, norm: &mut Tensor) -> Result<()> {
        self.inner.gradient_norm(gradients, norm)
    }

    fn update(
        &self,
        update: &Update,
        norm: &Tensor,
        values: &mut Self::Arena,
        gradients: &mut Self::Arena,
        moments: &mut [Self::Arena; 2],
        average: Option<&mut Self::Arena>,
    ) -> Result<()> {
        self.inner.update(update, norm, values, gradients, moments, average)
    }
}
