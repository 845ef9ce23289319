//! `shaders/attention_chunk.wgsl`: attention of each query over the chunks of its source.

use super::attention::{self, Queries};
use crate::Result;
use crate::gpu::tiling::SourceTiling;
use crate::gpu::{Declared, Gpu, GpuTensor};

/// As attention itself, whose `Params` and bindings it shares.
pub(in crate::gpu) const DECLARED: Declared = Declared { shader: shader!("attention_chunk"), ..attention::DECLARED };

impl Gpu {
    /// The context of each chunk of every query, and its softmax: (queries · chunks, memory_size + 4).
    pub(super) fn record_attention_chunks(&self, queries: &Queries<'_>, tiling: SourceTiling) -> Result<GpuTensor> {
        let rows = queries.attention.query.rows * tiling.chunks;
        let parts = GpuTensor::scratch(&self.engine, rows, 4 * queries.attention.memory.quads() + 4)?;
        self.record_queries(DECLARED, queries, tiling, &parts.memory)?;
        Ok(parts)
    }
}
