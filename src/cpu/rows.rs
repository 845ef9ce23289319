//! Operations on rows: softmax, log softmax, the largest element.

use pulp::{Simd, WithSimd};

use super::memory::Scratch;
use super::parallel;
use super::processor::Cpu;
use super::simd::{Lanes, lanes};
use super::tensor::Matrix;
use crate::backend::Share;
use crate::{Error, Float, Result};

/// The largest number; −∞ of none.
#[inline(always)]
pub fn maximum<S: Simd, T: Lanes>(simd: S, row: &[T]) -> T {
    let full = T::registers::<S>(row);
    let mut largest = T::splat(simd, T::NEG_INFINITY);
    for &register in full {
        largest = T::maximum(simd, largest, register);
    }
    let rest = &row[full.len() * lanes::<T, S>()..];
    rest.iter().fold(T::reduce_max(simd, largest), |largest, &number| Float::max(largest, number))
}

/// Every number becomes e^(number − shift); their sum.
#[inline(always)]
pub fn exponentials<S: Simd, T: Lanes>(simd: S, row: &mut [T], shift: T) -> T {
    let shift = T::splat(simd, shift);
    let mut sum = T::splat(simd, T::ZERO);
    for part in row.chunks_mut(lanes::<T, S>()) {
        let register = T::exp_register(simd, T::minus(simd, T::load(simd, part), shift));
        T::store(simd, part, register);
        // Beyond the end of the row a register holds what is not part of it.
        sum = T::plus(simd, sum, T::load(simd, part));
    }
    T::reduce_sum(simd, sum)
}

/// The row becomes its softmax; zeros where all is −∞.
#[inline(always)]
pub fn softmax<S: Simd, T: Lanes>(simd: S, row: &mut [T]) {
    let largest = maximum(simd, row);
    if largest == T::NEG_INFINITY {
        return row.fill(T::ZERO);
    }
    let scale = T::splat(simd, T::ONE / exponentials(simd, row, largest));
    for part in row.chunks_mut(lanes::<T, S>()) {
        let weight = T::times(simd, T::load(simd, part), scale);
        T::store(simd, part, weight);
    }
}

impl<T: Lanes> Cpu<T> {
    /// log softmax of every row.
    pub(in crate::cpu) fn log_softmax(&self, logits: &Matrix<T>, out: &mut Matrix<T>) -> Result<()> {
        let instructions = self.instructions();
        Error::check("log_softmax", "output rows", logits.rows, out.rows)?;
        Error::check("log_softmax", "output columns", logits.cols, out.cols)?;
        let cols = logits.cols.max(1);
        let parts = if logits.data.len() < 50_000 { 1 } else { parallel::threads() };
        let groups = parallel::runs(logits.rows, parts);
        let parts = groups.clone().zip(parallel::cut(&mut out.data, groups, logits.cols));
        parallel::for_each(parts, |(group, out)| {
            for (row, out) in group.zip(out.chunks_exact_mut(cols)) {
                instructions.dispatch(LogSoftmax { logits: logits.row(row), out });
            }
        });
        Ok(())
    }
}

/// x_j − max − ln Σ_i e^(x_i − max)
struct LogSoftmax<'a, T> {
    logits: &'a [T],
    out: &'a mut [T],
}

impl<T: Lanes> WithSimd for LogSoftmax<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let largest = maximum(simd, self.logits);
        self.out.copy_from_slice(self.logits);
        let shift = largest + exponentials(simd, self.out, largest).ln();
        for (out, &logit) in self.out.iter_mut().zip(self.logits) {
            *out = logit - shift;
        }
    }
}

impl<T: Lanes> Cpu<T> {
    /// A model's share of the probabilities of an ensemble.
    pub(in crate::cpu) fn mix(&self, logits: &Matrix<T>, share: Share, probabilities: &mut Matrix<T>) -> Result<()> {
        let instructions = self.instructions();
        Error::check("mix", "probabilities' rows", logits.rows, probabilities.rows)?;
        Error::check("mix", "probabilities' columns", logits.cols, probabilities.cols)?;
        let (weight, mut row) = (T::from_f64(share.weight), Scratch::new(logits.cols));
        for (logits, out) in
            logits.data.chunks_exact(logits.cols.max(1)).zip(probabilities.data.chunks_exact_mut(logits.cols.max(1)))
        {
            row.copy_from_slice(logits);
            instructions.dispatch(Softmax { row: &mut row });
            for (out, &probability) in out.iter_mut().zip(row.iter()) {
                let before = if share.first { T::ZERO } else { *out };
                *out = before + weight * probability;
            }
        }
        Ok(())
    }
}

/// The row becomes its softmax.
struct Softmax<'a, T> {
    row: &'a mut [T],
}

impl<T: Lanes> WithSimd for Softmax<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        softmax(simd, self.row);
    }
}

impl<T: Lanes> Cpu<T> {
    /// The column of the largest element of every row; the first of equals.
    pub(in crate::cpu) fn argmax(&self, logits: &Matrix<T>, out: &mut [u32]) -> Result<()> {
        Error::check("argmax", "output", logits.rows, out.len())?;
        for (row, out) in out.iter_mut().enumerate() {
            let mut best = T::NEG_INFINITY;
            *out = 0;
            for (column, &logit) in logits.row(row).iter().enumerate() {
                if logit > best {
                    (best, *out) = (logit, column as u32);
                }
            }
        }
        Ok(())
    }
}
