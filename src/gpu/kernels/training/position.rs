//! `shaders/training/position.wgsl`: one position of a sequence, taken out or put in.

use crate::gpu::kernel::grid;
use crate::gpu::{Gpu, GpuTensor};
use crate::{Error, Result};

kernel! {
    Position = "training/position" reads 1 then writes 1, 256 threads:
    batch: u32,
    len: u32,
    position: u32,
    quads: u32,
}

impl Gpu {
    pub(in crate::gpu) fn take_position(&self, sequence: &GpuTensor, position: usize, rows: &GpuTensor) -> Result<()> {
        self.record_position("take_position", [sequence, rows], position, 0)
    }

    pub(in crate::gpu) fn put_position(&self, rows: &GpuTensor, position: usize, sequence: &GpuTensor) -> Result<()> {
        self.record_position("put_position", [sequence, rows], position, 1)
    }

    fn record_position(
        &self,
        operation: &'static str,
        [sequence, rows]: [&GpuTensor; 2],
        position: usize,
        put: u32,
    ) -> Result<()> {
        let len = sequence.rows.checked_div(rows.rows).unwrap_or(0);
        Error::check(operation, "rows", rows.rows * len, sequence.rows)?;
        Error::check(operation, "columns", sequence.cols, rows.cols)?;
        if rows.rows > 0 && position >= len {
            return Err(Error::Shape { operation, what: "positions", expected: len, found: position + 1 });
        }
        if rows.rows == 0 || rows.cols == 0 {
            return Ok(());
        }
        let params = Position {
            batch: rows.rows as u32,
            len: len as u32,
            position: position as u32,
            quads: rows.quads() as u32,
        };
        let [from, to] = if put == 1 { [rows, sequence] } else { [sequence, rows] };
        let buffers = vec![from.memory.clone(), to.memory.clone()];
        self.record(DECLARED, params, &[("PUT", put)], buffers, grid((rows.rows * rows.quads()).div_ceil(256)))
    }
}
