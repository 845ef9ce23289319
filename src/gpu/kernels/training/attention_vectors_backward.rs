//! `shaders/training/attention_vectors_backward.wgsl`: the gradients of v and of v_p.

use crate::Result;
use crate::gpu::{Gpu, GpuTensor};

kernel! {
    AttentionVectorsBackward = "training/attention_vectors_backward" reads 3 then writes 1, 256 threads:
    keys: u32,
    queries: u32,
    quads: u32,
    src_len: u32,
    scores_pitch: u32,
}

impl Gpu {
    /// `shares` of the keys, where there is v; `position`, where there is v_p. The caller has checked the sizes.
    pub(in crate::gpu) fn record_attention_vectors_backward(
        &self,
        shares: Option<&GpuTensor>,
        position: Option<&GpuTensor>,
        d_scores: &GpuTensor,
        d_vectors: &GpuTensor,
    ) -> Result<()> {
        let params = AttentionVectorsBackward {
            keys: shares.map_or(0, |shares| shares.rows) as u32,
            queries: position.map_or(0, |position| position.rows) as u32,
            quads: d_vectors.quads() as u32,
            src_len: (d_scores.cols - 1) as u32,
            scores_pitch: 4 * d_scores.quads() as u32,
        };
        let read = |tensor: Option<&GpuTensor>| tensor.map_or(&self.unused[0], |tensor| &tensor.memory).clone();
        let buffers = vec![read(shares), read(position), d_scores.memory.clone(), d_vectors.memory.clone()];
        self.record(DECLARED, params, &[], buffers, [d_vectors.quads().div_ceil(16) as u32, 2, 1])
    }
}
