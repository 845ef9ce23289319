//! `shaders/log_softmax.wgsl`: log softmax of every row.

use crate::gpu::kernel::grid;
use crate::gpu::{Gpu, GpuTensor};
use crate::{Error, Result};

kernel! {
    LogSoftmax = "log_softmax" reads 1 then writes 1, 128 threads:
    rows: u32,
    cols: u32,
    pitch: u32,
}

impl Gpu {
    pub(in crate::gpu) fn log_softmax(&self, logits: &GpuTensor, out: &GpuTensor) -> Result<()> {
        Error::check("log_softmax", "out rows", logits.rows, out.rows)?;
        Error::check("log_softmax", "out columns", logits.cols, out.cols)?;
        if logits.rows == 0 || logits.cols == 0 {
            return Ok(());
        }
        let params =
            LogSoftmax { rows: logits.rows as u32, cols: logits.cols as u32, pitch: 4 * logits.quads() as u32 };
        self.record(DECLARED, params, &[], vec![logits.memory.clone(), out.memory.clone()], grid(logits.rows))
    }
}
