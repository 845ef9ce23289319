//! `seq2seq bench`: how fast a device computes.

mod present;

use seq2seq::bench::{Bench, Case, Kind, Size, cases};
use seq2seq::block_on;

use super::choice::choice;
use super::failure::{Failure, Result};
use super::options::DeviceOptions;
use super::outcome::Outcome;
use present::Presenter;

const EXAMPLES: &str = "\
Examples:
  seq2seq bench                              everything small on the device that would be used
  seq2seq bench --device cpu --size large    all that PyTorch's benchmark has, on the CPU
  seq2seq bench --size large --case 'beam B'  searches with a model of that size
  seq2seq bench --kernels --case 'greedy A'   which kernels take the time
  seq2seq bench --only translate --json      translations a second, for a program to read
  SEQ2SEQ_PRODUCT=staged seq2seq bench       products in one form (or registers-1, …, registers-64)
  SEQ2SEQ_PRODUCT=cooperative seq2seq bench --precision f16
                                             products with weights by the GPU's matrices
  SEQ2SEQ_RECURRENCE=sequence seq2seq bench  recurrent layers in one form (or positions)
  SEQ2SEQ_ATTENTION=split seq2seq bench      attention in one form (or near, far, products)
  SEQ2SEQ_STATE=together seq2seq bench       attentional states in one form (or apart)
  SEQ2SEQ_GREEDY=steps seq2seq bench         greedy search by dispatches for every step (or resident)
  SEQ2SEQ_EXTENSION=apart seq2seq bench      generator and step of a search in two dispatches (or together)";

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
    #[arg(long, value_parser = choice::<Kind>(), value_delimiter = ',', default_value = "ops,translate,train,pronounce")]
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

fn seconds(text: &str) -> std::result::Result<f64, &'static str> {
    match text.parse() {
        Ok(seconds) if (0.0..=3600.0).contains(&seconds) => Ok(seconds),
        _ => Err("expected seconds from 0 to 3600"),
    }
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Outcome> {
    let wanted = |case: &Case| {
        let named = args.case.as_ref().is_none_or(|part| case.name().contains(part));
        named && args.only.contains(&case.kind())
    };
    let cases: Vec<Case> = cases(args.size).into_iter().filter(wanted).collect();
    if let (true, Some(part)) = (cases.is_empty(), &args.case) {
        return Err(Failure::Usage(format!("--case {part}: no case has that in its name")));
    }
    let device = args.device.open(true)?;
    let mut presenter = Presenter::new(args.json);
    presenter.device(&device.describe())?;
    let bench = block_on(Bench::new(&device, args.device.precision, args.seconds, args.kernels))?;
    presenter.peaks(bench.peaks())?;
    presenter.forms(&bench.forms())?;
    let mut rows = Vec::with_capacity(cases.len());
    for kind in cases.chunk_by(|one, next| one.kind() == next.kind()) {
        presenter.header(kind[0].kind(), bench.has_cpu_beside())?;
        for case in kind {
            let row = block_on(bench.measure(case))?;
            presenter.row(case.kind(), &row)?;
            rows.push(row);
        }
    }
    presenter.finish(&bench.report(rows))?;
    Ok(Outcome::Fine)
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
