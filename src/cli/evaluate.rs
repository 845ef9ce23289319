//! `seq2seq evaluate`: how well a model translates pairs whose targets are known.

mod report;

use std::collections::HashSet;
use std::path::PathBuf;

use seq2seq::metrics::{self, Scores};
use seq2seq::text::pairs::{Group, Pair, group, read_pairs};
use seq2seq::{TranslateOptions, Translation, Translator};

use super::failure::Result;
use super::files::Files;
use super::options::{DeviceOptions, ModelOptions, SearchOptions, SizeOptions};
use super::outcome::Outcome;
use super::output::{Output, note};
use report::{Loss, Report};

const EXAMPLES: &str = "\
Examples:
  seq2seq evaluate --pairs test.tsv                            the model inside the program
  seq2seq evaluate --model DIR --pairs test.tsv.gz --json      as one JSON object
  seq2seq evaluate --pairs test.tsv --beam 5                   the best of a beam of five
  seq2seq evaluate --pairs test.tsv --hypotheses found.tsv     and what was translated to what";

/// Compare a model's translations with known targets
///
/// Every distinct source is translated once and compared with all its targets. The word error rate is the share of
/// sources whose translation is none of them; the symbol error rate is the edit distance to the closest target over its
/// length, in symbols of the model; BLEU and chrF are sacreBLEU's; the loss is the mean cross entropy of the targets'
/// symbols, in nats. A source that cannot be translated counts as wrong, standard error says why, and the exit code is
/// 1.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Lines of source, tab, target; gzip is read too. Lines with one source are so many accepted targets
    #[arg(long, value_name = "FILE")]
    pairs: PathBuf,

    /// Write a line of source, tab, translation for each source; what the file held is lost
    #[arg(long, value_name = "FILE")]
    hypotheses: Option<PathBuf>,

    /// Print a JSON object: sources, pairs, untranslated, word_error_rate, symbol_error_rate, exact_match (shares),
    /// bleu, chrf (0 to 100), loss and perplexity
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    search: SearchOptions,

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
    pairs: Vec<Pair>,
    translator: Translator,
    options: TranslateOptions,
    hypotheses: Option<Output>,
    json: bool,
}

/// Runs the command.
pub fn run(args: Args) -> Result<Outcome> {
    Job::new(args)?.run()
}

impl Job {
    /// Opens everything. The file is created last, so that a wrong argument destroys nothing.
    fn new(args: Args) -> Result<Self> {
        let pairs = read_pairs(&args.pairs)?;
        let options = args.search.options(&args.sizes);
        let translator = args.model.load(args.device.open(args.quiet)?)?;
        // What is wrong with an option is said before anything is created.
        translator.prepare::<&str>(&[], &options)?;
        let files = Files::default().read([&args.pairs]).models(&args.model.model).write(&args.hypotheses);
        files.reserve()?;
        let hypotheses = args.hypotheses.as_deref().map(Output::create).transpose()?;
        Ok(Self { pairs, translator, options, hypotheses, json: args.json })
    }

    fn run(mut self) -> Result<Outcome> {
        let groups = group(&self.pairs);
        let translations = self.translate(&groups)?;
        if let Some(output) = self.hypotheses.take() {
            write_hypotheses(output, &groups, &translations)?;
        }
        let untranslated = translations.iter().filter(|translation| translation.is_none()).count();
        let (loss, unwritable) = self.loss(&groups, &translations)?;
        let scores = self.scores(&groups, &translations)?;

        let report = Report { scores, pairs: self.pairs.len(), untranslated, loss };
        let mut output = Output::stdout();
        if self.json {
            output.json(&report)?
        } else {
            output.write(&report.to_string())?
        }
        output.flush()?;
        Ok(if untranslated + unwritable == 0 { Outcome::Fine } else { Outcome::SomeFailed })
    }

    /// The translation of every source; none where standard error says why.
    fn translate(&self, groups: &[Group<'_>]) -> Result<Vec<Option<Translation>>> {
        let sources: Vec<&str> = groups.iter().map(|group| group.source).collect();
        let answers = self.translator.translate_blocking(&sources, &self.options)?;
        let answers = groups
            .iter()
            .zip(answers)
            .map(|(group, answer)| answer.inspect_err(|error| note(format_args!("line {}: {error}", group.line))).ok());
        Ok(answers.collect())
    }

    /// The loss of the pairs whose source was translated, and how many of them have none: their targets hold symbols
    /// that the model cannot write.
    fn loss(&self, groups: &[Group<'_>], translations: &[Option<Translation>]) -> Result<(Option<Loss>, usize)> {
        let translated = groups.iter().zip(translations).filter(|(_, translation)| translation.is_some());
        let translated: HashSet<&str> = translated.map(|(group, _)| group.source).collect();
        let pairs: Vec<&Pair> = self.pairs.iter().filter(|pair| translated.contains(pair.source.as_str())).collect();
        let texts: Vec<(&str, &str)> = pairs.iter().map(|pair| (pair.source.as_str(), pair.target.as_str())).collect();
        let (mut log_prob, mut symbols, mut unwritable) = (0.0, 0, 0);
        for (pair, answer) in pairs.iter().zip(self.translator.score_blocking(&texts, &self.options)?) {
            match answer {
                Ok(scored) => {
                    log_prob += scored.log_prob();
                    symbols += scored.log_probs.len();
                }
                Err(error) => {
                    unwritable += 1;
                    note(format_args!("line {}: the target has no loss: {error}", pair.line));
                }
            }
        }
        Ok(((symbols > 0).then(|| Loss::new(-log_prob / symbols as f64)), unwritable))
    }

    fn scores(&self, groups: &[Group<'_>], translations: &[Option<Translation>]) -> Result<Scores> {
        let hypotheses: Vec<String> = translations.iter().map(|translation| text(translation).to_owned()).collect();
        let owned = |group: &Group<'_>| group.targets.iter().map(|target| (*target).to_owned()).collect();
        let references: Vec<Vec<String>> = groups.iter().map(owned).collect();
        Ok(metrics::score_by(&hypotheses, &references, |text| self.translator.target_symbols(text))?)
    }
}

fn write_hypotheses(mut output: Output, groups: &[Group<'_>], translations: &[Option<Translation>]) -> Result<()> {
    for (group, translation) in groups.iter().zip(translations) {
        // A line is a pair whatever a model writes.
        let text = text(translation).replace(['\t', '\n', '\r'], " ");
        output.write(&format!("{}\t{text}\n", group.source))?;
    }
    output.flush()
}

/// What a source was translated to: nothing, if it was not.
fn text(translation: &Option<Translation>) -> &str {
    translation.as_ref().map_or("", |translation| &translation.best.text)
}
