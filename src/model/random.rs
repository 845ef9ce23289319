//! Parameters for tests and benchmarks, the same on every machine.

use super::{Config, Parameters};
use crate::hash::split_mix;
use crate::{Array, Result};

impl Parameters {
    /// Parameters drawn uniformly from −`scale` … `scale`.
    ///
    /// Counter-based: scalar i, in the order of [`parameter_shapes`](super::parameter_shapes), is a function of `seed`
    /// and i alone, the i-th output of SplitMix64 (Steele, Lea and Flood 2014), of which the upper 24 bits are used.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) if the configuration contradicts itself;
    /// [`Error::Tensor`](crate::Error::Tensor) if `scale` is not finite.
    pub fn random(config: &Config, seed: u64, scale: f32) -> Result<Self> {
        config.validate()?;
        let mut draws = Draws::new(seed);
        let tensors = Self::shapes_with_room::<f32>(config)?.into_iter().map(|(name, shape)| {
            let data = (0..shape.iter().product()).map(|_| draws.next(scale)).collect();
            (name, Array::new(shape, data))
        });
        Self::new(config, tensors.collect())
    }
}

/// Numbers drawn one after the other, each a function of the seed and of how many were drawn before it.
pub(super) struct Draws {
    seed: u64,
    counter: u64,
}

impl Draws {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, counter: 0 }
    }

    /// The next number, uniform from −`bound` to `bound`.
    pub(super) fn next(&mut self, bound: f32) -> f32 {
        self.counter += 1;
        let unit = (split_mix(self.seed, self.counter) >> 40) as f32 / (1 << 24) as f32; // [0, 1)
        bound * (2.0 * unit - 1.0)
    }
}
