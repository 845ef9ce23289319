//! `shaders/matmul_nn.wgsl`: A B.

use crate::Result;
use crate::backend::check_matmul;
use crate::gpu::{Gpu, GpuTensor};

kernel! {
    MatmulNn = "matmul_nn" reads 2 then writes 1, 256 threads:
    rows: u32,
    quads: u32,
    inner: u32,
}

impl Gpu {
    pub(in crate::gpu) fn record_matmul_nn(
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
        let params = MatmulNn { rows: out.rows as u32, quads: out.quads() as u32, inner: a.cols as u32 };
        let tiling = self.tiling(out.rows, out.quads());
        let constants = [("ACCUMULATE", accumulate.into()), ("K_SLICES", tiling.slices)];
        let buffers = vec![a.memory.clone(), b.memory.clone(), out.memory.clone()];
        self.record(params, &constants, buffers, tiling.workgroup_count)
    }
}
