//! `seq2seq pronounce`: English text in, phones out.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::rc::Rc;

use seq2seq::TranslateOptions;
use seq2seq::english::Pronouncer;
use seq2seq::english::phones::Phones;
use seq2seq::english::record::{Record, UnreadRecord};
use serde::Serialize;

use super::choice::choice;
use super::failure::Result;
use super::files::Files;
use super::input::Input;
use super::lines::Line;
use super::options::{DictionaryFile, LimitOptions, LineOptions, SizeOptions, size};
use super::outcome::Outcome;
use super::output::{FailedLine, Output, note};
use super::progress::Progress;
use super::translate::{Form, Resumed};

const EXAMPLES: &str = "\
Examples:
  seq2seq pronounce 'Dr. Smith’s 3 cats live here.'   prints D AA1 K T ER0 | S M IH1 TH S | TH R IY1 | …
  seq2seq pronounce --phones ipa hello                prints h ə ˈl oʊ
  seq2seq pronounce --n-best 3 --json zyzzogeton      where the phones come from, and others
  seq2seq pronounce --dictionary mine.tsv < text.txt  lines of a pipe, with words of your own";

/// Pronounce English texts: phones with stress
///
/// For each text, or line of a file or a pipe, one line is printed: phones between spaces, words between bars. Words are
/// looked up in --dictionary, then in the Carnegie Mellon Pronouncing Dictionary that is inside the program; the model
/// inside the program is asked for the others. Numbers, abbreviations, signs, and words that are spoken in two ways are
/// read by rules. What cannot be read (other scripts, emoji) is named on standard error, with its place in characters
/// from 0; the rest is printed, and the exit code is 1 in the end.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// What to pronounce. Without texts, lines of standard input are pronounced as they arrive
    #[arg(value_name = "TEXTS")]
    texts: Vec<String>,

    /// Pronounce the lines of this file, which may be compressed by gzip
    #[arg(long, value_name = "FILE", conflicts_with = "texts")]
    input: Option<PathBuf>,

    /// Write here instead of to standard output, as the results come; a file that is there is overwritten, but for
    /// --skip-done
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Go on where an earlier run with the same input and options was stopped; see `seq2seq translate --help`
    #[arg(long, requires = "output", conflicts_with = "texts")]
    skip_done: bool,

    /// Print a JSON object for each line: line, text, words and unread. A word has its span in the text (in characters,
    /// from 0), word (as it is spoken), from (user, lexicon, model, letters or rule), phones, others, and for the
    /// model's log_prob and alignment (an array of weights of the letters for each phone)
    #[arg(long)]
    json: bool,

    /// The alphabet of the phones
    #[arg(long, value_parser = choice::<Phones>(), default_value = "arpabet")]
    phones: Phones,

    /// How many pronunciations of a word that no dictionary has are among --json's, the best first; beam search keeps
    /// as many
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = size(512))]
    n_best: u32,

    #[command(flatten)]
    dictionary: DictionaryFile,

    /// Ask the model for all words that --dictionary and the rules lack
    #[arg(long)]
    no_lexicon: bool,

    #[command(flatten)]
    limits: LimitOptions,

    #[command(flatten)]
    sizes: SizeOptions,

    #[command(flatten)]
    lines: LineOptions,
}

/// What is done with lines.
struct Task {
    pronouncer: Pronouncer,
    phones: Phones,
    json: bool,
}

/// The JSON of a line.
#[derive(Serialize)]
pub struct LineJson<'a> {
    /// Its number, from 1.
    pub line: usize,
    /// What is spoken.
    #[serde(flatten)]
    pub record: Record<'a>,
}

/// Runs the command.
pub fn run(args: Args) -> Result<Outcome> {
    args.limits.apply();
    let quiet = args.lines.quiet;
    let n_best = args.n_best as usize;
    let options = TranslateOptions { beam: n_best, n_best, alignment: args.json, ..args.sizes.options() };
    let pronouncer = Pronouncer::new()?.with_dictionary(args.dictionary.read()?)?.with_options(options);
    let pronouncer = if args.no_lexicon { pronouncer.without_lexicon() } else { pronouncer };
    let task = Task { pronouncer, phones: args.phones, json: args.json };

    let form = if args.json { Form::Json } else { Form::Text };
    let window = args.lines.window as usize;
    let resumed = Resumed::find(args.output.as_deref(), args.skip_done, form, window)?;
    let input = Input::wanted(args.input, args.texts, window, args.skip_done, quiet)?;
    let (mut input, samples) = input.skip(resumed.lines, &resumed.samples())?;
    Files::default().read(input.path()).read(&args.dictionary.dictionary).output(args.output.as_deref()).reserve()?;
    let shown = args.output.is_some() || !std::io::stdout().is_terminal();
    let mut output = match &args.output {
        None => Output::stdout(),
        Some(path) if args.skip_done => {
            resumed.confirm(path, &samples, input.first(), |lines| task.in_memory(lines))?;
            resumed.go_on(path)?
        }
        Some(path) => Output::create(path)?,
    };
    if resumed.lines > 0 && !quiet {
        note(format_args!("{} lines are done", resumed.lines));
    }
    let mut progress = Progress::new(shown && !quiet, input.bytes());
    let place = input.place().clone();
    let mut outcome = Outcome::Fine;
    for lines in input.windows() {
        let lines = lines.map_err(|error| place.failure(error))?;
        if !task.pronounce(&lines, &mut output, &mut |problem| progress.note(problem))? {
            outcome = Outcome::SomeFailed;
        }
        output.flush()?;
        progress.advance(lines.len(), lines.iter().map(|line| line.bytes).sum());
    }
    progress.finish();
    Ok(outcome)
}

impl Task {
    /// What would be written of these lines, as nobody is told.
    fn in_memory(&self, lines: Vec<Line>) -> Result<Vec<u8>> {
        let bytes = Rc::default();
        let mut output = Output::memory(&bytes);
        self.pronounce(&lines, &mut output, &mut |_| {})?;
        output.flush()?;
        Ok(bytes.take())
    }

    /// Writes the phones of lines; whether all of them could be read.
    fn pronounce(&self, lines: &[Line], output: &mut Output, tell: &mut dyn FnMut(&str)) -> Result<bool> {
        let mut all = true;
        let texts: Vec<&str> = lines.iter().map(|line| line.text.as_deref().unwrap_or_default()).collect();
        let spoken = self.pronouncer.pronounce_all(&texts)?;
        for (line, spoken) in lines.iter().zip(spoken) {
            let number = line.number;
            let text = match &line.text {
                Ok(text) => text,
                Err(bad) => {
                    all = false;
                    tell(&format!("line {number}: {bad}"));
                    let error = &bad.to_string();
                    if self.json {
                        output.json(&FailedLine { line: number, error })?
                    } else {
                        output.write("\n")?
                    }
                    continue;
                }
            };
            let record = spoken.record(text, self.phones);
            for UnreadRecord { span: [begin, end], text, reason } in &record.unread {
                all = false;
                let what: String = text.chars().take(40).collect();
                tell(&format!("line {number}, characters {begin} to {end}: {what:?}: {reason}"));
            }
            if self.json {
                output.json(&LineJson { line: number, record })?;
            } else {
                output.write(&format!("{}\n", spoken.spell(self.phones)))?;
            }
        }
        Ok(all)
    }
}
