//! The CPU backend: the oracle in `f64`, a product in `f32`.

use std::marker::PhantomData;

use crate::Float;

/// The CPU, computing in `T`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cpu<T: Float> {
    float: PhantomData<T>,
}

impl<T: Float> Cpu<T> {
    /// The CPU.
    pub fn new() -> Self {
        Self::default()
    }
}
