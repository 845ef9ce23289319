//! `shaders/training/attention_keys_backward.wgsl`: from the gradients of additive scores to those of the keys.

use crate::Result;
use crate::backend::Attention;
use crate::gpu::kernel::grid;
use crate::gpu::{Gpu, GpuTensor};

kernel! {
    AttentionKeysBackward = "training/attention_keys_backward" reads 4 then writes 2, 256 threads:
    batch: u32,
    tgt_len: u32,
    src_len: u32,
    quads: u32,
    scores_pitch: u32,
}

impl Gpu {
    /// Into `d_keys`, and into `shares` what each key adds to the gradient of v. The caller has checked the sizes.
    pub(in crate::gpu) fn record_attention_keys_backward(
        &self,
        attention: &Attention<'_, Self>,
        d_scores: &GpuTensor,
        d_keys: &GpuTensor,
        shares: &GpuTensor,
    ) -> Result<()> {
        let batch = attention.lengths.len;
        let params = AttentionKeysBackward {
            batch: batch as u32,
            tgt_len: (d_scores.rows / batch) as u32,
            src_len: (d_scores.cols - 1) as u32,
            quads: d_keys.quads() as u32,
            scores_pitch: 4 * d_scores.quads() as u32,
        };
        let buffers = vec![
            attention.query.memory.clone(),
            attention.keys.memory.clone(),
            attention.vectors.map_or(&self.unused[0], |vectors| &vectors.memory).clone(),
            d_scores.memory.clone(),
            d_keys.memory.clone(),
            shares.memory.clone(),
        ];
        self.record(DECLARED, params, &[], buffers, grid((d_keys.rows * d_keys.quads()).div_ceil(256)))
    }
}
