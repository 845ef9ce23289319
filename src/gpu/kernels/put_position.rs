//! `shaders/put_position.wgsl`: row b becomes row b · len + position of a sequence.

use super::grid;
use crate::Result;
use crate::gpu::{Gpu, GpuTensor};

kernel! {
    PutPosition = "put_position" reads 1 then writes 1, 256 threads:
    batch: u32,
    len: u32,
    position: u32,
    quads: u32,
}

impl Gpu {
    pub(in crate::gpu) fn record_put_position(
        &self,
        rows: &GpuTensor,
        position: usize,
        sequence: &GpuTensor,
    ) -> Result<()> {
        let len = self.check_position("put_position", sequence, position, rows)?;
        if rows.rows == 0 || rows.cols == 0 {
            return Ok(());
        }
        let params = PutPosition {
            batch: rows.rows as u32,
            len: len as u32,
            position: position as u32,
            quads: rows.quads() as u32,
        };
        let buffers = vec![rows.memory.clone(), sequence.memory.clone()];
        self.record(params, &[], buffers, grid((rows.rows * rows.quads()).div_ceil(256)))
    }
}
