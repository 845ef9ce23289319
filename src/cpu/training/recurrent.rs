//! Recurrent layers for training: forward keeps the gates, backward turns them into the gradients of their sums.
//!
//! Every thread takes some of the sentences through all steps; longest first, so that those still running are the
//! first rows of each product.

use std::ops::Range;
use std::sync::Arc;

use pulp::{Simd, WithSimd};

use super::matmul::{Columns, End, kept, multiply_columns};
use crate::backend::{GateLayout, Sequence, State};
use crate::config::Cell;
use crate::cpu::instructions::Instructions;
use crate::cpu::memory::Scratch;
use crate::cpu::panels::{Packed, Rows};
use crate::cpu::parallel;
use crate::cpu::processor::Cpu;
use crate::cpu::simd::Lanes;
use crate::cpu::simd::lanes;
use crate::cpu::tensor::{Matrix, Packing};
use crate::{Error, Result};

/// Multiplications of a step that are worth another thread.
const WORTH: usize = 400_000;

/// Which rows are whose.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    layout: GateLayout,
    batch: usize,
    len: usize,
}

impl Sizes {
    fn check<T: Lanes>(
        operation: &'static str,
        layout: GateLayout,
        weight_hh: &Matrix<T>,
        lengths: &[u32],
        sequence: &Sequence<Cpu<T>>,
    ) -> Result<Self> {
        let check = |what, expected, found| Error::check(operation, what, expected, found);
        let batch = lengths.len();
        let len = sequence.gates.rows / batch.max(1);
        let (units, padded) = (layout.directions * layout.hidden, layout.directions * layout.padded());
        check("weight_hh rows", layout.cols(), weight_hh.rows)?;
        check("weight_hh columns", layout.hidden, weight_hh.cols)?;
        check("gates rows", batch * len, sequence.gates.rows)?;
        check("gates columns", layout.cols(), sequence.gates.cols)?;
        check("previous rows", batch * len, sequence.previous.rows)?;
        check("previous columns", padded, sequence.previous.cols)?;
        check("output rows", batch * len, sequence.output.rows)?;
        check("output columns", units, sequence.output.cols)?;
        check("cells", usize::from(layout.cell.has_cell()), usize::from(sequence.previous_cell.is_some()))?;
        for state in [Some(&sequence.last.hidden), sequence.last.cell.as_ref()].into_iter().flatten() {
            check("last rows", batch, state.rows)?;
            check("last columns", units, state.cols)?;
        }
        if let Some(&length) = lengths.iter().find(|&&length| length as usize > len) {
            check("length", len, length as usize)?;
        }
        Ok(Self { layout, batch, len })
    }

    /// The row of a sentence's step within the sentence.
    fn position(&self, direction: usize, length: usize, step: usize) -> usize {
        if direction == 0 { step } else { length - 1 - step }
    }

    /// Threads that a step is divided among.
    fn threads(&self) -> usize {
        let work = self.batch * self.layout.width() * self.layout.hidden;
        parallel::threads().min(work / WORTH + 1).min(self.batch.max(1))
    }

    /// W_hh of every direction, transposed for forward.
    fn transposed<T: Lanes>(&self, instructions: Instructions, weight_hh: &Matrix<T>) -> Arc<[Packed<T>]> {
        let pack = |direction| Packed::transposed(instructions, Columns::all(weight_hh), self.rows(direction));
        weight_hh.data.packed(instructions, Packing::Transposed, self.layout.directions, pack)
    }

    /// W_hh of every direction as it is, for backward.
    fn plain<T: Lanes>(&self, instructions: Instructions, weight_hh: &Matrix<T>) -> Arc<[Packed<T>]> {
        let pack = |direction| {
            let rows: Vec<u32> = self.rows(direction).map(|row| row as u32).collect();
            Packed::rows(instructions, Columns::all(weight_hh), &rows)
        };
        weight_hh.data.packed(instructions, Packing::Plain, self.layout.directions, pack)
    }

    /// The rows of a direction in W_hh.
    fn rows(&self, direction: usize) -> Range<usize> {
        direction * self.layout.width()..(direction + 1) * self.layout.width()
    }
}

/// What belongs to one sentence, in all directions.
struct Sentence<'a, T> {
    length: usize,
    gates: &'a mut [T],
    previous: &'a mut [T],
    /// Empty without a cell, like the last cell.
    previous_cell: &'a mut [T],
    output: &'a mut [T],
    last: &'a mut [T],
    last_cell: &'a mut [T],
    carry: &'a mut [T],
    d_output: &'a [T],
    d_last: &'a [T],
}

/// Rows of a matrix, `each` to a sentence; nothing for each where there is no matrix.
fn cut<T: Lanes>(matrix: Option<&mut Matrix<T>>, each: usize, batch: usize) -> Vec<&mut [T]> {
    match matrix {
        Some(matrix) => matrix.data.chunks_exact_mut((each * matrix.cols).max(1)).collect(),
        None => (0..batch).map(|_| &mut [][..]).collect(),
    }
}

/// The same, to be read.
fn views<T: Lanes>(matrix: Option<&Matrix<T>>, each: usize, batch: usize) -> Vec<&[T]> {
    match matrix {
        Some(matrix) => matrix.data.chunks_exact((each * matrix.cols).max(1)).collect(),
        None => vec![&[]; batch],
    }
}

/// The sentences, dealt out to `threads`, the longest first.
fn deal<'a, T: Lanes>(
    sizes: Sizes,
    threads: usize,
    lengths: &[u32],
    sequence: &'a mut Sequence<Cpu<T>>,
    carry: Option<&'a mut Matrix<T>>,
    d_output: Option<&'a Matrix<T>>,
    d_last: Option<&'a Matrix<T>>,
) -> Vec<Vec<Sentence<'a, T>>> {
    let (batch, len) = (sizes.batch, sizes.len);
    let mut gates = cut(Some(&mut sequence.gates), len, batch).into_iter();
    let mut previous = cut(Some(&mut sequence.previous), len, batch).into_iter();
    let mut previous_cell = cut(sequence.previous_cell.as_mut(), len, batch).into_iter();
    let mut output = cut(Some(&mut sequence.output), len, batch).into_iter();
    let mut last = cut(Some(&mut sequence.last.hidden), 1, batch).into_iter();
    let mut last_cell = cut(sequence.last.cell.as_mut(), 1, batch).into_iter();
    let mut carry = cut(carry, 1, batch).into_iter();
    let (d_output, d_last) = (views(d_output, len, batch), views(d_last, 1, batch));
    let mut sentences: Vec<Sentence<'a, T>> = Vec::with_capacity(batch);
    for (index, &length) in lengths.iter().enumerate() {
        // Each iterator has one part for every sentence; an empty batch has none of anything.
        let next = |parts: &mut std::vec::IntoIter<&'a mut [T]>| parts.next().unwrap_or_default();
        sentences.push(Sentence {
            length: length as usize,
            gates: next(&mut gates),
            previous: next(&mut previous),
            previous_cell: next(&mut previous_cell),
            output: next(&mut output),
            last: next(&mut last),
            last_cell: next(&mut last_cell),
            carry: next(&mut carry),
            d_output: d_output[index],
            d_last: d_last[index],
        });
    }
    sentences.sort_by_key(|sentence| std::cmp::Reverse(sentence.length));
    parallel::dealt(sentences, threads)
}

/// Sentences that have a step `step`.
fn running<T>(sentences: &[Sentence<'_, T>], step: usize) -> usize {
    sentences.partition_point(|sentence| sentence.length > step)
}

impl<T: Lanes> Cpu<T> {
    /// See [`recurrent_begin`](crate::backend::Training::recurrent_begin).
    pub(in crate::cpu) fn recurrent_begin(
        &self,
        layout: GateLayout,
        lengths: &[u32],
        initial: &State<Cpu<T>>,
        sequence: &mut Sequence<Cpu<T>>,
    ) -> Result<()> {
        let len = sequence.previous.rows / lengths.len().max(1);
        let sizes = Sizes { layout, batch: lengths.len(), len };
        Error::check("recurrent_begin", "initial columns", layout.directions * layout.hidden, initial.hidden.cols)?;
        Error::check("recurrent_begin", "initial rows", lengths.len(), initial.hidden.rows)?;
        let (size, padded) = (layout.hidden, layout.padded());
        let begin = |from: &Matrix<T>, to: &mut Matrix<T>| {
            for (sentence, &length) in lengths.iter().enumerate().filter(|(_, length)| **length > 0) {
                for direction in 0..layout.directions {
                    let row = sentence * len + sizes.position(direction, length as usize, 0);
                    let to = &mut to.data[row * layout.directions * padded + direction * padded..][..size];
                    to.copy_from_slice(&from.row(sentence)[direction * size..][..size]);
                }
            }
        };
        begin(&initial.hidden, &mut sequence.previous);
        if let (Some(from), Some(to)) = (&initial.cell, &mut sequence.previous_cell) {
            begin(from, to);
        }
        Ok(())
    }

    /// See [`recurrent_forward`](crate::backend::Training::recurrent_forward).
    pub(in crate::cpu) fn recurrent_forward(
        &self,
        layout: GateLayout,
        weight_hh: &Matrix<T>,
        lengths: &[u32],
        steps: Range<usize>,
        sequence: &mut Sequence<Cpu<T>>,
    ) -> Result<()> {
        let instructions = self.instructions();
        let sizes = Sizes::check("recurrent_forward", layout, weight_hh, lengths, sequence)?;
        let weights = sizes.transposed(instructions, weight_hh);
        let dealt = deal(sizes, sizes.threads(), lengths, sequence, None, None, None);
        parallel::for_each(dealt, |mut sentences| {
            let mut product = Scratch::new(sentences.len() * layout.width());
            for (direction, weights) in weights.iter().enumerate() {
                for step in steps.clone() {
                    let running = running(&sentences, step);
                    if running == 0 {
                        break;
                    }
                    let rows: Vec<u32> = (0..running as u32).collect();
                    let state = direction * layout.padded();
                    let pack = |_: &[u32], inner: Range<usize>, x: &mut Rows<T>| {
                        x.pack(running, inner.len(), |row| {
                            let sentence = &sentences[row];
                            let position = sizes.position(direction, sentence.length, step);
                            let previous = &sentence.previous[position * layout.directions * layout.padded() + state..];
                            &previous[inner.clone()]
                        });
                    };
                    weights.multiply_here(&rows, &pack, End::REPLACE, step % 2 == 1, &mut product);
                    instructions.dispatch(Forward {
                        sizes,
                        direction,
                        step,
                        sentences: &mut sentences[..running],
                        product: &product,
                    });
                }
            }
        });
        Ok(())
    }

    /// See [`recurrent_backward`](crate::backend::Training::recurrent_backward).
    #[expect(clippy::too_many_arguments, reason = "the contract's")]
    pub(in crate::cpu) fn recurrent_backward(
        &self,
        layout: GateLayout,
        weight_hh: &Matrix<T>,
        lengths: &[u32],
        steps: Range<usize>,
        d_output: &Matrix<T>,
        d_last: Option<&Matrix<T>>,
        sequence: &mut Sequence<Cpu<T>>,
        carry: &mut Matrix<T>,
    ) -> Result<()> {
        let instructions = self.instructions();
        const OPERATION: &str = "recurrent_backward";
        let sizes = Sizes::check(OPERATION, layout, weight_hh, lengths, sequence)?;
        Error::check(OPERATION, "d_output rows", sequence.output.rows, d_output.rows)?;
        Error::check(OPERATION, "d_output columns", sequence.output.cols, d_output.cols)?;
        Error::check(OPERATION, "carry rows", sizes.batch, carry.rows)?;
        Error::check(OPERATION, "carry columns", sequence.output.cols, carry.cols)?;
        if let Some(d_last) = d_last {
            Error::check(OPERATION, "d_last rows", sizes.batch, d_last.rows)?;
            Error::check(OPERATION, "d_last columns", sequence.output.cols, d_last.cols)?;
        }
        let weights = sizes.plain(instructions, weight_hh);
        let dealt = deal(sizes, sizes.threads(), lengths, sequence, Some(carry), Some(d_output), d_last);
        parallel::for_each(dealt, |mut sentences| {
            let mut d_hidden = Scratch::new(sentences.len() * layout.hidden);
            for (direction, weights) in weights.iter().enumerate() {
                for step in steps.clone().rev() {
                    let (now, later) = (running(&sentences, step), running(&sentences, step + 1));
                    for sentence in &mut sentences[now..] {
                        let gates = &mut sentence.gates[step * layout.cols() + direction * layout.width()..];
                        gates[..layout.width()].fill(T::ZERO);
                    }
                    let rows: Vec<u32> = (0..later as u32).collect();
                    let pack = |_: &[u32], inner: Range<usize>, x: &mut Rows<T>| {
                        x.pack(later, inner.len(), |row| {
                            let sentence = &sentences[row];
                            let position = sizes.position(direction, sentence.length, step + 1);
                            let gates = &sentence.gates[position * layout.cols() + direction * layout.width()..];
                            &gates[inner.clone()]
                        });
                    };
                    weights.multiply_here(&rows, &pack, End::REPLACE, step % 2 == 1, &mut d_hidden);
                    for (sentence, d_hidden) in sentences[later..now]
                        .iter()
                        .zip(d_hidden[later * layout.hidden..].chunks_exact_mut(layout.hidden))
                    {
                        match sentence.d_last {
                            [] => d_hidden.fill(T::ZERO),
                            d_last => d_hidden.copy_from_slice(&d_last[direction * layout.hidden..][..layout.hidden]),
                        }
                    }
                    let sentences = &mut sentences[..now];
                    instructions.dispatch(Backward { sizes, direction, step, sentences, d_hidden: &mut d_hidden });
                }
            }
        });
        Ok(())
    }

    /// See [`recurrent_initial_backward`](crate::backend::Training::recurrent_initial_backward).
    pub(in crate::cpu) fn recurrent_initial_backward(
        &self,
        layout: GateLayout,
        weight_hh: &Matrix<T>,
        lengths: &[u32],
        sequence: &Sequence<Cpu<T>>,
        carry: &Matrix<T>,
        d_initial: &mut Matrix<T>,
    ) -> Result<()> {
        let instructions = self.instructions();
        const OPERATION: &str = "recurrent_initial_backward";
        let sizes = Sizes::check(OPERATION, layout, weight_hh, lengths, sequence)?;
        let (size, cols) = (layout.hidden, layout.directions * layout.hidden);
        Error::check(OPERATION, "d_initial rows", sizes.batch, d_initial.rows)?;
        Error::check(OPERATION, "d_initial columns", cols, d_initial.cols)?;
        let rows: Vec<u32> = (0..sizes.batch as u32).collect();
        let mut d_hidden = Scratch::new(sizes.batch * size);
        let weights = sizes.plain(instructions, weight_hh);
        for direction in 0..layout.directions {
            let gates = Columns::new(&sequence.gates, direction * layout.width()..(direction + 1) * layout.width());
            let pack = |rows: &[u32], inner: Range<usize>, x: &mut Rows<T>| {
                x.pack(rows.len(), inner.len(), |row| {
                    let sentence = rows[row] as usize;
                    // A sentence without positions has rows of zeros, or none.
                    let length = (lengths[sentence] as usize).max(1);
                    &gates.row(sentence * sizes.len + sizes.position(direction, length, 0))[inner.clone()]
                });
            };
            weights[direction].multiply(&rows, pack, End::REPLACE, &mut d_hidden);
            for (sentence, d_hidden) in d_hidden.chunks_exact(size.max(1)).take(sizes.batch).enumerate() {
                let out = &mut d_initial.data[sentence * cols + direction * size..][..size];
                out.copy_from_slice(d_hidden);
                if layout.cell == Cell::Gru {
                    let carry = &carry.row(sentence)[direction * size..];
                    out.iter_mut().zip(carry).for_each(|(out, &carry)| *out += carry);
                }
            }
        }
        Ok(())
    }

    /// See [`recurrent_weight_backward`](crate::backend::Training::recurrent_weight_backward).
    pub(in crate::cpu) fn recurrent_weight_backward(
        &self,
        layout: GateLayout,
        sequence: &Sequence<Cpu<T>>,
        d_weight_hh: &mut Matrix<T>,
    ) -> Result<()> {
        let instructions = self.instructions();
        const OPERATION: &str = "recurrent_weight_backward";
        Error::check(OPERATION, "d_weight_hh rows", layout.cols(), d_weight_hh.rows)?;
        Error::check(OPERATION, "d_weight_hh columns", layout.hidden, d_weight_hh.cols)?;
        let width = layout.width();
        let kept = kept(layout.cols(), layout.skipped_of_hidden());
        for direction in 0..layout.directions {
            let rows = direction * width..(direction + 1) * width;
            let gates = Columns::new(&sequence.gates, rows.clone());
            let first = direction * layout.padded();
            let previous = Columns::new(&sequence.previous, first..first + layout.hidden);
            let kept: Vec<u32> = kept.iter().copied().filter(|&row| rows.contains(&(row as usize))).collect();
            multiply_columns(instructions, gates, previous, &kept, rows.start, &mut d_weight_hh.data);
        }
        Ok(())
    }
}

/// The gates and the new state of some sentences in one step, from W_hh h_{t−1}.
struct Forward<'s, 'a, T> {
    sizes: Sizes,
    direction: usize,
    step: usize,
    sentences: &'s mut [Sentence<'a, T>],
    /// (sentences, width)
    product: &'s [T],
}

impl<T: Lanes> WithSimd for Forward<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let GateLayout { cell, hidden, directions } = self.sizes.layout;
        let layout = self.sizes.layout;
        let (padded, lanes) = (layout.padded(), lanes::<T, S>());
        let products = self.product.chunks_exact(layout.width());
        for (sentence, product) in self.sentences.iter_mut().zip(products) {
            let position = self.sizes.position(self.direction, sentence.length, self.step);
            let gates = &mut sentence.gates[position * layout.cols() + self.direction * layout.width()..];
            let gates = &mut gates[..layout.width()];
            let output = &mut sentence.output[position * directions * hidden + self.direction * hidden..][..hidden];
            let here = position * directions * padded + self.direction * padded;
            // Where the next step finds the state; behind the last step there is none.
            let next = (self.step + 1 < sentence.length).then(|| {
                let position = self.sizes.position(self.direction, sentence.length, self.step + 1);
                position * directions * padded + self.direction * padded
            });
            let last = self.direction * hidden;
            let mut unit = 0;
            while unit < padded {
                let count = lanes.min(padded - unit);
                // Registers may be narrower than the padding: some units are not there at all.
                let there = unit.min(hidden)..hidden.min(unit + count);
                let at = |block: usize| block * padded + unit..block * padded + unit + count;
                let sum = |gates: &[T], block: usize| {
                    T::plus(simd, T::load(simd, &gates[at(block)]), T::load(simd, &product[at(block)]))
                };
                let h;
                match cell {
                    Cell::Tanh => {
                        h = T::tanh_register(simd, sum(gates, 0));
                        T::store(simd, &mut gates[at(0)], h);
                    }
                    Cell::Gru => {
                        // The two halves of the candidate: W_in x + b_in, and W_hn h + b_hn.
                        let (n_input, n_hidden) = (T::load(simd, &gates[at(0)]), sum(gates, 3));
                        let r = T::sigmoid_register(simd, sum(gates, 1));
                        let z = T::sigmoid_register(simd, sum(gates, 2));
                        let n = T::tanh_register(simd, T::times_plus(simd, r, n_hidden, n_input));
                        let previous = T::load(simd, &sentence.previous[here + unit..here + unit + count]);
                        h = T::times_plus(simd, z, T::minus(simd, previous, n), n);
                        for (block, value) in [n, r, z, n_hidden].into_iter().enumerate() {
                            T::store(simd, &mut gates[at(block)], value);
                        }
                    }
                    Cell::Lstm => {
                        let i = T::sigmoid_register(simd, sum(gates, 0));
                        let f = T::sigmoid_register(simd, sum(gates, 1));
                        let g = T::tanh_register(simd, sum(gates, 2));
                        let o = T::sigmoid_register(simd, sum(gates, 3));
                        let previous = T::load(simd, &sentence.previous_cell[here + unit..here + unit + count]);
                        let c = T::times_plus(simd, f, previous, T::times(simd, i, g));
                        h = T::times(simd, o, T::tanh_register(simd, c));
                        for (block, value) in [i, f, g, o].into_iter().enumerate() {
                            T::store(simd, &mut gates[at(block)], value);
                        }
                        match next {
                            Some(next) => T::store(simd, &mut sentence.previous_cell[next + unit..][..count], c),
                            None => T::store(simd, &mut sentence.last_cell[last..][there.clone()], c),
                        }
                    }
                }
                T::store(simd, &mut output[there.clone()], h);
                match next {
                    Some(next) => T::store(simd, &mut sentence.previous[next + unit..][..count], h),
                    None => T::store(simd, &mut sentence.last[last..][there.clone()], h),
                }
                unit += lanes;
            }
        }
    }
}

/// From d_h of some sentences in one step to the gradients of the gates' sums.
struct Backward<'s, 'a, T> {
    sizes: Sizes,
    direction: usize,
    step: usize,
    sentences: &'s mut [Sentence<'a, T>],
    /// (sentences, hidden): what later steps say of h.
    d_hidden: &'s mut [T],
}

impl<T: Lanes> WithSimd for Backward<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let GateLayout { cell, hidden, directions } = self.sizes.layout;
        let layout = self.sizes.layout;
        let (padded, lanes) = (layout.padded(), lanes::<T, S>());
        let one = T::splat(simd, T::ONE);
        // a (1 − a), the derivative of the sigmoid, and 1 − a², that of the hyperbolic tangent
        let sigmoid =
            |d: T::Register<S>, a: T::Register<S>| T::times(simd, T::times(simd, d, a), T::minus(simd, one, a));
        let tanh = |d: T::Register<S>, a: T::Register<S>| T::times(simd, d, T::minus(simd, one, T::times(simd, a, a)));
        let d_hidden = self.d_hidden.chunks_exact(hidden.max(1));
        for (sentence, d_hidden) in self.sentences.iter_mut().zip(d_hidden) {
            let position = self.sizes.position(self.direction, sentence.length, self.step);
            let gates = &mut sentence.gates[position * layout.cols() + self.direction * layout.width()..];
            let gates = &mut gates[..layout.width()];
            let d_output = &sentence.d_output[position * directions * hidden + self.direction * hidden..][..hidden];
            let here = position * directions * padded + self.direction * padded;
            let carry = &mut sentence.carry[self.direction * hidden..][..hidden];
            let mut unit = 0;
            while unit < padded {
                let count = lanes.min(padded - unit);
                // Registers may be narrower than the padding: some units are not there at all.
                let there = unit.min(hidden)..hidden.min(unit + count);
                let at = |block: usize| block * padded + unit..block * padded + unit + count;
                let gate = |block: usize| T::load(simd, &gates[at(block)]);
                let d_h =
                    T::plus(simd, T::load(simd, &d_hidden[there.clone()]), T::load(simd, &d_output[there.clone()]));
                let d_sums = match cell {
                    Cell::Tanh => [tanh(d_h, gate(0)), one, one, one],
                    Cell::Gru => {
                        let [n, r, z, n_hidden] = [gate(0), gate(1), gate(2), gate(3)];
                        let d_h = T::plus(simd, d_h, T::load(simd, &carry[there.clone()]));
                        let previous = T::load(simd, &sentence.previous[here + unit..here + unit + count]);
                        let d_n = tanh(T::times(simd, d_h, T::minus(simd, one, z)), n);
                        let d_z = sigmoid(T::times(simd, d_h, T::minus(simd, previous, n)), z);
                        let d_r = sigmoid(T::times(simd, d_n, n_hidden), r);
                        T::store(simd, &mut carry[there.clone()], T::times(simd, d_h, z));
                        [d_n, d_r, d_z, T::times(simd, d_n, r)]
                    }
                    Cell::Lstm => {
                        let [i, f, g, o] = [gate(0), gate(1), gate(2), gate(3)];
                        let previous = T::load(simd, &sentence.previous_cell[here + unit..here + unit + count]);
                        let c = T::tanh_register(simd, T::times_plus(simd, f, previous, T::times(simd, i, g)));
                        let d_o = sigmoid(T::times(simd, d_h, c), o);
                        let d_c = T::plus(simd, T::load(simd, &carry[there.clone()]), tanh(T::times(simd, d_h, o), c));
                        T::store(simd, &mut carry[there.clone()], T::times(simd, d_c, f));
                        let d_i = sigmoid(T::times(simd, d_c, g), i);
                        let d_f = sigmoid(T::times(simd, d_c, previous), f);
                        [d_i, d_f, tanh(T::times(simd, d_c, i), g), d_o]
                    }
                };
                for (block, d_sum) in d_sums.into_iter().take(layout.blocks()).enumerate() {
                    T::store(simd, &mut gates[at(block)], d_sum);
                }
                unit += lanes;
            }
        }
    }
}
