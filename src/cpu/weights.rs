//! The weights of a recurrent layer in one direction, and their products before they become gates.

use std::ops::Range;

use pulp::Simd;

use super::accumulate::{Four, Sums, Three};
use super::instructions::Instructions;
use super::linear::sums;
use super::memory::Buffer;
use super::panels::{Panels, Rows};
use super::product::{Operand, Product, Tiles};
use super::simd::{Lanes, lanes};
use super::strip::Strip;
use super::tile::{SUMS, Shape};
use crate::backend::Direction;
use crate::config::Cell;

/// Prepared weights of one direction.
///
/// What belongs to a unit stands in four sums: the gates of an LSTM; r, z, W_in x and W_hn h of a GRU; the four sums of
/// the tanh cell are four registers of units.
#[derive(Debug)]
pub struct Weights<T: Lanes> {
    /// [W_ih; W_hh], the inputs in the order input, feed, hidden.
    pub(super) panels: Panels<T>,
    /// b_ih + b_hh in the order of the sums; those of a GRU's n are apart.
    pub(super) bias: Buffer<T>,
}

/// Hidden units of a panel.
pub fn units(cell: Cell, lanes: usize) -> usize {
    if cell == Cell::Tanh { SUMS * lanes } else { lanes }
}

impl<T: Lanes> Weights<T> {
    /// Prepares one direction.
    pub fn new(instructions: Instructions, cell: Cell, hidden: usize, direction: &Direction<'_>) -> Self {
        let lanes = Shape::of::<T>(instructions).lanes;
        let count = hidden.div_ceil(units(cell, lanes));
        // The row of the weights of a gate of a unit.
        let row = |panel: usize, column: usize, lane: usize| {
            let (gate, unit) = match cell {
                Cell::Tanh => (0, (panel * SUMS + column) * lanes + lane),
                Cell::Gru | Cell::Lstm => (column, panel * lanes + lane),
            };
            (unit < hidden).then_some(gate * hidden + unit)
        };
        let width = if cell == Cell::Gru { 3 } else { SUMS };
        let inputs = direction.weight_ih.cols() + hidden;
        let panels = Panels::pack(instructions, count, inputs, width, |panel, column, lane| {
            row(panel, column, lane).map(|row| [direction.weight_ih.row(row), direction.weight_hh.row(row)])
        });
        let mut bias = Buffer::zeros(count * SUMS * lanes);
        for (index, bias) in bias.iter_mut().enumerate() {
            let (panel, column, lane) = (index / lanes / SUMS, index / lanes % SUMS, index % lanes);
            // The sums of a GRU: r, z, the input's part of n, the state's part of n.
            let gate = if cell == Cell::Gru { column.min(2) } else { column };
            let Some(row) = row(panel, gate, lane) else { continue };
            let (ih, hh) = (f64::from(direction.bias_ih.data[row]), f64::from(direction.bias_hh.data[row]));
            *bias = T::from_f64(match (cell, column) {
                (Cell::Gru, 2) => ih,
                (Cell::Gru, 3) => hh,
                _ => ih + hh,
            });
        }
        Self { panels, bias }
    }

    /// Numbers that the sums of one row take.
    pub(super) fn sums_len(&self, panels: &Range<usize>) -> usize {
        self.bias.len() / self.panels.count.max(1) * panels.len()
    }

    /// bias + W x of some panels for every row x, into `out` (rows, sums).
    pub(super) fn input_product(&self, x: &Rows<T>, inputs: Range<usize>, panels: Range<usize>, out: &mut [T]) {
        self.sums(&[], &[Operand { rows: x, inputs }], Some(&self.bias), panels, out);
    }

    /// bias + W_hh h + W_ih x of some panels for every row, into `out` (rows, sums): what a step goes on with.
    pub(super) fn sums(
        &self,
        hidden: &[Operand<'_, T>],
        input: &[Operand<'_, T>],
        bias: Option<&[T]>,
        panels: Range<usize>,
        out: &mut [T],
    ) {
        let columns = self.sums_len(&(0..panels.start))..self.sums_len(&(0..panels.end));
        let (weights, out) = (self.panels.view(), Strip::new(out, columns));
        if self.panels.width() == SUMS {
            let tiles = Unfinished::<T, true> { bias, out };
            Product { weights, panels, backward: false, first: hidden, second: input, tiles }.run();
        } else {
            let tiles = Unfinished::<T, false> { bias, out };
            Product { weights, panels, backward: false, first: hidden, second: input, tiles }.run();
        }
    }
}

/// Keeps the sums as they are, for the step to go on with.
struct Unfinished<'a, T, const FOUR: bool> {
    bias: Option<&'a [T]>,
    out: Strip<'a, T>,
}

macro_rules! unfinished {
    ($four:literal, $hidden:ty, $input:ty) => {
        impl<T: Lanes> Tiles<T> for Unfinished<'_, T, $four> {
            type First = $hidden;
            type Second = $input;

            #[inline(always)]
            fn begin<S: Simd>(&self, simd: S, _: usize, panel: usize) -> Sums<S, T> {
                self.bias.map_or([T::splat(simd, T::ZERO); SUMS], |bias| sums::<S, T>(bias, panel))
            }

            #[inline(always)]
            fn end<S: Simd>(&mut self, simd: S, row: usize, panel: usize, sums: Sums<S, T>) {
                self.out.store(simd, row, panel * SUMS * lanes::<T, S>(), sums);
            }
        }
    };
}

unfinished!(true, Four, Four);
unfinished!(false, Three<3>, Three<2>);
