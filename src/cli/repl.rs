//! `seq2seq repl`: type, and see the answer at once.

use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal, stdin};
use std::path::{Path, PathBuf};

use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{Config, Editor};
use seq2seq::heatmap::{self, Figure};
use seq2seq::text::lines::{MAX_LINE, read_line};
use seq2seq::{Origin, TranslateOptions, Translation, Translator};

use super::failure::{Failure, Place, Result};
use super::files::{Files, STDIN};
use super::lines::{BadLine, text};
use super::options::{DeviceOptions, DictionaryOptions, ModelOptions, SearchOptions, SizeOptions};
use super::outcome::Outcome;
use super::output::{Output, has_colours, note};
use super::translate::one_line;

const EXAMPLES: &str = "\
Examples:
  seq2seq repl                                       a beam of 5, the 3 best, what the best attended to
  seq2seq repl --model models/mine --beam 12 --n-best 8
  seq2seq repl --history ~/.seq2seq-history          remembers what was typed";

/// Type words or sentences, and see what they are translated to, and how
///
/// Each line is translated at once: the best translations with their scores, and what the best one attended to. Lines
/// are edited as in a shell, with the arrow keys, Ctrl-R and what else Emacs knows; :help names what can be changed;
/// Ctrl-D or :quit ends. By default a beam of 5 is searched and the 3 best are shown, whatever is said of defaults
/// below.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
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

    /// Remember lines in this file
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,

    /// Say nothing on standard error but what went wrong
    #[arg(long, short)]
    quiet: bool,
}

/// Lines of a history; the oldest of more are forgotten.
const MOST_REMEMBERED: usize = 1000;

/// How many are kept, and how many shown, where nothing is asked for.
const BEAM: usize = 5;
const N_BEST: usize = 3;

const HELP: &str = "\
:beam K          how many hypotheses are kept, 1 to 512
:n-best N        how many translations are shown
:alignment on    draw what the best one attended to, or off
:options         what is set
:quit            end; so does Ctrl-D
";

/// Runs the command.
pub fn run(args: Args) -> Result<Outcome> {
    Session::new(args)?.run()
}

/// What is asked and answered.
struct Session {
    translator: Translator,
    options: TranslateOptions,
    editor: Editor<(), FileHistory>,
    /// Whether a person types the lines.
    is_typed: bool,
    history: Option<PathBuf>,
    output: Output,
}

/// What comes next.
enum Next {
    Line(String),
    /// Of no use.
    Nothing,
    End,
}

/// What a line asks for.
#[derive(Debug, PartialEq, Eq)]
enum Request<'a> {
    Nothing,
    Translate(&'a str),
    Set(&'a str, &'a str),
    Options,
    Help,
    Quit,
}

impl<'a> Request<'a> {
    fn of(line: &'a str) -> Self {
        let line = line.trim();
        let Some(command) = line.strip_prefix(':') else {
            return if line.is_empty() { Self::Nothing } else { Self::Translate(line) };
        };
        match command.split_once(char::is_whitespace) {
            Some((name, value)) => Self::Set(name, value.trim()),
            None => match command {
                "quit" | "q" => Self::Quit,
                "options" => Self::Options,
                "help" | "h" | "?" => Self::Help,
                _ => Self::Set(command, ""),
            },
        }
    }
}

impl Session {
    fn new(args: Args) -> Result<Self> {
        let n_best = args.search.n_best.unwrap_or(args.search.beam.map_or(N_BEST, |beam| beam.min(N_BEST)));
        let beam = args.search.beam.unwrap_or(n_best.max(BEAM));
        let replace_unknown = args.dictionary.replace_unknown;
        let options =
            TranslateOptions { beam, n_best, replace_unknown, alignment: true, ..args.search.options(&args.sizes) };
        let translator = args.model.load(args.device.open(args.quiet)?)?.with_dictionary(args.dictionary.file.read()?);
        translator.prepare::<&str>(&[], &options)?;
        let config = Config::builder()
            .max_history_size(MOST_REMEMBERED)
            .map_err(failure)?
            .auto_add_history(true)
            .history_ignore_dups(true)
            .map_err(failure)?
            .build();
        let mut editor: Editor<(), FileHistory> = Editor::with_config(config).map_err(failure)?;
        if let Some(path) = &args.history {
            let files = Files::default().read(&args.dictionary.file.dictionary).models(&args.model.model);
            // A file that cannot be written is better known now than when all is typed.
            files.read([STDIN]).write([path]).reserve()?;
            if has_history(path)? {
                editor.load_history(path).map_err(|error| history_failure(path.clone(), error))?;
            }
        }
        if !args.quiet {
            note(format_args!("a beam of {beam}, the {n_best} best; :help names what can be changed, Ctrl-D ends"));
        }
        let is_typed = stdin().is_terminal();
        Ok(Self { translator, options, editor, is_typed, history: args.history, output: Output::stdout() })
    }

    fn run(mut self) -> Result<Outcome> {
        loop {
            let line = match self.next_line()? {
                Next::Line(line) => line,
                Next::Nothing => continue,
                Next::End => break,
            };
            if let Some(path) = &self.history {
                // At once, so that nothing is lost however the session ends.
                self.editor.append_history(path).map_err(|error| history_failure(path.clone(), error))?;
            }
            match Request::of(&line) {
                Request::Nothing => {}
                Request::Quit => break,
                Request::Help => self.output.show(HELP)?,
                Request::Options => self.show_options()?,
                Request::Set(name, value) => self.set(name, value)?,
                Request::Translate(text) => self.translate(text)?,
            }
        }
        Ok(Outcome::Fine)
    }

    /// The next line that is typed, or that a pipe or a file has.
    fn next_line(&mut self) -> Result<Next> {
        let text = if self.is_typed {
            match self.editor.readline("> ") {
                Ok(line) => Ok(line),
                // Ctrl-C gives a line up, as in a shell.
                Err(ReadlineError::Interrupted) => return Ok(Next::Nothing),
                Err(ReadlineError::Eof) => return Ok(Next::End),
                Err(error) => return Err(failure(error)),
            }
        } else {
            let mut line = Vec::new();
            match read_line(&mut stdin().lock(), &mut line) {
                Ok(0) => return Ok(Next::End),
                Ok(_) => text(&line, false),
                Err(error) => return Err(Place::Stream("standard input").failure(error)),
            }
        };
        // The line was read, and the next one may be better.
        match text.and_then(|text| if text.len() > MAX_LINE { Err(BadLine::TooLong) } else { Ok(text) }) {
            Ok(text) if self.is_typed => Ok(Next::Line(text)),
            Ok(text) => {
                self.editor.add_history_entry(&text).map_err(failure)?;
                Ok(Next::Line(text))
            }
            Err(bad) => {
                note(format_args!("the line is {bad}"));
                Ok(Next::Nothing)
            }
        }
    }

    fn translate(&mut self, text: &str) -> Result<()> {
        let answers = match self.translator.translate_blocking(&[text], &self.options) {
            Ok(answers) => answers,
            // What is too much for the device may fit with other options.
            Err(error) => vec![Err(error)],
        };
        for answer in answers {
            match answer {
                Ok(translation) => self.show(&translation)?,
                Err(error) => note(format_args!("{error}")),
            }
        }
        Ok(())
    }

    /// All targets with their scores, and a drawing of the best.
    fn show(&mut self, translation: &Translation) -> Result<()> {
        for target in translation.targets() {
            let what = match (translation.from, target.finished) {
                (Origin::Dictionary, _) => "dictionary".to_owned(),
                (Origin::Model, true) => format!("{:.3}", target.score),
                (Origin::Model, false) => format!("{:.3}, cut off", target.score),
            };
            let text = self.output.shown(&one_line(&target.text)).into_owned();
            self.output.write(&format!("{text}  ({what})\n"))?;
        }
        if let Some(figure) = translation.best.figure(&translation.source)? {
            let draw: fn(&Figure<'_>) -> String =
                if has_colours() { heatmap::terminal_colour } else { heatmap::terminal };
            self.output.write(&draw(&figure))?;
        }
        self.output.show("\n")
    }

    fn show_options(&mut self) -> Result<()> {
        let TranslateOptions { beam, n_best, length_penalty, coverage_penalty, max_length, alignment, .. } =
            &self.options;
        let alignment = if *alignment { "on" } else { "off" };
        self.output.show(&format!(
            "beam {beam}, n-best {n_best}, length-penalty {length_penalty}, coverage-penalty {coverage_penalty}, \
             max-length {max_length}, alignment {alignment}\n"
        ))
    }

    /// Changes an option, if it can be what is asked for.
    fn set(&mut self, name: &str, value: &str) -> Result<()> {
        let mut options = self.options.clone();
        let known = match (name, value.parse::<usize>(), value) {
            ("beam", Ok(beam), _) => {
                options.beam = beam;
                options.n_best = options.n_best.min(beam);
                true
            }
            ("n-best", Ok(n_best), _) => {
                options.n_best = n_best;
                options.beam = options.beam.max(n_best);
                true
            }
            ("alignment", _, "on" | "off") => {
                options.alignment = value == "on";
                true
            }
            _ => false,
        };
        match self.translator.prepare::<&str>(&[], &options) {
            Ok(_) if known => {
                self.options = options;
                self.show_options()
            }
            Err(error) => {
                note(format_args!("{error}"));
                Ok(())
            }
            Ok(_) => {
                note(format_args!(":{name} {value}: expected one of"));
                self.output.show(HELP)
            }
        }
    }
}

/// Whether a file has lines to remember. What is no history of ours is not made one: it would lose what it holds.
fn has_history(path: &Path) -> Result<bool> {
    const MARK: &str = "#V2";
    let place = Place::File(path.to_owned());
    let no_history = || Failure::Usage(format!("{}: is no history of typed lines", path.display()));
    // A pipe is not even opened: that may wait for whoever writes to it.
    if !std::fs::metadata(path).map_err(|error| place.failure(error))?.is_file() {
        return Err(no_history());
    }
    let file = File::open(path).map_err(|error| place.failure(error))?;
    let mut lines = BufReader::new(file).lines();
    match lines.next().transpose() {
        Ok(None) => Ok(false),
        Ok(Some(first)) if first == MARK && lines.take(MOST_REMEMBERED + 1).count() <= MOST_REMEMBERED => Ok(true),
        Ok(_) => Err(no_history()),
        Err(error) => Err(place.failure(error)),
    }
}

/// What went wrong with the terminal.
fn failure(error: ReadlineError) -> Failure {
    Place::Stream("standard input").failure(std::io::Error::other(error))
}

fn history_failure(path: PathBuf, error: ReadlineError) -> Failure {
    Place::File(path).failure(match error {
        ReadlineError::Io(error) => error,
        other => std::io::Error::other(other),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_text_or_a_command() {
        for (line, request) in [
            ("", Request::Nothing),
            ("  ", Request::Nothing),
            (" attention ", Request::Translate("attention")),
            (":q", Request::Quit),
            (":beam  7", Request::Set("beam", "7")),
            (":beam", Request::Set("beam", "")),
            (":help", Request::Help),
            (":options", Request::Options),
            (":?", Request::Help),
        ] {
            assert_eq!(Request::of(line), request, "{line:?}");
        }
    }
}
