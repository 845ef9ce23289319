//! `shaders/training/transpose.wgsl`: the transpose of a matrix.

use crate::Result;
use crate::gpu::kernel::grid;
use crate::gpu::{Gpu, GpuTensor};

kernel! {
    Transpose = "training/transpose" reads 1 then writes 1, 256 threads:
    rows: u32,
    cols: u32,
}

impl Gpu {
    /// Of a matrix with elements.
    pub(in crate::gpu) fn record_transpose(&self, matrix: &GpuTensor) -> Result<GpuTensor> {
        let transposed = GpuTensor::scratch(&self.engine, matrix.cols, matrix.rows)?;
        let params = Transpose { rows: matrix.rows as u32, cols: matrix.cols as u32 };
        let buffers = vec![matrix.memory.clone(), transposed.memory.clone()];
        self.record(DECLARED, params, &[], buffers, grid((matrix.quads() * transposed.quads()).div_ceil(256)))?;
        Ok(transposed)
    }
}
