//! `shaders/training/cross_entropy.wgsl`: the loss of every row, and its gradient in place of the logits.

use crate::Result;
use crate::backend::LossOptions;
use crate::gpu::kernel::grid;
use crate::gpu::{Gpu, GpuIds, GpuTensor};

kernel! {
    CrossEntropy = "training/cross_entropy" reads 1 then writes 2, 128 threads:
    rows: u32,
    cols: u32,
    pitch: u32,
    first: u32,
    smoothing: f32,
    scale: f32,
}

impl Gpu {
    /// Of the rows from `first` on, whose logits these are; `gradient` says whether they are replaced.
    pub(in crate::gpu) fn record_cross_entropy(
        &self,
        targets: &GpuIds,
        first: usize,
        options: LossOptions,
        gradient: bool,
        logits: &GpuTensor,
        losses: &GpuTensor,
    ) -> Result<()> {
        let params = CrossEntropy {
            rows: logits.rows as u32,
            cols: logits.cols as u32,
            pitch: 4 * logits.quads() as u32,
            first: first as u32,
            smoothing: options.smoothing,
            scale: options.scale,
        };
        let buffers = vec![targets.memory.clone(), logits.memory.clone(), losses.memory.clone()];
        self.record(DECLARED, params, &[("GRADIENT", gradient.into())], buffers, grid(logits.rows))
    }
}
