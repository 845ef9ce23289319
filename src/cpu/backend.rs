//! The contract on the CPU.

use std::convert::Infallible;

use super::linear::Linear;
use super::processor::Cpu;
use super::recurrent::Recurrent;
use super::simd::Lanes;
use super::tensor::Matrix;
use crate::backend::{
    Activation, AttendedStep, Attention, Backend, Counters, Distribution, GreedyParameters, GreedySteps, HiddenPart,
    Input, RecurrentParameters, Search, SearchRules, Share, State, Storage, operations,
};
use crate::memory::require;
use crate::{Array, Error, Result};

impl<T: Lanes> Storage for Cpu<T> {
    type Float = T;
    type Tensor = Matrix<T>;
    type Arena = Vec<Matrix<T>>;
    type Ids = Vec<u32>;
    type Linear = Linear<T>;
    type Recurrent = Recurrent<T>;
    type Greedy = Infallible;
    type GreedyState = Infallible;

    fn zeros(&self, rows: usize, cols: usize) -> Result<Matrix<T>> {
        Matrix::try_zeros(rows, cols)
    }

    fn arena(&self, shapes: &[[usize; 2]]) -> Result<Vec<Matrix<T>>> {
        shapes.iter().map(|&[rows, cols]| Matrix::try_zeros(rows, cols)).collect()
    }

    fn write(&self, tensor: &mut Matrix<T>, data: &[T]) -> Result<()> {
        Error::check("write", "elements", tensor.data.len(), data.len())?;
        tensor.data.copy_from_slice(data);
        Ok(())
    }

    fn upload(&self, array: &Array) -> Result<Matrix<T>> {
        require::<T>(array.data.len(), || format!("an array of shape {:?}", array.shape))?;
        Ok(Matrix::from(array))
    }

    fn upload_ids(&self, ids: &[u32]) -> Result<Vec<u32>> {
        Ok(ids.to_vec())
    }

    async fn read(&self, tensor: &Matrix<T>) -> Result<Vec<T>> {
        Ok(tensor.data.to_vec())
    }

    async fn read_ids(&self, ids: &Vec<u32>) -> Result<Vec<u32>> {
        Ok(ids.clone())
    }

    async fn read_all(&self, tensors: &[&Matrix<T>], ids: &[&Vec<u32>]) -> Result<(Vec<Vec<T>>, Vec<Vec<u32>>)> {
        let tensors = tensors.iter().map(|tensor| tensor.data.to_vec()).collect();
        Ok((tensors, ids.iter().map(|&ids| ids.clone()).collect()))
    }

    fn max_elements(&self) -> usize {
        isize::MAX as usize / size_of::<T>()
    }

    fn steps_per_read(&self) -> usize {
        1
    }

    fn candidate_cols(&self, _: usize, _: usize) -> usize {
        0
    }

    fn counters(&self) -> Counters {
        Counters::default()
    }
}

// One of each, not one for any type: so they become machine code here, and not again in every program that uses them.

impl Backend for Cpu<f32> {
    operations!();
}

impl Backend for Cpu<f64> {
    operations!();
}
