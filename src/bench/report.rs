//! What is said of a whole run.

use serde::Serialize;

use super::Row;
use super::peaks::Peaks;
use crate::device::Precision;

/// What a program or a page says of a whole run, as JSON.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The version of this package.
    pub version: &'static str,
    /// The device in a few words.
    pub device: String,
    /// How it stores weights.
    pub precision: Precision,
    /// Threads of the CPU.
    pub threads: usize,
    /// The smallest step of the clock on the wall; what is timed lasts a hundred of them at least.
    pub clock_resolution_s: f64,
    /// What the device can do at most.
    pub peaks: Peaks,
    /// On a GPU, shapes of computations and the form that each has.
    pub forms: Vec<(String, String)>,
    /// Every case that was measured.
    pub rows: Vec<Row>,
}
