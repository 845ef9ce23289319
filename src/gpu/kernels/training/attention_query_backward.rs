//! `shaders/training/attention_query_backward.wgsl`: from the gradients of the scores to those of the queries.

use crate::backend::Attention;
use crate::gpu::kernels::attention::{Shape, shape};
use crate::gpu::{Gpu, GpuTensor};
use crate::{Error, Result};

kernel! {
    AttentionQueryBackward = "training/attention_query_backward" reads 5 then writes 1, 128 threads:
    tgt_len: u32,
    src_len: u32,
    rows: u32,
    first_row: u32,
    scores_pitch: u32,
    query_quads: u32,
    scale: f32,
}

impl Gpu {
    pub(in crate::gpu) fn record_attention_query_backward(
        &self,
        attention: &Attention<'_, Self>,
        weights: &GpuTensor,
        first_row: usize,
        d_scores: &GpuTensor,
        d_query: &GpuTensor,
    ) -> Result<()> {
        let operation = "attention_backward";
        let Shape { batch, tgt_len, src_len, rows } = shape(operation, attention, weights, first_row, None)?;
        Error::check(operation, "d_query rows", attention.query.rows, d_query.rows)?;
        Error::check(operation, "d_query columns", attention.query.cols, d_query.cols)?;
        if batch == 0 || tgt_len == 0 {
            return Ok(());
        }
        let params = AttentionQueryBackward {
            tgt_len: tgt_len as u32,
            src_len: src_len as u32,
            rows: rows as u32,
            first_row: first_row as u32,
            scores_pitch: 4 * d_scores.quads() as u32,
            query_quads: d_query.quads() as u32,
            scale: attention.score.scale(attention.keys.cols),
        };
        let buffers = vec![
            attention.query.memory.clone(),
            attention.keys.memory.clone(),
            attention.lengths.memory.clone(),
            attention.vectors.map_or(&self.unused[0], |vectors| &vectors.memory).clone(),
            d_scores.memory.clone(),
            d_query.memory.clone(),
        ];
        self.record(
            DECLARED,
            params,
            &[("SCORE", attention.score.number())],
            buffers,
            [tgt_len as u32, batch as u32, 1],
        )
    }
}
