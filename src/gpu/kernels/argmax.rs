//! `shaders/argmax.wgsl`: the column of every row's largest element.

use crate::gpu::kernel::grid;
use crate::gpu::{Gpu, GpuIds, GpuTensor};
use crate::{Error, Result};

kernel! {
    Argmax = "argmax" reads 1 then writes 1, 128 threads:
    rows: u32,
    cols: u32,
    pitch: u32,
}

impl Gpu {
    pub(in crate::gpu) fn argmax(&self, logits: &GpuTensor, out: &GpuIds) -> Result<()> {
        Error::check("argmax", "out", logits.rows, out.len)?;
        if logits.rows == 0 || logits.cols == 0 {
            return Ok(());
        }
        let params = Argmax { rows: logits.rows as u32, cols: logits.cols as u32, pitch: 4 * logits.quads() as u32 };
        self.record(DECLARED, params, &[], vec![logits.memory.clone(), out.memory.clone()], grid(logits.rows))
    }
}
