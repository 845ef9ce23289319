//! `shaders/take_position.wgsl`: row b · len + position of a sequence becomes row b.

use super::grid;
use crate::gpu::{Gpu, GpuTensor};
use crate::{Error, Result};

kernel! {
    TakePosition = "take_position" reads 1 then writes 1, 256 threads:
    batch: u32,
    len: u32,
    position: u32,
    quads: u32,
}

impl Gpu {
    pub(in crate::gpu) fn record_take_position(
        &self,
        sequence: &GpuTensor,
        position: usize,
        rows: &GpuTensor,
    ) -> Result<()> {
        let len = self.check_position("take_position", sequence, position, rows)?;
        if rows.rows == 0 || rows.cols == 0 {
            return Ok(());
        }
        let params = TakePosition {
            batch: rows.rows as u32,
            len: len as u32,
            position: position as u32,
            quads: rows.quads() as u32,
        };
        let buffers = vec![sequence.memory.clone(), rows.memory.clone()];
        self.record(params, &[], buffers, grid((rows.rows * rows.quads()).div_ceil(256)))
    }

    /// The positions of a sequence, of which `position` must be one.
    pub(in crate::gpu) fn check_position(
        &self,
        operation: &'static str,
        sequence: &GpuTensor,
        position: usize,
        rows: &GpuTensor,
    ) -> Result<usize> {
        let len = sequence.rows.checked_div(rows.rows).unwrap_or(0);
        Error::check(operation, "rows", rows.rows * len, sequence.rows)?;
        Error::check(operation, "columns", sequence.cols, rows.cols)?;
        if rows.rows > 0 && position >= len {
            return Err(Error::Shape { operation, what: "positions", expected: len, found: position + 1 });
        }
        Ok(len)
    }
}
