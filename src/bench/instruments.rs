//! What is known of a device beside the clock on the wall.

use super::peaks::Peaks;
use crate::gpu::Gpu;

/// What is known of a device beside the clock on the wall.
#[derive(Clone, Copy, Debug, Default)]
pub struct Instruments<'a> {
    /// What it can do at most.
    pub peaks: Option<Peaks>,
    /// The GPU that it is, for the clock that it may have.
    pub gpu: Option<&'a Gpu>,
    /// Whether that clock is to tell how long each kernel takes too.
    pub kernels: bool,
}
