//! `seq2seq score`: how likely given translations are.

use std::io::IsTerminal;
use std::path::PathBuf;

use seq2seq::heatmap::{self, Figure};
use seq2seq::metrics::perplexity;
use seq2seq::{Origin, Scored, Target, TranslateOptions, Translation, Translator};
use serde::Serialize;

use super::failure::Result;
use super::files::Files;
use super::input::Input;
use super::lines::Line;
use super::options::{AlignmentOptions, DeviceOptions, LineOptions, ModelOptions, SizeOptions};
use super::outcome::Outcome;
use super::output::{FailedLine, Output, has_colours};
use super::progress::Progress;
use super::views::Views;

const EXAMPLES: &str = "\
Examples:
  seq2seq score --pairs test.tsv                               a line for each pair
  printf 'colonel\\tK ER1 N AH0 L\\n' | seq2seq score --alignment   what each symbol attends to
  seq2seq score --pairs corpus.tsv --quiet | paste - corpus.tsv | sort -n   the least likely first";

/// Tell how likely given translations are
///
/// For each pair one line is printed, in the same order: the log probability of the target, its end included; how many
/// symbols that is; and their perplexity, e to the power of minus their mean log probability. A pair without a score
/// (symbols that the model does not know, no tab) keeps its place as an empty line, standard error says why, and the
/// exit code is 1 in the end. The perplexity of all pairs comes last, on standard error.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Lines of source, tab, target, which may be compressed by gzip; without it, those of standard input
    #[arg(long, value_name = "FILE")]
    pairs: Option<PathBuf>,

    /// Write here instead of to standard output; what the file held is lost
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Add a column with the log probability of each symbol, the end last
    #[arg(long)]
    symbols: bool,

    /// Print a JSON object for each pair: line, log_prob, perplexity, source, target, log_probs (of each target symbol,
    /// and of the end) and alignment (an array of weights for each target symbol); or line and error
    #[arg(long, conflicts_with = "symbols")]
    json: bool,

    #[command(flatten)]
    alignment: AlignmentOptions,

    #[command(flatten)]
    model: ModelOptions,

    #[command(flatten)]
    device: DeviceOptions,

    #[command(flatten)]
    sizes: SizeOptions,

    #[command(flatten)]
    lines: LineOptions,
}

/// The checked arguments: everything is open and loaded.
struct Job {
    input: Input,
    translator: Translator,
    options: TranslateOptions,
    form: Form,
    output: Output,
    views: Views,
    progress: Progress,
    quiet: bool,
}

/// What is printed.
#[derive(Clone, Copy)]
enum Form {
    Line {
        symbols: bool,
        /// How an alignment is drawn, where that is asked for.
        draw: Option<fn(&Figure<'_>) -> String>,
    },
    Json,
}

/// The JSON of a pair that was scored.
#[derive(Serialize)]
struct ScoredJson<'a> {
    line: usize,
    log_prob: f64,
    perplexity: f64,
    #[serde(flatten)]
    scored: &'a Scored,
}

/// Runs the command.
pub fn run(args: Args) -> Result<Outcome> {
    Job::new(args)?.run()
}

impl Job {
    /// Opens everything. Files are created last, so that a wrong argument destroys nothing.
    fn new(args: Args) -> Result<Self> {
        let (file, drawn, quiet) = (args.alignment.file(), args.alignment.drawn(), args.lines.quiet);
        let options = TranslateOptions { alignment: args.json || drawn || file.is_some(), ..args.sizes.options() };
        let window = args.lines.window as usize;
        let input = Input::wanted(args.pairs, Vec::new(), window, false, quiet)?;
        let translator = args.model.load(args.device.open(quiet)?)?;
        let files = Files::default().read(input.path()).models(&args.model.model);
        files.output(args.output.as_deref()).write(file.map(|file| &file.path)).reserve()?;
        let shown = args.output.is_some() || !std::io::stdout().is_terminal();
        let output = args.output.as_deref().map_or_else(|| Ok(Output::stdout()), Output::create)?;
        let views = Views::create(file, None, "", quiet)?;
        let draw: fn(&Figure<'_>) -> String =
            if args.output.is_none() && has_colours() { heatmap::terminal_colour } else { heatmap::terminal };
        let form = match args.json {
            true => Form::Json,
            false => Form::Line { symbols: args.symbols, draw: drawn.then_some(draw) },
        };
        let progress = Progress::new(shown && !quiet, input.bytes());
        Ok(Self { input, translator, options, form, output, views, progress, quiet })
    }

    fn run(mut self) -> Result<Outcome> {
        let outcome = self.score();
        self.progress.finish();
        self.views.finish(outcome)
    }

    fn score(&mut self) -> Result<Outcome> {
        let Self { input, translator, options, form, output, views, progress, quiet } = self;
        let place = input.place().clone();
        let (mut pairs, mut failed, mut symbols, mut log_prob) = (0_usize, 0_usize, 0_usize, 0.0);
        for window in input.windows() {
            let lines = window.map_err(|error| place.failure(error))?;
            let divided: Vec<_> = lines.iter().map(divide).collect();
            let good: Vec<(&str, &str)> = divided.iter().filter_map(|pair| pair.as_ref().ok()).copied().collect();
            let mut scored = translator.score_blocking(&good, options)?.into_iter();
            for (line, pair) in lines.iter().zip(&divided) {
                let answer = match pair {
                    Ok(pair) => scored
                        .next()
                        .map(|scored| scored.map(|scored| (pair, scored)).map_err(|error| error.to_string())),
                    Err(reason) => Some(Err(reason.clone())),
                };
                match answer {
                    Some(Ok((&(source, target), scored))) => {
                        pairs += 1;
                        symbols += scored.log_probs.len();
                        log_prob += scored.log_prob();
                        let translation = as_translation(&scored, target);
                        show(output, *form, line.number, &scored, &translation)?;
                        views.translation(source, &translation)?;
                    }
                    Some(Err(reason)) => {
                        failed += 1;
                        progress.note(&format!("line {}: {reason}", line.number));
                        match form {
                            Form::Line { .. } => output.write("\n")?,
                            Form::Json => output.json(&FailedLine { line: line.number, error: &reason })?,
                        }
                        views.failure("", &reason)?;
                    }
                    None => {}
                }
            }
            output.flush()?;
            views.flush()?;
            progress.advance(lines.len(), lines.iter().map(|line| line.bytes).sum());
        }
        if !*quiet && pairs > 0 {
            let loss = -log_prob / symbols as f64;
            let perplexity = perplexity(loss);
            progress.note(&format!("{pairs} pairs, {symbols} symbols, loss {loss:.4}, perplexity {perplexity:.4}"));
        }
        Ok(if failed == 0 { Outcome::Fine } else { Outcome::SomeFailed })
    }
}

/// The source and the target of a line.
fn divide(line: &Line) -> std::result::Result<(&str, &str), String> {
    let text = line.text.as_deref().map_err(ToString::to_string)?;
    let found = text.matches('\t').count();
    let pair = text.split_once('\t').filter(|_| found == 1);
    pair.ok_or_else(|| format!("expected source, tab, target, found {found} tabs"))
}

/// A pair as if the model had said it.
fn as_translation(scored: &Scored, target: &str) -> Translation {
    let best = Target {
        symbols: scored.target.clone(),
        text: target.to_owned(),
        log_prob: scored.log_prob(),
        score: scored.log_prob(),
        finished: true,
        alignment: scored.alignment.clone(),
    };
    Translation { source: scored.source.clone(), from: Origin::Model, best, others: Vec::new() }
}

fn show(output: &mut Output, form: Form, line: usize, scored: &Scored, translation: &Translation) -> Result<()> {
    let (log_prob, perplexity) = (scored.log_prob(), scored.perplexity());
    let Form::Line { symbols, draw } = form else {
        return output.json(&ScoredJson { line, log_prob, perplexity, scored });
    };
    output.write(&format!("{log_prob}\t{}\t{perplexity}", scored.log_probs.len()))?;
    if symbols {
        let each: Vec<String> = scored.log_probs.iter().map(ToString::to_string).collect();
        output.write(&format!("\t{}", each.join(" ")))?;
    }
    output.write("\n")?;
    if let (Some(draw), Some(figure)) = (draw, translation.best.figure(&translation.source)?) {
        output.write(&format!("{}\n", draw(&figure)))?;
    }
    Ok(())
}
