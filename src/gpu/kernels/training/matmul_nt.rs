//! `shaders/training/matmul_nt.wgsl`: activation(A Bᵀ + bias).

use crate::backend::{Activation, check_matmul};
use crate::gpu::tiling::Products;
use crate::gpu::{Gpu, GpuTensor};
use crate::{Error, Result};

kernel! {
    MatmulNt = "training/matmul_nt" reads 3 then writes 1, 256 threads:
    rows: u32,
    cols: u32,
    inputs: u32,
    bias: u32,
}

/// From so many rows on, B is transposed first: read so, neighbouring threads read neighbouring quads, and B is passed
/// over once more for what several workgroups of 64 rows each read.
const TRANSPOSED_ROWS: usize = 65;

/// B of A Bᵀ, in the order that so many rows of A want it in.
pub(in crate::gpu) enum Factor<'a> {
    /// (cols, inner)
    Plain(&'a GpuTensor),
    /// (inner, cols)
    Transposed(GpuTensor),
}

impl Gpu {
    pub(in crate::gpu) fn matmul_nt(
        &self,
        a: &GpuTensor,
        b: &GpuTensor,
        bias: Option<&GpuTensor>,
        activation: Activation,
        accumulate: bool,
        out: &GpuTensor,
    ) -> Result<()> {
        check_matmul("matmul_nt", [a.rows, b.rows], [a.cols, b.cols], [out.rows, out.cols])?;
        Error::check("matmul_nt", "bias rows", 1, bias.map_or(1, |bias| bias.rows))?;
        Error::check("matmul_nt", "bias columns", out.cols, bias.map_or(out.cols, |bias| bias.cols))?;
        if out.rows == 0 || out.cols == 0 {
            return Ok(());
        }
        self.record_product_nt(a, &self.factor(b, out.rows)?, bias, activation, accumulate, out)
    }

    /// B for products with `rows` rows.
    pub(in crate::gpu) fn factor<'a>(&self, b: &'a GpuTensor, rows: usize) -> Result<Factor<'a>> {
        if rows < TRANSPOSED_ROWS || b.cols == 0 {
            return Ok(Factor::Plain(b));
        }
        Ok(Factor::Transposed(self.record_transpose(b)?))
    }

    /// activation(A Bᵀ + bias) of matrices that fit together; `out` has elements.
    pub(in crate::gpu) fn record_product_nt(
        &self,
        a: &GpuTensor,
        b: &Factor<'_>,
        bias: Option<&GpuTensor>,
        activation: Activation,
        accumulate: bool,
        out: &GpuTensor,
    ) -> Result<()> {
        let b = match b {
            Factor::Plain(b) => b,
            Factor::Transposed(b) => return self.record_product_nn(a, b, bias, activation, accumulate, out),
        };
        let params = MatmulNt {
            rows: out.rows as u32,
            cols: out.cols as u32,
            inputs: a.quads() as u32,
            bias: bias.is_some().into(),
        };
        let tiling = self.tiling(Products::one(out.rows, out.quads(), a.quads()));
        let constants = [("ACTIVATION", activation.number()), ("ACCUMULATE", accumulate.into())];
        let bias = bias.map_or(&self.unused[0], |bias| &bias.memory);
        let buffers = vec![a.memory.clone(), b.memory.clone(), bias.clone(), out.memory.clone()];
        self.record_tiled(DECLARED, params, &constants, buffers, tiling)
    }
}
