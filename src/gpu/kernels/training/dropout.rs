//! `shaders/training/dropout.wgsl`: y ⊙ mask / (1 − rate).

use crate::Result;
use crate::backend::{self, pcg};
use crate::gpu::kernel::grid;
use crate::gpu::{Gpu, GpuTensor};

kernel! {
    Dropout = "training/dropout" reads 0 then writes 1, 256 threads:
    rows: u32,
    cols: u32,
    seed: u32,
    threshold: u32,
    scale: f32,
}

impl Gpu {
    pub(in crate::gpu) fn dropout(&self, dropout: backend::Dropout, y: &GpuTensor) -> Result<()> {
        if y.rows == 0 || y.cols == 0 {
            return Ok(());
        }
        let params = Dropout {
            rows: y.rows as u32,
            cols: y.cols as u32,
            seed: pcg(dropout.seed),
            threshold: dropout.threshold(),
            scale: dropout.scale(),
        };
        self.record(DECLARED, params, &[], vec![y.memory.clone()], grid((y.rows * y.quads()).div_ceil(256)))
    }
}
