//! How fast a device computes what [`verify`](crate::verify) checks: the same operations, at the sizes of real models.
//!
//! | module | holds |
//! |---|---|
//! | [`operations`] | single operations: time, and the share of what the device can do |
//! | [`translations`] | whole greedy translations a second |
//! | [`training`] | whole steps of training: target tokens a second |
//! | [`models`] | the models of both |
//! | [`peaks`] | what a device can do: bytes copied and multiply-adds a second, measured |
//! | [`timing`] | medians |
//!
//! Cases bear the names that the project's PyTorch benchmark gives to its own, so that two reports can be joined by name.
//! Inputs are pseudo-random and never zeros: zeros are faster on some devices.

pub mod models;
pub mod operations;
pub mod peaks;
pub mod timing;
pub mod training;
pub mod translations;

use serde::Serialize;

use crate::Result;
use crate::backend::Counters;
use crate::gpu::KernelTime;
use peaks::Peaks;
use timing::Timing;

/// How large the cases are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Size {
    /// What a software adapter can do in a minute.
    #[default]
    Small,
    /// These too: what a real GPU is for.
    Large,
}

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

/// One case on one device.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Its name, as the PyTorch benchmark has it.
    pub case: String,
    /// The operation's name in the contract; `translate` for whole translations, `train` for steps of training.
    pub operation: &'static str,
    /// From the call until the result is there.
    #[serde(flatten)]
    pub timing: Timing,
    /// The median of the time that the device itself was busy, where it can tell.
    pub device_s: Option<f64>,
    /// What is done in a second, in `unit`.
    pub rate: Option<f64>,
    /// The unit of `rate`: `GFLOP/s`, `GB/s` where there is no product, `sentences/s`, `target tokens/s`.
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
