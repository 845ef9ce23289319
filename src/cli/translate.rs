//! `seq2seq translate`: words or lines in, their translations out.

mod pipeline;
mod present;
mod resume;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use seq2seq::TranslateOptions;

use super::failure::{Failure, Result};
use super::files::Files;
use super::input::Input;
use super::options::{
    AlignmentOptions, DeviceOptions, DictionaryOptions, LineOptions, ModelOptions, SearchOptions, SizeOptions, size,
};
use super::outcome::Outcome;
use super::output::{Output, has_colours, note};
use super::progress::Progress;
use super::views::Views;
use pipeline::{Pipeline, Task, Window};
pub use present::Form;
pub use present::one_line;
use present::{Answer, Presenter};
pub use resume::Resumed;

const EXAMPLES: &str = "\
Examples:
  seq2seq translate attention                        prints AH0 T EH1 N SH AH0 N
  seq2seq translate colonel --beam 5 --n-best 3      the three best of a beam of five
  seq2seq translate --alignment attention            draws what was attended to
  seq2seq translate attention --alignment heat.svg   as a picture
  seq2seq translate --input words.txt --report a.html   a page to browse
  seq2seq translate --input words.txt --json         one JSON object for each line
  seq2seq translate < words.txt | head               lines of a pipe, as they come
  seq2seq translate --each-word --dictionary cmudict.tsv 'Hello, Mr. Zyzzogeton!'   a text, as speech programs do
  seq2seq translate --input words.txt --output out.txt --skip-done   go on where an earlier run was stopped";

/// Translate words, or lines of a file or a pipe
///
/// For each word or line one line is printed, in the same order. A line that cannot be translated (empty, too long,
/// not UTF-8, with a symbol that the model does not know) keeps its place as an empty line, standard error says why,
/// and the exit code is 1 in the end. With --n-best there are several lines for each, as Moses has them: the number of
/// the line, from 0, its translation, log probability and score, between |||; none for one that cannot be translated.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// What to translate, each word on its own; quote a sentence. Without words, lines of standard input are
    /// translated as they arrive
    #[arg(value_name = "WORDS")]
    words: Vec<String>,

    /// Translate the lines of this file, which may be compressed by gzip
    #[arg(long, value_name = "FILE", conflicts_with = "words")]
    input: Option<PathBuf>,

    /// Write here instead of to standard output, as the results come; a file that is there is overwritten, but for
    /// --skip-done
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Go on where an earlier run with the same input and options was stopped: windows of lines whose translations
    /// --output already holds are skipped, and the others are added to it; the exit code is that of the others. The
    /// first and the last of those windows are translated once more: where that gives something else, --output is
    /// another run's, and stays as it is. What follows the last whole window is written anew
    #[arg(long, requires = "output", conflicts_with_all = ["words", "alignment", "report"])]
    skip_done: bool,

    /// Print a JSON object for each line: line, source, from (model or dictionary), target, text, log_prob, score,
    /// finished and alignment (an array of weights for each target symbol; a dictionary's answer has none); others,
    /// with --n-best, has the next best. Or line and error
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    alignment: AlignmentOptions,

    /// Write a page to browse translations and their alignments in, for any browser, without a network
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,

    /// Lines are texts: translate each of their words (as Unicode divides them) by itself. The translations of a line
    /// stand between bars, nothing in the place of one that failed; in JSON they are the line's words, each with its
    /// word
    #[arg(long)]
    each_word: bool,

    #[command(flatten)]
    search: SearchOptions,

    #[command(flatten)]
    dictionary: DictionaryOptions,

    #[command(flatten)]
    model: ModelOptions,

    #[command(flatten)]
    device: DeviceOptions,

    #[command(flatten)]
    sizes: SizeOptions,

    /// How many threads read and divide lines into symbols while the device translates others
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = size(64))]
    workers: u32,

    #[command(flatten)]
    lines: LineOptions,
}

/// The checked arguments: everything is open and loaded.
struct Job {
    windows: Pipeline,
    task: Task,
    presenter: Presenter,
    progress: Progress,
    quiet: bool,
}

impl Task {
    /// What would be written of an input, as nobody is told.
    fn in_memory(&self, input: Input, form: Form) -> Result<Vec<u8>> {
        let bytes = Rc::default();
        let windows = Pipeline::start(input, self.clone(), 1);
        let presenter = Presenter::new(form, Output::memory(&bytes), Views::create(None, None, "", true)?);
        Job { windows, task: self.clone(), presenter, progress: Progress::silent(), quiet: true }.run()?;
        Ok(bytes.take())
    }
}

/// Runs the command.
pub fn run(args: Args) -> Result<Outcome> {
    Job::new(args)?.run()
}

impl Job {
    /// Opens everything. Files are created last, so that a wrong argument destroys nothing.
    fn new(args: Args) -> Result<Self> {
        let (file, drawn, quiet) = (args.alignment.file(), args.alignment.drawn(), args.lines.quiet);
        let alignment = args.json || drawn || file.is_some() || args.report.is_some();
        let replace_unknown = args.dictionary.replace_unknown;
        let options = TranslateOptions { alignment, replace_unknown, ..args.search.options(&args.sizes) };
        let title = args.input.as_ref().map_or_else(|| "Translations".to_owned(), |input| input.display().to_string());
        let form = match (args.json, drawn) {
            (true, _) => Form::Json,
            (false, true) if args.output.is_none() && has_colours() => Form::Colours,
            (false, true) => Form::Drawing,
            (false, false) if options.n_best > 1 && args.each_word && args.report.is_none() => {
                let reason =
                    "a line of text has the best translation of each word; --json and --report have the others";
                return Err(Failure::Usage(format!("--n-best {} with --each-word: {reason}", options.n_best)));
            }
            (false, false) if options.n_best > 1 && !args.each_word => Form::NBest,
            (false, false) => Form::Text,
        };
        let window = args.lines.window as usize;
        let resumed = Resumed::find(args.output.as_deref(), args.skip_done, form, window)?;
        let input = Input::wanted(args.input, args.words, window, args.skip_done, quiet)?;
        let (mut input, samples) = input.skip(resumed.lines, &resumed.samples())?;
        let bytes = input.bytes();
        let translator = args.model.load(args.device.open(quiet)?)?.with_dictionary(args.dictionary.file.read()?);
        // What is wrong with an option is said before anything is created.
        translator.prepare::<&str>(&[], &options)?;
        let files =
            Files::default().read(input.path()).read(&args.dictionary.file.dictionary).models(&args.model.model);
        let files = files.output(args.output.as_deref()).write(file.map(|file| &file.path)).write(&args.report);
        files.reserve()?;
        let translator = Arc::new(translator);
        let task = Task { translator: Arc::clone(&translator), options: options.clone(), each_word: args.each_word };
        if let Some(path) = args.output.as_ref().filter(|_| args.skip_done) {
            resumed
                .confirm(path, &samples, input.first(), |lines| task.in_memory(Input::lines(lines, window), form))?;
        }
        // What reads must run before anything is emptied.
        let windows = Pipeline::start(input, task.clone(), args.workers as usize);
        let shown = args.output.is_some() || !std::io::stdout().is_terminal();
        let output = match &args.output {
            None => Output::stdout(),
            Some(path) if args.skip_done => resumed.go_on(path)?,
            Some(path) => Output::create(path)?,
        };
        if resumed.lines > 0 && !quiet {
            note(format_args!("{} lines are done", resumed.lines));
        }
        let views = Views::create(file, args.report.as_deref(), &title, quiet)?;
        let presenter = Presenter::new(form, output, views);
        let progress = Progress::new(shown && !quiet, bytes);
        Ok(Self { windows, task, presenter, progress, quiet })
    }

    fn run(mut self) -> Result<Outcome> {
        let outcome = self.translate();
        self.progress.finish();
        self.presenter.finish(outcome)
    }

    fn translate(&mut self) -> Result<Outcome> {
        let mut outcome = Outcome::Fine;
        while let Some(window) = self.windows.next_window()? {
            let Window { lines, prepared } = window;
            let answers = self.task.translator.translate_prepared_blocking(prepared, &self.task.options)?;
            let answers: Vec<Answer> =
                answers.into_iter().map(|answer| answer.map_err(|error| error.to_string())).collect();
            let ended = lines.iter().filter(|line| line.ends).count();
            let bytes = lines.iter().map(|line| line.bytes).sum();
            for line in lines {
                if !self.line(line, &answers)? {
                    outcome = Outcome::SomeFailed;
                }
            }
            self.presenter.flush()?;
            self.progress.advance(ended, bytes);
        }
        Ok(outcome)
    }

    /// Shows the answers to a line, or to some of its words; whether all were translated.
    fn line(&mut self, line: pipeline::Line, answers: &[Answer]) -> Result<bool> {
        let number = line.number;
        if let Err(bad) = &line.text {
            self.failed(number, "", &bad.to_string())?;
            return Ok(false);
        }
        let answers: Vec<&Answer> = line.sources.iter().map(|&source| &answers[source]).collect();
        for (source, answer) in line.texts().zip(&answers) {
            let place = || match self.task.each_word {
                true => format!("line {number}, {source:?}"),
                false => format!("line {number}"),
            };
            match answer {
                Ok(translation) if !translation.best.finished && !self.quiet => {
                    let symbols = translation.best.symbols.len();
                    self.progress.note(&format!("{}: cut off after {symbols} symbols (--max-length)", place()));
                }
                Ok(_) => {}
                Err(reason) => self.progress.note(&format!("{}: {reason}", place())),
            }
        }
        if self.task.each_word {
            self.presenter.words(&line, &answers)?;
        } else if let (Some(source), Some(answer)) = (line.texts().next(), answers.first()) {
            match answer {
                Ok(translation) => self.presenter.translation(number, source, translation)?,
                Err(reason) => self.presenter.failure(number, source, reason)?,
            }
        }
        Ok(answers.iter().all(|answer| answer.is_ok()))
    }

    fn failed(&mut self, number: usize, text: &str, reason: &str) -> Result<()> {
        self.progress.note(&format!("line {number}: {reason}"));
        self.presenter.failure(number, text, reason)
    }
}
