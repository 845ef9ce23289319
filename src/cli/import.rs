//! `seq2seq import`: a model of another toolkit, as one of ours.

use std::path::PathBuf;

use seq2seq::import::{Codes, import, with_codes};
use seq2seq::model::{Model, WeightFormat};

use super::failure::Result;
use super::files::Files;
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

    /// Subword codes of the sources (subword-nmt's bpe.codes); without them tokens stand between spaces
    #[arg(long, value_name = "FILE")]
    source_codes: Option<PathBuf>,

    /// Subword codes of the targets
    #[arg(long, value_name = "FILE")]
    target_codes: Option<PathBuf>,

    /// The directory to write the model to; it is made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Outcome> {
    let imported = import(&args.file)?;
    let [source, target] =
        [&args.source_codes, &args.target_codes].map(|path| path.as_ref().map(Codes::read).transpose());
    let (source, target) = (source?, target?);
    let codes = source.iter().chain(&target).map(Codes::path);
    Files::default().read(&imported.files).read(codes).write(Model::paths(&args.out)).check()?;
    let model = with_codes(imported.model, source.as_ref(), target.as_ref())?;
    model.save(&args.out, WeightFormat::F32)?;
    for (subject, what) in &imported.found {
        note(format_args!("{subject}: {what}"));
    }
    note(format_args!("in {}", args.out.display()));
    Ok(Outcome::Fine)
}
