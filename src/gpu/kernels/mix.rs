//! `shaders/mix.wgsl`: a model's share of the probabilities of an ensemble.

use crate::backend::Share;
use crate::gpu::kernel::grid;
use crate::gpu::{Gpu, GpuTensor};
use crate::{Error, Result};

kernel! {
    Mix = "mix" reads 1 then writes 1, 128 threads:
    rows: u32,
    cols: u32,
    pitch: u32,
    share: f32,
    replace: u32,
}

impl Gpu {
    pub(in crate::gpu) fn mix(&self, logits: &GpuTensor, share: Share, probabilities: &GpuTensor) -> Result<()> {
        Error::check("mix", "probabilities' rows", logits.rows, probabilities.rows)?;
        Error::check("mix", "probabilities' columns", logits.cols, probabilities.cols)?;
        if logits.rows == 0 || logits.cols == 0 {
            return Ok(());
        }
        let params = Mix {
            rows: logits.rows as u32,
            cols: logits.cols as u32,
            pitch: 4 * logits.quads() as u32,
            share: share.weight as f32,
            replace: u32::from(share.first),
        };
        self.record(DECLARED, params, &[], vec![logits.memory.clone(), probabilities.memory.clone()], grid(logits.rows))
    }
}
