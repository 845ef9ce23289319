//! `shaders/attention_context_product.wgsl`: the contexts of all queries of a sentence at once.

use super::attention::{Queries, Shape};
use crate::Result;
use crate::gpu::tiling::Tiling;
use crate::gpu::{Gpu, GpuTensor};

kernel! {
    AttentionContextProduct = "attention_context_product" reads 3 then writes 1, 256 threads:
    tgt_len: u32,
    src_len: u32,
    rows: u32,
    first_row: u32,
    weight_quads: u32,
    memory_quads: u32,
}

impl Gpu {
    /// What the weights sum up.
    pub(super) fn record_attention_context_product(
        &self,
        queries: &Queries<'_>,
        tiling: Tiling,
        context: &GpuTensor,
    ) -> Result<()> {
        let Queries { attention, alignment, first_row, shape: Shape { tgt_len, src_len, rows, .. } } = *queries;
        let params = AttentionContextProduct {
            tgt_len: tgt_len as u32,
            src_len: src_len as u32,
            rows: rows as u32,
            first_row: first_row as u32,
            weight_quads: alignment.quads() as u32,
            memory_quads: attention.memory.quads() as u32,
        };
        let buffers = [&alignment.memory, &attention.memory.memory, &attention.lengths.memory, &context.memory];
        self.record_tiled(DECLARED, params, &[], buffers.map(Clone::clone).into(), tiling)
    }
}
