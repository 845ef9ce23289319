//! The norm of the gradients, and one step of the optimizer.

use pulp::{Simd, WithSimd};

use crate::backend::{Rule, Update};
use crate::cpu::parallel;
use crate::cpu::processor::Cpu;
use crate::cpu::simd::{Lanes, lanes};
use crate::cpu::tensor::Matrix;
use crate::{Error, Float, Result};

/// Parameters that are worked on at a time; their sums are added in this order on any number of threads.
const CHUNK: usize = 1 << 14;

/// Chunks that are worth another thread.
const WORTH: usize = 4;

impl<T: Lanes> Cpu<T> {
    /// See [`gradient_norm`](crate::backend::Training::gradient_norm).
    pub(in crate::cpu) fn gradient_norm(&self, gradients: &[Matrix<T>], norm: &mut Matrix<T>) -> Result<()> {
        let instructions = self.instructions();
        Error::check("gradient_norm", "norm", 1, norm.data.len())?;
        let chunks: Vec<&[T]> = gradients.iter().flat_map(|matrix| matrix.data.chunks(CHUNK)).collect();
        let mut sums = vec![0.0; chunks.len()];
        let parts: Vec<(&&[T], &mut f64)> = chunks.iter().zip(&mut sums).collect();
        parallel::deal(parts, parallel::threads().min(chunks.len() / WORTH + 1), |(chunk, sum)| {
            *sum = instructions.dispatch(Squares(chunk)).to_f64();
        });
        norm.data[0] = T::from_f64(sums.iter().sum::<f64>().sqrt());
        Ok(())
    }
}

/// Σ g²
struct Squares<'a, T>(&'a [T]);

impl<T: Lanes> WithSimd for Squares<'_, T> {
    type Output = T;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> T {
        let mut sum = T::splat(simd, T::ZERO);
        for part in self.0.chunks(lanes::<T, S>()) {
            let numbers = T::load(simd, part);
            sum = T::times_plus(simd, numbers, numbers, sum);
        }
        T::reduce_sum(simd, sum)
    }
}

impl<T: Lanes> Cpu<T> {
    /// See [`update`](crate::backend::Training::update).
    pub(in crate::cpu) fn update(
        &self,
        update: &Update,
        norm: &Matrix<T>,
        values: &mut [Matrix<T>],
        gradients: &mut [Matrix<T>],
        [first, second]: &mut [Vec<Matrix<T>>; 2],
        average: Option<&mut Vec<Matrix<T>>>,
    ) -> Result<()> {
        let instructions = self.instructions();
        Error::check("update", "norm", 1, norm.data.len())?;
        for other in [gradients.len(), first.len(), second.len()] {
            Error::check("update", "matrices", values.len(), other)?;
        }
        let norm = norm.data[0].to_f64();
        if !norm.is_finite() {
            gradients.iter_mut().for_each(|matrix| matrix.data.fill(T::ZERO));
            return Ok(());
        }
        let clip = update.clip.map_or(1.0, |clip| (f64::from(clip) / norm).min(1.0));
        let factors = Factors::new(update, clip);
        let mut averages = average.map(|average| average.iter_mut());
        let mut parts: Vec<Chunk<'_, T>> = Vec::new();
        for (((values, gradients), first), second) in values.iter_mut().zip(gradients).zip(first).zip(second) {
            let average = averages.as_mut().and_then(Iterator::next);
            let mut average = average.map(|matrix| matrix.data.chunks_mut(CHUNK));
            let chunks = values.data.chunks_mut(CHUNK).zip(gradients.data.chunks_mut(CHUNK));
            let moments = first.data.chunks_mut(CHUNK).zip(second.data.chunks_mut(CHUNK));
            for ((values, gradients), (first, second)) in chunks.zip(moments) {
                let average = average.as_mut().and_then(Iterator::next).unwrap_or_default();
                parts.push(Chunk { factors, values, gradients, first, second, average });
            }
        }
        let threads = parallel::threads().min(parts.len() / WORTH + 1);
        parallel::deal(parts, threads, |chunk| instructions.dispatch(chunk));
        Ok(())
    }
}

/// What every parameter is changed by, in the type of the arithmetic.
#[derive(Clone, Copy)]
struct Factors<T> {
    adam: bool,
    clip: T,
    rate: T,
    /// β₁, or the momentum.
    beta1: T,
    beta2: T,
    epsilon: T,
    /// 1 / (1 − βᵗ)
    corrections: [T; 2],
    /// λ that is added to the gradient, and 1 − η λ of the decoupled decay.
    decay: T,
    shrink: T,
    average: T,
}

impl<T: Float> Factors<T> {
    fn new(update: &Update, clip: f64) -> Self {
        let number = |value: f32| T::from_f64(f64::from(value));
        let (adam, beta1, beta2, epsilon, decay, decoupled) = match update.rule {
            Rule::Adam { beta1, beta2, epsilon, weight_decay, decoupled } => {
                (true, beta1, beta2, epsilon, weight_decay, decoupled)
            }
            Rule::Sgd { momentum, weight_decay } => (false, momentum, 0.0, 0.0, weight_decay, false),
        };
        let shrink = if decoupled { 1.0 - f64::from(update.learning_rate) * f64::from(decay) } else { 1.0 };
        Self {
            adam,
            clip: T::from_f64(clip),
            rate: number(update.learning_rate),
            beta1: number(beta1),
            beta2: number(beta2),
            epsilon: number(epsilon),
            corrections: update.bias_corrections().map(|correction| T::from_f64(1.0 / f64::from(correction))),
            decay: number(if decoupled { 0.0 } else { decay }),
            shrink: T::from_f64(shrink),
            average: number(update.average),
        }
    }
}

/// Some neighbouring parameters and what belongs to them.
struct Chunk<'a, T> {
    factors: Factors<T>,
    values: &'a mut [T],
    gradients: &'a mut [T],
    first: &'a mut [T],
    second: &'a mut [T],
    /// Empty where none is kept.
    average: &'a mut [T],
}

impl<T: Lanes> WithSimd for Chunk<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { factors, values, gradients, first, second, average } = self;
        let moments = first.iter_mut().zip(second.iter_mut());
        for ((value, gradient), (first, second)) in values.iter_mut().zip(gradients.iter_mut()).zip(moments) {
            let g = *gradient * factors.clip + factors.decay * *value;
            *gradient = T::ZERO;
            *value *= factors.shrink;
            if factors.adam {
                *first = factors.beta1 * *first + (T::ONE - factors.beta1) * g;
                *second = factors.beta2 * *second + (T::ONE - factors.beta2) * g * g;
                let root = (*second * factors.corrections[1]).sqrt();
                *value += -(factors.rate * factors.corrections[0] * *first / (root + factors.epsilon));
            } else {
                *first = factors.beta1 * *first + g;
                *value += -(factors.rate * *first);
            }
        }
        for (average, &value) in average.iter_mut().zip(values.iter()) {
            *average = factors.average * *average + (T::ONE - factors.average) * value;
        }
    }
}
