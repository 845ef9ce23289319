//! Parameters for tests and benchmarks, the same on every machine.

use super::{Config, Parameters, parameter_shapes};
use crate::{Array, Result};

impl Parameters {
    /// Parameters drawn uniformly from −`scale` … `scale`.
    ///
    /// Counter-based: scalar i of [`parameter_shapes`]' order is a function of `seed` and i alone, the i-th output of
    /// SplitMix64 (Steele, Lea and Flood 2014), of which the upper 24 bits are used.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) if the configuration contradicts itself;
    /// [`Error::Tensor`](crate::Error::Tensor) if `scale` is not finite.
    pub fn random(config: &Config, seed: u64, scale: f32) -> Result<Self> {
        config.validate()?;
        let mut counter = 0_u64;
        let mut next = || {
            counter += 1;
            let unit = (split_mix(seed, counter) >> 40) as f32 / (1 << 24) as f32; // [0, 1)
            scale * (2.0 * unit - 1.0)
        };
        let tensors = parameter_shapes(config).into_iter().map(|(name, shape)| {
            let data = (0..shape.iter().product()).map(|_| next()).collect();
            (name, Array::new(shape, data))
        });
        Self::new(config, tensors.collect())
    }
}

/// Output `counter` of SplitMix64.
pub(crate) fn split_mix(seed: u64, counter: u64) -> u64 {
    let mut z = seed.wrapping_add(counter.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
