//! What was checked and what came out, for people and for machines.

use serde::Serialize;

use super::compare::{Comparison, Worst};
use super::fixture::FixtureReport;
use crate::backend::Counters;
use crate::device::Precision;

/// What a program or a page says of a whole run, as JSON.
#[derive(Clone, Debug, Serialize)]
pub struct Reports<'a> {
    /// The version of this package.
    pub version: &'static str,
    /// Every device that was to be checked.
    pub devices: &'a [DeviceReport],
    /// Whether all of them passed.
    pub passed: bool,
}

impl<'a> Reports<'a> {
    /// Of these devices.
    pub fn new(devices: &'a [DeviceReport]) -> Self {
        let passed = devices.iter().all(|device| device.passed);
        Self { version: env!("CARGO_PKG_VERSION"), devices, passed }
    }
}

/// How a device fared.
#[derive(Clone, Debug, Serialize)]
pub struct DeviceReport {
    /// The device in a few words.
    pub device: String,
    /// How it stores weights.
    pub precision: Precision,
    /// Every operation that was checked.
    pub operations: Vec<OperationReport>,
    /// Every fixture that was checked.
    pub fixtures: Vec<FixtureReport>,
    /// Why it could not be checked.
    pub error: Option<String>,
    /// Whether everything passed.
    pub passed: bool,
}

/// One case on one device.
#[derive(Clone, Debug, Serialize)]
pub struct CaseReport {
    /// The operation's name in the contract.
    pub operation: &'static str,
    /// Its sizes.
    pub case: String,
    /// Every tensor that it wrote.
    pub comparisons: Vec<Comparison>,
    /// What the device did meanwhile.
    pub counters: Counters,
    /// Why it could not be run or compared.
    pub error: Option<String>,
    /// Whether it ran and every tensor is within its tolerance.
    pub passed: bool,
}

/// All cases of one operation.
#[derive(Clone, Debug, Serialize)]
pub struct OperationReport {
    /// The operation's name in the contract.
    pub operation: &'static str,
    /// How many cases ran.
    pub cases: usize,
    /// The largest |got − want| of any.
    pub largest_absolute: f64,
    /// The largest error as [`tolerance`](super::tolerance) defines it.
    pub largest_relative: f64,
    /// Where it is.
    pub worst: Option<WorstOf>,
    /// Kernels run by all cases.
    pub dispatches: u64,
    /// The cases that did not pass.
    pub failed: Vec<CaseReport>,
    /// Whether all did.
    pub passed: bool,
}

/// The element with the largest error of an operation.
#[derive(Clone, Debug, Serialize)]
pub struct WorstOf {
    /// The sizes of its case.
    pub case: String,
    /// Its tensor.
    pub tensor: String,
    /// The largest error that would have passed there.
    pub tolerance: f64,
    /// The element.
    #[serde(flatten)]
    pub element: Worst,
}

impl OperationReport {
    /// Before the first case.
    pub fn new(operation: &'static str) -> Self {
        Self {
            operation,
            cases: 0,
            largest_absolute: 0.0,
            largest_relative: 0.0,
            worst: None,
            dispatches: 0,
            failed: Vec::new(),
            passed: true,
        }
    }

    /// Adds a case.
    pub fn add(&mut self, case: CaseReport) {
        self.cases += 1;
        self.dispatches += case.counters.dispatches;
        for comparison in &case.comparisons {
            self.largest_absolute = self.largest_absolute.max(comparison.largest_absolute);
            if self.worst.is_none() || comparison.largest_relative > self.largest_relative {
                self.largest_relative = comparison.largest_relative;
                self.worst = comparison.worst.clone().map(|element| WorstOf {
                    case: case.case.clone(),
                    tensor: comparison.tensor.clone(),
                    tolerance: comparison.tolerance,
                    element,
                });
            }
        }
        if !case.passed {
            self.passed = false;
            self.failed.push(case);
        }
    }
}
