//! Attention backward, a sentence at a time.

use pulp::{Simd, WithSimd};

use super::matmul::is_filled;
use crate::backend::{Attention, AttentionGradients};
use crate::config::{Score, Window};
use crate::cpu::instructions::Instructions;
use crate::cpu::parallel;
use crate::cpu::processor::Cpu;
use crate::cpu::scores::{Allowed, Sizes, scale};
use crate::cpu::simd::Lanes;
use crate::cpu::simd::lanes;
use crate::cpu::tensor::Matrix;
use crate::{Error, Float, Result};

/// Multiplications that are worth another thread.
const WORTH: usize = 200_000;

/// Σ x y
#[inline(always)]
fn dot<S: Simd, T: Lanes>(simd: S, x: &[T], y: &[T]) -> T {
    let mut sum = T::splat(simd, T::ZERO);
    for (x, y) in x.chunks(lanes::<T, S>()).zip(y.chunks(lanes::<T, S>())) {
        sum = T::times_plus(simd, T::load(simd, x), T::load(simd, y), sum);
    }
    T::reduce_sum(simd, sum)
}

/// y += a x
#[inline(always)]
fn add_scaled<S: Simd, T: Lanes>(simd: S, a: T, x: &[T], y: &mut [T]) {
    let a = T::splat(simd, a);
    for (x, y) in x.chunks(lanes::<T, S>()).zip(y.chunks_mut(lanes::<T, S>())) {
        let sum = T::times_plus(simd, a, T::load(simd, x), T::load(simd, y));
        T::store(simd, y, sum);
    }
}

/// d += a v ⊙ (1 − tanh²(x + y)), and d_v += a tanh(x + y): the gradients of a vᵀ tanh(x + y).
#[inline(always)]
fn add_tanh_backward<S: Simd, T: Lanes>(simd: S, a: T, v: &[T], [x, y]: [&[T]; 2], d: &mut [T], d_v: &mut [T]) {
    let (a, four, width) = (T::splat(simd, a), T::splat(simd, T::from_f64(4.0)), lanes::<T, S>());
    for (index, (d, v)) in d.chunks_mut(width).zip(v.chunks(width)).enumerate() {
        let here = index * width..index * width + d.len();
        let sum = T::plus(simd, T::load(simd, &x[here.clone()]), T::load(simd, &y[here.clone()]));
        let tanh = T::tanh_register(simd, sum);
        // 1 − tanh²(x) as 4 σ(2x) σ(−2x): exact also where the tanh is nearly 1.
        let twice = T::plus(simd, sum, sum);
        let rest = T::sigmoid_register(simd, T::minus(simd, T::splat(simd, T::ZERO), twice));
        let slope = T::times(simd, T::times(simd, four, T::sigmoid_register(simd, twice)), rest);
        let slope = T::times(simd, T::load(simd, v), slope);
        let sum = T::times_plus(simd, a, slope, T::load(simd, d));
        T::store(simd, d, sum);
        let d_v = &mut d_v[here];
        let sum = T::times_plus(simd, a, tanh, T::load(simd, d_v));
        T::store(simd, d_v, sum);
    }
}

/// 1 − tanh²(x), exact also where the tanh is nearly 1.
fn tanh_slope<T: Lanes>(x: T) -> T {
    let small = (T::from_f64(-2.0) * Float::abs(x)).exp();
    let sum = T::ONE + small;
    T::from_f64(4.0) * small / (sum * sum)
}

/// Threads worth having for this many sentences.
fn threads<T: Lanes>(attention: &Attention<'_, Cpu<T>>, sizes: Sizes) -> usize {
    let work = sizes.batch * sizes.tgt_len * sizes.src_len * (attention.query.cols + attention.memory.cols);
    parallel::threads().min(work / WORTH + 1)
}

impl<T: Lanes> Cpu<T> {
    /// See [`attention_backward`](crate::backend::Training::attention_backward).
    pub(in crate::cpu) fn attention_backward(
        &self,
        attention: &Attention<'_, Cpu<T>>,
        weights: &Matrix<T>,
        first_row: usize,
        d_context: &Matrix<T>,
        gradients: AttentionGradients<'_, Cpu<T>>,
    ) -> Result<()> {
        let instructions = self.instructions();
        const OPERATION: &str = "attention_backward";
        let sizes = Sizes::check(OPERATION, attention, weights.cols)?;
        let Sizes { batch, tgt_len, src_len } = sizes;
        let AttentionGradients { d_scores, d_query, d_position } = gradients;
        let rows = weights.rows / batch.max(1);
        let check = |what, expected, found| Error::check(OPERATION, what, expected, found);
        check("weight rows of a sentence", rows.max(first_row + tgt_len), rows)?;
        check("d_context rows", batch * tgt_len, d_context.rows)?;
        check("d_context columns", attention.memory.cols, d_context.cols)?;
        check("d_scores rows", weights.rows, d_scores.rows)?;
        check("d_scores columns", src_len + 1, d_scores.cols)?;
        check("d_query rows", attention.query.rows, d_query.rows)?;
        check("d_query columns", attention.query.cols, d_query.cols)?;
        if attention.window == Window::LocalP {
            let shape = |matrix: Option<&Matrix<T>>| matrix.map_or([0; 2], |matrix| [matrix.rows, matrix.cols]);
            let (expected, found) = (shape(attention.position), shape(d_position.as_deref()));
            check("d_position rows", expected[0], found[0])?;
            check("d_position columns", expected[1], found[1])?;
        }
        if batch * tgt_len == 0 {
            return Ok(());
        }
        let d_scores = d_scores.data.chunks_exact_mut(rows * (src_len + 1));
        let d_queries = d_query.data.chunks_exact_mut((tgt_len * d_query.cols).max(1));
        let mut d_positions = d_position.map(|matrix| matrix.data.chunks_exact_mut((tgt_len * matrix.cols).max(1)));
        let sentences: Vec<Queries<'_, T>> = d_scores
            .zip(d_queries)
            .enumerate()
            .map(|(b, (d_scores, d_query))| {
                let d_position = d_positions.as_mut().and_then(Iterator::next).unwrap_or_default();
                Queries {
                    instructions,
                    attention,
                    sizes,
                    b,
                    weights,
                    rows,
                    first_row,
                    d_context,
                    d_scores,
                    d_query,
                    d_position,
                }
            })
            .collect();
        parallel::deal(sentences, threads(attention, sizes), |sentence| instructions.dispatch(sentence));
        Ok(())
    }
}

/// The queries of one sentence.
struct Queries<'a, T: Lanes> {
    instructions: Instructions,
    attention: &'a Attention<'a, Cpu<T>>,
    sizes: Sizes,
    b: usize,
    weights: &'a Matrix<T>,
    /// Rows of weights of a sentence, and the first query's.
    rows: usize,
    first_row: usize,
    d_context: &'a Matrix<T>,
    /// (rows, src_len + 1)
    d_scores: &'a mut [T],
    /// (tgt_len, K)
    d_query: &'a mut [T],
    /// (tgt_len, H)
    d_position: &'a mut [T],
}

impl<T: Lanes> WithSimd for Queries<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { instructions, attention, sizes, b, .. } = self;
        let (query_cols, src_len) = (attention.query.cols, sizes.src_len);
        let mut unused = vec![T::ZERO; query_cols];
        for t in 0..sizes.tgt_len {
            let d_scores = &mut self.d_scores[(self.first_row + t) * (src_len + 1)..][..src_len + 1];
            d_scores.fill(T::ZERO);
            let row = b * sizes.tgt_len + t;
            let d_context = self.d_context.row(row);
            if !is_filled(d_context) {
                continue;
            }
            let allowed = Allowed::new(instructions, attention, sizes, b, t);
            let weights = self.weights.row(b * self.rows + self.first_row + t);
            // d_a, and Σ a d_a, by which the softmax lets every weight depend on every score
            let mut mean = T::ZERO;
            for s in allowed.positions.clone() {
                d_scores[s] = dot(simd, d_context, attention.memory.row(b * src_len + s));
                mean += d_scores[s] * weights[s];
            }
            let d_z = allowed.centre_backward(&d_scores[..src_len], weights, attention.lengths[b] as usize);
            let d_query = &mut self.d_query[t * query_cols..][..query_cols];
            for s in allowed.positions.clone() {
                let gaussian = allowed.gaussian(s);
                let d_score = weights[s] / gaussian * (d_scores[s] * gaussian - mean);
                d_scores[s] = d_score;
                let key = b * src_len + s;
                match (attention.score, attention.vectors) {
                    (Score::Location, _) => d_query[s] += d_score,
                    (Score::Concat, Some(vectors)) => {
                        let inner = [attention.query.row(row), attention.keys.row(key)];
                        add_tanh_backward(simd, d_score, vectors.row(0), inner, d_query, &mut unused);
                    }
                    _ => add_scaled(simd, d_score * scale(attention), attention.keys.row(key), d_query),
                }
            }
            d_scores[src_len] = d_z;
            if let (Window::LocalP, Some(position), Some(vectors)) =
                (attention.window, attention.position, attention.vectors)
            {
                let d_position = &mut self.d_position[t * position.cols..][..position.cols];
                for ((d, &x), &v) in d_position.iter_mut().zip(position.row(row)).zip(vectors.row(1)) {
                    *d += d_z * v * tanh_slope(x);
                }
            }
        }
    }
}

impl<T: Lanes> Cpu<T> {
    /// See [`attention_memory_backward`](crate::backend::Training::attention_memory_backward).
    #[expect(clippy::too_many_arguments, reason = "the contract's")]
    pub(in crate::cpu) fn attention_memory_backward(
        &self,
        attention: &Attention<'_, Cpu<T>>,
        weights: &Matrix<T>,
        d_scores: &Matrix<T>,
        d_context: &Matrix<T>,
        d_keys: Option<&mut Matrix<T>>,
        d_memory: &mut Matrix<T>,
        d_vectors: Option<&mut Matrix<T>>,
    ) -> Result<()> {
        let instructions = self.instructions();
        const OPERATION: &str = "attention_memory_backward";
        let sizes = Sizes::check(OPERATION, attention, weights.cols)?;
        let check = |what, expected, found| Error::check(OPERATION, what, expected, found);
        check("weight rows", attention.query.rows, weights.rows)?;
        check("d_scores rows", attention.query.rows, d_scores.rows)?;
        check("d_scores columns", sizes.src_len + 1, d_scores.cols)?;
        check("d_context rows", attention.query.rows, d_context.rows)?;
        check("d_context columns", attention.memory.cols, d_context.cols)?;
        check("d_memory rows", attention.memory.rows, d_memory.rows)?;
        check("d_memory columns", attention.memory.cols, d_memory.cols)?;
        if let Some(d_keys) = &d_keys {
            check("d_keys rows", attention.keys.rows, d_keys.rows)?;
            check("d_keys columns", attention.keys.cols, d_keys.cols)?;
        }
        if let (Some(vectors), Some(d_vectors)) = (attention.vectors, &d_vectors) {
            check("d_vectors", vectors.data.len(), d_vectors.data.len())?;
        }
        if sizes.batch * sizes.tgt_len * sizes.src_len == 0 {
            return Ok(());
        }
        let vector_len = attention.vectors.map_or(0, |vectors| vectors.data.len());
        // A sum of each sentence, so that the order does not depend on the threads.
        let mut partial = vec![T::ZERO; sizes.batch * vector_len];
        let mut partials = partial.chunks_exact_mut(vector_len.max(1));
        let memories = d_memory.data.chunks_exact_mut((sizes.src_len * d_memory.cols).max(1));
        let mut keys = d_keys.map(|matrix| matrix.data.chunks_exact_mut((sizes.src_len * matrix.cols).max(1)));
        let sentences: Vec<Source<'_, T>> = memories
            .enumerate()
            .map(|(b, d_memory)| {
                let d_keys = keys.as_mut().and_then(Iterator::next);
                let d_vectors = partials.next().unwrap_or_default();
                Source { attention, sizes, b, weights, d_scores, d_context, d_keys, d_memory, d_vectors }
            })
            .collect();
        parallel::deal(sentences, threads(attention, sizes), |sentence| instructions.dispatch(sentence));
        if let Some(d_vectors) = d_vectors {
            for partial in partial.chunks_exact(vector_len.max(1)) {
                d_vectors.data.iter_mut().zip(partial).for_each(|(sum, &number)| *sum += number);
            }
        }
        Ok(())
    }
}

/// The source of one sentence.
struct Source<'a, T: Lanes> {
    attention: &'a Attention<'a, Cpu<T>>,
    sizes: Sizes,
    b: usize,
    weights: &'a Matrix<T>,
    d_scores: &'a Matrix<T>,
    d_context: &'a Matrix<T>,
    /// (src_len, K)
    d_keys: Option<&'a mut [T]>,
    /// (src_len, M)
    d_memory: &'a mut [T],
    /// (2, H), or nothing
    d_vectors: &'a mut [T],
}

impl<T: Lanes> WithSimd for Source<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { attention, sizes, b, mut d_keys, d_memory, d_vectors, .. } = self;
        let (keys_cols, memory_cols) = (attention.keys.cols, attention.memory.cols);
        let (d_v, d_position_v) = d_vectors.split_at_mut(d_vectors.len() / 2);
        for t in 0..sizes.tgt_len {
            let row = b * sizes.tgt_len + t;
            let (d_scores, d_context) = (self.d_scores.row(row), self.d_context.row(row));
            if !is_filled(d_context) {
                continue;
            }
            let length = (attention.lengths[b] as usize).min(sizes.src_len);
            for (s, (&weight, &d_score)) in self.weights.row(row).iter().zip(d_scores).enumerate().take(length) {
                let d_memory = &mut d_memory[s * memory_cols..][..memory_cols];
                add_scaled(simd, weight, d_context, d_memory);
                if d_score == T::ZERO || attention.score == Score::Location {
                    continue;
                }
                let query = attention.query.row(row);
                let d_key = match &mut d_keys {
                    Some(d_keys) => &mut d_keys[s * keys_cols..][..keys_cols],
                    None => d_memory,
                };
                match attention.vectors {
                    Some(vectors) if attention.score == Score::Concat => {
                        let inner = [query, attention.keys.row(b * sizes.src_len + s)];
                        add_tanh_backward(simd, d_score, vectors.row(0), inner, d_key, d_v);
                    }
                    _ => add_scaled(simd, d_score * scale(attention), query, d_key),
                }
            }
            if let (Window::LocalP, Some(position)) = (attention.window, attention.position) {
                let d_z = d_scores[sizes.src_len];
                for (d, &x) in d_position_v.iter_mut().zip(position.row(row)) {
                    *d += d_z * Float::tanh(x);
                }
            }
        }
    }
}
