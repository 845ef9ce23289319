//! Greedy search takes one step at a time here: there is no device to wait for between them.

use std::convert::Infallible;

use super::processor::Cpu;
use super::simd::Lanes;
use super::tensor::Matrix;
use crate::Result;
use crate::backend::{GreedyParameters, GreedySteps, Search, State, Storage};

impl<T: Lanes> Cpu<T>
where
    Self: Storage<Tensor = Matrix<T>>,
{
    pub(super) fn greedy_weights(&self, _: &GreedyParameters<'_>) -> Result<Option<Infallible>> {
        Ok(None)
    }

    pub(super) fn greedy_state(&self, weights: &Infallible, _: &[State<Self>], _: usize) -> Result<Option<Infallible>> {
        match *weights {}
    }

    pub(super) fn greedy_steps(
        &self,
        weights: &Infallible,
        _: &GreedySteps<'_, Self>,
        _: &mut Matrix<T>,
        _: &mut Infallible,
        _: &mut Search<Self>,
    ) -> Result<()> {
        match *weights {}
    }
}
