//! `shaders/embedding.wgsl`: the row of a table for each id.

use crate::gpu::kernel::grid;
use crate::gpu::{Gpu, GpuIds, GpuTensor};
use crate::{Error, Result};

kernel! {
    Embedding = "embedding" reads 2 then writes 1, 256 threads:
    rows: u32,
    quads: u32,
}

impl Gpu {
    pub(in crate::gpu) fn embedding(&self, table: &GpuTensor, ids: &GpuIds, out: &GpuTensor) -> Result<()> {
        Error::check("embedding", "out rows", ids.len, out.rows)?;
        Error::check("embedding", "out columns", table.cols, out.cols)?;
        let params = Embedding { rows: ids.len as u32, quads: table.quads() as u32 };
        let buffers = vec![table.memory.clone(), ids.memory.clone(), out.memory.clone()];
        self.record(DECLARED, params, &[], buffers, grid((ids.len * table.quads()).div_ceil(256)))
    }
}
