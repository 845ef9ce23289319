//! How fast a device computes what [`verify`](crate::verify) checks: the same operations, at the sizes of real models.
//!
//! | module | holds |
//! |---|---|
//! | [`operations`] | single operations: time, and the share of what the device can do |
//! | [`translations`] | whole greedy translations a second |
//! | [`peaks`] | what a device can do: bytes copied and multiply-adds a second, measured |
//! | [`timing`] | medians |
//!
//! Cases bear the names that the project's PyTorch benchmark gives to its own, so that two reports can be joined by name.
//! Inputs are pseudo-random and never zeros: zeros are faster on some devices.

pub mod operations;
pub mod peaks;
pub mod timing;
pub mod translations;

use serde::Serialize;

use crate::backend::{Backend, Counters};
use peaks::Peaks;
use timing::Timing;

/// How large the cases are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Size {
    /// What a software adapter can do in a minute.
    #[default]
    Small,
    /// These too: what a real GPU is for.
    Large,
}

/// What is known of a device beside its clock on the wall.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "a closure has nothing to show")]
pub struct Instruments<'a, B: Backend> {
    /// What it can do at most.
    pub peaks: Option<Peaks>,
    /// Seconds that the device itself has spent computing since it was made, where it can tell.
    pub device_seconds: Option<&'a dyn Fn(&B) -> Option<f64>>,
}

impl<B: Backend> Default for Instruments<'_, B> {
    fn default() -> Self {
        Self { peaks: None, device_seconds: None }
    }
}

/// One case on one device.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Its name, as the PyTorch benchmark has it.
    pub case: String,
    /// The operation's name in the contract; `translate` for whole translations.
    pub operation: &'static str,
    /// From the call until the result is there.
    #[serde(flatten)]
    pub timing: Timing,
    /// The median of the time that the device spent, where it can tell.
    pub device_s: Option<f64>,
    /// What is done in a second, in `unit`.
    pub rate: Option<f64>,
    /// The unit of `rate`: `GFLOP/s`, `GB/s` where there is no product, `sentences/s`.
    pub unit: &'static str,
    /// The fewest bytes that it moves: each input read once, each output written once.
    pub bytes: Option<f64>,
    /// Those bytes a second, in GB/s.
    pub gb_per_s: Option<f64>,
    /// Those as a share of the device's copy bandwidth.
    pub share_of_bandwidth: Option<f64>,
    /// Multiplications and additions of its products.
    pub flops: Option<f64>,
    /// Those as a share of the device's multiply-adds.
    pub share_of_flops: Option<f64>,
    /// What the device did for one run.
    pub counters: Counters,
    /// The median on the CPU, measured in the same run, where the device is another.
    pub cpu_median_s: Option<f64>,
}
