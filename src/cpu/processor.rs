//! The backend as a value: a processor, and the numbers that it computes in.

use std::marker::PhantomData;

use super::instructions::Instructions;
use crate::Float;

/// The CPU, computing in `T`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cpu<T: Float> {
    instructions: Instructions,
    float: PhantomData<T>,
}

impl<T: Float> Cpu<T> {
    /// The CPU, with the best instructions that it has.
    pub fn new() -> Self {
        Self::default()
    }

    /// The CPU with these instructions.
    pub fn with(instructions: Instructions) -> Self {
        Self { instructions, float: PhantomData }
    }

    /// What it computes with.
    pub fn instructions(&self) -> Instructions {
        self.instructions
    }
}
