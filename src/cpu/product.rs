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

use super::memory::Scratch;
use super::panels::{PanelsView, Rows};
use super::simd::{Lanes, lanes};
use super::tile::{STREAMED_SUMS, STREAMS, SUMS, fits, nearest, tile_rows};

/// The sums of one row.
pub type Sums<S, T> = [<T as Lanes>::Register<S>; SUMS];

/// Which of a unit's sums the columns of a panel are added to.
pub trait Columns {
    /// sums\[row\] += Σ_k x\[k\]\[row\] · w\[k\]
    fn add<S: Simd, T: Lanes, const R: usize>(
        simd: S,
        sums: &mut [Sums<S, T>; R],
        x: &[T],
        weights: &[T],
        ahead: Ahead<'_>,
    );

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
        sums: &mut [Sums<S, T>; R],
        x: &[T],
        weights: &[T],
        ahead: Ahead<'_>,
    ) {
        accumulate(simd, sums, x, weights, ahead);
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
        sums: &mut [Sums<S, T>; R],
        x: &[T],
        weights: &[T],
        ahead: Ahead<'_>,
    ) {
        let mut three = pick(sums, [0, 1, THIRD]);
        accumulate(simd, &mut three, x, weights, ahead);
        *sums = join(*sums, [0, 1, THIRD], three);
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

/// Inputs between two looks at what is ahead, and two tests for the end.
const UNROLLED: usize = 4;

/// Weights that will be wanted soon, looked at so that they come nearer while others are multiplied.
#[derive(Clone, Copy, Debug)]
pub struct Ahead<'a> {
    bytes: &'a [u8],
    /// Bytes from one look to the next.
    step: usize,
}

impl<'a> Ahead<'a> {
    /// Nothing.
    pub const NONE: Self = Self { bytes: &[], step: 0 };

    /// All of `bytes`, in the course of so many inputs.
    #[inline(always)]
    fn new(bytes: &'a [u8], inputs: usize) -> Self {
        Self { bytes, step: bytes.len() * UNROLLED / inputs.max(1) }
    }

    /// What is left after some inputs.
    #[inline(always)]
    fn after(self, inputs: usize) -> Self {
        Self { bytes: self.bytes.get(inputs / UNROLLED * self.step..).unwrap_or_default(), ..self }
    }

    #[inline(always)]
    fn look(self, index: usize) -> u8 {
        self.bytes.get(index * self.step).copied().unwrap_or_default()
    }
}

/// sums\[row\]\[column\] += Σ_k x\[k\]\[row\] · w\[k\]\[column\]; meanwhile a look at what is `ahead`.
///
/// Never inlined, and shared by all products: what else they have to remember would take registers from the sums. The
/// processor's instructions are those of the function that is made below `vectorize`.
#[inline(never)]
pub fn accumulate<S: Simd, T: Lanes, const R: usize, const W: usize>(
    simd: S,
    sums: &mut [[T::Register<S>; W]; R],
    x: &[T],
    weights: &[T],
    ahead: Ahead<'_>,
) {
    let (x, _) = x.as_chunks::<R>();
    let (weights, _) = T::registers::<S>(weights).as_chunks::<W>();
    simd.vectorize(Accumulate::<S, T, R, W> { simd, sums, x, weights: &weights[..x.len()], ahead });
}

struct Accumulate<'a, S: Simd, T: Lanes, const R: usize, const W: usize> {
    simd: S,
    sums: &'a mut [[T::Register<S>; W]; R],
    x: &'a [[T; R]],
    weights: &'a [[T::Register<S>; W]],
    ahead: Ahead<'a>,
}

impl<S: Simd, T: Lanes, const R: usize, const W: usize> NullaryFnOnce for Accumulate<'_, S, T, R, W> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { simd, x, weights, ahead, .. } = self;
        let (x_runs, x_rest) = x.as_chunks::<UNROLLED>();
        let (weight_runs, weights_rest) = weights.as_chunks::<UNROLLED>();
        let (mut sums, mut touched) = (*self.sums, 0);
        for (index, (x, weights)) in x_runs.iter().zip(weight_runs).enumerate() {
            touched ^= ahead.look(index);
            for k in 0..UNROLLED {
                sums = add_input::<S, T, R, W>(simd, sums, &x[k], &weights[k]);
            }
        }
        std::hint::black_box(touched);
        for (x, weights) in x_rest.iter().zip(weights_rest) {
            sums = add_input::<S, T, R, W>(simd, sums, x, weights);
        }
        *self.sums = sums;
    }
}

/// sums\[row\]\[column\] += x\[row\] · w\[column\]
///
/// Column by column: beside the sums there are the inputs of all rows, and one register of weights, in the registers.
#[inline(always)]
fn add_input<S: Simd, T: Lanes, const R: usize, const W: usize>(
    simd: S,
    mut sums: [[T::Register<S>; W]; R],
    x: &[T; R],
    weights: &[T::Register<S>; W],
) -> [[T::Register<S>; W]; R] {
    let mut inputs = [T::splat(simd, T::ZERO); R];
    for row in 0..R {
        inputs[row] = T::splat(simd, x[row]);
    }
    for column in 0..W {
        let weights = weights[column];
        for row in 0..R {
            sums[row][column] = T::times_plus(simd, inputs[row], weights, sums[row][column]);
        }
    }
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

    /// `R` rows from `rows.start` on, times some inputs of one panel, counted in the order in which they are added;
    /// `sums` are those of the rows, kept from one part of the inputs to the next, and `ahead` are weights that will be
    /// wanted soon.
    #[inline(always)]
    fn tile<S: Simd, const R: usize>(
        &mut self,
        simd: S,
        panel: usize,
        rows: Range<usize>,
        part: &Part,
        sums: &mut [T::Register<S>],
        ahead: Ahead<'_>,
    ) {
        let Some(sums) = sums.as_chunks_mut::<SUMS>().0.first_chunk_mut::<R>() else { return };
        if part.is_first {
            for row in 0..R {
                sums[row] = self.tiles.begin(simd, rows.start + row, panel);
            }
        }
        let (mut before, mut done) = (0, 0);
        for Operand { rows: x, inputs } in self.first {
            let here = part.within(before, inputs);
            before += inputs.len();
            let weights = self.weights.weights(panel, inputs.start + here.start..inputs.start + here.end);
            let x = &x.numbers(rows.clone())[here.start * R..here.end * R];
            E::First::add(simd, sums, x, weights, ahead.after(done));
            done += here.len();
        }
        for Operand { rows: x, inputs } in self.second {
            let here = part.within(before, inputs);
            before += inputs.len();
            let weights = self.weights.weights(panel, inputs.start + here.start..inputs.start + here.end);
            let x = &x.numbers(rows.clone())[here.start * R..here.end * R];
            E::Second::add(simd, sums, x, weights, ahead.after(done));
            done += here.len();
        }
        if part.is_last {
            self.end(simd, rows.start, panel, &sums[..]);
        }
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
        let sums = T::registers_mut::<S>(&mut sums);
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
                let first = if parts == 1 { 0 } else { rows.start * SUMS };
                let sums = &mut sums[first..];
                match rows.len().min(tile_rows::<S>()) {
                    1 => self.tile::<S, 1>(simd, panel, rows, &part, sums, ahead),
                    2 => self.tile::<S, 2>(simd, panel, rows, &part, sums, ahead),
                    3 => self.tile::<S, 3>(simd, panel, rows, &part, sums, ahead),
                    4 => self.tile::<S, 4>(simd, panel, rows, &part, sums, ahead),
                    5 => self.tile::<S, 5>(simd, panel, rows, &part, sums, ahead),
                    _ => self.tile::<S, 6>(simd, panel, rows, &part, sums, ahead),
                }
            }
        }
    }

    /// In a function of its own: its constants would take registers from the sums of the loops above.
    #[inline(always)]
    fn end<S: Simd>(&mut self, simd: S, first_row: usize, panel: usize, sums: &[Sums<S, T>]) {
        simd.vectorize(End { simd, tiles: &mut self.tiles, first_row, panel, sums });
    }
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
        const { assert!(fits::<S>(tile_rows::<S>()) && STREAMED_SUMS < S::REGISTER_COUNT) };
        if any.rows == 1 {
            self.single_row(simd);
        } else {
            self.many_rows(simd, any);
        }
        self.tiles
    }
}
