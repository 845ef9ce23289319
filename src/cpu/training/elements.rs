//! What training does to single elements and rows.

use crate::backend::{Activation, Dropout, Occurrences, pcg};
use crate::cpu::parallel;
use crate::cpu::processor::Cpu;
use crate::cpu::simd::Lanes;
use crate::cpu::tensor::Matrix;
use crate::{Error, Result};

/// Elements that are worth another thread.
const WORTH: usize = 50_000;

impl<T: Lanes> Cpu<T> {
    /// See [`dropout`](crate::backend::Training::dropout).
    pub(in crate::cpu) fn dropout(&self, dropout: Dropout, y: &mut Matrix<T>) -> Result<()> {
        if dropout.rate <= 0.0 {
            return Ok(());
        }
        let (start, threshold, scale) =
            (pcg(dropout.seed), dropout.threshold(), T::from_f64(f64::from(dropout.scale())));
        let runs = parallel::runs(y.data.len(), parallel::threads().min(y.data.len() / WORTH + 1));
        let parts = runs.clone().zip(parallel::cut(&mut y.data, runs, 1));
        parallel::for_each(parts, |(run, y)| {
            for (index, y) in run.zip(y) {
                let kept = pcg((index as u32).wrapping_add(start)) >= threshold;
                *y = if kept { *y * scale } else { T::ZERO };
            }
        });
        Ok(())
    }

    /// See [`activation_backward`](crate::backend::Training::activation_backward).
    pub(in crate::cpu) fn activation_backward(
        &self,
        activation: Activation,
        y: &Matrix<T>,
        d_y: &mut Matrix<T>,
    ) -> Result<()> {
        Error::check("activation_backward", "rows", y.rows, d_y.rows)?;
        Error::check("activation_backward", "columns", y.cols, d_y.cols)?;
        let elements = d_y.data.iter_mut().zip(&*y.data);
        match activation {
            Activation::Identity => {}
            Activation::Tanh => elements.for_each(|(d_y, &y)| *d_y *= T::ONE - y * y),
            Activation::Relu => elements.for_each(|(d_y, &y)| *d_y = if y > T::ZERO { *d_y } else { T::ZERO }),
        }
        Ok(())
    }

    /// See [`take_position`](crate::backend::Training::take_position).
    pub(in crate::cpu) fn take_position(
        &self,
        sequence: &Matrix<T>,
        position: usize,
        out: &mut Matrix<T>,
    ) -> Result<()> {
        let len = check_position("take_position", sequence, position, out)?;
        for (row, out) in out.data.chunks_exact_mut(out.cols.max(1)).enumerate() {
            out.copy_from_slice(sequence.row(row * len + position));
        }
        Ok(())
    }

    /// See [`put_position`](crate::backend::Training::put_position).
    pub(in crate::cpu) fn put_position(
        &self,
        rows: &Matrix<T>,
        position: usize,
        sequence: &mut Matrix<T>,
    ) -> Result<()> {
        let len = check_position("put_position", sequence, position, rows)?;
        let cols = rows.cols;
        for (row, sentence) in sequence.data.chunks_exact_mut((len * cols).max(1)).enumerate() {
            sentence[position * cols..][..cols].copy_from_slice(rows.row(row));
        }
        Ok(())
    }
}

/// Positions of a sentence.
fn check_position<T: Lanes>(
    operation: &'static str,
    sequence: &Matrix<T>,
    position: usize,
    rows: &Matrix<T>,
) -> Result<usize> {
    let len = sequence.rows / rows.rows.max(1);
    Error::check(operation, "rows of the sequence", rows.rows * len, sequence.rows)?;
    Error::check(operation, "columns", sequence.cols, rows.cols)?;
    Error::check(operation, "position within the sentence", position.min(len.saturating_sub(1)), position)?;
    Ok(len)
}

impl<T: Lanes> Cpu<T> {
    /// See [`embedding_backward`](crate::backend::Training::embedding_backward).
    pub(in crate::cpu) fn embedding_backward(
        &self,
        occurrences: &Occurrences<Cpu<T>>,
        d_out: &Matrix<T>,
        d_table: &mut Matrix<T>,
    ) -> Result<()> {
        Error::check("embedding_backward", "columns", d_table.cols, d_out.cols)?;
        for (&symbol, places) in occurrences.symbols.iter().zip(occurrences.starts.windows(2)) {
            let d_symbol = &mut d_table.data[symbol as usize * d_out.cols..][..d_out.cols];
            for &row in &occurrences.rows[places[0] as usize..places[1] as usize] {
                d_symbol.iter_mut().zip(d_out.row(row as usize)).for_each(|(sum, &number)| *sum += number);
            }
        }
        Ok(())
    }
}
