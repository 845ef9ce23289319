//! `shaders/peak_multiply_add.wgsl`: how many multiply-adds the device does in a second.

use crate::gpu::kernel::grid;
use crate::gpu::{Gpu, GpuTensor};
use crate::{Array, Result};

kernel! {
    PeakMultiplyAdd = "peak_multiply_add" reads 1 then writes 1, 256 threads:
    steps: u32,
}

impl Gpu {
    /// Multiplications plus additions in a second, in 32 bits, from registers.
    pub async fn multiply_adds_per_s(&self) -> Result<f64> {
        const STEPS: u32 = 256;
        let software = !self.is_hardware();
        let threads: usize = if software { 1 << 12 } else { 1 << 20 };
        let start = [[0.999; 4], [0.001; 4], [1.0; 4], [0.0; 4]].concat();
        let start = GpuTensor::upload(&self.engine, &Array::new([4, 4], start))?;
        let result = self.engine.scratch(16 * threads as u64, "sums")?;
        let work = || {
            let buffers = vec![start.memory.clone(), result.clone()];
            self.record(DECLARED, PeakMultiplyAdd { steps: STEPS }, &[], buffers, grid(threads / 256))
        };
        let seconds = self.best_seconds(&result, work).await?;
        // Eight sums of four lanes four times, a multiplication and an addition each.
        Ok(256.0 * f64::from(STEPS) * threads as f64 / seconds)
    }
}
