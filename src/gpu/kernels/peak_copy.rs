//! `shaders/peak_copy.wgsl`: how many bytes the device moves in a second.

use crate::Result;
use crate::gpu::Gpu;
use crate::gpu::kernel::grid;

kernel! {
    PeakCopy = "peak_copy" reads 1 then writes 1, 256 threads:
    quads: u32,
}

impl Gpu {
    /// Bytes read plus bytes written in a second by a copy of a buffer larger than caches.
    pub async fn copy_bytes_per_s(&self) -> Result<f64> {
        let software = !self.is_hardware();
        let wanted: u64 = if software { 32 << 20 } else { 512 << 20 };
        let bytes = wanted.min(self.engine.opened().max_binding());
        let (from, to) = (self.engine.scratch(bytes, "a copy")?, self.engine.scratch(bytes, "a copy")?);
        let quads = bytes / 16;
        let work = || {
            let buffers = vec![from.clone(), to.clone()];
            self.record(DECLARED, PeakCopy { quads: quads as u32 }, &[], buffers, grid(quads.div_ceil(256) as usize))
        };
        let seconds = self.best_seconds(&to, work).await?;
        Ok(2.0 * bytes as f64 / seconds)
    }
}
