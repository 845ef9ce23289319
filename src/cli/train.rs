//! `seq2seq train`: pairs in, a model out.

mod reporter;
mod resolve;
mod settings;
mod stop;

use std::fs;
use std::path::{Path, PathBuf};

use seq2seq::device::{Device, Precision};
use seq2seq::train::{Ended, Folder, LeftOut, Start, Summary, plot, train};
use seq2seq::{Error, block_on};

use super::failure::{Failure, Result};
use super::files::Files;
use super::options::ComputeOptions;
use super::outcome::Outcome;
use super::output::note;
use reporter::{Reporter, shown};
use resolve::{Resolved, resolve};
pub use settings::Settings;

const EXAMPLES: &str = "\
Examples:
  seq2seq train --pairs train.tsv --valid dev.tsv --out models/mine
  seq2seq train --resume --out models/mine                  goes on where that one was interrupted
  seq2seq train --pairs words.tsv --valid 0.05 --out models/gru --cell gru --layers 2 --dropout 0.3
  seq2seq train --pairs en-de.tsv --valid dev.tsv --out models/en-de --source-tokens bpe:8000 \\
      --target-tokens bpe:8000 --batch-tokens 4000 --metric bleu
  seq2seq train --from models/mine --pairs more.tsv --out models/more --learning-rate 0.0001
  seq2seq train --config models/mine/train.toml --seed 2 --out models/again
  seq2seq translate --model models/mine attention           uses what was learnt";

/// Train a model on pairs of texts
///
/// The folder of --out gets the model that is best in validation, the last one in last/, the settings in train.toml,
/// and a checkpoint in checkpoint/ from which --resume goes on: with the same weights, to the bit, as if it had never
/// stopped. Ctrl-C finishes the step, writes a checkpoint and ends with exit code 130.
///
/// Everything below the options of the run can also stand in a TOML file (--config): --batch-size 64 is
/// batch_size = 64 in its section. Flags win over the file.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The folder for the model
    #[arg(long, short, value_name = "DIR")]
    out: PathBuf,

    /// Take the settings of this file, such as the train.toml of another model
    #[arg(long, value_name = "FILE.toml")]
    config: Option<PathBuf>,

    /// Go on from the checkpoint in --out, with the settings of its train.toml; begin anew if there is none
    #[arg(long)]
    resume: bool,

    /// Begin anew even if --out has a checkpoint or a model, which are lost
    #[arg(long, conflicts_with = "resume")]
    overwrite: bool,

    #[command(flatten)]
    compute: ComputeOptions,

    /// Write all that happens to this file, a JSON object a line
    #[arg(long, value_name = "FILE.jsonl")]
    log: Option<PathBuf>,

    /// Draw the losses in the end
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,

    /// Say nothing on standard error but what went wrong
    #[arg(long, short)]
    quiet: bool,

    #[command(flatten)]
    settings: Settings,
}

/// Runs the command.
pub fn run(args: Args) -> Result<Outcome> {
    // Tokenizers are made by several threads too.
    args.compute.limits.apply();
    let folder = Folder::new(&args.out);
    // Files that another run is replacing may be there or not, and may be one under two names: who is in there is the
    // thing to say, before any of them is looked at.
    if folder.had_a_run() {
        folder.claim()?;
    }
    if folder.has_checkpoint() && !args.resume && !args.overwrite {
        return Err(Failure::Usage(format!(
            "{}: there is a checkpoint; --resume goes on from it, --overwrite begins anew",
            folder.checkpoint().display()
        )));
    }
    let goes_on = args.resume && folder.has_checkpoint();
    if folder.has_model() && !goes_on && !args.overwrite {
        let place = args.out.display();
        return Err(Failure::Usage(format!("{place}: there is a model without a checkpoint; --overwrite replaces it")));
    }
    if folder.has_settings_of_others() && !folder.has_checkpoint() && !args.overwrite {
        let settings = folder.settings();
        return Err(Failure::Usage(format!("{}: is there; --overwrite replaces it", settings.display())));
    }
    let file = folder.settings();
    let mut settings = if goes_on && file.is_file() { Settings::read(&file)? } else { Settings::default() };
    if let Some(config) = &args.config {
        settings = Settings::read(config)?.or(&settings)?;
    }
    let Resolved { task, options, settings } = resolve(&args.settings.or(&settings)?)?;
    tell_left_out(&task.left_out);
    let device = args.compute.open(Precision::F32, args.quiet)?;

    // The model may not replace what it is to learn from, nor the log and the picture anything of either.
    let read = settings.files();
    Files::default().read(&read).read(&args.config).write(folder.files()).check()?;
    // Where there is no folder yet nobody else is in it, and none is made for a run that does not begin.
    if args.out.exists() {
        folder.claim()?;
    }
    let files = Files::default().read(&read).read(&args.config).read(folder.files()).write(&args.log).write(&args.plot);
    // The settings are written once nothing speaks against them any more, and before anything could be interrupted.
    let settings = settings.to_toml()?;
    let place = folder.clone();
    let write = move || place.write_settings(&settings);
    let stop = stop::when_asked().map_err(|error| Failure::Usage(format!("requests to end: {error}")))?;
    // That they cannot be written is to be known now, not in the end; they are emptied once training begins.
    let reserved = files.reserve()?;
    let mut reporter = Reporter::new(options.metric, args.quiet, stop, Box::new(write));
    if let Some(log) = &args.log {
        reporter.log_to(log, goes_on);
    }
    let start = if args.resume { Start::Resume } else { Start::Anew };
    let summary = match &device {
        Device::Cpu(cpu) => block_on(train(cpu, &task, &options, &folder, start, &mut reporter)),
        Device::Gpu(gpu) => block_on(train(gpu, &task, &options, &folder, start, &mut reporter)),
    };
    reporter.finish();
    let how_to_go_on = || format!("seq2seq train --resume --out {}", quoted(&args.out));
    if !reporter.has_begun() {
        reserved.give_up();
    }
    let summary = summary.inspect_err(|_| {
        if let Some(step) = reporter.checkpoint {
            note(format_args!("the checkpoint of step {step} stands; to go on from it: {}", how_to_go_on()));
        }
    })?;
    if let Some(picture) = &args.plot {
        draw(picture, &summary.history, summary.best.as_ref().map(|best| best.step))?;
    }
    if summary.ended == Ended::Interrupted {
        // Whoever interrupts wants to know, even if nothing else.
        let again = how_to_go_on();
        match summary.step {
            0 => note(format_args!("interrupted before the first step")),
            step => note(format_args!("interrupted behind step {step}; to go on: {again}")),
        }
        return Ok(Outcome::Interrupted);
    }
    if !args.quiet {
        conclude(&summary, &args.out);
    }
    Ok(Outcome::Fine)
}

fn tell_left_out(left_out: &[Option<LeftOut>; 2]) {
    for (left_out, purpose) in left_out.iter().zip(["learn from", "validate with"]) {
        if let Some(LeftOut { count, first: (line, reason) }) = left_out {
            let plural = if *count == 1 { "" } else { "s" };
            note(format_args!("left out {count} pair{plural} to {purpose}; line {line}: {reason}"));
        }
    }
}

fn draw(picture: &Path, history: &seq2seq::train::History, best: Option<u64>) -> Result<()> {
    Ok(fs::write(picture, plot::svg(history, best)).map_err(Error::io(picture))?)
}

fn conclude(summary: &Summary, out: &Path) {
    let why = match summary.ended {
        Ended::OutOfPatience => ", validation got no better",
        Ended::Finished | Ended::Interrupted => "",
    };
    let best =
        summary.best.as_ref().map(|best| format!("; best at step {}: {}", best.step, shown(best.metric, best.value)));
    note(format_args!("{} steps done{why}{}", summary.step, best.unwrap_or_default()));
    note(format_args!("the model is in {}; try: seq2seq translate --model {} TEXT", out.display(), quoted(out)));
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+:@".contains(c);
    if !text.is_empty() && text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_where_they_must_be() {
        assert_eq!(quoted(Path::new("models/mine")), "models/mine");
        assert_eq!(quoted(Path::new("my models")), "'my models'");
        assert_eq!(quoted(Path::new("it's")), r"'it'\''s'");
    }
}
