//! The product of rows and weights, with what stands before and behind it.
//!
//! A tile is some rows times one panel. Its sums begin with a bias or an earlier product, stay in registers while all
//! inputs are added in order, and are used up at once: activation, gates and new state, or a running maximum. A row's
//! sums do not depend on the rows beside it.
//!
//! No closures and no iterator adapters around arithmetic here: the compiler gives those the processor's instructions
//! only if it happens to inline them.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::panels::{Panels, Rows, SUMS};
use super::simd::{Lanes, dispatch};

/// The sums of one row.
pub type Sums<S, T> = [<T as Lanes>::Register<S>; SUMS];

/// Which of a unit's sums the columns of a panel are added to.
pub trait Columns {
    /// sums\[row\] += Σ_k x\[k\]\[row\] · w\[k\]
    fn add<S: Simd, T: Lanes, const R: usize>(
        simd: S,
        sums: [Sums<S, T>; R],
        x: &[T],
        weights: &[T],
    ) -> [Sums<S, T>; R];
}

/// Four columns to four sums.
#[derive(Debug)]
pub struct Four;

/// Three columns to the first three sums: the gates r, z, n of a GRU's input.
#[derive(Debug)]
pub struct First3;

/// Three columns to the sums 0, 1 and 3: the gates r, z, n of a GRU's state, whose part of n is kept apart.
#[derive(Debug)]
pub struct Outer3;

impl Columns for Four {
    #[inline(always)]
    fn add<S: Simd, T: Lanes, const R: usize>(
        simd: S,
        sums: [Sums<S, T>; R],
        x: &[T],
        weights: &[T],
    ) -> [Sums<S, T>; R] {
        accumulate(simd, sums, x, weights)
    }
}

impl Columns for First3 {
    #[inline(always)]
    fn add<S: Simd, T: Lanes, const R: usize>(
        simd: S,
        sums: [Sums<S, T>; R],
        x: &[T],
        weights: &[T],
    ) -> [Sums<S, T>; R] {
        accumulate_three(simd, sums, [0, 1, 2], x, weights)
    }
}

impl Columns for Outer3 {
    #[inline(always)]
    fn add<S: Simd, T: Lanes, const R: usize>(
        simd: S,
        sums: [Sums<S, T>; R],
        x: &[T],
        weights: &[T],
    ) -> [Sums<S, T>; R] {
        accumulate_three(simd, sums, [0, 1, 3], x, weights)
    }
}

/// sums\[row\]\[column\] += Σ_k x\[k\]\[row\] · w\[k\]\[column\]
#[inline(always)]
pub fn accumulate<S: Simd, T: Lanes, const R: usize, const W: usize>(
    simd: S,
    mut sums: [[T::Register<S>; W]; R],
    x: &[T],
    weights: &[T],
) -> [[T::Register<S>; W]; R] {
    let (x, _) = x.as_chunks::<R>();
    let (weights, _) = T::registers::<S>(weights).as_chunks::<W>();
    for (x, weights) in x.iter().zip(weights) {
        for row in 0..R {
            let x = T::splat(simd, x[row]);
            for column in 0..W {
                sums[row][column] = T::times_plus(simd, x, weights[column], sums[row][column]);
            }
        }
    }
    sums
}

/// The same for three columns, which are added to the sums `places`.
#[inline(always)]
fn accumulate_three<S: Simd, T: Lanes, const R: usize>(
    simd: S,
    mut sums: [Sums<S, T>; R],
    places: [usize; 3],
    x: &[T],
    weights: &[T],
) -> [Sums<S, T>; R] {
    let mut three = [[T::splat(simd, T::ZERO); 3]; R];
    for row in 0..R {
        three[row] = [sums[row][places[0]], sums[row][places[1]], sums[row][places[2]]];
    }
    let three = accumulate(simd, three, x, weights);
    for row in 0..R {
        for (column, &place) in places.iter().enumerate() {
            sums[row][place] = three[row][column];
        }
    }
    sums
}

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
    pub weights: &'a Panels<T>,
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
        dispatch(self)
    }

    /// `R` rows from `rows.start` on, times one panel.
    #[inline(always)]
    fn tile<S: Simd, const R: usize>(&mut self, simd: S, panel: usize, rows: Range<usize>) {
        let mut sums = [[T::splat(simd, T::ZERO); SUMS]; R];
        for row in 0..R {
            sums[row] = self.tiles.begin(simd, rows.start + row, panel);
        }
        for Operand { rows: x, inputs } in self.first {
            let weights = self.weights.weights(panel, inputs.clone());
            sums = E::First::add(simd, sums, x.numbers(rows.clone()), weights);
        }
        for Operand { rows: x, inputs } in self.second {
            let weights = self.weights.weights(panel, inputs.clone());
            sums = E::Second::add(simd, sums, x.numbers(rows.clone()), weights);
        }
        // Written out, because what a loop indexes is kept in memory, not in registers.
        if R > 0 {
            self.tiles.end(simd, rows.start, panel, sums[0]);
        }
        if R > 1 {
            self.tiles.end(simd, rows.start + 1, panel, sums[1]);
        }
        if R > 2 {
            self.tiles.end(simd, rows.start + 2, panel, sums[2]);
        }
        if R > 3 {
            self.tiles.end(simd, rows.start + 3, panel, sums[3]);
        }
        if R > 4 {
            self.tiles.end(simd, rows.start + 4, panel, sums[4]);
        }
        if R > 5 {
            self.tiles.end(simd, rows.start + 5, panel, sums[5]);
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
        for index in 0..self.panels.len() {
            let panel = if self.backward { self.panels.end - 1 - index } else { self.panels.start + index };
            for block in 0..any.blocks() {
                let rows = any.block(block);
                match rows.len() {
                    1 => self.tile::<S, 1>(simd, panel, rows),
                    2 => self.tile::<S, 2>(simd, panel, rows),
                    3 => self.tile::<S, 3>(simd, panel, rows),
                    4 => self.tile::<S, 4>(simd, panel, rows),
                    5 => self.tile::<S, 5>(simd, panel, rows),
                    _ => self.tile::<S, 6>(simd, panel, rows),
                }
            }
        }
        self.tiles
    }
}
