//! `shaders/attention_scores_product.wgsl`: the scores of all queries of a sentence at once.

use super::attention::{Queries, Shape};
use crate::Result;
use crate::gpu::Gpu;
use crate::gpu::tiling::Tiling;

kernel! {
    AttentionScoresProduct = "attention_scores_product" reads 3 then writes 1, 256 threads:
    tgt_len: u32,
    src_len: u32,
    rows: u32,
    first_row: u32,
    score_quads: u32,
    key_quads: u32,
    scale: f32,
}

impl Gpu {
    /// Scores where the weights will be.
    pub(super) fn record_attention_scores_product(&self, queries: &Queries<'_>, tiling: Tiling) -> Result<()> {
        let Queries { attention, alignment, first_row, shape: Shape { tgt_len, src_len, rows, .. } } = *queries;
        let params = AttentionScoresProduct {
            tgt_len: tgt_len as u32,
            src_len: src_len as u32,
            rows: rows as u32,
            first_row: first_row as u32,
            score_quads: alignment.quads() as u32,
            key_quads: attention.keys.quads() as u32,
            scale: attention.score.scale(attention.keys.cols),
        };
        let buffers = [&attention.query.memory, &attention.keys.memory, &attention.lengths.memory, &alignment.memory];
        self.record_tiled(DECLARED, params, &[], buffers.map(Clone::clone).into(), tiling)
    }
}
