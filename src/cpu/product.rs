//! The product of rows and weights, with what stands before and behind it.
//!
//! A tile is some rows times one panel. Its sums begin with a bias or an earlier product, stay in registers while all
//! inputs are added in order, and are used up at once: activation, gates and new state, or a running maximum. A row's
//! sums do not depend on the rows beside it.
//!
//! No closures and no iterator adapters around arithmetic here: the compiler gives those the processor's instructions
//! only if it happens to inline them.

#![expect(clippy::needless_range_loop, reason = "rows, columns and panels are counted, as in the equations")]

use std::ops::Range;

use pulp::{NullaryFnOnce, Simd, WithSimd};

use super::panels::{PanelsView, Rows, SUMS};
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
        ahead: &[u8],
    ) -> [Sums<S, T>; R];

    /// sums\[panel\] += Σ_k x\[k\] · w\[panel\]\[k\], of one row
    fn add_to_panels<S: Simd, T: Lanes, const P: usize>(
        simd: S,
        sums: [Sums<S, T>; P],
        x: &[T],
        weights: [&[T]; P],
    ) -> [Sums<S, T>; P];
}

/// Four columns to four sums.
#[derive(Debug)]
pub struct Four;

/// Three columns to the sums 0, 1 and `THIRD`: the gates r, z, n of a GRU. Its input's part of n is the third sum, its
/// state's part is kept apart as the fourth.
#[derive(Debug)]
pub struct Three<const THIRD: usize>;

impl Columns for Four {
    #[inline(always)]
    fn add<S: Simd, T: Lanes, const R: usize>(
        simd: S,
        sums: [Sums<S, T>; R],
        x: &[T],
        weights: &[T],
        ahead: &[u8],
    ) -> [Sums<S, T>; R] {
        accumulate(simd, sums, x, weights, ahead)
    }

    #[inline(always)]
    fn add_to_panels<S: Simd, T: Lanes, const P: usize>(
        simd: S,
        sums: [Sums<S, T>; P],
        x: &[T],
        weights: [&[T]; P],
    ) -> [Sums<S, T>; P] {
        accumulate_panels(simd, sums, x, weights)
    }
}

impl<const THIRD: usize> Columns for Three<THIRD> {
    #[inline(always)]
    fn add<S: Simd, T: Lanes, const R: usize>(
        simd: S,
        sums: [Sums<S, T>; R],
        x: &[T],
        weights: &[T],
        ahead: &[u8],
    ) -> [Sums<S, T>; R] {
        join(sums, [0, 1, THIRD], accumulate(simd, pick(&sums, [0, 1, THIRD]), x, weights, ahead))
    }

    #[inline(always)]
    fn add_to_panels<S: Simd, T: Lanes, const P: usize>(
        simd: S,
        sums: [Sums<S, T>; P],
        x: &[T],
        weights: [&[T]; P],
    ) -> [Sums<S, T>; P] {
        join(sums, [0, 1, THIRD], accumulate_panels(simd, pick(&sums, [0, 1, THIRD]), x, weights))
    }
}

/// sums\[row\]\[column\] += Σ_k x\[k\]\[row\] · w\[k\]\[column\]
#[inline(always)]
pub fn accumulate<S: Simd, T: Lanes, const R: usize, const W: usize>(
    simd: S,
    mut sums: [[T::Register<S>; W]; R],
    x: &[T],
    weights: &[T],
    ahead: &[u8],
) -> [[T::Register<S>; W]; R] {
    let (x, _) = x.as_chunks::<R>();
    let (weights, _) = T::registers::<S>(weights).as_chunks::<W>();
    let step = (ahead.len() / x.len().max(1)).max(1);
    let mut touched = 0;
    for ((x, weights), ahead) in x.iter().zip(weights).zip(ahead.iter().step_by(step)) {
        touched ^= ahead;
        for row in 0..R {
            let x = T::splat(simd, x[row]);
            for column in 0..W {
                sums[row][column] = T::times_plus(simd, x, weights[column], sums[row][column]);
            }
        }
    }
    std::hint::black_box(touched);
    sums
}

/// The same for one row and several panels: from far away, weights come faster in several streams.
#[inline(always)]
fn accumulate_panels<S: Simd, T: Lanes, const P: usize, const W: usize>(
    simd: S,
    mut sums: [[T::Register<S>; W]; P],
    x: &[T],
    weights: [&[T]; P],
) -> [[T::Register<S>; W]; P] {
    let mut panels: [&[[T::Register<S>; W]]; P] = [&[]; P];
    for panel in 0..P {
        panels[panel] = &T::registers::<S>(weights[panel]).as_chunks::<W>().0[..x.len()];
    }
    for (k, &x) in x.iter().enumerate() {
        let x = T::splat(simd, x);
        for panel in 0..P {
            for column in 0..W {
                sums[panel][column] = T::times_plus(simd, x, panels[panel][k][column], sums[panel][column]);
            }
        }
    }
    sums
}

/// Three of the four sums of every row.
#[inline(always)]
fn pick<Register: Copy, const R: usize>(sums: &[[Register; SUMS]; R], places: [usize; 3]) -> [[Register; 3]; R] {
    let mut three = [[sums[0][0]; 3]; R];
    for row in 0..R {
        three[row] = [sums[row][places[0]], sums[row][places[1]], sums[row][places[2]]];
    }
    three
}

/// The sums with three of them replaced.
#[inline(always)]
fn join<Register: Copy, const R: usize>(
    mut sums: [[Register; SUMS]; R],
    places: [usize; 3],
    three: [[Register; 3]; R],
) -> [[Register; SUMS]; R] {
    for row in 0..R {
        for column in 0..3 {
            sums[row][places[column]] = three[row][column];
        }
    }
    sums
}

/// Panels that are multiplied with a single row at once.
const STREAMS: usize = 4;

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
        dispatch(self)
    }

    /// All inputs of the weights that are read; the operands are neighbours.
    fn inputs(&self) -> Range<usize> {
        let operands = self.first.iter().chain(self.second).map(|operand| operand.inputs.clone());
        operands.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end)).unwrap_or(0..0)
    }

    /// `R` rows from `rows.start` on, times one panel; `ahead` are weights that will be wanted soon.
    #[inline(always)]
    fn tile<S: Simd, const R: usize>(&mut self, simd: S, panel: usize, rows: Range<usize>, mut ahead: &[u8]) {
        let mut sums = [[T::splat(simd, T::ZERO); SUMS]; R];
        for row in 0..R {
            sums[row] = self.tiles.begin(simd, rows.start + row, panel);
        }
        let all: usize = self.first.iter().chain(self.second).map(|operand| operand.inputs.len()).sum();
        let step = ahead.len() / all.max(1);
        for Operand { rows: x, inputs } in self.first {
            let weights = self.weights.weights(panel, inputs.clone());
            let (here, rest) = ahead.split_at(step * inputs.len());
            sums = E::First::add(simd, sums, x.numbers(rows.clone()), weights, here);
            ahead = rest;
        }
        for Operand { rows: x, inputs } in self.second {
            let weights = self.weights.weights(panel, inputs.clone());
            let (here, rest) = ahead.split_at(step * inputs.len());
            sums = E::Second::add(simd, sums, x.numbers(rows.clone()), weights, here);
            ahead = rest;
        }
        // Copied, so that nothing but this copy has to be in memory.
        let mut finished = [[T::splat(simd, T::ZERO); SUMS]; R];
        for row in 0..R {
            for column in 0..SUMS {
                finished[row][column] = sums[row][column];
            }
        }
        self.end(simd, rows.start, panel, &finished);
    }

    /// One row times the panels `panel`, `panel + stride`, …
    #[inline(always)]
    fn panels<S: Simd, const P: usize>(&mut self, simd: S, panel: usize, stride: usize) {
        let mut sums = [[T::splat(simd, T::ZERO); SUMS]; P];
        for index in 0..P {
            sums[index] = self.tiles.begin(simd, 0, panel + index * stride);
        }
        let mut weights: [&[T]; P] = [&[]; P];
        for Operand { rows: x, inputs } in self.first {
            for index in 0..P {
                weights[index] = self.weights.weights(panel + index * stride, inputs.clone());
            }
            sums = E::First::add_to_panels(simd, sums, x.numbers(0..1), weights);
        }
        for Operand { rows: x, inputs } in self.second {
            for index in 0..P {
                weights[index] = self.weights.weights(panel + index * stride, inputs.clone());
            }
            sums = E::Second::add_to_panels(simd, sums, x.numbers(0..1), weights);
        }
        let mut finished = [[T::splat(simd, T::ZERO); SUMS]; P];
        for index in 0..P {
            for column in 0..SUMS {
                finished[index][column] = sums[index][column];
            }
        }
        for (index, sums) in finished.chunks_exact(1).enumerate() {
            self.end(simd, 0, panel + index * stride, sums);
        }
    }

    /// In a function of its own: its constants would take registers from the sums of the loops above.
    #[inline(always)]
    fn end<S: Simd>(&mut self, simd: S, first_row: usize, panel: usize, sums: &[Sums<S, T>]) {
        simd.vectorize(End { simd, tiles: &mut self.tiles, first_row, panel, sums });
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
        let inputs = self.inputs();
        let count = self.panels.len();
        if any.rows == 1 {
            let stride = count / STREAMS;
            for index in 0..stride {
                let index = if self.backward { stride - 1 - index } else { index };
                self.panels::<S, STREAMS>(simd, self.panels.start + index, stride);
            }
            for panel in self.panels.start + stride * STREAMS..self.panels.end {
                self.panels::<S, 1>(simd, panel, 0);
            }
            return self.tiles;
        }
        for index in 0..count {
            let at = |index: usize| if self.backward { self.panels.end - 1 - index } else { self.panels.start + index };
            let (panel, next) = (at(index), at((index + 1).min(count - 1)));
            let ahead: &[u8] = bytemuck::cast_slice(self.weights.weights(next, inputs.clone()));
            // Every block has its portion of the next panel: the same number of bytes, one at least, for every input.
            let step = (ahead.len() / inputs.len().max(1) / any.blocks().max(1)).max(1);
            let portion = (step * inputs.len()).min(ahead.len());
            for block in 0..any.blocks() {
                let rows = any.block(block);
                let ahead = &ahead[(block * portion).min(ahead.len() - portion)..][..portion];
                match rows.len() {
                    1 => self.tile::<S, 1>(simd, panel, rows, ahead),
                    2 => self.tile::<S, 2>(simd, panel, rows, ahead),
                    3 => self.tile::<S, 3>(simd, panel, rows, ahead),
                    4 => self.tile::<S, 4>(simd, panel, rows, ahead),
                    5 => self.tile::<S, 5>(simd, panel, rows, ahead),
                    _ => self.tile::<S, 6>(simd, panel, rows, ahead),
                }
            }
        }
        self.tiles
    }
}
