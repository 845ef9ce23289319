//! What a person sees of training, and what a log holds of it.

use std::fs::{File, OpenOptions};
use std::io::{IsTerminal, Write, stderr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use seq2seq::train::{Began, Best, Event, Metric, Observer, Stepped, Validated};
use seq2seq::{Error, Result};
use serde::Serialize;

use crate::cli::output::{harmless, note};

/// What comes before anything happens, once it is certain that training begins.
type OnBegin = Box<dyn FnOnce() -> Result<()>>;

/// Tells the terminal and the log what happens; stops when it is asked to.
pub struct Reporter {
    began: Instant,
    metric: Metric,
    quiet: bool,
    bar: Option<ProgressBar>,
    log: Option<Log>,
    stop: Arc<AtomicBool>,
    /// Whether the person knows that it stops.
    told: AtomicBool,
    on_begin: Option<OnBegin>,
    /// The step of the last checkpoint.
    pub checkpoint: Option<u64>,
}

struct Log {
    file: Option<File>,
    path: PathBuf,
    goes_on: bool,
}

impl Log {
    fn write(&mut self, entry: &Entry<'_>) -> Result<()> {
        let Self { file, path, goes_on } = self;
        let line = serde_json::to_string(entry).map_err(|error| Error::format(&*path, error))?;
        let file = match file {
            Some(file) => file,
            None => {
                let mut options = OpenOptions::new();
                options.create(true).write(true).append(*goes_on).truncate(!*goes_on);
                file.insert(options.open(&*path).map_err(Error::io(&*path))?)
            }
        };
        // A line at once, so that one who follows the file never sees half of it.
        file.write_all(format!("{line}\n").as_bytes()).map_err(Error::io(path))
    }
}

/// A line of the log.
#[derive(Serialize)]
struct Entry<'a> {
    /// Since the run began, or went on.
    seconds: f64,
    #[serde(flatten)]
    event: &'a Event,
}

impl Reporter {
    /// Reports until `stop` says that someone wants the end.
    pub fn new(metric: Metric, quiet: bool, stop: Arc<AtomicBool>, on_begin: OnBegin) -> Self {
        let on_begin = Some(on_begin);
        let told = AtomicBool::new(false);
        Self { began: Instant::now(), metric, quiet, bar: None, log: None, stop, told, on_begin, checkpoint: None }
    }

    /// Writes every event to this file too, once training begins; behind what it has if training goes on.
    pub fn log_to(&mut self, path: &Path, goes_on: bool) {
        self.log = Some(Log { file: None, path: path.to_owned(), goes_on });
    }

    /// Whether training has begun: until then nothing has been written.
    pub fn has_begun(&self) -> bool {
        self.on_begin.is_none()
    }

    /// Removes the bar from the terminal.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// A line for the person, above the bar if there is one.
    fn line(&self, line: &str) {
        match &self.bar {
            _ if self.quiet => {}
            Some(bar) => bar.println(harmless(line)),
            None => note(format_args!("{line}")),
        }
    }

    fn begin(&mut self, began: &Began) {
        let Began { step, total_steps, steps_per_epoch, parameters, training_pairs, validation_pairs, .. } = began;
        self.line(&format!(
            "{parameters} parameters; {training_pairs} pairs, {validation_pairs} to validate; {steps_per_epoch} steps an epoch"
        ));
        if *step > 0 {
            self.line(&format!("going on behind step {step}"));
            self.checkpoint = Some(*step);
        }
        if !self.quiet && stderr().is_terminal() {
            let bar = total_steps.map_or_else(ProgressBar::no_length, ProgressBar::new);
            let template = match total_steps {
                Some(_) => "{prefix} [{bar:24}] {pos}/{len} {msg}, {eta} left",
                None => "{prefix} {spinner} step {pos} {msg}",
            };
            let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
            bar.set_style(style.progress_chars("=> "));
            bar.set_position(*step);
            bar.reset_eta();
            bar.enable_steady_tick(Duration::from_millis(200));
            self.bar = Some(bar);
        }
    }

    fn step(&self, stepped: &Stepped) {
        let Some(bar) = &self.bar else { return };
        bar.set_prefix(format!("epoch {}", stepped.epoch));
        bar.set_message(format!("loss {:.4}, {:.0} tokens/s", stepped.loss, stepped.tokens_per_second));
        bar.set_position(stepped.step);
    }

    fn validated(&self, validated: &Validated, best: &Best) {
        let Validated { epoch, step, training_loss, loss, improved, .. } = validated;
        let metric = match self.metric {
            Metric::Loss => String::new(),
            metric => format!("  {}", shown(metric, validated.value(metric))),
        };
        let best = match improved {
            true => "  the best so far".to_owned(),
            false => format!("  best {} (step {})", shown(best.metric, best.value), best.step),
        };
        self.line(&format!(
            "epoch {epoch}, step {step}:  training loss {training_loss:.4}  validation loss {loss:.4}{metric}{best}"
        ));
    }
}

impl Observer for Reporter {
    fn event(&mut self, event: &Event) -> Result<()> {
        match event {
            Event::Began(began) => {
                self.on_begin.take().map_or(Ok(()), |on_begin| on_begin())?;
                self.begin(began);
            }
            Event::Step(stepped) => self.step(stepped),
            Event::Validated { validated, best } => self.validated(validated, best),
            Event::Checkpoint { step } => self.checkpoint = Some(*step),
        }
        let entry = Entry { seconds: self.began.elapsed().as_secs_f64(), event };
        self.log.as_mut().map_or(Ok(()), |log| log.write(&entry))
    }

    fn should_stop(&self) -> bool {
        let stop = self.stop.load(Ordering::Relaxed);
        // Whoever interrupts wants to know, even if nothing else.
        if stop && !self.told.swap(true, Ordering::Relaxed) {
            note(format_args!("\nfinishing the step and writing a checkpoint; once more ends at once"));
        }
        stop
    }
}

/// A metric with its value.
pub fn shown(metric: Metric, value: f64) -> String {
    match metric {
        Metric::Loss => format!("loss {value:.4}"),
        Metric::Wer | Metric::Ser => format!("{} {:.2} %", metric.name(), 100.0 * value),
        Metric::Bleu | Metric::Chrf => format!("{} {value:.2}", metric.name()),
    }
}
