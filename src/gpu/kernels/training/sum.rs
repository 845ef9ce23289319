//! `shaders/training/sum.wgsl`: the sum of a few numbers, or its root.

use crate::Result;
use crate::gpu::{Gpu, GpuTensor};

kernel! {
    Sum = "training/sum" reads 1 then writes 1, 128 threads:
    count: u32,
}

impl Gpu {
    /// Adds `count` terms, the columns of one row, to `total`; or writes the root of their sum there.
    pub(in crate::gpu) fn record_sum(&self, terms: &GpuTensor, root: bool, total: &GpuTensor) -> Result<()> {
        let params = Sum { count: terms.cols as u32 };
        let buffers = vec![terms.memory.clone(), total.memory.clone()];
        self.record(DECLARED, params, &[("ROOT", root.into())], buffers, [1, 1, 1])
    }
}
