//! Products of two matrices, packed for the product and then forgotten.
//!
//! Rows of zeros add nothing and are left out: padding costs a look at its first numbers.

use std::ops::Range;

use pulp::Simd;

use crate::backend::{Activation, Skipped, check_matmul};
use crate::cpu::accumulate::{Four, Sums};
use crate::cpu::instructions::Instructions;
use crate::cpu::memory::Scratch;
use crate::cpu::panels::{Packed, PanelsView, Rows};
use crate::cpu::parallel;
use crate::cpu::processor::Cpu;
use crate::cpu::product::{Operand, Product, Tiles};
use crate::cpu::simd::{Lanes, lanes};
use crate::cpu::strip::Strip;
use crate::cpu::tensor::{Matrix, Packing};
use crate::cpu::tile::{SUMS, Shape};
use crate::{Error, Float, Result};

/// Inputs that are multiplied before the sums go into the product, whose rows lie far apart: each visit waits for
/// memory.
const INNER: usize = 1024;

/// Rows whose inputs are packed together: as many as stay in a core's own cache.
const ROWS: usize = 192;

/// Inputs that are transposed together: the numbers of a cache line.
const BLOCK: usize = 16;

/// Multiplications that are worth another thread.
const WORTH: usize = 200_000;

/// Numbers that are worth another thread to copy.
const COPY: usize = 100_000;

/// Some neighbouring columns of a matrix.
#[derive(Clone, Copy, Debug)]
pub struct Columns<'a, T: Lanes> {
    matrix: &'a Matrix<T>,
    first: usize,
    /// How many.
    pub cols: usize,
}

impl<'a, T: Lanes> Columns<'a, T> {
    /// The columns `cols`.
    pub fn new(matrix: &'a Matrix<T>, cols: Range<usize>) -> Self {
        Self { matrix, first: cols.start, cols: cols.len() }
    }

    /// All columns.
    pub fn all(matrix: &'a Matrix<T>) -> Self {
        Self::new(matrix, 0..matrix.cols)
    }

    /// One row of them.
    #[inline(always)]
    pub fn row(&self, row: usize) -> &'a [T] {
        &self.matrix.row(row)[self.first..][..self.cols]
    }

    /// The rows that are not all zero.
    pub fn filled_rows(&self) -> Vec<u32> {
        (0..self.matrix.rows as u32).filter(|&row| is_filled(self.row(row as usize))).collect()
    }
}

/// Whether there is anything but zeros.
pub fn is_filled<T: Lanes>(row: &[T]) -> bool {
    row.iter().any(|&number| number != T::ZERO)
}

impl<T: Lanes> Packed<T> {
    /// Rows `rows` of B (inner, cols) as they are.
    pub fn rows(instructions: Instructions, b: Columns<'_, T>, rows: &[u32]) -> Self {
        Self::pack(instructions, rows.len(), b.cols, |columns, panel, width| {
            for (&row, packed) in rows.iter().zip(panel.chunks_exact_mut(width)) {
                packed[..columns.len()].copy_from_slice(&b.row(row as usize)[columns.clone()]);
                packed[columns.len()..].fill(T::ZERO);
            }
        })
    }

    /// Rows `rows` of B (cols, inner), transposed.
    pub fn transposed(instructions: Instructions, b: Columns<'_, T>, rows: Range<usize>) -> Self {
        let inner = b.cols;
        Self::pack(instructions, inner, rows.len(), |columns, panel, width| {
            // A few inputs of all rows at a time: what they are written to stays in the nearest cache.
            for first in (0..inner).step_by(BLOCK) {
                let inputs = first..inner.min(first + BLOCK);
                let panel = &mut panel[first * width..inputs.end * width];
                for lane in 0..width {
                    let packed = panel[lane..].iter_mut().step_by(width);
                    if lane < columns.len() {
                        let row = &b.row(rows.start + columns.start + lane)[inputs.clone()];
                        packed.zip(row).for_each(|(packed, &number)| *packed = number);
                    } else {
                        packed.for_each(|packed| *packed = T::ZERO);
                    }
                }
            }
        })
    }

    fn pack(
        instructions: Instructions,
        inner: usize,
        cols: usize,
        fill: impl Fn(Range<usize>, &mut [T], usize) + Sync,
    ) -> Self {
        let width = SUMS * Shape::of::<T>(instructions).lanes;
        let count = cols.div_ceil(width);
        let mut data = Scratch::new(count * inner * width);
        let threads = parallel::threads().min(data.len() / COPY + 1);
        let runs = parallel::runs(count, threads);
        let parts = runs.clone().zip(parallel::cut(&mut data, runs, inner * width));
        parallel::for_each(parts, |(panels, data)| {
            for (panel, data) in panels.zip(data.chunks_exact_mut((inner * width).max(1))) {
                let first = panel * width;
                fill(first..cols.min(first + width), data, width);
            }
        });
        Self { data, instructions, inner, cols }
    }

    /// Multiplies the rows `rows` of a first factor, and ends as `end` says in the same rows of `out`.
    ///
    /// `pack` lays out a range of the inputs of some of the rows.
    pub fn multiply(
        &self,
        rows: &[u32],
        pack: impl Fn(&[u32], Range<usize>, &mut Rows<T>) + Sync,
        end: End<'_, T>,
        out: &mut [T],
    ) {
        let threads = parallel::threads().min(rows.len() * self.inner * self.cols / WORTH + 1);
        let parts = parallel::runs(rows.len(), threads).map(|run| &rows[run]);
        let parts: Vec<(&[u32], &mut [T])> = parts.zip(cut_at(out, rows, threads, self.cols)).collect();
        parallel::for_each(parts, |(rows, out)| self.multiply_here(rows, &pack, end, false, out));
    }

    /// The same on this thread; `out` begins with the first of the rows, `backward` with the last panel: what was
    /// read last of a factor that is used again is still at hand.
    pub fn multiply_here(
        &self,
        rows: &[u32],
        pack: &impl Fn(&[u32], Range<usize>, &mut Rows<T>),
        end: End<'_, T>,
        backward: bool,
        out: &mut [T],
    ) {
        let Some(&first) = rows.first() else { return };
        for rows in rows.chunks(ROWS) {
            self.multiply_few(rows, pack, end, backward, &mut out[(rows[0] - first) as usize * self.cols..]);
        }
    }

    /// The same for as many rows as stay in the cache while all panels are multiplied with them.
    fn multiply_few(
        &self,
        rows: &[u32],
        pack: &impl Fn(&[u32], Range<usize>, &mut Rows<T>),
        end: End<'_, T>,
        backward: bool,
        out: &mut [T],
    ) {
        let first_row = rows[0];
        let shape = Shape::of::<T>(self.instructions);
        let width = SUMS * shape.lanes;
        let panels = 0..self.cols.div_ceil(width);
        let weights = PanelsView { data: &self.data, instructions: self.instructions, inputs: self.inner, cols: width };
        let mut x = Rows::new(shape);
        let mut done = 0;
        loop {
            let inputs = done..self.inner.min(done + INNER);
            pack(rows, inputs.clone(), &mut x);
            let last = inputs.end == self.inner;
            let tiles = Stored {
                rows,
                first_row,
                out: Strip::new(out, 0..self.cols),
                bias: end.bias.filter(|_| done == 0),
                accumulate: end.accumulate || done > 0,
                activation: if last { end.activation } else { Activation::Identity },
            };
            let first = &[Operand { rows: &x, inputs: inputs.clone() }];
            Product { weights, panels: panels.clone(), backward, first, second: &[], tiles }.run();
            if last {
                break;
            }
            done = inputs.end;
        }
    }
}

/// Cuts a matrix before the first row of every run of `rows` but the first; what stands before that goes to it.
fn cut_at<'a, T>(
    mut out: &'a mut [T],
    rows: &'a [u32],
    parts: usize,
    cols: usize,
) -> impl Iterator<Item = &'a mut [T]> + 'a {
    let mut start = 0;
    let mut runs = parallel::runs(rows.len(), parts).peekable();
    std::iter::from_fn(move || {
        let run = runs.next()?;
        let first = rows[run.start] as usize;
        let end = runs.peek().map_or(start + out.len() / cols.max(1), |next| rows[next.start] as usize);
        let (_, here) = std::mem::take(&mut out).split_at_mut((first - start) * cols);
        let (here, rest) = here.split_at_mut((end - first) * cols);
        out = rest;
        start = end;
        Some(here)
    })
}

/// What stands before and behind the sums of a product.
#[derive(Clone, Copy, Debug)]
pub struct End<'a, T> {
    /// Added to every row.
    pub bias: Option<&'a [T]>,
    /// Whether what `out` holds is added.
    pub accumulate: bool,
    /// What stands behind the sums.
    pub activation: Activation,
}

impl<T> End<'_, T> {
    /// out = the product
    pub const REPLACE: Self = Self { bias: None, accumulate: false, activation: Activation::Identity };
    /// out += the product
    pub const ADD: Self = Self { bias: None, accumulate: true, activation: Activation::Identity };
}

/// Sums that go into rows of a matrix.
struct Stored<'a, T> {
    rows: &'a [u32],
    first_row: u32,
    out: Strip<'a, T>,
    bias: Option<&'a [T]>,
    accumulate: bool,
    activation: Activation,
}

impl<T: Lanes> Stored<'_, T> {
    #[inline(always)]
    fn row(&self, row: usize) -> usize {
        (self.rows[row] - self.first_row) as usize
    }
}

impl<T: Lanes> Tiles<T> for Stored<'_, T> {
    type First = Four;
    type Second = Four;

    #[inline(always)]
    fn begin<S: Simd>(&self, simd: S, _: usize, panel: usize) -> Sums<S, T> {
        let col = panel * SUMS * lanes::<T, S>();
        match self.bias {
            Some(bias) => four(simd, &bias[col..]),
            None => [T::splat(simd, T::ZERO); SUMS],
        }
    }

    #[inline(always)]
    fn end<S: Simd>(&mut self, simd: S, row: usize, panel: usize, mut sums: Sums<S, T>) {
        let (row, col, count) = (self.row(row), panel * SUMS * lanes::<T, S>(), SUMS * lanes::<T, S>());
        if self.accumulate {
            let old = four(simd, self.out.at(row, col, count));
            for (sum, old) in sums.iter_mut().zip(old) {
                *sum = T::plus(simd, *sum, old);
            }
        }
        match self.activation {
            Activation::Identity => {}
            Activation::Tanh => sums = sums.map(|sum| T::tanh_register(simd, sum)),
            Activation::Relu => sums = sums.map(|sum| T::maximum(simd, sum, T::splat(simd, T::ZERO))),
        }
        self.out.store(simd, row, col, sums);
    }
}

/// Four registers from the beginning of a slice; zeros behind its end.
#[inline(always)]
fn four<S: Simd, T: Lanes>(simd: S, slice: &[T]) -> Sums<S, T> {
    let mut registers = [T::splat(simd, T::ZERO); SUMS];
    for (register, part) in registers.iter_mut().zip(slice.chunks(lanes::<T, S>())) {
        *register = T::load(simd, part);
    }
    registers
}

/// Rows `rows` of A times the packed factor, into the same rows of `out`.
pub fn multiply_rows<T: Lanes>(a: Columns<'_, T>, rows: &[u32], b: &Packed<T>, end: End<'_, T>, out: &mut Matrix<T>) {
    let pack = |rows: &[u32], inner: Range<usize>, x: &mut Rows<T>| {
        x.pack(rows.len(), inner.len(), |row| &a.row(rows[row] as usize)[inner.clone()]);
    };
    b.multiply(rows, pack, end, &mut out.data);
}

/// Row `first` + r of `out` += row r of Aᵀ B, for the rows `rows` of `out`, which has as many columns as B.
pub fn multiply_columns<T: Lanes>(
    instructions: Instructions,
    a: Columns<'_, T>,
    b: Columns<'_, T>,
    rows: &[u32],
    first: usize,
    out: &mut [T],
) {
    let filled = a.filled_rows();
    if filled.is_empty() {
        return;
    }
    let packed = Packed::rows(instructions, b, &filled);
    let pack = |rows: &[u32], inner: Range<usize>, x: &mut Rows<T>| {
        // Rows of the product are columns of A: neighbours, but where some are skipped.
        let column = rows[0] as usize - first;
        if rows[rows.len() - 1] as usize - first - column + 1 == rows.len() {
            let row = |k: usize| &a.row(filled[inner.start + k] as usize)[column..][..rows.len()];
            return x.pack_columns(rows.len(), inner.len(), row);
        }
        let mut gathered = Scratch::new(rows.len() * inner.len());
        for (k, gathered) in gathered.chunks_exact_mut(rows.len()).take(inner.len()).enumerate() {
            let row = a.row(filled[inner.start + k] as usize);
            gathered.iter_mut().zip(rows).for_each(|(to, &column)| *to = row[column as usize - first]);
        }
        x.pack_columns(rows.len(), inner.len(), |k| &gathered[k * rows.len()..][..rows.len()]);
    };
    packed.multiply(rows, pack, End::ADD, out);
}

impl<T: Lanes> Cpu<T> {
    /// See [`matmul_nt`](crate::backend::Training::matmul_nt).
    pub(in crate::cpu) fn matmul_nt(
        &self,
        a: &Matrix<T>,
        b: &Matrix<T>,
        bias: Option<&Matrix<T>>,
        activation: Activation,
        accumulate: bool,
        out: &mut Matrix<T>,
    ) -> Result<()> {
        let instructions = self.instructions();
        check_matmul("matmul_nt", [a.rows, b.rows], [a.cols, b.cols], [out.rows, out.cols])?;
        if let Some(bias) = bias {
            Error::check("matmul_nt", "bias", out.cols, bias.data.len())?;
        }
        let packed = b.data.packed(instructions, Packing::Transposed, 1, |_| {
            Packed::transposed(instructions, Columns::all(b), 0..b.rows)
        });
        let end = End { bias: bias.map(|bias| &*bias.data), accumulate, activation };
        multiply(a, &packed[0], end, out);
        Ok(())
    }

    /// See [`matmul_nn`](crate::backend::Training::matmul_nn).
    pub(in crate::cpu) fn matmul_nn(
        &self,
        a: &Matrix<T>,
        b: &Matrix<T>,
        accumulate: bool,
        out: &mut Matrix<T>,
    ) -> Result<()> {
        let instructions = self.instructions();
        check_matmul("matmul_nn", [a.rows, b.cols], [a.cols, b.rows], [out.rows, out.cols])?;
        let rows: Vec<u32> = (0..b.rows as u32).collect();
        let packed =
            b.data.packed(instructions, Packing::Plain, 1, |_| Packed::rows(instructions, Columns::all(b), &rows));
        multiply(a, &packed[0], End { accumulate, ..End::REPLACE }, out);
        Ok(())
    }
}

/// The product of all rows; those of zeros end like the others.
fn multiply<T: Lanes>(a: &Matrix<T>, b: &Packed<T>, end: End<'_, T>, out: &mut Matrix<T>) {
    let filled = Columns::all(a).filled_rows();
    let mut next = filled.iter().peekable();
    for (row, out) in out.data.chunks_exact_mut(out.cols.max(1)).enumerate() {
        if next.next_if(|&&filled| filled as usize == row).is_some() {
            continue;
        }
        match end.bias {
            _ if end.accumulate => out.iter_mut().zip(end.bias.unwrap_or(&[])).for_each(|(out, &bias)| *out += bias),
            Some(bias) => out.copy_from_slice(bias),
            None => out.fill(T::ZERO),
        }
        match end.activation {
            Activation::Identity => {}
            Activation::Tanh => out.iter_mut().for_each(|out| *out = Float::tanh(*out)),
            Activation::Relu => out.iter_mut().for_each(|out| *out = Float::max(*out, T::ZERO)),
        }
    }
    multiply_rows(Columns::all(a), &filled, b, end, out);
}

impl<T: Lanes> Cpu<T> {
    /// See [`matmul_tn`](crate::backend::Training::matmul_tn).
    pub(in crate::cpu) fn matmul_tn(
        &self,
        a: &Matrix<T>,
        b: &Matrix<T>,
        skipped: Option<Skipped>,
        out: &mut Matrix<T>,
        sums: Option<&mut Matrix<T>>,
    ) -> Result<()> {
        let instructions = self.instructions();
        check_matmul("matmul_tn", [a.cols, b.cols], [a.rows, b.rows], [out.rows, out.cols])?;
        if let Some(sums) = sums {
            Error::check("matmul_tn", "sums", a.cols, sums.data.len())?;
            add_rows(Columns::all(a), &mut sums.data);
        }
        multiply_columns(instructions, Columns::all(a), Columns::all(b), &kept(out.rows, skipped), 0, &mut out.data);
        Ok(())
    }
}

/// The rows below `rows` that are not skipped.
pub fn kept(rows: usize, skipped: Option<Skipped>) -> Vec<u32> {
    let keep = |row: &u32| skipped.is_none_or(|skipped| !skipped.contains(*row as usize));
    (0..rows as u32).filter(keep).collect()
}

/// sums += the sum of all rows, in their order.
pub fn add_rows<T: Lanes>(a: Columns<'_, T>, sums: &mut [T]) {
    let rows = a.matrix.rows;
    let runs = parallel::runs(a.cols, parallel::threads().min(rows * a.cols / COPY + 1));
    let parts = runs.clone().zip(parallel::cut(sums, runs, 1));
    parallel::for_each(parts, |(columns, sums)| {
        for row in 0..rows {
            sums.iter_mut().zip(&a.row(row)[columns.clone()]).for_each(|(sum, &number)| *sum += number);
        }
    });
}
