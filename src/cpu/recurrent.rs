//! Recurrent layers: their weights, and one step of them.
//!
//! All gates of a unit are sums of one tile, so that gates and the new state follow the product at once, in registers.

use std::ops::Range;

use pulp::Simd;

use super::folded::Folded;
use super::instructions::Instructions;
use super::linear::sums;

use super::accumulate::{Columns, Four, Sums, Three};
use super::parallel::Split;
use super::processor::Cpu;
use super::product::{Operand, Product, Tiles};
use super::simd::{Lanes, lanes};
use super::strip::Strip;
use super::tensor::Matrix;
use super::tile::{SUMS, Shape};
use super::weights::{Weights, units};
use crate::backend::RecurrentParameters;
use crate::config::Cell;
use crate::memory::require;
use crate::{Error, Result};

/// Prepared weights of one layer.
#[derive(Debug)]
pub struct Recurrent<T: Lanes> {
    pub(super) cell: Cell,
    /// The shape of its tiles.
    pub(super) shape: Shape,
    pub(super) hidden: usize,
    pub(super) input_size: usize,
    pub(super) feed_size: usize,
    /// The embedding (vocab, input_size), where the layer is fed ids.
    pub(super) embedding: Option<Matrix<T>>,
    pub(super) directions: Vec<OneWay<T>>,
}

/// One direction of a layer.
#[derive(Debug)]
pub struct OneWay<T: Lanes> {
    pub(super) weights: Weights<T>,
    /// What the symbols of the embedding add, where it is not too much to keep.
    pub(super) folded: Option<Folded<T>>,
}

impl<T: Lanes> Cpu<T> {
    pub(super) fn recurrent_weights(&self, parameters: &RecurrentParameters<'_>) -> Result<Recurrent<T>> {
        let arrays = parameters.directions.iter().flat_map(|direction| [direction.weight_ih, direction.weight_hh]);
        let numbers = arrays.chain(parameters.embedding).map(|array| array.data.len()).sum();
        require::<T>(numbers, || "the weights of a recurrent layer".to_owned())?;
        Recurrent::new(self.instructions(), parameters)
    }
}

impl<T: Lanes> Recurrent<T> {
    /// Prepares a layer.
    pub(super) fn new(instructions: Instructions, parameters: &RecurrentParameters<'_>) -> Result<Self> {
        const OPERATION: &str = "recurrent_weights";
        let RecurrentParameters { cell, ref directions, embedding, feed_size } = *parameters;
        let first = directions.first().ok_or(Error::Shape {
            operation: OPERATION,
            what: "directions",
            expected: 1,
            found: 0,
        })?;
        let (hidden, inputs) = (first.weight_hh.cols(), first.weight_ih.cols());
        Error::check(OPERATION, "feed_size", feed_size.min(inputs), feed_size)?;
        let input_size = inputs - feed_size;
        for direction in directions {
            let rows = cell.gates() * hidden;
            Error::check(OPERATION, "weight_ih rows", rows, direction.weight_ih.rows())?;
            Error::check(OPERATION, "weight_ih columns", inputs, direction.weight_ih.cols())?;
            Error::check(OPERATION, "weight_hh rows", rows, direction.weight_hh.rows())?;
            Error::check(OPERATION, "weight_hh columns", hidden, direction.weight_hh.cols())?;
            Error::check(OPERATION, "bias_ih", rows, direction.bias_ih.data.len())?;
            Error::check(OPERATION, "bias_hh", rows, direction.bias_hh.data.len())?;
        }
        if let Some(table) = embedding {
            Error::check(OPERATION, "embedding columns", input_size, table.cols())?;
        }
        let embedding = embedding.map(Matrix::from);
        let directions = directions
            .iter()
            .map(|direction| {
                let weights = Weights::new(instructions, cell, hidden, direction);
                let folded = embedding.as_ref().and_then(|table| Folded::new(&weights, table));
                OneWay { weights, folded }
            })
            .collect();
        let shape = Shape::of::<T>(instructions);
        Ok(Self { cell, shape, hidden, input_size, feed_size, embedding, directions })
    }

    /// Units of a panel.
    pub(super) fn per_panel(&self) -> usize {
        units(self.cell, self.shape.lanes)
    }

    /// Where the feed stands.
    pub(super) fn feed_range(&self) -> Range<usize> {
        self.input_size..self.input_size + self.feed_size
    }

    /// Where the previous state stands.
    pub(super) fn hidden_range(&self) -> Range<usize> {
        let inputs = self.input_size + self.feed_size;
        inputs..inputs + self.hidden
    }

    /// How one step of this many rows, reading this many inputs beside the state, is divided.
    pub(super) fn split(&self, rows: usize, inputs: usize, threads: usize) -> Split {
        let work = self.cell.gates() * self.hidden * (inputs + self.hidden);
        Split::choose::<T>(rows, self.hidden.div_ceil(self.per_panel()), work, threads)
    }
}

/// One step of one direction, for some rows and some panels of units.
///
/// A row's sums are W_hh h, then W_ih x, then what stands beside them, added up in this order whoever else is computed.
#[derive(Debug)]
pub struct Step<'a, T: Lanes> {
    /// The layer.
    pub layer: &'a Recurrent<T>,
    /// One of its directions.
    pub weights: &'a Weights<T>,
    /// The panels of the units.
    pub panels: Range<usize>,
    /// Whether to begin with the last panel.
    pub backward: bool,
    /// What the sums of each row begin with, of these panels, where that is not zero.
    pub begin: Option<&'a [&'a [T]]>,
    /// h (rows, hidden), for the product.
    pub hidden: &'a [Operand<'a, T>],
    /// What is still to be multiplied of the input.
    pub input: &'a [Operand<'a, T>],
    /// The new rows that go on from each row; without it there is one for each.
    pub heirs: Option<&'a Heirs>,
    /// What is added to the sums of each new row, of these panels: the bias, or the bias and a product.
    pub beside: &'a [&'a [T]],
}

/// The rows that go on from each of some others.
#[derive(Debug, Default)]
pub struct Heirs {
    /// Of all rows one after the other.
    rows: Vec<usize>,
    /// Where those of each begin.
    starts: Vec<usize>,
}

impl Heirs {
    /// Of as many as `count` rows, where row i goes on from `from[i]`.
    pub fn new(count: usize, from: &[usize]) -> Self {
        let mut starts = vec![0; count + 1];
        for &from in from {
            starts[from + 1] += 1;
        }
        for index in 0..count {
            starts[index + 1] += starts[index];
        }
        let (mut rows, mut next) = (vec![0; from.len()], starts.clone());
        for (row, &from) in from.iter().enumerate() {
            rows[next[from]] = row;
            next[from] += 1;
        }
        Self { rows, starts }
    }

    #[inline(always)]
    fn of(&self, row: usize) -> &[usize] {
        &self.rows[self.starts[row]..self.starts[row + 1]]
    }
}

impl<T: Lanes> Step<'_, T> {
    /// Writes the new state of the units to `hidden`, which for a GRU holds the old one; `cell`, where there is one,
    /// holds the old and then the new one.
    pub fn run(self, hidden: Strip<'_, T>, cell: Option<Strip<'_, T>>) {
        match (self.layer.cell, cell) {
            (Cell::Lstm, Some(cell)) => self.product(Lstm { hidden, cell }),
            (Cell::Gru, _) => self.product(Gru { hidden }),
            _ => self.product(Elman { hidden }),
        }
    }

    fn product<U: Units<T>>(&self, units: U) {
        let (begin, heirs, beside, first) = (self.begin, self.heirs, self.beside, self.panels.start);
        let tiles = Unit { begin, heirs, beside, first, units };
        let (weights, panels) = (self.weights.panels.view(), self.panels.clone());
        let product =
            Product { weights, panels, backward: self.backward, first: self.hidden, second: self.input, tiles };
        product.run();
    }
}

/// What becomes of the sums of a new row.
trait Units<T: Lanes> {
    /// How h is added.
    type Hidden: Columns;
    /// How x is added.
    type Input: Columns;

    /// Gates and the new state of the units of a panel.
    fn state<S: Simd>(&mut self, simd: S, row: usize, panel: usize, sums: Sums<S, T>);
}

/// The sums of a step, from what they begin with to the units.
struct Unit<'a, T, U> {
    begin: Option<&'a [&'a [T]]>,
    heirs: Option<&'a Heirs>,
    beside: &'a [&'a [T]],
    /// The first panel here.
    first: usize,
    units: U,
}

impl<T: Lanes, U: Units<T>> Unit<'_, T, U> {
    #[inline(always)]
    fn state<S: Simd>(&mut self, simd: S, row: usize, panel: usize, mut products: Sums<S, T>) {
        for (sum, beside) in products.iter_mut().zip(sums::<S, T>(self.beside[row], panel - self.first)) {
            *sum = T::plus(simd, *sum, beside);
        }
        self.units.state(simd, row, panel, products);
    }
}

impl<T: Lanes, U: Units<T>> Tiles<T> for Unit<'_, T, U> {
    type First = U::Hidden;
    type Second = U::Input;

    #[inline(always)]
    fn begin<S: Simd>(&self, simd: S, row: usize, panel: usize) -> Sums<S, T> {
        match self.begin {
            Some(begin) => sums::<S, T>(begin[row], panel - self.first),
            None => [T::splat(simd, T::ZERO); SUMS],
        }
    }

    #[inline(always)]
    fn end<S: Simd>(&mut self, simd: S, row: usize, panel: usize, sums: Sums<S, T>) {
        match self.heirs {
            None => self.state(simd, row, panel, sums),
            Some(heirs) => {
                for &heir in heirs.of(row) {
                    self.state(simd, heir, panel, sums);
                }
            }
        }
    }
}

/// Gates i, f, g, o: c' = σ(f) ⊙ c + σ(i) ⊙ tanh(g), h' = σ(o) ⊙ tanh(c')
struct Lstm<'a, T> {
    hidden: Strip<'a, T>,
    cell: Strip<'a, T>,
}

impl<T: Lanes> Units<T> for Lstm<'_, T> {
    type Hidden = Four;
    type Input = Four;

    #[inline(always)]
    fn state<S: Simd>(&mut self, simd: S, row: usize, panel: usize, [i, f, g, o]: Sums<S, T>) {
        let unit = panel * lanes::<T, S>();
        let cell = self.cell.at(row, unit, lanes::<T, S>());
        let new = T::times(simd, T::sigmoid_register(simd, i), T::tanh_register(simd, g));
        let c = T::times_plus(simd, T::sigmoid_register(simd, f), T::load(simd, cell), new);
        T::store(simd, cell, c);
        let h = T::times(simd, T::sigmoid_register(simd, o), T::tanh_register(simd, c));
        T::store(simd, self.hidden.at(row, unit, lanes::<T, S>()), h);
    }
}

/// Gates r, z, n: n = tanh(W_in x + b_in + r ⊙ (W_hn h + b_hn)), h' = (1 − z) ⊙ n + z ⊙ h
struct Gru<'a, T> {
    hidden: Strip<'a, T>,
}

impl<T: Lanes> Units<T> for Gru<'_, T> {
    type Hidden = Three<3>;
    type Input = Three<2>;

    #[inline(always)]
    fn state<S: Simd>(&mut self, simd: S, row: usize, panel: usize, [r, z, n_input, n_hidden]: Sums<S, T>) {
        let unit = panel * lanes::<T, S>();
        let (r, z) = (T::sigmoid_register(simd, r), T::sigmoid_register(simd, z));
        let n = T::tanh_register(simd, T::times_plus(simd, r, n_hidden, n_input));
        let hidden = self.hidden.at(row, unit, lanes::<T, S>());
        // (1 − z) n + z h = n + z (h − n)
        let h = T::times_plus(simd, z, T::minus(simd, T::load(simd, hidden), n), n);
        T::store(simd, hidden, h);
    }
}

/// h' = tanh(W_ih x + b_ih + W_hh h + b_hh)
struct Elman<'a, T> {
    hidden: Strip<'a, T>,
}

impl<T: Lanes> Units<T> for Elman<'_, T> {
    type Hidden = Four;
    type Input = Four;

    #[inline(always)]
    fn state<S: Simd>(&mut self, simd: S, row: usize, panel: usize, mut sums: Sums<S, T>) {
        for sum in &mut sums {
            *sum = T::tanh_register(simd, *sum);
        }
        self.hidden.store(simd, row, panel * SUMS * lanes::<T, S>(), sums);
    }
}
