//! How a check is shown.

use std::path::Path;

use seq2seq::device::Precision;
use seq2seq::verify::compare::Comparison;
use seq2seq::verify::fixture::FixtureReport;
use seq2seq::verify::report::{CaseReport, DeviceReport, OperationReport, Reports};

use crate::cli::failure::Result;
use crate::cli::output::Output;

/// The most failed cases of an operation, and tensors of a case, that are shown; `--json` has all.
const SHOWN: usize = 4;

/// Writes what is checked as it is checked, or all of it as JSON in the end.
pub struct Presenter {
    json: bool,
    output: Output,
}

impl Presenter {
    /// Writes to standard output.
    pub fn new(json: bool) -> Self {
        Self { json, output: Output::stdout() }
    }

    /// A device is about to be checked.
    pub fn device(&mut self, name: &str) -> Result<()> {
        self.text(&format!("{name}\n"))
    }

    /// A device that could not be checked.
    pub fn unopened(&mut self, name: String, precision: Precision, error: String) -> Result<DeviceReport> {
        self.device(&name)?;
        let (operations, fixtures) = (Vec::new(), Vec::new());
        let report = DeviceReport { device: name, precision, operations, fixtures, error: Some(error), passed: false };
        self.verdict(&report)?;
        Ok(report)
    }

    /// Before the first operation.
    pub fn operations_header(&mut self) -> Result<()> {
        self.text(&line(["operation", "cases", "absolute", "relative", "allowed", "dispatches", "", "worst"]))
    }

    /// An operation was checked.
    pub fn operation(&mut self, report: &OperationReport) -> Result<()> {
        let worst = report.worst.as_ref().map(|worst| format!("{}{:?}", worst.tensor, worst.element.index));
        // Ids have no tolerance: they are equal or wrong.
        let allowed = report.worst.as_ref().map_or(0.0, |worst| worst.tolerance);
        self.text(&line([
            report.operation,
            &report.cases.to_string(),
            &number(report.largest_absolute),
            &number(report.largest_relative),
            &number(allowed),
            &if report.dispatches > 0 { report.dispatches.to_string() } else { "–".to_owned() },
            verdict(report.passed),
            &worst.unwrap_or_default(),
        ]))?;
        for case in report.failed.iter().take(SHOWN) {
            self.failed_case(case)?;
        }
        if report.failed.len() > SHOWN {
            self.text(&format!("    … and {} more cases\n", report.failed.len() - SHOWN))?;
        }
        Ok(())
    }

    fn failed_case(&mut self, case: &CaseReport) -> Result<()> {
        self.text(&format!("    {}\n", case.case))?;
        if let Some(error) = &case.error {
            self.text(&format!("      {error}\n"))?;
        }
        self.failed_tensors(&case.comparisons)
    }

    fn failed_tensors(&mut self, comparisons: &[Comparison]) -> Result<()> {
        for comparison in comparisons.iter().filter(|comparison| !comparison.passed).take(SHOWN) {
            let text = match (&comparison.fault, &comparison.worst) {
                (Some(fault), _) => format!("{}: {fault}", comparison.tensor),
                (None, Some(worst)) => format!(
                    "{}{:?} is {}, expected {}: error {}, at most {}",
                    comparison.tensor,
                    worst.index,
                    worst.got,
                    worst.want,
                    number(comparison.largest_relative),
                    number(comparison.tolerance)
                ),
                (None, None) => comparison.tensor.clone(),
            };
            self.text(&format!("      {text}\n"))?;
        }
        Ok(())
    }

    /// Before the first fixture.
    pub fn fixtures_header(&mut self) -> Result<()> {
        self.text(&fixture_line(["fixture", "tensors", "CPU in 64 bits", "device", "", "worst"]))
    }

    /// A fixture was checked.
    pub fn fixture(&mut self, report: &FixtureReport) -> Result<()> {
        let largest = |comparisons: &[Comparison]| {
            number(comparisons.iter().fold(0.0, |largest: f64, tensor| largest.max(tensor.largest_relative)))
        };
        let worst = report.device.iter().max_by(|a, b| a.largest_relative.total_cmp(&b.largest_relative));
        let worst = worst.and_then(|tensor| Some(format!("{}{:?}", tensor.tensor, tensor.worst.as_ref()?.index)));
        self.text(&fixture_line([
            &name(&report.fixture),
            &report.device.len().to_string(),
            &largest(&report.reference),
            &largest(&report.device),
            verdict(report.passed),
            &worst.unwrap_or_default(),
        ]))?;
        for (who, comparisons) in [("CPU in 64 bits", &report.reference), ("device", &report.device)] {
            if comparisons.iter().any(|comparison| !comparison.passed) {
                self.text(&format!("    {who}\n"))?;
                self.failed_tensors(comparisons)?;
            }
        }
        Ok(())
    }

    /// A device was checked.
    pub fn verdict(&mut self, report: &DeviceReport) -> Result<()> {
        let text = verdict_of(report);
        self.text(&format!("{}: {text}\n\n", verdict(report.passed)))
    }

    /// Everything was checked.
    pub fn finish(&mut self, reports: &[DeviceReport]) -> Result<()> {
        if self.json {
            self.output.json(&Reports::new(reports))?;
        }
        self.output.flush()
    }

    fn text(&mut self, text: &str) -> Result<()> {
        if self.json { Ok(()) } else { self.output.show(text) }
    }
}

fn verdict_of(report: &DeviceReport) -> String {
    if let Some(error) = &report.error {
        return error.clone();
    }
    if !report.fixtures.is_empty() {
        let failed: Vec<String> =
            report.fixtures.iter().filter(|fixture| !fixture.passed).map(|fixture| name(&fixture.fixture)).collect();
        let all = report.fixtures.len();
        return match failed.len() {
            0 => format!("all {all} fixtures agree with PyTorch"),
            some => format!("{some} of {all} fixtures disagree with PyTorch: {}", failed.join(", ")),
        };
    }
    let all: usize = report.operations.iter().map(|operation| operation.cases).sum();
    let failed: Vec<&str> =
        report.operations.iter().filter(|operation| !operation.passed).map(|operation| operation.operation).collect();
    match report.operations.iter().map(|operation| operation.failed.len()).sum::<usize>() {
        0 => format!("all {all} cases agree with the CPU in 64 bits"),
        some => format!("{some} of {all} cases disagree with the CPU in 64 bits, in {}", failed.join(", ")),
    }
}

fn verdict(passed: bool) -> &'static str {
    if passed { "pass" } else { "FAIL" }
}

/// The last part of a path.
fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// An error, to two digits.
fn number(error: f64) -> String {
    if error == 0.0 { "0".to_owned() } else { format!("{error:.1e}") }
}

fn line([operation, cases, absolute, relative, allowed, dispatches, verdict, worst]: [&str; 8]) -> String {
    let text = format!(
        "  {operation:<26} {cases:>5} {absolute:>9} {relative:>9} {allowed:>9} {dispatches:>11}  {verdict:<4}  {worst}"
    );
    format!("{}\n", text.trim_end())
}

fn fixture_line([fixture, tensors, reference, device, verdict, worst]: [&str; 6]) -> String {
    let text = format!("  {fixture:<32} {tensors:>7} {reference:>15} {device:>9}  {verdict:<4}  {worst}");
    format!("{}\n", text.trim_end())
}
