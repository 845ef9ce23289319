//! The generator and the choice of the next token, without writing the logits.

use pulp::Simd;

use super::Cpu;
use super::linear::{Linear, sums};
use super::panels::{Rows, SUMS};
use super::parallel;
use super::product::{Four, Operand, Product, Sums, Tiles};
use super::simd::{Lanes, lanes};
use super::tensor::Matrix;
use crate::backend::Progress;
use crate::model::SpecialTokens;
use crate::{Error, Result};

/// See [`greedy_step`](crate::Backend::greedy_step).
pub fn greedy_step<T: Lanes>(
    generator: &Linear<T>,
    attentional: &Matrix<T>,
    special: &SpecialTokens,
    step: usize,
    progress: &mut Progress<Cpu<T>>,
) -> Result<()> {
    let batch = generator.check("greedy_step", &[attentional])?;
    check(batch, step, progress)?;
    let max_length = progress.tokens.len() / batch.max(1);
    let unfinished: Vec<usize> = (0..batch).filter(|&row| progress.finished[row] == 0).collect();
    for row in 0..batch {
        progress.tokens[row * max_length + step] = special.pad;
        progress.previous[row] = special.pad;
    }
    let largest = largest(generator, attentional, &unfinished);
    for (&row, largest) in unfinished.iter().zip(largest) {
        progress.tokens[row * max_length + step] = largest.column;
        progress.previous[row] = largest.column;
        progress.finished[row] = u32::from(largest.column == special.eos);
        // ln p = x − (x + ln Σ e^(x_i − x)), x the largest logit.
        progress.log_prob.data[row] += -largest.sum.ln();
    }
    Ok(())
}

fn check<T: Lanes>(batch: usize, step: usize, progress: &Progress<Cpu<T>>) -> Result<()> {
    const OPERATION: &str = "greedy_step";
    Error::check(OPERATION, "previous", batch, progress.previous.len())?;
    Error::check(OPERATION, "finished", batch, progress.finished.len())?;
    Error::check(OPERATION, "log_prob", batch, progress.log_prob.data.len())?;
    let max_length = progress.tokens.len() / batch.max(1);
    Error::check(OPERATION, "tokens", batch * max_length, progress.tokens.len())?;
    Error::check(OPERATION, "step within the tokens", step.min(max_length.saturating_sub(1)), step)
}

/// The largest of some logits x_i and how it compares with the others.
#[derive(Clone, Copy, Debug)]
struct Largest<T> {
    value: T,
    column: u32,
    /// Σ_i e^(x_i − value)
    sum: T,
}

impl<T: Lanes> Largest<T> {
    const NONE: Self = Self { value: T::NEG_INFINITY, column: 0, sum: T::ZERO };

    /// Of these and the logits behind them; ties go to these.
    #[inline(always)]
    fn merge(self, behind: Self) -> Self {
        if behind.value > self.value {
            let sum = self.sum * (self.value - behind.value).exp() + behind.sum;
            Self { sum, ..behind }
        } else if behind.value == T::NEG_INFINITY {
            self
        } else {
            Self { sum: self.sum + behind.sum * (behind.value - self.value).exp(), ..self }
        }
    }
}

/// The largest logit of some rows.
fn largest<T: Lanes>(generator: &Linear<T>, attentional: &Matrix<T>, rows: &[usize]) -> Vec<Largest<T>> {
    let count = generator.panels.count;
    let split = generator.split(rows.len());
    // One of every panel and row, merged in the order of the panels: the result does not depend on the threads.
    let mut found = vec![Largest::NONE; rows.len() * count];
    let groups = parallel::runs(rows.len(), split.rows);
    let parts = groups.clone().zip(parallel::cut(&mut found, groups, count));
    parallel::for_each(parts, |(group, found)| {
        let rows = &rows[group];
        let mut x = Rows::default();
        x.pack(rows.len(), &[attentional.cols], |_, row| attentional.row(rows[row]));
        let panels = parallel::runs(count, split.panels);
        let parts = panels.clone().zip(parallel::cut(found, panels, rows.len()));
        parallel::for_each(parts, |(panels, found)| {
            let best = vec![T::NEG_INFINITY; rows.len()];
            let tiles = Panel { generator, first: panels.start, rows: rows.len(), found, best };
            let first = &[Operand { rows: &x, inputs: 0..x.cols }];
            Product { weights: generator.panels.view(), panels, backward: false, first, second: &[], tiles }.run();
        });
    });
    let mut merged = Vec::with_capacity(rows.len());
    for group in parallel::runs(rows.len(), split.rows) {
        let found = &found[group.start * count..group.end * count];
        merged.extend((0..group.len()).map(|row| {
            let panels = found.iter().skip(row).step_by(group.len());
            panels.fold(Largest::NONE, |largest, &panel| largest.merge(panel))
        }));
    }
    merged
}

/// Keeps of every panel the largest logit and the sum of exponentials.
struct Panel<'a, T> {
    generator: &'a Linear<T>,
    /// The first panel here.
    first: usize,
    rows: usize,
    /// (panels, rows)
    found: &'a mut [Largest<T>],
    /// The largest logit of each row so far.
    best: Vec<T>,
}

impl<T: Lanes> Tiles<T> for Panel<'_, T> {
    type First = Four;
    type Second = Four;

    #[inline(always)]
    fn begin<S: Simd>(&self, _: S, _: usize, panel: usize) -> Sums<S, T> {
        sums::<S, T>(&self.generator.bias, panel)
    }

    #[inline(always)]
    fn end<S: Simd>(&mut self, simd: S, row: usize, panel: usize, logits: Sums<S, T>) {
        let [a, b, c, d] = logits;
        let registers = T::maximum(simd, T::maximum(simd, a, b), T::maximum(simd, c, d));
        let value = T::reduce_max(simd, registers);
        let shift = T::splat(simd, value);
        let mut sum = T::splat(simd, T::ZERO);
        for x in logits {
            sum = T::plus(simd, sum, T::exp_register(simd, T::minus(simd, x, shift)));
        }
        let sum = T::reduce_sum(simd, sum);
        // Panels come in any order, but what is not the largest here so far is not the largest of all.
        let mut column = 0;
        if value >= self.best[row] {
            self.best[row] = value;
            let numbers: &[T] = bytemuck::cast_slice(&logits);
            let place = numbers.iter().position(|&x| x == value).unwrap_or(0);
            column = (panel * SUMS * lanes::<T, S>() + place) as u32;
        }
        self.found[(panel - self.first) * self.rows + row] = Largest { value, column, sum };
    }
}
