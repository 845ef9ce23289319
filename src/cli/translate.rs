//! `seq2seq translate`: words or lines in, their translations out.

mod input;
mod present;
mod views;

use std::io::IsTerminal;
use std::path::PathBuf;

use seq2seq::{TranslateOptions, Translation, Translator};

use super::failure::{Failure, Result};
use super::lines::Line;
use super::options::{DeviceOptions, ModelOptions, SizeOptions};
use super::output::{Output, same_file};
use super::{Outcome, note};
use input::Input;
use present::{Form, Presenter};
pub use views::is_alignment_file;
use views::{AlignmentFile, Views};

const EXAMPLES: &str = "\
Examples:
  seq2seq translate attention                        prints AH T EH N SH AH N
  seq2seq translate --alignment attention            draws what was attended to
  seq2seq translate attention --alignment heat.svg   as a picture
  seq2seq translate --input words.txt --report a.html   a page to browse
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
    /// begin at 0.05 (░), 0.25 (▒), 0.5 (▓) and 0.75 (█), or are colours where a terminal has 24 bits of them.
    /// With a file, write them there: .svg and .png are pictures, .tsv tables, .npy NumPy arrays one behind the
    /// other, .pharaoh a line of source-target pairs for each line, 0-0 1-2
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    alignment: Option<Option<AlignmentFile>>,

    /// Write a page to browse translations and their alignments in, for any browser, without a network
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,

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
        let (file, drawn) = match args.alignment {
            None => (None, false),
            Some(None) => (None, true),
            Some(Some(file)) => (Some(file), false),
        };
        let options = args.sizes.translate(args.json || drawn || file.is_some() || args.report.is_some());
        let title = args.input.as_ref().map_or_else(|| "Translations".to_owned(), |input| input.display().to_string());
        for created in args.output.iter().chain(file.as_ref().map(|file| &file.path)).chain(&args.report) {
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
            (false, true) if args.output.is_none() && has_colours() => Form::Colours,
            (false, true) => Form::Drawing,
            (false, false) => Form::Text,
        };
        let output = args.output.as_deref().map_or_else(|| Ok(Output::stdout()), Output::create)?;
        let views = Views::create(file.as_ref(), args.report.as_deref(), &title, args.quiet)?;
        let presenter = Presenter::new(form, output, views);
        Ok(Self { input, translator, options, presenter, quiet: args.quiet })
    }

    fn run(mut self) -> Result<Outcome> {
        let mut outcome = Outcome::Fine;
        while let Some(batch) = self.input.next_batch()? {
            for (Line { number, text }, answer) in self.translate(batch)? {
                match answer {
                    Ok(translation) => {
                        if !translation.finished && !self.quiet {
                            let length = self.options.max_length;
                            note(format_args!("line {number}: cut off after {length} symbols (--max-length)"));
                        }
                        self.presenter.translation(number, text.as_deref().unwrap_or_default(), translation)?;
                    }
                    Err(reason) => {
                        note(format_args!("line {number}: {reason}"));
                        self.presenter.failure(number, text.as_deref().unwrap_or_default(), &reason)?;
                        outcome = Outcome::SomeFailed;
                    }
                }
            }
            self.presenter.flush()?;
        }
        self.presenter.finish()?;
        Ok(outcome)
    }

    /// Every line with its answer, in order; a reason instead of a translation where there is none.
    fn translate(&self, batch: Vec<Line>) -> Result<Vec<(Line, std::result::Result<Translation, String>)>> {
        let sources: Vec<&str> = batch.iter().filter_map(|line| line.text.as_deref().ok()).collect();
        let mut answers = self.translator.translate_blocking(&sources, &self.options)?.into_iter();
        let mut answer = |line: Line| match &line.text {
            Err(bad) => {
                let reason = bad.to_string();
                Some((line, Err(reason)))
            }
            Ok(_) => answers.next().map(|answer| (line, answer.map_err(|error| error.to_string()))),
        };
        Ok(batch.into_iter().filter_map(&mut answer).collect())
    }
}

/// Whether standard output is a terminal that says that it shows 24-bit colours, and nobody said not to use any.
fn has_colours() -> bool {
    let says = |name: &str, values: &[&str]| std::env::var(name).is_ok_and(|value| values.contains(&value.as_str()));
    std::io::stdout().is_terminal()
        && says("COLORTERM", &["truecolor", "24bit"])
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
