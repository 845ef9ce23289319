//! Weights and rows laid out for the product.

use std::ops::Range;

use super::instructions::Instructions;
use super::memory::{Buffer, Scratch};
use super::parallel;
use super::simd::Lanes;
use super::tile::Shape;

/// A weight matrix in panels: all that a product needs of some outputs, in the order in which it needs it.
///
/// Layout (panels, inputs, width, lanes): for every input the weights of `width` registers of outputs.
#[derive(Debug)]
pub struct Panels<T> {
    data: Buffer<T>,
    /// What they are packed for, and multiplied with.
    pub instructions: Instructions,
    /// Panels.
    pub count: usize,
    /// Inputs.
    pub inputs: usize,
    /// Numbers per input: width · lanes.
    cols: usize,
}

impl<T: Lanes> Panels<T> {
    /// Packs the weights: `row(panel, column, lane)` is the row of weights of one output, `None` where there is none.
    pub fn pack<'a>(
        instructions: Instructions,
        count: usize,
        inputs: usize,
        width: usize,
        row: impl Fn(usize, usize, usize) -> Option<[&'a [f32]; 2]> + Sync,
    ) -> Self {
        let lanes = Shape::of::<T>(instructions).lanes;
        let cols = width * lanes;
        let mut data = Buffer::zeros(count * inputs * cols);
        let runs = parallel::runs(count, if data.len() < 100_000 { 1 } else { parallel::threads() });
        let parts = runs.clone().zip(parallel::cut(&mut data, runs, inputs * cols));
        parallel::for_each(parts, |(panels, data)| {
            for (panel, data) in panels.zip(data.chunks_exact_mut((inputs * cols).max(1))) {
                for (column, lane) in (0..width).flat_map(|column| (0..lanes).map(move |lane| (column, lane))) {
                    let Some(row) = row(panel, column, lane) else { continue };
                    let weights = row.into_iter().flatten();
                    for (weight, packed) in weights.zip(data[column * lanes + lane..].iter_mut().step_by(cols)) {
                        *packed = T::from_f64(f64::from(*weight));
                    }
                }
            }
        });
        Self { data, instructions, count, inputs, cols }
    }

    /// Registers of weights for every input.
    pub fn width(&self) -> usize {
        self.cols / self.shape().lanes
    }

    /// The shape of their tiles.
    pub fn shape(&self) -> Shape {
        Shape::of::<T>(self.instructions)
    }

    /// The panels, for a product.
    pub fn view(&self) -> PanelsView<'_, T> {
        PanelsView { data: &self.data, instructions: self.instructions, inputs: self.inputs, cols: self.cols }
    }
}

/// Panels that lie somewhere.
#[derive(Clone, Copy, Debug)]
pub struct PanelsView<'a, T> {
    /// Layout (panels, inputs, cols).
    pub data: &'a [T],
    /// What they are multiplied with.
    pub instructions: Instructions,
    /// Inputs.
    pub inputs: usize,
    /// Numbers per input: width · lanes.
    pub cols: usize,
}

impl<'a, T: Lanes> PanelsView<'a, T> {
    /// The weights of some inputs of one panel.
    #[inline(always)]
    pub fn weights(&self, panel: usize, inputs: Range<usize>) -> &'a [T] {
        let panel = &self.data[panel * self.inputs * self.cols..][..self.inputs * self.cols];
        &panel[inputs.start * self.cols..inputs.end * self.cols]
    }
}

/// The second factor of a product, in panels of its columns.
#[derive(Debug)]
pub struct Packed<T: Lanes> {
    /// Layout (panels, inner, width of a panel).
    pub data: Scratch<T>,
    /// What it is packed for, and multiplied with.
    pub instructions: Instructions,
    /// Rows of the factor.
    pub inner: usize,
    /// Its columns.
    pub cols: usize,
}

/// Rows in blocks: a product reads one number of every row of a block at a time.
///
/// Layout (blocks, cols, rows of the block). The rows are spread evenly over the fewest blocks.
#[derive(Debug)]
pub struct Rows<T: Lanes> {
    data: Scratch<T>,
    /// Rows of the largest block.
    at_once: usize,
    /// Rows.
    pub rows: usize,
    /// Numbers in a row.
    pub cols: usize,
    blocks: usize,
    /// Rows of each block, but that the first `longer` have one more.
    shortest: usize,
    longer: usize,
}

impl<T: Lanes> Rows<T> {
    /// None yet, for tiles of this shape.
    pub fn new(shape: Shape) -> Self {
        Self { data: Scratch::default(), at_once: shape.rows, rows: 0, cols: 0, blocks: 0, shortest: 0, longer: 0 }
    }

    /// Makes room for rows in blocks.
    fn divide(&mut self, rows: usize, cols: usize) {
        (self.rows, self.cols) = (rows, cols);
        self.blocks = rows.div_ceil(self.at_once);
        (self.shortest, self.longer) = (rows / self.blocks.max(1), rows % self.blocks.max(1));
        self.data.room(rows * cols);
    }

    /// Packs `rows` rows, `row(row)` with `cols` numbers each.
    pub fn pack<'a>(&mut self, rows: usize, cols: usize, row: impl Fn(usize) -> &'a [T]) {
        self.divide(rows, cols);
        for block in 0..self.blocks {
            let range = self.block(block);
            let data = &mut self.data[range.start * cols..range.end * cols];
            let row = |index: usize| &row(range.start + index)[..cols];
            match range.len() {
                1 => interleave::<T, 1>(data, row),
                2 => interleave::<T, 2>(data, row),
                3 => interleave::<T, 3>(data, row),
                4 => interleave::<T, 4>(data, row),
                5 => interleave::<T, 5>(data, row),
                _ => interleave::<T, 6>(data, row),
            }
        }
    }

    /// Packs columns of a row-major matrix, each as a row: `row(k)` holds number k of all of them.
    pub fn pack_columns<'a>(&mut self, columns: usize, len: usize, row: impl Fn(usize) -> &'a [T]) {
        self.divide(columns, len);
        for block in 0..self.blocks {
            let range = self.block(block);
            let data = &mut self.data[range.start * len..range.end * len];
            let row = |k: usize| &row(k)[range.clone()];
            match range.len() {
                1 => side_by_side::<T, 1>(data, row),
                2 => side_by_side::<T, 2>(data, row),
                3 => side_by_side::<T, 3>(data, row),
                4 => side_by_side::<T, 4>(data, row),
                5 => side_by_side::<T, 5>(data, row),
                _ => side_by_side::<T, 6>(data, row),
            }
        }
    }

    /// Which rows a block holds.
    #[inline(always)]
    pub fn block(&self, block: usize) -> Range<usize> {
        let start = |block: usize| block * self.shortest + block.min(self.longer);
        start(block)..start(block + 1)
    }

    /// Blocks.
    #[inline(always)]
    pub fn blocks(&self) -> usize {
        self.blocks
    }

    /// The numbers of a block (cols, rows of the block).
    #[inline(always)]
    pub fn numbers(&self, block: Range<usize>) -> &[T] {
        &self.data[block.start * self.cols..block.end * self.cols]
    }
}

/// The transpose of `R` rows.
#[inline(always)]
fn interleave<'a, T: Lanes, const R: usize>(data: &mut [T], row: impl Fn(usize) -> &'a [T]) {
    let (data, _) = data.as_chunks_mut::<R>();
    let rows: [&[T]; R] = std::array::from_fn(|index| &row(index)[..data.len()]);
    for (col, data) in data.iter_mut().enumerate() {
        for index in 0..R {
            data[index] = rows[index][col];
        }
    }
}

/// Rows of `R` numbers one behind the other, by copies whose length the compiler knows.
#[inline(always)]
fn side_by_side<'a, T: Lanes, const R: usize>(data: &mut [T], row: impl Fn(usize) -> &'a [T]) {
    let (data, _) = data.as_chunks_mut::<R>();
    for (k, data) in data.iter_mut().enumerate() {
        if let Some(row) = row(k).first_chunk::<R>() {
            *data = *row;
        }
    }
}
