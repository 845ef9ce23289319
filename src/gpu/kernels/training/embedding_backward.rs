//! `shaders/training/embedding_backward.wgsl`: the rows of a table's gradient.

use crate::backend::Occurrences;
use crate::gpu::kernel::grid;
use crate::gpu::{Gpu, GpuTensor};
use crate::{Error, Result};

kernel! {
    EmbeddingBackward = "training/embedding_backward" reads 4 then writes 1, 256 threads:
    count: u32,
    quads: u32,
}

impl Gpu {
    pub(in crate::gpu) fn embedding_backward(
        &self,
        occurrences: &Occurrences<Self>,
        d_out: &GpuTensor,
        d_table: &GpuTensor,
    ) -> Result<()> {
        let Occurrences { symbols, starts, rows, count } = occurrences;
        Error::check("embedding_backward", "columns", d_table.cols, d_out.cols)?;
        Error::check("embedding_backward", "symbols", *count, symbols.len)?;
        Error::check("embedding_backward", "starts", count + 1, starts.len)?;
        if *count == 0 || d_table.cols == 0 {
            return Ok(());
        }
        let params = EmbeddingBackward { count: *count as u32, quads: d_table.quads() as u32 };
        let buffers = vec![
            symbols.memory.clone(),
            starts.memory.clone(),
            rows.memory.clone(),
            d_out.memory.clone(),
            d_table.memory.clone(),
        ];
        self.record(DECLARED, params, &[], buffers, grid((count * d_table.quads()).div_ceil(256)))
    }
}
