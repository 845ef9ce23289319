//! Columns of row-major matrices, written by one thread each.

use std::ops::Range;

use pulp::Simd;

use super::accumulate::Sums;
use super::memory::Scratch;
use super::parallel;
use super::simd::{Lanes, lanes};
use super::tile::SUMS;

/// Some neighbouring columns of a row-major matrix.
#[derive(Debug)]
pub struct Strip<'a, T> {
    data: &'a mut [T],
    /// Numbers from one row to the next.
    stride: usize,
    /// The columns, as the whole matrix counts them.
    cols: Range<usize>,
}

impl<'a, T: Lanes> Strip<'a, T> {
    /// The columns `cols`, which are all that `data` holds.
    pub fn new(data: &'a mut [T], cols: Range<usize>) -> Self {
        Self { data, stride: cols.len(), cols }
    }

    /// The columns of a row from `col` on, at most `count`.
    #[inline(always)]
    pub fn at(&mut self, row: usize, col: usize, count: usize) -> &mut [T] {
        let count = count.min(self.cols.end - col);
        &mut self.data[row * self.stride + col - self.cols.start..][..count]
    }

    /// Adds what is there from column `col` on, as far as the strip goes, to four registers.
    #[inline(always)]
    pub fn add_to<S: Simd>(&self, simd: S, row: usize, col: usize, registers: &mut Sums<S, T>) {
        let mut there = &self.data[row * self.stride..][..self.stride][col - self.cols.start..];
        for register in registers {
            let (head, tail) = there.split_at(lanes::<T, S>().min(there.len()));
            *register = T::plus(simd, *register, T::load(simd, head));
            there = tail;
        }
    }

    /// Writes four registers from column `col` on, as far as the strip goes.
    #[inline(always)]
    pub fn store<S: Simd>(&mut self, simd: S, row: usize, col: usize, registers: Sums<S, T>) {
        let mut out = self.at(row, col, SUMS * lanes::<T, S>());
        for register in registers {
            let (head, tail) = out.split_at_mut(lanes::<T, S>().min(out.len()));
            if head.is_empty() {
                break;
            }
            T::store(simd, head, register);
            out = tail;
        }
    }

    /// Takes its columns of some rows of a matrix, one behind the other.
    pub fn copy_rows<'b>(&mut self, rows: &[u32], row: impl Fn(usize) -> &'b [T])
    where
        T: 'b,
    {
        let columns = self.cols.clone();
        for (to, &from) in rows.iter().enumerate() {
            self.at(to, columns.start, columns.len()).copy_from_slice(&row(from as usize)[columns.clone()]);
        }
    }
}

/// Divides `rows` rows of matrices with `cols` columns among threads by columns, in panels of `per_panel`.
///
/// `work` gets the panels and the strips of them as they are, to be written.
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
        return work(0..panels, matrices.map(|data| Strip::new(data, 0..cols)));
    }
    // Interleaved columns cannot be lent to several threads: each has a copy of its own, and they are put together.
    let columns = |panels: &Range<usize>| panels.start * per_panel..(panels.end * per_panel).min(cols);
    let copy = |matrix: &[T], columns: Range<usize>| {
        let mut piece = Scratch::new(rows * columns.len());
        for (row, piece) in matrix.chunks_exact(cols).zip(piece.chunks_exact_mut(columns.len())) {
            piece.copy_from_slice(&row[columns.clone()]);
        }
        piece
    };
    let mut pieces: Vec<(Range<usize>, [Scratch<T>; N])> = parallel::runs(panels, parts)
        .map(|panels| {
            let pieces = matrices.each_ref().map(|matrix| copy(matrix, columns(&panels)));
            (panels, pieces)
        })
        .collect();
    parallel::for_each(&mut pieces, |(panels, pieces)| {
        work(panels.clone(), pieces.each_mut().map(|data| Strip::new(data, columns(panels))));
    });
    for (panels, pieces) in &pieces {
        let columns = columns(panels);
        for (matrix, piece) in matrices.iter_mut().zip(pieces) {
            for (row, piece) in matrix.chunks_exact_mut(cols).zip(piece.chunks_exact(columns.len())) {
                row[columns.clone()].copy_from_slice(piece);
            }
        }
    }
}
