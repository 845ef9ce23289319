//! `seq2seq verify`: whether a device computes what the equations say.

mod present;

use std::path::PathBuf;

use seq2seq::backend::Training;
use seq2seq::block_on;
use seq2seq::cpu::Instructions;
use seq2seq::device::{Device, DeviceRequest, Precision};
use seq2seq::gpu::{Choices, Gpu, adapters_blocking};
use seq2seq::verify::cases::{Case, cases};
use seq2seq::verify::fixture::Fixture;
use seq2seq::verify::report::{DeviceReport, OperationReport};
use seq2seq::verify::tolerance::Bound;

use super::failure::Result;
use super::options::DeviceOptions;
use super::outcome::Outcome;
use super::output::note;
use present::Presenter;

const EXAMPLES: &str = "\
Examples:
  seq2seq verify                                 the device that translations would run on
  seq2seq verify --all                           every GPU, and the CPU with all instructions it has
  seq2seq verify --device 1 --precision f16      the second GPU, with weights in 16 bits
  seq2seq verify --every-form                    also the forms of its computations that the GPU would not choose
  seq2seq verify --fixture fixtures/lstm-dot     a model with values that PyTorch computed";

/// Check that a device computes what it should
///
/// Runs every operation on small inputs that are made to find mistakes, and compares each number with the CPU in 64
/// bits. With fixtures, whole models run instead, and are compared with what PyTorch computed; the CPU in 64 bits is
/// compared first. The exit code is 1 if anything is further off than its tolerance.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    device: DeviceOptions,

    /// Check every GPU, and the CPU with each of its instruction sets, one after another
    #[arg(long, conflicts_with = "device")]
    all: bool,

    /// Check a GPU in every form that its computations can have, and without each of its optional features, one after another
    #[arg(long)]
    every_form: bool,

    /// Check this model against the values of its fixture.safetensors; may be given several times
    #[arg(long, value_name = "DIR", num_args = 1..)]
    fixture: Vec<PathBuf>,

    /// Print one JSON object instead
    #[arg(long)]
    json: bool,
}

/// What there is to check on each device.
enum Work {
    Operations(Vec<Case>),
    Fixtures(Vec<Fixture>),
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Outcome> {
    let work = if args.fixture.is_empty() {
        Work::Operations(cases())
    } else {
        Work::Fixtures(args.fixture.iter().map(Fixture::load).collect::<seq2seq::Result<_>>()?)
    };
    let mut presenter = Presenter::new(args.json);
    let mut reports = Vec::new();
    if args.all {
        args.device.compute.limits.apply();
        let cpus = Instructions::available().into_iter().map(Instructions::set);
        let cpus = cpus.map(|set| (DeviceRequest::CpuWith(set), format!("CPU, {set}")));
        let gpus =
            adapters_blocking().into_iter().map(|adapter| (DeviceRequest::Index(adapter.index), adapter.to_string()));
        for (request, name) in gpus.chain(cpus) {
            // One that does not open is a failure of its own, and no reason to leave out the others.
            match Device::open_blocking(&request, args.device.precision) {
                Ok(device) => check_forms(args, &device, &work, &mut presenter, &mut reports)?,
                Err(error) => reports.push(presenter.unopened(name, args.device.precision, error.to_string())?),
            }
        }
    } else {
        let device = args.device.open(true)?;
        check_forms(args, &device, &work, &mut presenter, &mut reports)?;
    }
    let passed = reports.iter().all(|report| report.passed);
    presenter.finish(&reports)?;
    Ok(if passed { Outcome::Fine } else { Outcome::SomeFailed })
}

/// Checks a device as it is, or a GPU in every form.
fn check_forms(
    args: &Args,
    device: &Device,
    work: &Work,
    presenter: &mut Presenter,
    reports: &mut Vec<DeviceReport>,
) -> Result<()> {
    let (name, precision) = (device.describe(), args.device.precision);
    let Device::Gpu(gpu) = device else {
        if args.every_form && !args.all {
            note(format_args!("{name}: --every-form is for GPUs"));
        }
        // The CPU always stores 32 bits.
        reports.push(check(device, name, Precision::F32, work, presenter)?);
        return Ok(());
    };
    if !args.every_form {
        reports.push(check(device, name, precision, work, presenter)?);
        return Ok(());
    }
    let request = DeviceRequest::Index(gpu.adapter().index);
    for (form, choices) in Choices::every_path(precision) {
        let name = format!("{name}: {form}");
        if let Some(refusal) = gpu.adapter().refusal(choices) {
            note(format_args!("{name}: skipped: {refusal}"));
            continue;
        }
        reports.push(match block_on(Gpu::open_with(&request, choices)) {
            Ok(gpu) => check(&Device::Gpu(gpu), name, precision, work, presenter)?,
            Err(error) => presenter.unopened(name, precision, error.to_string())?,
        });
    }
    Ok(())
}

fn check(
    device: &Device,
    name: String,
    precision: Precision,
    work: &Work,
    presenter: &mut Presenter,
) -> Result<DeviceReport> {
    presenter.device(&name)?;
    let mut report = DeviceReport {
        device: name,
        precision,
        operations: Vec::new(),
        fixtures: Vec::new(),
        error: None,
        passed: true,
    };
    match device {
        Device::Cpu(cpu) => check_on(cpu, Bound::Alone, work, presenter, &mut report)?,
        Device::Gpu(gpu) => check_on(gpu, Bound::of(gpu.choices()), work, presenter, &mut report)?,
    }
    report.passed = report.error.is_none()
        && report.operations.iter().all(|operation| operation.passed)
        && report.fixtures.iter().all(|fixture| fixture.passed);
    presenter.verdict(&report)?;
    Ok(report)
}

fn check_on<B: Training>(
    backend: &B,
    bound: Bound,
    work: &Work,
    presenter: &mut Presenter,
    report: &mut DeviceReport,
) -> Result<()> {
    match work {
        Work::Operations(cases) => {
            presenter.operations_header()?;
            let mut shown = Ok(());
            let show = |operation: &OperationReport| {
                if shown.is_ok() {
                    shown = presenter.operation(operation);
                }
            };
            report.operations = block_on(seq2seq::verify::verify(backend, cases, report.precision, bound, show));
            shown
        }
        Work::Fixtures(fixtures) => {
            presenter.fixtures_header()?;
            for fixture in fixtures {
                let checked = block_on(fixture.check(backend, report.precision, bound))?;
                presenter.fixture(&checked)?;
                report.fixtures.push(checked);
            }
            Ok(())
        }
    }
}
