//! `shaders/training/tanh_backward.wgsl`: from y = tanh(x) to the gradient of x.

use crate::gpu::kernel::grid;
use crate::gpu::{Gpu, GpuTensor};
use crate::{Error, Result};

kernel! {
    TanhBackward = "training/tanh_backward" reads 1 then writes 1, 256 threads:
    quads: u32,
}

impl Gpu {
    pub(in crate::gpu) fn tanh_backward(&self, y: &GpuTensor, d_y: &GpuTensor) -> Result<()> {
        Error::check("tanh_backward", "rows", y.rows, d_y.rows)?;
        Error::check("tanh_backward", "columns", y.cols, d_y.cols)?;
        let quads = y.rows * y.quads();
        if quads == 0 {
            return Ok(());
        }
        let buffers = vec![y.memory.clone(), d_y.memory.clone()];
        self.record(DECLARED, TanhBackward { quads: quads as u32 }, &[], buffers, grid(quads.div_ceil(256)))
    }
}
