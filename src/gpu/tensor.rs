//! Matrices and ids on the device.

use std::ops::Range;
use std::sync::Arc;

use super::engine::Engine;
use super::memory::{ALIGNMENT, Memory};
use crate::{Array, Error, Result};

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
        let memory = engine.upload(bytemuck::cast_slice(&pad(rows, cols, &array.data)), "a matrix")?;
        Ok(Self { memory, rows, cols })
    }

    pub(super) fn write(&self, engine: &Engine, data: &[f32]) -> Result<()> {
        Error::check("write", "elements", self.rows * self.cols, data.len())?;
        engine.write(&self.memory, bytemuck::cast_slice(&pad(self.rows, self.cols, data)))
    }

    /// Some of the rows, the first of them a multiple of [`ROWS_ALIGNMENT`](Self::ROWS_ALIGNMENT).
    pub(super) fn rows(&self, rows: Range<usize>) -> Self {
        let memory = self.memory.part(bytes(rows.start, self.cols), bytes(rows.len(), self.cols).max(16));
        Self { memory, rows: rows.len(), cols: self.cols }
    }

    /// As many rows of any matrix can be bound from where they begin: each is at least a quad.
    pub(super) const ROWS_ALIGNMENT: usize = ALIGNMENT as usize / 16;

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

/// The elements of a matrix with zeros behind its rows.
fn pad(rows: usize, cols: usize, data: &[f32]) -> Vec<f32> {
    let pitch = cols.div_ceil(4) * 4;
    let mut padded = vec![0.0_f32; rows * pitch];
    if cols > 0 {
        for (to, from) in padded.chunks_exact_mut(pitch).zip(data.chunks_exact(cols)) {
            to[..cols].copy_from_slice(from);
        }
    }
    padded
}

/// Matrices in one piece of memory, each from where it can be bound alone; what is between them is zero.
#[derive(Debug)]
pub struct GpuArena {
    pub(super) memory: Arc<Memory>,
    /// Quads of all matrices and of what is between them.
    pub(super) quads: usize,
    tensors: Vec<GpuTensor>,
}

impl GpuArena {
    pub(super) fn zeros(engine: &Engine, shapes: &[[usize; 2]]) -> Result<Self> {
        // A matrix without elements must have a place too.
        let size = |[rows, cols]: [usize; 2]| bytes(rows, cols).max(1).next_multiple_of(ALIGNMENT);
        let total: u64 = shapes.iter().copied().map(size).sum();
        let memory = engine.zeroed(total, "all parameters")?;
        let mut offset = 0;
        let mut tensors = Vec::with_capacity(shapes.len());
        for &[rows, cols] in shapes {
            tensors.push(GpuTensor { memory: memory.part(offset, size([rows, cols])), rows, cols });
            offset += size([rows, cols]);
        }
        Ok(Self { memory, quads: (total / 16) as usize, tensors })
    }
}

impl AsRef<[GpuTensor]> for GpuArena {
    fn as_ref(&self) -> &[GpuTensor] {
        &self.tensors
    }
}

impl AsMut<[GpuTensor]> for GpuArena {
    fn as_mut(&mut self) -> &mut [GpuTensor] {
        &mut self.tensors
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
