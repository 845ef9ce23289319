//! What all requests share, and how their lines enter the queue.

use std::collections::VecDeque;
use std::sync::Arc;

use seq2seq::english::Pronouncer;
use seq2seq::text::Dictionary;
use seq2seq::{PreparedSource, TranslateOptions};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::channel;

use super::limits::Limits;
use super::metrics::Metrics;
use super::models::Models;
use super::queue::{Full, Kind, Line, Queue};
use super::refusal::Refusal;
use super::submitted::Submitted;

/// What all requests share.
#[derive(Debug)]
pub struct Server {
    /// Ready to translate.
    pub models: Models,
    /// What waits for the device.
    pub queue: Arc<Queue>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What is refused.
    pub limits: Limits,
    /// How to translate, where a request does not say.
    pub options: TranslateOptions,
    /// What pronounces English, beside the models.
    pub pronouncer: Pronouncer,
    /// One request at a time is pronounced.
    pub pronounces: Arc<Semaphore>,
}

/// The most lines of a request that are answered out of their order: they are sorted by length.
const WINDOW: usize = 1024;

impl Server {
    /// Refuses more lines, or words of lines, than a request may have.
    pub fn check_lines(&self, lines: usize) -> Result<(), Refusal> {
        let most = self.limits.limit_lines;
        if lines > most as usize {
            return Err(Refusal::too_large("lines", lines, most, "--limit-lines"));
        }
        Ok(())
    }

    /// Lets lines wait for the device, but for those that are known.
    pub fn submit<S: AsRef<str>>(&self, kind: Kind, lines: &[S], known: Dictionary) -> Result<Submitted, Refusal> {
        let Limits { limit_symbols, limit_answer, .. } = self.limits;
        let options = &kind.options;
        self.check_lines(lines.len())?;
        let translator = self.models.translator(kind.model);
        let prepared = translator.prepare_with(lines, options, known).map_err(Refusal::wrong)?;
        let sources: Vec<PreparedSource> = prepared.into_iter().collect();
        let symbols: usize = sources.iter().map(PreparedSource::symbols).sum();
        if symbols > limit_symbols as usize {
            return Err(Refusal::too_large("source symbols", symbols, limit_symbols, "--limit-symbols"));
        }
        let longest = sources.iter().map(PreparedSource::symbols).max().unwrap_or(0);
        self.limits.check(options, longest).map_err(Refusal::wrong)?;
        let bytes = largest_answer(longest, options) as u64;
        if bytes > limit_answer {
            return Err(Refusal::too_large("the answer to a line, in bytes", bytes, limit_answer, "--limit-answer"));
        }
        let window = WINDOW.min(lines.len()).min((limit_answer / bytes) as usize).max(1);
        let (answers, answered) = channel(window);
        match self.queue.enter(kind, by_length(sources, window), answers) {
            Ok(ticket) => Ok(Submitted::new(lines.len(), answered, ticket)),
            Err(full) => Err(Refusal::busy(match full {
                Full::Lines(wait) => {
                    let more = lines.len();
                    format!("expected room for {more} more lines in the queue (--limit-queue), found {wait} that wait")
                }
                Full::Symbols(wait) => format!(
                    "expected room for {symbols} more symbols in the queue (--limit-queue-symbols), found {wait} that wait"
                ),
                Full::Closed => "expected a device, found that it computes no more".to_owned(),
            })),
        }
    }
}

/// The bytes of an answer to a source of this length, at most: symbols, and weights in 32 bits.
fn largest_answer(symbols: usize, options: &TranslateOptions) -> usize {
    let weights = if options.alignment { size_of::<f32>() * symbols } else { 0 };
    let symbol = size_of::<String>() + 8;
    (options.n_best * options.max_length.of(symbols)).saturating_mul(symbol + weights).max(1)
}

/// Lines in windows of their order, each sorted by length.
fn by_length(sources: Vec<PreparedSource>, window: usize) -> VecDeque<Line> {
    let mut lines: Vec<Line> = sources.into_iter().enumerate().map(|(place, source)| Line { place, source }).collect();
    for window in lines.chunks_mut(window) {
        window.sort_by_key(|line| line.source.symbols());
    }
    lines.into()
}
