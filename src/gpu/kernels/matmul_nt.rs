//! `shaders/matmul_nt.wgsl`: activation(A Bᵀ + bias).

use crate::backend::{Activation, check_matmul};
use crate::gpu::{Gpu, GpuTensor};
use crate::{Error, Result};

kernel! {
    MatmulNt = "matmul_nt" reads 3 then writes 1, 256 threads:
    rows: u32,
    cols: u32,
    inputs: u32,
    bias: u32,
}

impl Gpu {
    pub(in crate::gpu) fn record_matmul_nt(
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
        let params = MatmulNt {
            rows: out.rows as u32,
            cols: out.cols as u32,
            inputs: a.quads() as u32,
            bias: bias.is_some().into(),
        };
        let tiling = self.tiling(out.rows, out.quads());
        let constants =
            [("ACTIVATION", activation.number()), ("ACCUMULATE", accumulate.into()), ("K_SLICES", tiling.slices)];
        let bias = bias.map_or(&self.unused[0], |bias| &bias.memory);
        let buffers = vec![a.memory.clone(), b.memory.clone(), bias.clone(), out.memory.clone()];
        self.record(params, &constants, buffers, tiling.workgroup_count)
    }
}

impl Activation {
    /// The activation as `shared/activated.wgsl` numbers it.
    pub(in crate::gpu) fn number(self) -> u32 {
        match self {
            Self::Identity => 0,
            Self::Tanh => 1,
        }
    }
}
