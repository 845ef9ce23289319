//! `seq2seq bench`: how fast a device computes.

mod present;

use std::time::Duration;

use seq2seq::backend::Training;
use seq2seq::bench::peaks::Peaks;
use seq2seq::bench::{Instruments, Size, operations, pronunciations, training, translations};
use seq2seq::block_on;
use seq2seq::cpu::Cpu;
use seq2seq::device::{Device, Precision};

use super::choice::choice;
use super::failure::{Failure, Result};
use super::options::DeviceOptions;
use super::outcome::Outcome;
use present::{Presenter, Report};

const EXAMPLES: &str = "\
Examples:
  seq2seq bench                              everything small on the device that would be used
  seq2seq bench --device cpu --size large    all that PyTorch's benchmark has, on the CPU
  seq2seq bench --size large --case 'beam B'  searches with a model of that size
  seq2seq bench --kernels --case 'greedy A'   which kernels take the time
  seq2seq bench --only translate --json      translations a second, for a program to read
  SEQ2SEQ_PRODUCT=staged seq2seq bench       products in one form (or registers-1, registers-4, …)";

/// Measure how fast a device computes
///
/// Operations are timed from the call until the result is there, and shown as a share of what the device can do at
/// most: bytes that it copies, and multiplications and additions that it does, in a second, both measured in the same
/// run. Translations and steps of training are whole ones, at the sizes of PyTorch's benchmark. On a GPU the CPU is
/// measured beside it.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    device: DeviceOptions,

    /// What to measure
    #[arg(long, value_enum, value_delimiter = ',', default_value = "ops,translate,train,pronounce")]
    only: Vec<Kind>,

    /// Only cases whose names contain this
    #[arg(long, value_name = "TEXT")]
    case: Option<String>,

    /// How large the cases are; "large" has the small ones too
    #[arg(long, value_parser = choice::<Size>(), default_value = "small")]
    size: Size,

    /// How long to measure each case; it runs seven times at least
    #[arg(long, value_name = "S", default_value_t = 1.0, value_parser = seconds)]
    seconds: f64,

    /// Show how long each kernel takes too, on a GPU that has a clock
    ///
    /// Every dispatch is timed alone, so that together they take longer than in one pass.
    #[arg(long)]
    kernels: bool,

    /// Print one JSON object instead
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Whether a case of this name is to be measured.
    fn wants(&self, name: &str) -> bool {
        self.case.as_ref().is_none_or(|part| name.contains(part))
    }
}

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// Single operations.
    Ops,
    /// Whole translations, greedy and by beam search.
    Translate,
    /// Steps of training.
    Train,
    /// English words; on the CPU.
    Pronounce,
}

fn seconds(text: &str) -> std::result::Result<f64, &'static str> {
    match text.parse() {
        Ok(seconds) if (0.0..=3600.0).contains(&seconds) => Ok(seconds),
        _ => Err("expected seconds from 0 to 3600"),
    }
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Outcome> {
    let device = args.device.open(true)?;
    let mut presenter = Presenter::new(args.json);
    presenter.device(&device.describe())?;
    match &device {
        Device::Cpu(cpu) => {
            let peaks = Some(Peaks::of_cpu(cpu.instructions()));
            let instruments = Instruments { peaks, ..Instruments::default() };
            let bench = Bench { args, name: device.describe(), precision: Precision::F32, backend: cpu, instruments };
            bench.run(None, Some(cpu), &mut presenter)?;
        }
        Device::Gpu(gpu) => {
            let timer = |work: &mut dyn FnMut() -> seq2seq::Result<()>| {
                gpu.device_time(work).map(|time| time.as_ref().map(Duration::as_secs_f64))
            };
            let kernel_timer = |work: &mut dyn FnMut() -> seq2seq::Result<()>| gpu.kernel_times(work);
            let instruments = Instruments {
                peaks: Some(Peaks::of_gpu(gpu)?),
                timer: Some(&timer),
                kernels: args.kernels.then_some(&kernel_timer),
            };
            let precision = args.device.precision;
            let bench = Bench { args, name: device.describe(), precision, backend: gpu, instruments };
            bench.run(Some(&Cpu::new()), None, &mut presenter)?;
        }
    }
    Ok(Outcome::Fine)
}

/// A device and how to measure it.
struct Bench<'a, B: Training> {
    args: &'a Args,
    name: String,
    precision: Precision,
    backend: &'a B,
    instruments: Instruments<'a>,
}

impl<B: Training> Bench<'_, B> {
    /// Measures everything that is asked for; `beside` is the CPU, where the device is another, `cpu` where it is not.
    fn run(&self, beside: Option<&Cpu<f32>>, cpu: Option<&Cpu<f32>>, presenter: &mut Presenter) -> Result<()> {
        let &Self { args, backend, instruments, precision, .. } = self;
        let plain = Instruments::default();
        let mut rows = Vec::new();
        presenter.peaks(instruments.peaks)?;
        if args.only.contains(&Kind::Ops) {
            presenter.operations_header(beside.is_some())?;
            for case in operations::cases(args.size).into_iter().filter(|case| args.wants(&case.name)) {
                let mut row = block_on(operations::run(backend, instruments, precision, &case, args.seconds))?;
                if let Some(cpu) = beside {
                    let row_beside = block_on(operations::run(cpu, plain, Precision::F32, &case, args.seconds))?;
                    row.cpu_median_s = Some(row_beside.timing.median_s);
                }
                presenter.operation(&row)?;
                rows.push(row);
            }
        }
        if args.only.contains(&Kind::Translate) {
            presenter.models_header("translation", "sentences/s", beside.is_some())?;
            for case in translations::cases(args.size).into_iter().filter(|case| args.wants(&case.name())) {
                let mut row = block_on(translations::run(backend, instruments, &case, args.seconds))?;
                if let Some(cpu) = beside {
                    let row_beside = block_on(translations::run(cpu, plain, &case, args.seconds))?;
                    row.cpu_median_s = Some(row_beside.timing.median_s);
                }
                presenter.model(&row)?;
                rows.push(row);
            }
        }
        if args.only.contains(&Kind::Train) {
            presenter.models_header("step of training", "tokens/s", beside.is_some())?;
            for case in training::cases(args.size).into_iter().filter(|case| args.wants(&case.name())) {
                let mut row = block_on(training::run(backend, instruments, &case, args.seconds))?;
                if let Some(cpu) = beside {
                    let row_beside = block_on(training::run(cpu, plain, &case, args.seconds))?;
                    row.cpu_median_s = Some(row_beside.timing.median_s);
                }
                presenter.model(&row)?;
                rows.push(row);
            }
        }
        if let (true, Some(cpu)) = (args.only.contains(&Kind::Pronounce), cpu) {
            presenter.models_header("pronunciation", "words/s", false)?;
            for case in pronunciations::cases().into_iter().filter(|case| args.wants(&case.name())) {
                let row = block_on(pronunciations::run(cpu, case, args.seconds))?;
                presenter.model(&row)?;
                rows.push(row);
            }
        }
        if let (true, Some(part)) = (rows.is_empty(), &args.case) {
            return Err(Failure::Usage(format!("--case {part}: no case has that in its name")));
        }
        presenter.finish(&Report {
            version: env!("CARGO_PKG_VERSION"),
            device: self.name.clone(),
            precision,
            threads: rayon::current_num_threads(),
            peaks: instruments.peaks,
            rows,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_checked() {
        assert_eq!(seconds("0.5"), Ok(0.5));
        for wrong in ["-1", "NaN", "inf", "a", ""] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
