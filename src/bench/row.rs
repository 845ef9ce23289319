//! What is measured: one case on one device.

use serde::Serialize;

use super::timing::Timing;
use crate::backend::Counters;
use crate::gpu::KernelTime;

/// One case on one device.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Its name, as the PyTorch benchmark has it.
    pub case: String,
    /// The operation's name in the contract; `translate` for whole translations, `train` for steps of training,
    /// `pronounce` for words of English.
    pub operation: &'static str,
    /// From the call until the result is there.
    #[serde(flatten)]
    pub timing: Timing,
    /// The median of the time that the device itself was busy, where it can tell.
    pub device_s: Option<f64>,
    /// What is done in a second, in `unit`.
    pub rate: Option<f64>,
    /// The unit of `rate`: `GFLOP/s`, `GB/s` where there is no product, `sentences/s`, `target tokens/s`, `words/s`.
    pub unit: &'static str,
    /// The fewest bytes that it moves: each input read once, each output written once.
    pub bytes: Option<f64>,
    /// Those bytes a second, by the device's own clock where it has one, as a share of its copy bandwidth.
    pub share_of_bandwidth: Option<f64>,
    /// Multiplications and additions of its products.
    pub flops: Option<f64>,
    /// Those a second, by the device's own clock where it has one, as a share of its multiply-adds.
    pub share_of_flops: Option<f64>,
    /// What the device did for one run.
    pub counters: Counters,
    /// The median on the CPU, measured in the same run, where the device is another.
    pub cpu_median_s: Option<f64>,
    /// How long each kernel took in one run, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kernels: Option<Vec<KernelTime>>,
}
