//! Columns of row-major matrices, written by one thread each.

use std::ops::Range;

use pulp::Simd;

use super::panels::SUMS;
use super::parallel;
use super::product::Sums;
use super::simd::{Lanes, lanes};
use super::tensor::Buffer;

/// Some neighbouring columns of a row-major matrix.
#[derive(Debug)]
pub struct Strip<'a, T> {
    data: &'a mut [T],
    /// Numbers from one row to the next.
    stride: usize,
    /// The columns, as the whole matrix counts them.
    cols: Range<usize>,
}

impl<T: Lanes> Strip<'_, T> {
    /// The columns of a row from `col` on, at most `count`.
    #[inline(always)]
    pub fn at(&mut self, row: usize, col: usize, count: usize) -> &mut [T] {
        let count = count.min(self.cols.end - col);
        &mut self.data[row * self.stride + col - self.cols.start..][..count]
    }

    /// Writes four registers from column `col` on, as far as the strip goes.
    #[inline(always)]
    pub fn store<S: Simd>(&mut self, simd: S, row: usize, col: usize, registers: Sums<S, T>) {
        let out = self.at(row, col, SUMS * lanes::<T, S>());
        for (out, register) in out.chunks_mut(lanes::<T, S>()).zip(registers) {
            T::store(simd, out, register);
        }
    }
}

/// Divides `rows` rows of matrices with `cols` columns among threads by columns, in panels of `per_panel`.
///
/// `work` gets the panels and the strips of them, which hold what the matrices held.
pub fn by_columns<T: Lanes, const N: usize>(
    mut matrices: [&mut [T]; N],
    rows: usize,
    cols: usize,
    per_panel: usize,
    parts: usize,
    work: impl Fn(Range<usize>, [Strip<'_, T>; N]) + Sync,
) {
    let panels = cols.div_ceil(per_panel);
    if parts <= 1 || panels <= 1 {
        return work(0..panels, matrices.map(|data| Strip { data, stride: cols, cols: 0..cols }));
    }
    // Interleaved columns cannot be lent to several threads: each gets a copy.
    let mut copies: Vec<(Range<usize>, [Buffer<T>; N])> = parallel::runs(panels, parts)
        .map(|panels| {
            let cols_here = panels.start * per_panel..(panels.end * per_panel).min(cols);
            let copies = std::array::from_fn(|matrix| {
                let mut copy = Buffer::zeros(rows * cols_here.len());
                let sources = matrices[matrix].chunks_exact(cols);
                for (copy, source) in copy.chunks_exact_mut(cols_here.len()).zip(sources) {
                    copy.copy_from_slice(&source[cols_here.clone()]);
                }
                copy
            });
            (panels, copies)
        })
        .collect();
    parallel::for_each(&mut copies, |(panels, copies)| {
        let cols = panels.start * per_panel..(panels.end * per_panel).min(cols);
        let strips = copies.each_mut().map(|data| Strip { data, stride: cols.len(), cols: cols.clone() });
        work(panels.clone(), strips);
    });
    for (panels, copies) in &copies {
        let cols_here = panels.start * per_panel..(panels.end * per_panel).min(cols);
        for (matrix, copy) in matrices.iter_mut().zip(copies) {
            for (row, copy) in matrix.chunks_exact_mut(cols).zip(copy.chunks_exact(cols_here.len())) {
                row[cols_here.clone()].copy_from_slice(copy);
            }
        }
    }
}
