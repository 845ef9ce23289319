//! Attention in three steps, as the paper writes it: Luong et al. 2015, eqs. 7–10.
//!
//! Plain loops, to be read and to check [`super::attention`] against.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::instructions::Instructions;
use super::processor::Cpu;
use super::simd::Lanes;
use super::simd::lanes;
use super::tensor::Matrix;
use crate::backend::Attention;
use crate::config::{Score, Window};
use crate::{Error, Float, Result};

/// The sizes of attention's arguments.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Sentences.
    pub batch: usize,
    /// Queries of each.
    pub tgt_len: usize,
    /// Source positions of each.
    pub src_len: usize,
}

impl Sizes {
    /// Checks that the inputs of attention fit together.
    pub fn check<T: Lanes>(operation: &'static str, attention: &Attention<'_, Cpu<T>>, src_len: usize) -> Result<Self> {
        let check = |what, expected, found| Error::check(operation, what, expected, found);
        let Attention { query, keys, memory, position, .. } = attention;
        let batch = attention.lengths.len();
        let tgt_len = query.rows / batch.max(1);
        check("query rows", batch * tgt_len, query.rows)?;
        check("memory rows", batch * src_len, memory.rows)?;
        match attention.score {
            // The query holds a score for every position up to the model's longest source.
            Score::Location => check("source length", src_len.min(query.cols), src_len)?,
            _ => {
                check("key rows", batch * src_len, keys.rows)?;
                check("key columns", query.cols, keys.cols)?;
            }
        }
        if attention.score == Score::Concat {
            check("vectors' columns for the score", query.cols, attention.vectors.map_or(0, |vectors| vectors.cols))?;
        }
        if attention.window == Window::LocalP {
            let position_rows = position.map_or(0, |position| position.rows);
            check("position rows", query.rows, position_rows)?;
            let cols = attention.vectors.map_or(0, |vectors| vectors.cols);
            check("vectors' columns for the window", position.map_or(0, |position| position.cols), cols)?;
        }
        if let Some(vectors) = attention.vectors {
            check("vectors", 2, vectors.rows)?;
        }
        Ok(Self { batch, tgt_len, src_len })
    }
}

/// The source positions that a query may attend to.
#[derive(Clone, Debug)]
pub struct Allowed<T> {
    /// lo ≤ s < hi
    pub positions: Range<usize>,
    /// p_t of the `local_p` window.
    centre: Option<T>,
    half_width: usize,
}

impl<T: Lanes> Allowed<T> {
    /// Of query `t` of sentence `b`.
    pub fn new(
        instructions: Instructions,
        attention: &Attention<'_, Cpu<T>>,
        sizes: Sizes,
        b: usize,
        t: usize,
    ) -> Self {
        let length = (attention.lengths[b] as usize).min(sizes.src_len);
        let half_width = attention.half_width;
        let (positions, centre) = match attention.window {
            Window::Global => (0..length, None),
            Window::LocalM => {
                let t = attention.positions.of(t);
                (t.saturating_sub(half_width)..length.min(t.saturating_add(half_width + 1)), None)
            }
            Window::LocalP => {
                let row = b * sizes.tgt_len + t;
                let centre = match (attention.position, attention.vectors) {
                    (Some(position), Some(vectors)) => centre(instructions, position.row(row), vectors.row(1), length),
                    _ => T::ZERO,
                };
                let (p, d) = (centre.to_f64(), half_width as f64);
                ((p - d).max(0.0).ceil() as usize..length.min((p + d).floor() as usize + 1), Some(centre))
            }
        };
        let positions = positions.start.min(positions.end)..positions.end;
        Self { positions, centre, half_width }
    }

    /// What the `local_p` window multiplies the weight of position s by: exp(−(s − p_t)² / 2σ²), σ = D / 2.
    pub fn gaussian(&self, s: usize) -> T {
        let Some(centre) = self.centre else { return T::ONE };
        let sigma = T::from_f64(self.half_width as f64 / 2.0);
        let distance = T::from_f64(s as f64) - centre;
        if distance == T::ZERO {
            // Also where σ is 0: nothing but the centre itself is in the window.
            return T::ONE;
        }
        (-(distance * distance) / (T::from_f64(2.0) * sigma * sigma)).exp()
    }

    /// The gradient of z in p_t = S sigmoid(z), from those of the weights: Σ_s d_a a (s − p_t) / σ² · p_t (1 − p_t /
    /// S).
    pub fn centre_backward(&self, d_weights: &[T], weights: &[T], length: usize) -> T {
        let Some(centre) = self.centre.filter(|_| self.half_width > 0) else { return T::ZERO };
        let sigma = T::from_f64(self.half_width as f64 / 2.0);
        let shift = |s: usize| d_weights[s] * weights[s] * (T::from_f64(s as f64) - centre);
        let d_centre = self.positions.clone().map(shift).sum::<T>() / (sigma * sigma);
        d_centre * centre * (T::ONE - centre / T::from_f64(length as f64))
    }

    /// Whether there is anything to multiply by.
    pub fn has_gaussian(&self) -> bool {
        self.centre.is_some()
    }
}

/// p_t = S_b · sigmoid(v_pᵀ tanh(W_p h_t)), from W_p h_t and v_p.
fn centre<T: Lanes>(instructions: Instructions, position: &[T], v: &[T], length: usize) -> T {
    let sum = instructions.dispatch(TanhDot { a: position, b: None, v });
    T::from_f64(length as f64) / (T::ONE + (-sum).exp())
}

/// Σ_j v_j tanh(a_j + b_j); without b, Σ_j v_j tanh(a_j).
pub struct TanhDot<'a, T> {
    /// a
    pub a: &'a [T],
    /// b
    pub b: Option<&'a [T]>,
    /// v
    pub v: &'a [T],
}

impl<T: Lanes> WithSimd for TanhDot<'_, T> {
    type Output = T;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> T {
        let lanes = lanes::<T, S>();
        let mut sum = T::splat(simd, T::ZERO);
        for (index, (a, v)) in self.a.chunks(lanes).zip(self.v.chunks(lanes)).enumerate() {
            let mut inner = T::load(simd, a);
            if let Some(b) = self.b {
                inner = T::plus(simd, inner, T::load(simd, &b[index * lanes..]));
            }
            sum = T::times_plus(simd, T::load(simd, v), T::tanh_register(simd, inner), sum);
        }
        T::reduce_sum(simd, sum)
    }
}

/// score(h_t, h̄_s) of row `query` and row `key`, the latter position s: Luong et al. 2015, eq. 8.
fn score<T: Lanes>(attention: &Attention<'_, Cpu<T>>, query: usize, key: usize, s: usize) -> T {
    let q = attention.query.row(query);
    let dot = |k: &[T]| q.iter().zip(k).map(|(&q, &k)| q * k).sum::<T>();
    match (attention.score, attention.vectors) {
        (Score::Location, _) => q[s],
        (Score::Dot | Score::General, _) => dot(attention.keys.row(key)),
        (Score::ScaledDot, _) => dot(attention.keys.row(key)) * scale(attention),
        (Score::Concat, Some(vectors)) => {
            let terms = q.iter().zip(attention.keys.row(key)).zip(vectors.row(0));
            terms.map(|((&q, &k), &v)| v * (q + k).tanh()).sum()
        }
        (Score::Concat, None) => T::ZERO,
    }
}

/// What a dot product is multiplied by: 1 / √M for `scaled_dot`.
pub fn scale<T: Lanes>(attention: &Attention<'_, Cpu<T>>) -> T {
    match attention.score {
        Score::ScaledDot => T::from_f64(1.0 / (attention.keys.cols as f64).sqrt()),
        _ => T::ONE,
    }
}

impl<T: Lanes> Cpu<T> {
    /// See [`attention_scores`](crate::Backend::attention_scores).
    pub(in crate::cpu) fn attention_scores(
        &self,
        attention: &Attention<'_, Cpu<T>>,
        scores: &mut Matrix<T>,
    ) -> Result<()> {
        let instructions = self.instructions();
        let sizes = Sizes::check("attention_scores", attention, scores.cols)?;
        Error::check("attention_scores", "score rows", attention.query.rows, scores.rows)?;
        for (row, scores) in scores.data.chunks_exact_mut(sizes.src_len.max(1)).enumerate() {
            let (b, t) = (row / sizes.tgt_len, row % sizes.tgt_len);
            let allowed = Allowed::new(instructions, attention, sizes, b, t);
            for (s, out) in scores.iter_mut().enumerate() {
                *out = if allowed.positions.contains(&s) {
                    score(attention, row, b * sizes.src_len + s, s)
                } else {
                    T::NEG_INFINITY
                };
            }
        }
        Ok(())
    }

    /// See [`attention_softmax`](crate::Backend::attention_softmax).
    pub(in crate::cpu) fn attention_softmax(
        &self,
        attention: &Attention<'_, Cpu<T>>,
        scores: &mut Matrix<T>,
    ) -> Result<()> {
        let instructions = self.instructions();
        let sizes = Sizes::check("attention_softmax", attention, scores.cols)?;
        Error::check("attention_softmax", "score rows", attention.query.rows, scores.rows)?;
        for (row, scores) in scores.data.chunks_exact_mut(sizes.src_len.max(1)).enumerate() {
            let allowed = Allowed::new(instructions, attention, sizes, row / sizes.tgt_len, row % sizes.tgt_len);
            let largest = scores.iter().copied().fold(T::NEG_INFINITY, Float::max);
            if largest == T::NEG_INFINITY {
                scores.fill(T::ZERO);
                continue;
            }
            for score in scores.iter_mut() {
                *score = (*score - largest).exp();
            }
            let sum: T = scores.iter().copied().sum();
            for (s, weight) in scores.iter_mut().enumerate() {
                *weight = *weight / sum * allowed.gaussian(s);
            }
        }
        Ok(())
    }

    /// See [`attention_context`](crate::Backend::attention_context).
    pub(in crate::cpu) fn attention_context(
        &self,
        attention: &Attention<'_, Cpu<T>>,
        weights: &Matrix<T>,
        context: &mut Matrix<T>,
    ) -> Result<()> {
        let sizes = Sizes::check("attention_context", attention, weights.cols)?;
        Error::check("attention_context", "weight rows", attention.query.rows, weights.rows)?;
        Error::check("attention_context", "context rows", attention.query.rows, context.rows)?;
        Error::check("attention_context", "context columns", attention.memory.cols, context.cols)?;
        for (row, context) in context.data.chunks_exact_mut(attention.memory.cols.max(1)).enumerate() {
            context.fill(T::ZERO);
            let b = row / sizes.tgt_len;
            for (s, &weight) in weights.row(row).iter().enumerate() {
                for (context, &memory) in context.iter_mut().zip(attention.memory.row(b * sizes.src_len + s)) {
                    *context += weight * memory;
                }
            }
        }
        Ok(())
    }
}
