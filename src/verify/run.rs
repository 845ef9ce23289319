//! Cases on a device, against the CPU in 64 bits.

use super::cases::{Case, Output, Values};
use super::compare::Comparison;
use super::inputs::Inputs;
use super::report::{CaseReport, OperationReport};
use super::tolerance::{Bound, Tolerance};
use crate::Result;
use crate::backend::{Counters, Training};
use crate::cpu::Cpu;
use crate::device::Precision;

/// Runs `cases` on a device and compares with the CPU in 64 bits; cases of one operation stand together.
///
/// `report` is called after each operation, so that whoever waits for a slow device sees how far it is.
pub async fn verify<B: Training>(
    backend: &B,
    cases: &[Case],
    precision: Precision,
    bound: Bound,
    mut report: impl FnMut(&OperationReport),
) -> Vec<OperationReport> {
    let mut reports = Vec::new();
    for operation in cases.chunk_by(|a, b| a.name() == b.name()) {
        let mut sum = OperationReport::new(operation[0].name());
        for case in operation {
            sum.add(check(backend, case, precision, bound).await);
        }
        report(&sum);
        reports.push(sum);
    }
    reports
}

/// Runs one case on a device and compares with the CPU in 64 bits. What goes wrong is part of the report.
pub async fn check<B: Training>(backend: &B, case: &Case, precision: Precision, bound: Bound) -> CaseReport {
    let mut counters = Counters::default();
    let compared = compared(backend, case, precision, bound, &mut counters).await;
    let (comparisons, error) = match compared {
        Ok(comparisons) => (comparisons, None),
        Err(error) => (Vec::new(), Some(error.to_string())),
    };
    let passed = !comparisons.is_empty() && comparisons.iter().all(|comparison| comparison.passed);
    CaseReport { operation: case.name(), case: case.to_string(), comparisons, counters, error, passed }
}

async fn compared<B: Training>(
    backend: &B,
    case: &Case,
    precision: Precision,
    bound: Bound,
    counters: &mut Counters,
) -> Result<Vec<Comparison>> {
    let given = |precision| match bound {
        Bound::Alone | Bound::BesideCpu => case.inputs(precision),
        Bound::BesideHalves => case.inputs(precision).halved(),
    };
    let inputs = given(precision);
    let mut ready = case.prepare(backend, &inputs)?;
    // A device may put off what it is asked: what was prepared is not to be counted.
    backend.read(&backend.zeros(1, 1)?).await?;
    let before = backend.counters();
    ready.run(backend).await?;
    // Reading waits until the work is done, and so is part of it: a device may count kernels as it runs them.
    let got = ready.outputs(backend).await?;
    *counters = backend.counters() - before;
    let oracle = Cpu::<f64>::new();
    let want = outputs_of(&oracle, case, &inputs).await?;
    if bound == Bound::BesideHalves && case.is_model() {
        let unrounded = outputs_of(&oracle, case, &given(Precision::F32)).await?;
        // One number for all: where in a model an error shows is chance, how much it grows is not.
        let rounding =
            compare_outputs(&unrounded, &want, &[]).iter().fold(0.0, |largest, one| one.largest_relative.max(largest));
        let tolerance = Tolerance::beside_halves(rounding);
        return Ok(got.iter().zip(&want).map(|(got, want)| compare_output(got, want, tolerance)).collect());
    }
    let plain = match bound {
        Bound::Alone => Vec::new(),
        Bound::BesideCpu | Bound::BesideHalves => outputs_of(&Cpu::<f32>::new(), case, &inputs).await?,
    };
    Ok(compare_outputs(&got, &want, &plain))
}

/// Compares outputs of a case with those expected. Where a plain computation in 32 bits of the same outputs is there
/// too, its own errors say how large others may be.
pub fn compare_outputs(got: &[Output], want: &[Output], plain: &[Output]) -> Vec<Comparison> {
    let compared = got.iter().zip(want).enumerate().map(|(index, (got, want))| {
        let tolerance = plain.get(index).map_or(Tolerance::F32, |plain| {
            Tolerance::beside(compare_output(plain, want, Tolerance::LOOSEST).largest_relative)
        });
        compare_output(got, want, tolerance)
    });
    compared.collect()
}

/// What a backend makes of a case.
pub async fn outputs<B: Training>(backend: &B, case: &Case, precision: Precision) -> Result<Vec<Output>> {
    outputs_of(backend, case, &case.inputs(precision)).await
}

/// What a backend makes of a case with these inputs.
pub async fn outputs_of<B: Training>(backend: &B, case: &Case, inputs: &Inputs) -> Result<Vec<Output>> {
    let mut ready = case.prepare(backend, inputs)?;
    ready.run(backend).await?;
    ready.outputs(backend).await
}

fn compare_output(got: &Output, want: &Output, tolerance: Tolerance) -> Comparison {
    match (&got.values, &want.values) {
        (Values::Numbers(got), Values::Numbers(values)) => {
            Comparison::of_numbers(want.name, got, values, None, tolerance)
        }
        (Values::Ids(got), Values::Ids(values)) => Comparison::of_ids(want.name, got, values, None),
        _ => Comparison::fault(want.name, "expected numbers and found ids, or the reverse".to_owned()),
    }
}
