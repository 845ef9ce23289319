//! `shaders/attention_join.wgsl`: attention over a source, from that over its chunks.

use super::attention::{AttentionParams, Queries};
use crate::Result;
use crate::gpu::tiling::SourceTiling;
use crate::gpu::{Gpu, GpuTensor};

kernel! {
    AttentionJoin = "attention_join" reads 2 then writes 2, 128 threads:
    tgt_len: u32,
    src_len: u32,
    rows: u32,
    first_row: u32,
    alignment_pitch: u32,
    memory_quads: u32,
    chunk: u32,
    chunks: u32,
}

impl Gpu {
    /// `parts` is what [`record_attention_chunks`](Self::record_attention_chunks) gave.
    pub(super) fn record_attention_join(
        &self,
        queries: &Queries<'_>,
        tiling: SourceTiling,
        parts: &GpuTensor,
        context: &GpuTensor,
    ) -> Result<()> {
        let AttentionParams { tgt_len, src_len, rows, first_row, alignment_pitch, memory_quads, chunk, chunks, .. } =
            queries.params(tiling);
        let params = AttentionJoin { tgt_len, src_len, rows, first_row, alignment_pitch, memory_quads, chunk, chunks };
        let lengths = &queries.attention.lengths.memory;
        let buffers = [&parts.memory, lengths, &queries.alignment.memory, &context.memory].map(Clone::clone).into();
        self.record(DECLARED, params, &[], buffers, queries.workgroups(1))
    }
}
