//! `shaders/training/activation_backward.wgsl`: from y = activation(x) to the gradient of x.

use crate::backend::Activation;
use crate::gpu::kernel::grid;
use crate::gpu::{Gpu, GpuTensor};
use crate::{Error, Result};

kernel! {
    ActivationBackward = "training/activation_backward" reads 1 then writes 1, 256 threads:
    quads: u32,
}

impl Gpu {
    pub(in crate::gpu) fn activation_backward(
        &self,
        activation: Activation,
        y: &GpuTensor,
        d_y: &GpuTensor,
    ) -> Result<()> {
        Error::check("activation_backward", "rows", y.rows, d_y.rows)?;
        Error::check("activation_backward", "columns", y.cols, d_y.cols)?;
        let quads = y.rows * y.quads();
        if quads == 0 || activation == Activation::Identity {
            return Ok(());
        }
        let constants = [("ACTIVATION", activation.number())];
        let buffers = vec![y.memory.clone(), d_y.memory.clone()];
        let params = ActivationBackward { quads: quads as u32 };
        self.record(DECLARED, params, &constants, buffers, grid(quads.div_ceil(256)))
    }
}
