//! `shaders/training/sum_of_squares.wgsl`: the first half of a norm.

use super::update::check_scalar;
use crate::Result;
use crate::gpu::{Gpu, GpuArena, GpuTensor};

kernel! {
    SumOfSquares = "training/sum_of_squares" reads 1 then writes 1, 128 threads:
    quads: u32,
    workgroups: u32,
}

impl Gpu {
    /// ‖g‖₂: a sum in each of a few workgroups, then the root of all.
    pub(in crate::gpu) fn gradient_norm(&self, arena: &GpuArena, norm: &GpuTensor) -> Result<()> {
        const WORKGROUPS: usize = 512;
        check_scalar("gradient_norm", "norm", norm)?;
        // The same for one size on every device, so that the order of the sum is.
        let workgroups = arena.quads.div_ceil(128).clamp(1, WORKGROUPS);
        let sums = GpuTensor::scratch(&self.engine, 1, workgroups)?;
        let params = SumOfSquares { quads: arena.quads as u32, workgroups: workgroups as u32 };
        let buffers = vec![arena.memory.clone(), sums.memory.clone()];
        self.record(DECLARED, params, &[], buffers, [workgroups as u32, 1, 1])?;
        self.record_sum(&sums, true, norm)
    }
}
