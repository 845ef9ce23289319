//! Attention in one operation: scores, softmax and context of some queries of a sentence while its memory is at hand.
//!
//! A number's sum is added in the same order for one query as for many, so that teacher forcing and decoding agree.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::Cpu;
use super::parallel;
use super::rows::softmax;
use super::scores::{Allowed, Sizes, TanhDot, scale};
use super::simd::{Lanes, dispatch, lanes};
use super::tensor::Matrix;
use crate::backend::Attention;
use crate::model::Score;
use crate::{Error, Result};

/// Multiplications that are worth another thread.
const WORTH: usize = 500_000;

/// See [`attention`](crate::Backend::attention).
pub fn attention<T: Lanes>(
    attention: &Attention<'_, Cpu<T>>,
    weights: &mut Matrix<T>,
    first_row: usize,
    context: &mut Matrix<T>,
) -> Result<()> {
    const OPERATION: &str = "attention";
    let sizes = Sizes::check(OPERATION, attention, weights.cols)?;
    let Sizes { batch, tgt_len, src_len } = sizes;
    let rows = weights.rows / batch.max(1);
    Error::check(OPERATION, "weight rows", batch * rows, weights.rows)?;
    Error::check(OPERATION, "weight rows of a sentence", rows.max(first_row + tgt_len), rows)?;
    Error::check(OPERATION, "context rows", batch * tgt_len, context.rows)?;
    Error::check(OPERATION, "context columns", attention.memory.cols, context.cols)?;
    if batch * tgt_len * src_len * context.cols == 0 {
        return Ok(());
    }
    let work = batch * tgt_len * src_len * (attention.query.cols + context.cols);
    let threads = parallel::threads().min(work / WORTH + 1);
    let cols = context.cols;
    // Few sentences: their queries are divided too.
    let per_sentence = threads.div_ceil(batch).min(tgt_len);
    let sentences = weights.data.chunks_exact_mut(rows * src_len).zip(context.data.chunks_exact_mut(tgt_len * cols));
    let mut parts: Vec<Part<'_, T>> = Vec::with_capacity(batch * per_sentence);
    for (sentence, (weights, context)) in sentences.enumerate() {
        let runs = parallel::runs(tgt_len, per_sentence);
        let weights = parallel::cut(&mut weights[first_row * src_len..], runs.clone(), src_len);
        let context = parallel::cut(context, runs.clone(), cols);
        parts.extend(runs.zip(weights).zip(context).map(|((queries, weights), context)| Part {
            attention,
            sizes,
            sentence,
            queries,
            weights,
            context,
        }));
    }
    let runs = parallel::runs(parts.len(), threads);
    let shares: Vec<_> = parallel::cut(&mut parts, runs, 1).collect();
    parallel::for_each(shares, |share| {
        for part in share {
            dispatch(part);
        }
    });
    Ok(())
}

/// Some queries of one sentence.
struct Part<'a, T: Lanes> {
    attention: &'a Attention<'a, Cpu<T>>,
    sizes: Sizes,
    sentence: usize,
    queries: Range<usize>,
    /// (queries, src_len)
    weights: &'a mut [T],
    /// (queries, memory_size)
    context: &'a mut [T],
}

/// Queries, and keys, whose scores are summed at once.
const QUERIES: usize = 4;
const KEYS: usize = 6;

impl<T: Lanes> WithSimd for &mut Part<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let count = self.queries.len();
        for block in parallel::runs(count, count.div_ceil(QUERIES)) {
            match block.len() {
                1 => self.block::<S, 1>(simd, block.start),
                2 => self.block::<S, 2>(simd, block.start),
                3 => self.block::<S, 3>(simd, block.start),
                _ => self.block::<S, 4>(simd, block.start),
            }
        }
    }
}

impl<T: Lanes> Part<'_, T> {
    /// `Q` queries from `first` on.
    #[inline(always)]
    fn block<S: Simd, const Q: usize>(&mut self, simd: S, first: usize) {
        let src_len = self.sizes.src_len;
        let allowed: [Allowed<T>; Q] = std::array::from_fn(|query| {
            Allowed::new(self.attention, self.sizes, self.sentence, self.queries.start + first + query)
        });
        let window = allowed.iter().map(|allowed| allowed.positions.clone()).filter(|window| !window.is_empty());
        let window = window.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end)).unwrap_or(0..0);
        self.scores::<S, Q>(simd, first, window.clone());
        let weights = &mut self.weights[first * src_len..][..Q * src_len];
        for (weights, allowed) in weights.chunks_exact_mut(src_len).zip(&allowed) {
            let positions = allowed.positions.clone();
            weights[..positions.start].fill(T::ZERO);
            weights[positions.end..].fill(T::ZERO);
            softmax(simd, &mut weights[positions.clone()]);
            if allowed.has_gaussian() {
                for s in positions {
                    weights[s] *= allowed.gaussian(s);
                }
            }
        }
        self.context::<S, Q>(simd, first, window);
    }

    /// score(h_t, h̄_s) of the positions of a window, into the weights.
    #[inline(always)]
    fn scores<S: Simd, const Q: usize>(&mut self, simd: S, first: usize, window: Range<usize>) {
        let (attention, src_len) = (self.attention, self.sizes.src_len);
        let row = self.sentence * self.sizes.tgt_len + self.queries.start + first;
        let queries: [&[T]; Q] = std::array::from_fn(|query| attention.query.row(row + query));
        let key = |s: usize| attention.keys.row(self.sentence * src_len + s);
        let weights = &mut self.weights[first * src_len..][..Q * src_len];
        match (attention.score, attention.vectors) {
            (Score::Dot | Score::ScaledDot | Score::General, _) => {
                let scale = scale(attention);
                let count = window.len();
                for block in parallel::runs(count, count.div_ceil(KEYS)) {
                    let s = window.start + block.start;
                    match block.len() {
                        1 => {
                            dots::<S, T, Q, 1>(simd, queries, |index| key(s + index), scale, &mut weights[s..], src_len)
                        }
                        2 => {
                            dots::<S, T, Q, 2>(simd, queries, |index| key(s + index), scale, &mut weights[s..], src_len)
                        }
                        3 => {
                            dots::<S, T, Q, 3>(simd, queries, |index| key(s + index), scale, &mut weights[s..], src_len)
                        }
                        4 => {
                            dots::<S, T, Q, 4>(simd, queries, |index| key(s + index), scale, &mut weights[s..], src_len)
                        }
                        5 => {
                            dots::<S, T, Q, 5>(simd, queries, |index| key(s + index), scale, &mut weights[s..], src_len)
                        }
                        _ => {
                            dots::<S, T, Q, 6>(simd, queries, |index| key(s + index), scale, &mut weights[s..], src_len)
                        }
                    }
                }
            }
            (Score::Concat, vectors) => {
                let v = vectors.map_or(&[][..], |vectors| vectors.row(0));
                for (weights, query) in weights.chunks_exact_mut(src_len).zip(queries) {
                    for s in window.clone() {
                        weights[s] = TanhDot { a: query, b: Some(key(s)), v }.with_simd(simd);
                    }
                }
            }
            (Score::Location, _) => {
                for (weights, query) in weights.chunks_exact_mut(src_len).zip(queries) {
                    weights[window.clone()].copy_from_slice(&query[window.clone()]);
                }
            }
        }
    }

    /// c_t = Σ_s a_t(s) h̄_s over a window that holds all s whose weight is not zero.
    #[inline(always)]
    fn context<S: Simd, const Q: usize>(&mut self, simd: S, first: usize, window: Range<usize>) {
        let src_len = self.sizes.src_len;
        let memory = self.attention.memory;
        let weights: [&[T]; Q] =
            std::array::from_fn(|query| &self.weights[(first + query) * src_len..][window.clone()]);
        let rows = self.sentence * src_len + window.start..self.sentence * src_len + window.end;
        let memory_rows = &memory.data[rows.start * memory.cols..rows.end * memory.cols];
        let context = &mut self.context[first * memory.cols..][..Q * memory.cols];
        // As many sums as registers can hold.
        let mut col = 0;
        if Q == 1 {
            col = columns::<S, T, Q, 8>(simd, weights, memory_rows, memory.cols, col, context);
        }
        if Q > 1 && S::REGISTER_COUNT >= 32 {
            col = columns::<S, T, Q, 4>(simd, weights, memory_rows, memory.cols, col, context);
        }
        col = columns::<S, T, Q, 2>(simd, weights, memory_rows, memory.cols, col, context);
        // What is left: single registers, the last of which may be part of one.
        while col < memory.cols {
            let mut sums = [T::splat(simd, T::ZERO); Q];
            for (s, row) in memory_rows.chunks_exact(memory.cols).enumerate() {
                let register = T::load(simd, &row[col..]);
                for query in 0..Q {
                    sums[query] = T::times_plus(simd, T::splat(simd, weights[query][s]), register, sums[query]);
                }
            }
            for (context, sum) in context.chunks_exact_mut(memory.cols).zip(sums) {
                T::store(simd, &mut context[col..], sum);
            }
            col += lanes::<T, S>();
        }
    }
}

/// The products of `Q` queries and `K` keys, times `scale`, to the beginning of every row of `out`.
#[inline(always)]
fn dots<'a, S: Simd, T: Lanes, const Q: usize, const K: usize>(
    simd: S,
    queries: [&[T]; Q],
    key: impl Fn(usize) -> &'a [T],
    scale: T,
    out: &mut [T],
    stride: usize,
) {
    let size = queries[0].len();
    let queries: [&[T]; Q] = queries.map(|query| &query[..size]);
    let keys: [&[T]; K] = std::array::from_fn(|index| &key(index)[..size]);
    let query_registers = queries.map(T::registers::<S>);
    let key_registers = keys.map(T::registers::<S>);
    let full = size / lanes::<T, S>();
    let query_registers = query_registers.map(|registers| &registers[..full]);
    let key_registers = key_registers.map(|registers| &registers[..full]);
    let mut sums = [[T::splat(simd, T::ZERO); K]; Q];
    for index in 0..full {
        let mut keys = [T::splat(simd, T::ZERO); K];
        for key in 0..K {
            keys[key] = key_registers[key][index];
        }
        for query in 0..Q {
            let x = query_registers[query][index];
            for key in 0..K {
                sums[query][key] = T::times_plus(simd, x, keys[key], sums[query][key]);
            }
        }
    }
    let rest = full * lanes::<T, S>();
    if rest < size {
        for query in 0..Q {
            let x = T::load(simd, &queries[query][rest..]);
            for key in 0..K {
                sums[query][key] = T::times_plus(simd, x, T::load(simd, &keys[key][rest..]), sums[query][key]);
            }
        }
    }
    for query in 0..Q {
        let out = &mut out[query * stride..][..K];
        for key in 0..K {
            out[key] = T::reduce_sum(simd, sums[query][key]) * scale;
        }
    }
}

/// Σ_s weights\[query\]\[s\] · memory\[s\] for columns from `col` on, `C` registers of them at a time; where it ended.
#[inline(always)]
fn columns<S: Simd, T: Lanes, const Q: usize, const C: usize>(
    simd: S,
    weights: [&[T]; Q],
    memory: &[T],
    cols: usize,
    mut col: usize,
    context: &mut [T],
) -> usize {
    let width = C * lanes::<T, S>();
    while col + width <= cols {
        let mut sums = [[T::splat(simd, T::ZERO); C]; Q];
        let weights = weights.map(|weights| &weights[..weights.len()]);
        for (s, row) in memory.chunks_exact(cols).enumerate() {
            let registers = T::registers::<S>(&row[col..][..width]);
            for query in 0..Q {
                let weight = T::splat(simd, weights[query][s]);
                for register in 0..C {
                    sums[query][register] = T::times_plus(simd, weight, registers[register], sums[query][register]);
                }
            }
        }
        for (context, sums) in context.chunks_exact_mut(cols).zip(sums) {
            for (out, sum) in context[col..][..width].chunks_exact_mut(lanes::<T, S>()).zip(sums) {
                T::store(simd, out, sum);
            }
        }
        col += width;
    }
    col
}
