//! `shaders/training/matmul_nn.wgsl`: A B.

use crate::Result;
use crate::backend::{Activation, check_matmul};
use crate::gpu::tiling::Products;
use crate::gpu::{Gpu, GpuTensor};

kernel! {
    MatmulNn = "training/matmul_nn" reads 3 then writes 1, 256 threads:
    rows: u32,
    quads: u32,
    inner: u32,
    bias: u32,
}

impl Gpu {
    pub(in crate::gpu) fn matmul_nn(
        &self,
        a: &GpuTensor,
        b: &GpuTensor,
        accumulate: bool,
        out: &GpuTensor,
    ) -> Result<()> {
        check_matmul("matmul_nn", [a.rows, b.cols], [a.cols, b.rows], [out.rows, out.cols])?;
        if out.rows == 0 || out.cols == 0 {
            return Ok(());
        }
        self.record_product_nn(a, b, None, Activation::Identity, accumulate, out)
    }

    /// activation(A B + bias) of matrices that fit together; `out` has elements.
    pub(super) fn record_product_nn(
        &self,
        a: &GpuTensor,
        b: &GpuTensor,
        bias: Option<&GpuTensor>,
        activation: Activation,
        accumulate: bool,
        out: &GpuTensor,
    ) -> Result<()> {
        let params = MatmulNn {
            rows: out.rows as u32,
            quads: out.quads() as u32,
            inner: a.cols as u32,
            bias: bias.is_some().into(),
        };
        let tiling = self.tiling(Products::one(out.rows, out.quads(), a.quads()));
        let constants = [("ACTIVATION", activation.number()), ("ACCUMULATE", accumulate.into())];
        let bias = bias.map_or(&self.unused[0], |bias| &bias.memory);
        let buffers = vec![a.memory.clone(), b.memory.clone(), bias.clone(), out.memory.clone()];
        self.record_tiled(DECLARED, params, &constants, buffers, tiling)
    }
}
