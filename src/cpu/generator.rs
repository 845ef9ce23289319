//! The generator, of whose logits only the largest are kept, and what a softmax needs of the others.

use pulp::Simd;

use super::accumulate::{Four, Sums};
use super::linear::{Linear, sums};
use super::panels::Rows;
use super::parallel;
use super::product::{Operand, Product, Tiles};
use super::simd::{Lanes, lanes};
use super::tensor::Matrix;
use super::tile::SUMS;

/// A symbol that may be the next one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate<T> {
    /// x_i
    pub logit: T,
    /// i
    pub symbol: u32,
}

impl<T: Lanes> Candidate<T> {
    /// No symbol: every other one comes before it.
    pub const NONE: Self = Self { logit: T::NEG_INFINITY, symbol: 0 };

    /// Whether this is better than `other`: of equals the lower symbol.
    #[inline(always)]
    fn before(&self, other: &Self) -> bool {
        self.logit > other.logit || self.logit == other.logit && self.symbol < other.symbol
    }
}

/// Puts a candidate in its place, if it is among the best.
#[inline(always)]
fn insert<T: Lanes>(best: &mut [Candidate<T>], candidate: Candidate<T>) {
    let place = best.iter().rposition(|better| better.before(&candidate)).map_or(0, |last| last + 1);
    if place < best.len() {
        best.copy_within(place..best.len() - 1, place + 1);
        best[place] = candidate;
    }
}

/// What makes probabilities of logits x_i: ln p_i = (x_i − largest) − ln sum.
#[derive(Clone, Copy, Debug)]
pub struct Softmax<T> {
    /// The largest x_i.
    pub largest: T,
    /// Σ_i e^(x_i − largest)
    pub sum: T,
}

impl<T: Lanes> Softmax<T> {
    /// Of no logits.
    const NONE: Self = Self { largest: T::NEG_INFINITY, sum: T::ZERO };
    /// Of logarithms of probabilities.
    pub const NORMALIZED: Self = Self { largest: T::ZERO, sum: T::ONE };

    /// Of these logits and others.
    #[inline(always)]
    fn merge(self, other: Self) -> Self {
        let (larger, smaller) = if other.largest > self.largest { (other, self) } else { (self, other) };
        if smaller.largest == T::NEG_INFINITY {
            return larger;
        }
        Self { sum: larger.sum + smaller.sum * (smaller.largest - larger.largest).exp(), ..larger }
    }
}

/// The best symbols of some rows, and what makes probabilities of their logits.
#[derive(Debug)]
pub struct Candidates<T> {
    /// Symbols of a row.
    pub keep: usize,
    /// (rows, keep), the best first; [`Candidate::NONE`] behind the last.
    pub best: Vec<Candidate<T>>,
    /// (rows)
    pub softmax: Vec<Softmax<T>>,
}

impl<T: Lanes> Candidates<T> {
    fn new(rows: usize, keep: usize) -> Self {
        Self { keep, best: vec![Candidate::NONE; rows * keep], softmax: vec![Softmax::NONE; rows] }
    }

    /// The best of row `row`.
    pub fn of(&self, row: usize) -> &[Candidate<T>] {
        &self.best[row * self.keep..][..self.keep]
    }
}

/// The `keep` best symbols of some rows of the attentional states, but those to avoid.
pub fn of_generator<T: Lanes>(
    generator: &Linear<T>,
    attentional: &Matrix<T>,
    rows: &[usize],
    keep: usize,
    avoids: impl Fn(u32) -> bool + Copy + Sync,
) -> Candidates<T> {
    let count = generator.panels.count;
    let split = generator.split(rows.len());
    let mut found = Candidates::new(rows.len(), keep);
    let groups = parallel::runs(rows.len(), split.rows);
    let best = parallel::cut(&mut found.best, groups.clone(), keep);
    let softmax = parallel::cut(&mut found.softmax, groups.clone(), 1);
    let parts: Vec<_> = groups.zip(best).zip(softmax).collect();
    parallel::for_each(parts, |((group, best), softmax)| {
        let rows = &rows[group];
        let mut x = Rows::new(generator.panels.shape());
        x.pack(rows.len(), attentional.cols, |row| attentional.row(rows[row]));
        // One of every panel and row, merged in the order of the panels: the result does not depend on the threads.
        let mut softmaxes = vec![Softmax::NONE; rows.len() * count];
        let mut bests = vec![Candidate::NONE; split.panels * best.len()];
        let panels = parallel::runs(count, split.panels);
        let parts = panels.clone().zip(parallel::cut(&mut softmaxes, panels, rows.len()));
        parallel::for_each(parts.zip(bests.chunks_mut(best.len())), |((panels, softmax), best)| {
            let first = &[Operand { rows: &x, inputs: 0..x.cols }];
            let tiles = Panel { generator, first: panels.start, rows: rows.len(), keep, avoids, softmax, best };
            Product { weights: generator.panels.view(), panels, backward: false, first, second: &[], tiles }.run();
        });
        for part in bests.chunks_exact(best.len()) {
            for (best, part) in best.chunks_exact_mut(keep).zip(part.chunks_exact(keep)) {
                part.iter().for_each(|&candidate| insert(best, candidate));
            }
        }
        for (row, softmax) in softmax.iter_mut().enumerate() {
            let panels = softmaxes.iter().skip(row).step_by(rows.len());
            *softmax = panels.fold(Softmax::NONE, |softmax, &panel| softmax.merge(panel));
        }
    });
    found
}

/// The same of rows of probabilities.
pub fn of_probabilities<T: Lanes>(
    probabilities: &Matrix<T>,
    rows: &[usize],
    keep: usize,
    avoids: impl Fn(u32) -> bool,
) -> Candidates<T> {
    let mut found = Candidates::new(rows.len(), keep);
    for (&row, best) in rows.iter().zip(found.best.chunks_exact_mut(keep)) {
        for (symbol, &probability) in (0..).zip(probabilities.row(row)) {
            let candidate = Candidate { logit: probability.ln(), symbol };
            if candidate.before(&best[keep - 1]) && !avoids(symbol) {
                insert(best, candidate);
            }
        }
    }
    found.softmax.fill(Softmax::NORMALIZED);
    found
}

/// Keeps of some panels the best symbols, and of each its part of the softmax.
struct Panel<'a, T, A> {
    generator: &'a Linear<T>,
    /// The first panel here.
    first: usize,
    rows: usize,
    keep: usize,
    avoids: A,
    /// (panels, rows)
    softmax: &'a mut [Softmax<T>],
    /// (rows, keep)
    best: &'a mut [Candidate<T>],
}

impl<T: Lanes, A: Fn(u32) -> bool> Tiles<T> for Panel<'_, T, A> {
    type First = Four;
    type Second = Four;

    #[inline(always)]
    fn begin<S: Simd>(&self, _: S, _: usize, panel: usize) -> Sums<S, T> {
        sums::<S, T>(&self.generator.bias, panel)
    }

    #[inline(always)]
    fn end<S: Simd>(&mut self, simd: S, row: usize, panel: usize, logits: Sums<S, T>) {
        let [a, b, c, d] = logits;
        let largest = T::reduce_max(simd, T::maximum(simd, T::maximum(simd, a, b), T::maximum(simd, c, d)));
        let shift = T::splat(simd, largest);
        let mut sum = T::splat(simd, T::ZERO);
        for x in logits {
            sum = T::plus(simd, sum, T::exp_register(simd, T::minus(simd, x, shift)));
        }
        self.softmax[(panel - self.first) * self.rows + row] = Softmax { largest, sum: T::reduce_sum(simd, sum) };
        let best = &mut self.best[row * self.keep..][..self.keep];
        if largest < best[self.keep - 1].logit {
            return;
        }
        let first = panel * SUMS * lanes::<T, S>();
        let numbers: &[T] = bytemuck::cast_slice(&logits);
        for (place, &logit) in numbers.iter().enumerate() {
            let candidate = Candidate { logit, symbol: (first + place) as u32 };
            if logit > T::NEG_INFINITY && candidate.before(&best[self.keep - 1]) && !(self.avoids)(candidate.symbol) {
                insert(best, candidate);
            }
        }
    }
}
