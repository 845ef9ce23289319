//! `seq2seq translate`: words or lines in, their translations out.

mod input;
mod present;

use std::path::PathBuf;

use seq2seq::{TranslateOptions, Translation, Translator};

use super::alignment::PictureFile;
use super::failure::{Failure, Result};
use super::lines::Line;
use super::options::{DeviceOptions, ModelOptions, SizeOptions};
use super::output::{Output, same_file};
use super::{Outcome, note};
use input::Input;
use present::{Form, Presenter};

const EXAMPLES: &str = "\
Examples:
  seq2seq translate attention                        prints AH T EH N SH AH N
  seq2seq translate --alignment attention            draws what was attended to
  seq2seq translate attention --alignment heat.svg   as a picture
  seq2seq translate --input words.txt --json         one JSON object for each line
  seq2seq translate < words.txt | head               lines of a pipe, as they come";

/// Translate words, or lines of a file or a pipe
///
/// For each word or line one line is printed, in the same order. A line that cannot be translated (empty, too long,
/// not UTF-8, with a symbol that the model does not know) keeps its place as an empty line, standard error says why,
/// and the exit code is 1 in the end.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// What to translate, each word on its own; quote a sentence. Without words, lines of standard input are
    /// translated as they arrive
    #[arg(value_name = "WORDS")]
    words: Vec<String>,

    /// Translate the lines of this file
    #[arg(long, value_name = "FILE", conflicts_with = "words")]
    input: Option<PathBuf>,

    /// Write here instead of to standard output, line by line as the results come; what the file held is lost
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Print a JSON object for each line: line, source, target, text, log_prob, finished and alignment (an array of
    /// weights for each target symbol); or line and error
    #[arg(long)]
    json: bool,

    /// Draw what was attended to below each translation: target symbols down, source symbols across; the weights
    /// begin at 0.05 (░), 0.25 (▒), 0.5 (▓) and 0.75 (█). With the name of an .svg file, draw a picture there
    #[arg(long, value_name = "FILE.svg", num_args = 0..=1, require_equals = true)]
    alignment: Option<Option<PictureFile>>,

    #[command(flatten)]
    model: ModelOptions,

    #[command(flatten)]
    device: DeviceOptions,

    #[command(flatten)]
    sizes: SizeOptions,

    /// Say nothing on standard error but what went wrong
    #[arg(long, short)]
    quiet: bool,
}

/// The checked arguments: everything is open and loaded.
struct Job {
    input: Input,
    translator: Translator,
    options: TranslateOptions,
    presenter: Presenter,
    quiet: bool,
}

/// Runs the command.
pub fn run(args: Args) -> Result<Outcome> {
    Job::new(args)?.run()
}

impl Job {
    /// Opens everything. Files are created last, so that a wrong argument destroys nothing.
    fn new(args: Args) -> Result<Self> {
        let (picture, drawn) = match args.alignment {
            None => (None, false),
            Some(None) => (None, true),
            Some(Some(PictureFile(path))) => (Some(path), false),
        };
        let options = args.sizes.translate(args.json || drawn || picture.is_some());
        for created in args.output.iter().chain(&picture) {
            if args.input.as_ref().is_some_and(|input| same_file(input, created)) {
                return Err(Failure::Usage(format!("{}: is also the input", created.display())));
            }
        }
        let input = match args.input {
            Some(path) => Input::file(path, options.batch_size)?,
            None if args.words.is_empty() => Input::stdin(options.batch_size, args.quiet),
            None => Input::words(args.words, options.batch_size),
        };
        let translator = Translator::new(args.model.load()?, args.device.open(args.quiet)?)?;
        let form = match (args.json, drawn) {
            (true, _) => Form::Json,
            (false, true) => Form::Drawing,
            (false, false) => Form::Text,
        };
        let output = args.output.as_deref().map_or_else(|| Ok(Output::stdout()), Output::create)?;
        let picture = picture.as_deref().map(Output::create).transpose()?;
        let presenter = Presenter::new(form, output, picture);
        Ok(Self { input, translator, options, presenter, quiet: args.quiet })
    }

    fn run(mut self) -> Result<Outcome> {
        let mut outcome = Outcome::Fine;
        while let Some(batch) = self.input.next_batch()? {
            for (number, answer) in self.translate(batch)? {
                match answer {
                    Ok(translation) => {
                        if !translation.finished && !self.quiet {
                            let length = self.options.max_length;
                            note(format_args!("line {number}: cut off after {length} symbols (--max-length)"));
                        }
                        self.presenter.translation(number, translation)?;
                    }
                    Err(reason) => {
                        note(format_args!("line {number}: {reason}"));
                        self.presenter.failure(number, &reason)?;
                        outcome = Outcome::SomeFailed;
                    }
                }
            }
            self.presenter.flush()?;
        }
        let left_out = self.presenter.finish()?;
        if left_out > 0 && !self.quiet {
            note(format_args!(
                "the picture holds the first {} translations, not the other {left_out}",
                present::MOST_FIGURES
            ));
        }
        Ok(outcome)
    }

    /// The answer to every line with its number, in order; a reason instead of a translation where there is none.
    fn translate(&self, batch: Vec<Line>) -> Result<Vec<(usize, std::result::Result<Translation, String>)>> {
        let sources: Vec<&str> = batch.iter().filter_map(|line| line.text.as_deref().ok()).collect();
        let mut answers = self.translator.translate_blocking(&sources, &self.options)?.into_iter();
        let mut answer = |line: Line| match line.text {
            Err(bad) => Some((line.number, Err(bad.to_string()))),
            Ok(_) => answers.next().map(|answer| (line.number, answer.map_err(|error| error.to_string()))),
        };
        Ok(batch.into_iter().filter_map(&mut answer).collect())
    }
}
