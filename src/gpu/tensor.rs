//! Matrices and ids on the device.

use std::sync::Arc;

use super::engine::Engine;
use super::memory::Memory;
use crate::{Array, Result};

/// A matrix of `f32`. Its rows are padded with zeros to whole quads, so that shaders read four columns at once.
#[derive(Debug)]
pub struct GpuTensor {
    pub(super) memory: Arc<Memory>,
    pub(super) rows: usize,
    pub(super) cols: usize,
}

impl GpuTensor {
    /// Quads from one row to the next.
    pub(super) fn quads(&self) -> usize {
        self.cols.div_ceil(4)
    }

    pub(super) fn zeros(engine: &Engine, rows: usize, cols: usize) -> Result<Self> {
        let memory = engine.zeroed(bytes(rows, cols), "a matrix")?;
        Ok(Self { memory, rows, cols })
    }

    /// A matrix that holds anything, padding too: for what is written in full before it is read.
    pub(super) fn scratch(engine: &Engine, rows: usize, cols: usize) -> Result<Self> {
        let memory = engine.scratch(bytes(rows, cols), "an intermediate result")?;
        Ok(Self { memory, rows, cols })
    }

    pub(super) fn upload(engine: &Engine, array: &Array) -> Result<Self> {
        let (rows, cols) = (array.rows(), array.cols());
        let pitch = cols.div_ceil(4) * 4;
        let mut padded = vec![0.0_f32; rows * pitch];
        if cols > 0 {
            for (to, from) in padded.chunks_exact_mut(pitch).zip(array.data.chunks_exact(cols)) {
                to[..cols].copy_from_slice(from);
            }
        }
        let memory = engine.upload(bytemuck::cast_slice(&padded), "a matrix")?;
        Ok(Self { memory, rows, cols })
    }

    /// What to read of the memory.
    pub(super) fn part(&self) -> (&Memory, u64) {
        (&self.memory, bytes(self.rows, self.cols))
    }

    /// The elements in what was read.
    pub(super) fn unpad(&self, bytes: &[u8]) -> Vec<f32> {
        let padded: Vec<f32> = bytemuck::pod_collect_to_vec(bytes);
        let pitch = self.quads() * 4;
        padded.chunks_exact(pitch.max(1)).flat_map(|row| &row[..self.cols]).copied().collect()
    }
}

fn bytes(rows: usize, cols: usize) -> u64 {
    rows as u64 * cols.div_ceil(4) as u64 * 16
}

/// Unsigned 32-bit numbers.
#[derive(Debug)]
pub struct GpuIds {
    pub(super) memory: Arc<Memory>,
    pub(super) len: usize,
}

impl GpuIds {
    pub(super) fn upload(engine: &Engine, ids: &[u32]) -> Result<Self> {
        Ok(Self { memory: engine.upload(bytemuck::cast_slice(ids), "ids")?, len: ids.len() })
    }

    /// What to read of the memory.
    pub(super) fn part(&self) -> (&Memory, u64) {
        (&self.memory, 4 * self.len as u64)
    }
}
