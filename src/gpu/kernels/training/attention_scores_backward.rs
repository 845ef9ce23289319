//! `shaders/training/attention_scores_backward.wgsl`: from the contexts' gradients to those of the scores and of W_p
//! h_t.

use crate::backend::Attention;
use crate::config::Window;
use crate::gpu::kernels::attention::{Shape, shape};
use crate::gpu::{Gpu, GpuTensor};
use crate::{Error, Result};

kernel! {
    AttentionScoresBackward = "training/attention_scores_backward" reads 6 then writes 2, 128 threads:
    tgt_len: u32,
    src_len: u32,
    rows: u32,
    first_row: u32,
    first_position: u32,
    position_step: u32,
    alignment_pitch: u32,
    scores_pitch: u32,
    memory_quads: u32,
    hidden_quads: u32,
    half_width: f32,
}

impl Gpu {
    pub(in crate::gpu) fn record_attention_scores_backward(
        &self,
        attention: &Attention<'_, Self>,
        weights: &GpuTensor,
        first_row: usize,
        d_context: &GpuTensor,
        d_scores: &GpuTensor,
        d_position: Option<&GpuTensor>,
    ) -> Result<()> {
        let operation = "attention_backward";
        let Shape { batch, tgt_len, src_len, rows } = shape(operation, attention, weights, first_row, Some(d_context))?;
        Error::check(operation, "d_scores rows", weights.rows, d_scores.rows)?;
        Error::check(operation, "d_scores columns", src_len + 1, d_scores.cols)?;
        if let (Window::LocalP, Some(position)) = (attention.window, attention.position) {
            Error::check(operation, "d_position rows", position.rows, d_position.map_or(0, |tensor| tensor.rows))?;
            Error::check(operation, "d_position columns", position.cols, d_position.map_or(0, |tensor| tensor.cols))?;
        }
        if batch == 0 || tgt_len == 0 {
            return Ok(());
        }
        let params = AttentionScoresBackward {
            tgt_len: tgt_len as u32,
            src_len: src_len as u32,
            rows: rows as u32,
            first_row: first_row as u32,
            first_position: attention.positions.of(0) as u32,
            position_step: (attention.positions.of(1) - attention.positions.of(0)) as u32,
            alignment_pitch: 4 * weights.quads() as u32,
            scores_pitch: 4 * d_scores.quads() as u32,
            memory_quads: attention.memory.quads() as u32,
            hidden_quads: attention.vectors.map_or(0, |vectors| vectors.quads() as u32),
            half_width: attention.half_width as f32,
        };
        let read = |tensor: Option<&GpuTensor>| tensor.map_or(&self.unused[0], |tensor| &tensor.memory).clone();
        let buffers = vec![
            read(attention.position),
            attention.memory.memory.clone(),
            attention.lengths.memory.clone(),
            read(attention.vectors),
            weights.memory.clone(),
            d_context.memory.clone(),
            d_scores.memory.clone(),
            d_position.map_or(&self.unused[1], |tensor| &tensor.memory).clone(),
        ];
        let constants = [("WINDOW", attention.window.number())];
        self.record(DECLARED, params, &constants, buffers, [tgt_len as u32, batch as u32, 1])
    }
}
