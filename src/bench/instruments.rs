//! What is known of a device beside the clock on the wall.

use super::peaks::Peaks;
use crate::Result;
use crate::gpu::KernelTime;

/// How long a device is itself busy with what the closure asks of it, in seconds; `None` where it has no clock.
pub type DeviceTimer<'a> = &'a dyn Fn(&mut dyn FnMut() -> Result<()>) -> Result<Option<f64>>;

/// How long each kernel takes of what the closure asks for; `None` where the device has no clock.
pub type KernelTimer<'a> = &'a dyn Fn(&mut dyn FnMut() -> Result<()>) -> Result<Option<Vec<KernelTime>>>;

/// What is known of a device beside the clock on the wall.
#[derive(Clone, Copy, Default)]
#[expect(missing_debug_implementations, reason = "a closure has nothing to show")]
pub struct Instruments<'a> {
    /// What it can do at most.
    pub peaks: Option<Peaks>,
    /// Its own clock.
    pub timer: Option<DeviceTimer<'a>>,
    /// The same for each kernel, where that is asked for.
    pub kernels: Option<KernelTimer<'a>>,
}
