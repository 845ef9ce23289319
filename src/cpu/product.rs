//! The product of rows and weights, with what stands before and behind it.
//!
//! A tile is some rows times one panel. Its sums begin with a bias or an earlier product, stay in registers while all
//! inputs are added in order, and are used up at once: activation, gates and new state, or a running maximum. A row's
//! sums do not depend on the rows beside it.
//!
//! The sums are kept in memory that stays in the nearest cache, the innermost loops keep them in registers.

#![expect(clippy::needless_range_loop, reason = "rows, columns and panels are counted, as in the equations")]

use std::ops::Range;

use pulp::{NullaryFnOnce, Simd, WithSimd};

use super::accumulate::{Ahead, Columns, Sums, Tile};
use super::memory::Scratch;
use super::panels::{PanelsView, Rows};
use super::simd::{Lanes, lanes};
use super::tile::{STREAMS, SUMS, nearest};

/// What stands before and behind the sums of a product.
pub trait Tiles<T: Lanes> {
    /// How the first operand is added.
    type First: Columns;
    /// How the second operand is added.
    type Second: Columns;

    /// The sums before the first product.
    fn begin<S: Simd>(&self, simd: S, row: usize, panel: usize) -> Sums<S, T>;

    /// What becomes of the sums.
    fn end<S: Simd>(&mut self, simd: S, row: usize, panel: usize, sums: Sums<S, T>);
}

/// Rows, and the range of the weights' inputs that they are.
#[derive(Debug)]
pub struct Operand<'a, T: Lanes> {
    /// x
    pub rows: &'a Rows<T>,
    /// Where x stands among the inputs of the weights.
    pub inputs: Range<usize>,
}

/// Σ x W over the operands there are, for some panels.
#[derive(Debug)]
pub struct Product<'a, T: Lanes, E> {
    /// W
    pub weights: PanelsView<'a, T>,
    /// Which panels of it.
    pub panels: Range<usize>,
    /// Whether to begin with the last panel: it is still in the cache where the last product ended with it.
    pub backward: bool,
    /// What is added first, all of equally many rows.
    pub first: &'a [Operand<'a, T>],
    /// What is added then.
    pub second: &'a [Operand<'a, T>],
    /// What stands before and behind.
    pub tiles: E,
}

impl<T: Lanes, E: Tiles<T>> Product<'_, T, E> {
    /// Multiplies.
    pub fn run(self) -> E {
        self.weights.instructions.dispatch(self)
    }

    /// All inputs of the weights that are read; the operands are neighbours.
    fn inputs(&self) -> Range<usize> {
        let operands = self.first.iter().chain(self.second).map(|operand| operand.inputs.clone());
        operands.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end)).unwrap_or(0..0)
    }

    /// The rows `rows`, times some inputs of one panel, counted in the order in which they are added; `sums` are those
    /// of the rows, kept from one part of the inputs to the next, and `ahead` are weights that will be wanted soon.
    #[inline(always)]
    fn tile<S: Simd>(
        &mut self,
        simd: S,
        panel: usize,
        rows: Range<usize>,
        part: &Part,
        sums: &mut [Sums<S, T>],
        ahead: Ahead<'_>,
    ) {
        if part.is_first {
            for row in 0..rows.len() {
                sums[row] = self.tiles.begin(simd, rows.start + row, panel);
            }
        }
        let place = Place { panel, rows: rows.clone(), part, ahead };
        let done = self.add::<S, E::First>(simd, self.first, 0, &place, sums);
        self.add::<S, E::Second>(simd, self.second, done, &place, sums);
        if part.is_last {
            self.end(simd, rows.start, panel, sums);
        }
    }

    /// Adds what a part has of some operands, before which `done` inputs stand in their order; returns how many stand
    /// before those behind them.
    #[inline(always)]
    fn add<S: Simd, C: Columns>(
        &self,
        simd: S,
        operands: &[Operand<'_, T>],
        mut done: usize,
        place: &Place<'_>,
        sums: &mut [Sums<S, T>],
    ) -> usize {
        let count = place.rows.len();
        for Operand { rows: x, inputs } in operands {
            let here = place.part.within(done, inputs);
            let weights = self.weights.weights(place.panel, inputs.start + here.start..inputs.start + here.end);
            let x = &x.numbers(place.rows.clone())[here.start * count..here.end * count];
            let ahead = place.ahead.after((done + here.start).saturating_sub(place.part.inputs.start));
            C::add(simd, &mut Tile { sums, x, weights, ahead });
            done += inputs.len();
        }
        done
    }

    /// One row times the panels `panel`, `panel + stride`, …
    #[inline(always)]
    fn panels<S: Simd, const P: usize>(&mut self, simd: S, panel: usize, stride: usize) {
        let mut sums = [[T::splat(simd, T::ZERO); SUMS]; P];
        for index in 0..P {
            sums[index] = self.tiles.begin(simd, 0, panel + index * stride);
        }
        self.add_to_panels::<S, E::First, P>(simd, self.first, panel, stride, &mut sums);
        self.add_to_panels::<S, E::Second, P>(simd, self.second, panel, stride, &mut sums);
        for (index, sums) in sums.chunks_exact(1).enumerate() {
            self.end(simd, 0, panel + index * stride, sums);
        }
    }

    #[inline(always)]
    fn add_to_panels<S: Simd, C: Columns, const P: usize>(
        &self,
        simd: S,
        operands: &[Operand<'_, T>],
        panel: usize,
        stride: usize,
        sums: &mut [Sums<S, T>; P],
    ) {
        for Operand { rows: x, inputs } in operands {
            let weights = std::array::from_fn(|index| self.weights.weights(panel + index * stride, inputs.clone()));
            C::add_to_panels(simd, sums, x.numbers(0..1), weights);
        }
    }

    /// The only row times all panels, some of them at once.
    #[inline(always)]
    fn single_row<S: Simd>(&mut self, simd: S) {
        let stride = self.panels.len() / STREAMS;
        for index in 0..stride {
            let index = if self.backward { stride - 1 - index } else { index };
            self.panels::<S, STREAMS>(simd, self.panels.start + index, stride);
        }
        for panel in self.panels.start + stride * STREAMS..self.panels.end {
            self.panels::<S, 1>(simd, panel, 0);
        }
    }

    /// All rows times one panel after the other; of a panel as many inputs at a time as stay in the nearest cache while
    /// all rows pass by.
    #[inline(always)]
    fn many_rows<S: Simd>(&mut self, simd: S, any: &Rows<T>) {
        let (inputs, count, blocks) = (self.inputs(), self.panels.len(), any.blocks());
        if count == 0 {
            return;
        }
        let all: usize = self.first.iter().chain(self.second).map(|operand| operand.inputs.len()).sum();
        let bytes = self.weights.cols * size_of::<T>();
        let parts = if blocks == 1 { 1 } else { (all * bytes).div_ceil(nearest::<S>()).max(1) };
        let mut sums = Scratch::new(any.rows * SUMS * lanes::<T, S>());
        let sums = T::registers_mut::<S>(&mut sums).as_chunks_mut::<SUMS>().0;
        let (first_panel, last_panel, backward) = (self.panels.start, self.panels.end - 1, self.backward);
        let place = |step: usize| {
            let (index, part) = (step / parts, step % parts);
            let panel = if backward { last_panel - index } else { first_panel + index };
            (panel, Part::new(part, parts, all))
        };
        for step in 0..count * parts {
            let (panel, part) = place(step);
            let (next_panel, next_part) = place((step + 1).min(count * parts - 1));
            // Every tile has its portion of what the tiles of the next part will read.
            let next = self.weights.weights(next_panel, next_part.from(inputs.start));
            let ahead = Ahead::new(bytemuck::cast_slice(next), part.inputs.len() * blocks);
            for block in 0..blocks {
                let rows = any.block(block);
                let ahead = ahead.after(block * part.inputs.len());
                // Sums that are not kept stay at hand in one place.
                let first = if parts == 1 { 0 } else { rows.start };
                let sums = &mut sums[first..first + rows.len()];
                self.tile(simd, panel, rows, &part, sums, ahead);
            }
        }
    }

    /// In a function of its own: its constants would take registers from the sums of the loops above.
    #[inline(always)]
    fn end<S: Simd>(&mut self, simd: S, first_row: usize, panel: usize, sums: &[Sums<S, T>]) {
        simd.vectorize(End { simd, tiles: &mut self.tiles, first_row, panel, sums });
    }
}

/// Where a tile is.
struct Place<'a> {
    panel: usize,
    rows: Range<usize>,
    part: &'a Part,
    /// Weights that will be wanted soon.
    ahead: Ahead<'a>,
}

/// Some of the inputs of a panel, counted in the order in which they are added.
struct Part {
    inputs: Range<usize>,
    is_first: bool,
    is_last: bool,
}

impl Part {
    /// Part `index` of `count` even ones.
    #[inline(always)]
    fn new(index: usize, count: usize, inputs: usize) -> Self {
        let inputs = index * inputs / count..(index + 1) * inputs / count;
        Self { inputs, is_first: index == 0, is_last: index + 1 == count }
    }

    /// Where they stand among the inputs of the weights, if those begin at `start` and are added in their order.
    #[inline(always)]
    fn from(&self, start: usize) -> Range<usize> {
        start + self.inputs.start..start + self.inputs.end
    }

    /// Which of an operand's inputs are among them, counted from its first; `before` are the inputs of those before it.
    #[inline(always)]
    fn within(&self, before: usize, inputs: &Range<usize>) -> Range<usize> {
        let place = |input: usize| input.saturating_sub(before).min(inputs.len());
        place(self.inputs.start)..place(self.inputs.end)
    }
}

/// What becomes of the sums of some rows.
struct End<'a, S: Simd, T: Lanes, E> {
    simd: S,
    tiles: &'a mut E,
    first_row: usize,
    panel: usize,
    sums: &'a [Sums<S, T>],
}

impl<S: Simd, T: Lanes, E: Tiles<T>> NullaryFnOnce for End<'_, S, T, E> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (row, &sums) in self.sums.iter().enumerate() {
            self.tiles.end(self.simd, self.first_row + row, self.panel, sums);
        }
    }
}

impl<T: Lanes, E: Tiles<T>> WithSimd for Product<'_, T, E> {
    type Output = E;

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) -> E {
        let Some(any) = self.first.iter().chain(self.second).next().map(|operand| operand.rows) else {
            return self.tiles;
        };
        if any.rows == 1 {
            self.single_row(simd);
        } else {
            self.many_rows(simd, any);
        }
        self.tiles
    }
}
