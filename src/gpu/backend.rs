//! The contract on the GPU.

use super::greedy::{GreedyState, GreedyWeights};
use super::handle::Gpu;
use super::kernels::generator::CandidateLayout;
use super::tensor::{GpuArena, GpuIds, GpuTensor};
use super::weights::{self, RecurrentWeights, Weights};
use crate::backend::{
    Activation, AttendedStep, Attention, Backend, Counters, Distribution, GreedyParameters, GreedySteps, HiddenPart,
    Input, RecurrentParameters, Search, SearchRules, Share, State, Storage, operations,
};
use crate::{Array, Result};

impl Storage for Gpu {
    type Float = f32;
    type Tensor = GpuTensor;
    type Arena = GpuArena;
    type Ids = GpuIds;
    type Linear = Weights;
    type Recurrent = RecurrentWeights;
    type Greedy = GreedyWeights;
    type GreedyState = GreedyState;

    fn zeros(&self, rows: usize, cols: usize) -> Result<GpuTensor> {
        GpuTensor::zeros(&self.engine, rows, cols)
    }

    fn scratch(&self, rows: usize, cols: usize) -> Result<GpuTensor> {
        // What is behind the columns of a row is never written, and must be zero.
        if cols.is_multiple_of(4) { GpuTensor::scratch(&self.engine, rows, cols) } else { self.zeros(rows, cols) }
    }

    fn arena(&self, shapes: &[[usize; 2]]) -> Result<GpuArena> {
        GpuArena::zeros(&self.engine, shapes)
    }

    fn write(&self, tensor: &mut GpuTensor, data: &[f32]) -> Result<()> {
        tensor.write(&self.engine, data)
    }

    fn upload(&self, array: &Array) -> Result<GpuTensor> {
        GpuTensor::upload(&self.engine, array)
    }

    fn upload_ids(&self, ids: &[u32]) -> Result<GpuIds> {
        GpuIds::upload(&self.engine, ids)
    }

    async fn read(&self, tensor: &GpuTensor) -> Result<Vec<f32>> {
        let bytes = self.engine.read(&[tensor.part()]).await?;
        Ok(tensor.unpad(&bytes[0]))
    }

    async fn read_ids(&self, ids: &GpuIds) -> Result<Vec<u32>> {
        let bytes = self.engine.read(&[ids.part()]).await?;
        Ok(bytemuck::pod_collect_to_vec(&bytes[0]))
    }

    async fn read_all(&self, tensors: &[&GpuTensor], ids: &[&GpuIds]) -> Result<(Vec<Vec<f32>>, Vec<Vec<u32>>)> {
        let parts: Vec<_> =
            tensors.iter().map(|tensor| tensor.part()).chain(ids.iter().map(|ids| ids.part())).collect();
        let bytes = self.engine.read(&parts).await?;
        let (numbers, ids) = bytes.split_at(tensors.len());
        let numbers = tensors.iter().zip(numbers).map(|(tensor, bytes)| tensor.unpad(bytes)).collect();
        Ok((numbers, ids.iter().map(|bytes| bytemuck::pod_collect_to_vec(bytes)).collect()))
    }

    fn max_elements(&self) -> usize {
        // Rows are padded to whole quads: three elements a row at most, a row being one element at least.
        (self.engine.opened().max_binding() / 16) as usize
    }

    fn steps_per_read(&self) -> usize {
        8
    }

    fn candidate_cols(&self, vocab_size: usize, beam: usize) -> usize {
        CandidateLayout::new(vocab_size, beam).cols()
    }

    fn counters(&self) -> Counters {
        self.engine.counters()
    }
}

impl Backend for Gpu {
    operations!();
}

impl Gpu {
    fn linear_weights(&self, weight: &Array, bias: Option<&Array>) -> Result<Weights> {
        weights::linear(&self.engine, self.variant.precision, weight, bias)
    }

    fn recurrent_weights(&self, parameters: &RecurrentParameters<'_>) -> Result<RecurrentWeights> {
        weights::recurrent(&self.engine, self.variant.precision, parameters)
    }
}
