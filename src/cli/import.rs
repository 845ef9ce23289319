//! `seq2seq import`: a model of another toolkit, as one of ours.

use std::path::PathBuf;

use seq2seq::import::import;
use seq2seq::model::WeightFormat;

use super::failure::Result;
use super::outcome::Outcome;
use super::output::note;

/// Make a model of another toolkit one of this program's
///
/// Reads RNN models of OpenNMT-py, JoeyNMT (with config.yaml and vocabularies beside) and fairseq's lstm (with dict.*.txt
/// beside). What a file holds is read as data and never run. It prints what
/// it has found; a model with parts that are not run here is refused by their name, before anything is written.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: seq2seq import model_step_100000.pt --out models/mine")]
pub struct Args {
    /// The checkpoint, as the toolkit has saved it
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The directory to write the model to; it is made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Outcome> {
    let imported = import(&args.file)?;
    imported.model.save(&args.out, WeightFormat::F32)?;
    for (subject, what) in &imported.found {
        note(format_args!("{subject}: {what}"));
    }
    note(format_args!("in {}", args.out.display()));
    Ok(Outcome::Fine)
}
