//! The generator with its loss: logits of some rows at a time, which become their own gradients.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::matmul::{Columns, End, add_rows, multiply_columns, multiply_rows};
use crate::backend::{GeneratorGradients, LossOptions};
use crate::batch::NO_TARGET;
use crate::cpu::instructions::Instructions;
use crate::cpu::panels::{Packed, Rows};
use crate::cpu::parallel;
use crate::cpu::processor::Cpu;
use crate::cpu::rows::{exponentials, maximum};
use crate::cpu::simd::Lanes;
use crate::cpu::tensor::{Matrix, Packing};
use crate::{Error, Result};

/// Bytes of logits that there are at once.
const LIMIT: usize = 32 << 20;

/// Logits that are worth another thread.
const WORTH: usize = 10_000;

impl<T: Lanes> Cpu<T> {
    /// See [`generator_loss`](crate::backend::Training::generator_loss).
    #[expect(clippy::too_many_arguments, reason = "the contract's")]
    pub(in crate::cpu) fn generator_loss(
        &self,
        attentional: &Matrix<T>,
        weight: &Matrix<T>,
        bias: &Matrix<T>,
        targets: &[u32],
        options: LossOptions,
        loss: &mut Matrix<T>,
        mut gradients: Option<GeneratorGradients<'_, Cpu<T>>>,
    ) -> Result<()> {
        let instructions = self.instructions();
        const OPERATION: &str = "generator_loss";
        let check = |what, expected, found| Error::check(OPERATION, what, expected, found);
        let vocab_size = weight.rows;
        check("weight columns", attentional.cols, weight.cols)?;
        check("bias", vocab_size, bias.data.len())?;
        check("targets", attentional.rows, targets.len())?;
        check("loss", 1, loss.data.len())?;
        if let Some(GeneratorGradients { d_attentional, d_weight, d_bias }) = &mut gradients {
            check("d_attentional rows", attentional.rows, d_attentional.rows)?;
            check("d_attentional columns", attentional.cols, d_attentional.cols)?;
            check("d_weight rows", vocab_size, d_weight.rows)?;
            check("d_weight columns", attentional.cols, d_weight.cols)?;
            check("d_bias", vocab_size, d_bias.data.len())?;
            d_attentional.data.fill(T::ZERO);
        }
        let rows: Vec<u32> = (0..targets.len() as u32).filter(|&row| targets[row as usize] != NO_TARGET).collect();
        let transposed = |_| Packed::transposed(instructions, Columns::all(weight), 0..vocab_size);
        let forward = weight.data.packed(instructions, Packing::Transposed, 1, transposed);
        let symbols: Vec<u32> = (0..vocab_size as u32).collect();
        let plain = |_| Packed::rows(instructions, Columns::all(weight), &symbols);
        let backward = gradients.as_ref().map(|_| weight.data.packed(instructions, Packing::Plain, 1, plain));
        let at_once = (LIMIT / (vocab_size * size_of::<T>()).max(1)).max(1);
        // Spread evenly: a last chunk of a few rows would read all the weights for them.
        let chunks = rows.len().div_ceil(at_once);
        let mut total = 0.0;
        for chunk in parallel::runs(rows.len(), chunks).map(|run| &rows[run]) {
            let mut logits = Matrix::zeros(chunk.len(), vocab_size);
            let here: Vec<u32> = (0..chunk.len() as u32).collect();
            let pack = |here: &[u32], inner: Range<usize>, x: &mut Rows<T>| {
                x.pack(here.len(), inner.len(), |row| {
                    &attentional.row(chunk[here[row] as usize] as usize)[inner.clone()]
                });
            };
            let end = End { bias: Some(&bias.data), ..End::REPLACE };
            forward[0].multiply(&here, pack, end, &mut logits.data);
            let gold: Vec<u32> = chunk.iter().map(|&row| targets[row as usize]).collect();
            total += cross_entropy(instructions, &mut logits, &gold, options);
            if let (Some(backward), Some(GeneratorGradients { d_attentional, d_weight, d_bias })) =
                (&backward, &mut gradients)
            {
                add_rows(Columns::all(&logits), &mut d_bias.data);
                let mut d_chunk = Matrix::zeros(chunk.len(), attentional.cols);
                multiply_rows(Columns::all(&logits), &here, &backward[0], End::REPLACE, &mut d_chunk);
                let mut inputs = Matrix::zeros(chunk.len(), attentional.cols);
                for (place, &row) in chunk.iter().enumerate() {
                    let cols = attentional.cols;
                    d_attentional.data[row as usize * cols..][..cols].copy_from_slice(d_chunk.row(place));
                    inputs.data[place * cols..][..cols].copy_from_slice(attentional.row(row as usize));
                }
                multiply_columns(
                    instructions,
                    Columns::all(&logits),
                    Columns::all(&inputs),
                    &symbols,
                    0,
                    &mut d_weight.data,
                );
            }
        }
        loss.data[0] += T::from_f64(total);
        Ok(())
    }
}

/// Σ of the rows' cross entropies; the logits become the gradient of the sum times `scale`.
fn cross_entropy<T: Lanes>(
    instructions: Instructions,
    logits: &mut Matrix<T>,
    targets: &[u32],
    options: LossOptions,
) -> f64 {
    let cols = logits.cols;
    let mut losses = vec![0.0; targets.len()];
    let runs = parallel::runs(targets.len(), parallel::threads().min(logits.data.len() / WORTH + 1));
    let parts = parallel::cut(&mut logits.data, runs.clone(), cols);
    let parts: Vec<_> = runs.clone().zip(parts).zip(parallel::cut(&mut losses, runs, 1)).collect();
    parallel::for_each(parts, |((run, logits), losses)| {
        for ((logits, &target), loss) in logits.chunks_exact_mut(cols).zip(&targets[run]).zip(losses) {
            *loss = instructions.dispatch(Row { logits, target: target as usize, options });
        }
    });
    losses.iter().sum()
}

/// One row of logits.
struct Row<'a, T> {
    logits: &'a mut [T],
    target: usize,
    options: LossOptions,
}

impl<T: Lanes> WithSimd for Row<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let Self { logits, target, options } = self;
        let smoothing = f64::from(options.smoothing);
        let share = smoothing / logits.len() as f64;
        let gold = logits[target].to_f64();
        let all: f64 = if smoothing > 0.0 { logits.iter().map(|logit| logit.to_f64()).sum() } else { 0.0 };
        let largest = maximum(simd, logits);
        let sum = exponentials(simd, logits, largest);
        let normaliser = largest.to_f64() + sum.to_f64().ln();
        // p − q, where the softmax p is what stands in the row, divided by its sum
        let scale = f64::from(options.scale);
        let (factor, everywhere) = (T::from_f64(scale / sum.to_f64()), T::from_f64(-scale * share));
        for logit in logits.iter_mut() {
            *logit = *logit * factor + everywhere;
        }
        logits[target] += T::from_f64(-scale * (1.0 - smoothing));
        normaliser - (1.0 - smoothing) * gold - share * all
    }
}
