//! `seq2seq convert`: a model with its weights stored in another way, or as graphs for other programs.

use std::path::PathBuf;

use seq2seq::model::{Model, WeightFormat};
use seq2seq::onnx;

use super::choice::choice;
use super::failure::Result;
use super::files::Files;
use super::outcome::Outcome;
use super::output::note;

/// Store a model's weights in 16 bits, to ship it, or in 32; or write it as ONNX
///
/// --to onnx writes encoder.onnx and decoder.onnx, a step of the decoder, with standard operators and open batch and length, in
/// 32 bits, with configuration and tokenizers beside. A search stands outside of them.
///
/// Every weight is rounded to the nearest number of 16 bits; one that is too large for them is an error that names it.
/// Back in 32 bits the rounded weights stay as they are.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  seq2seq convert --model models/mine --weights f16 --out models/mine-f16
  seq2seq convert --model models/mine --to onnx --out mine-onnx")]
pub struct Args {
    /// The model's directory; without it, the English pronunciation model inside the program
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,

    /// How to store the weights
    #[arg(long, value_parser = choice::<WeightFormat>(), required_unless_present = "to")]
    weights: Option<WeightFormat>,

    /// What other programs read
    #[arg(long, value_name = "FORMAT", value_parser = ["onnx"], conflicts_with = "weights")]
    to: Option<String>,

    /// The directory to write the model to; it is made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Outcome> {
    let model = args.model.as_ref().map_or_else(Model::embedded, Model::load)?;
    match args.weights {
        Some(weights) => model.save(&args.out, weights)?,
        None => {
            // Unlike another form of itself, they cannot take a model's place.
            Files::default().models(args.model.as_slice()).write(onnx::paths(&args.out)).check()?;
            onnx::save(&model, &args.out)?;
        }
    }
    note(format_args!("{} parameters in {}", model.parameters.count(), args.out.display()));
    Ok(Outcome::Fine)
}
