//! The thread that owns the device: batches of lines, one after the other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use seq2seq::{Prepared, TranslateOptions};

use super::answer::Answer;
use super::clock::Times;
use super::guard::PANICKED;
use super::metrics::Metrics;
use super::models::Models;
use super::queue::{Drawn, Queue};

/// Whoever was answered may ask again at once. For this part of the time that the last lines took, as many are waited for.
const PAUSE: u32 = 8;

/// Translates what is drawn of the queue until that is closed and empty.
pub fn work(queue: &Queue, models: &Models, metrics: &Metrics) {
    let mut pause = Duration::ZERO;
    while let Some((kind, mut lines)) = queue.draw(pause) {
        let drawn = Instant::now();
        let translator = models.translator(kind.model);
        lines.sort_by_key(|line| line.line.source.symbols());
        for batch in batches(lines, &kind.options) {
            let symbols = batch.iter().map(|line| line.line.source.symbols()).sum();
            let (replies, sources): (Vec<_>, Vec<_>) =
                batch.into_iter().map(|Drawn { line, reply }| ((line.place, reply), line.source)).unzip();
            let began = Instant::now();
            let translate = || translator.translate_prepared_blocking(Prepared::from_iter(sources), &kind.options);
            // What this batch makes panic the next may not.
            let found = catch_unwind(AssertUnwindSafe(translate)).map_err(|_| PANICKED.to_owned());
            let found = found.and_then(|found| found.map_err(|error| error.to_string()));
            let times = Times { drawn, began, done: Instant::now() };
            metrics.batch(replies.len(), symbols, &times);
            match found {
                Ok(found) => {
                    metrics.device_works();
                    for ((place, reply), found) in replies.into_iter().zip(found) {
                        metrics.line(kind.model, found.is_ok());
                        let found = Ok(found.map_err(|error| error.to_string()));
                        reply.send(Answer { place, found, times });
                    }
                }
                Err(error) => {
                    tracing::error!(model = models.name(kind.model), %error, "a batch failed");
                    metrics.device_failed();
                    let error: Arc<str> = error.into();
                    for (place, reply) in replies {
                        reply.send(Answer { place, found: Err(Arc::clone(&error)), times });
                    }
                }
            }
        }
        pause = drawn.elapsed() / PAUSE;
    }
}

/// Has the device make all that batches need, so that the first requests need not wait for it, nor find that it is not to be
/// had.
pub fn warm_up(models: &Models, options: &TranslateOptions) -> seq2seq::Result<()> {
    (0..models.names().count()).try_for_each(|model| models.translator(model).warm_up_blocking(options))
}

/// Lines, the shortest first, in batches that the options allow.
fn batches(lines: Vec<Drawn>, options: &TranslateOptions) -> Vec<Vec<Drawn>> {
    let mut batches: Vec<Vec<Drawn>> = Vec::new();
    for line in lines {
        let symbols = line.line.source.symbols();
        match batches.last_mut() {
            Some(batch) if batch.len() < options.batch_size && (batch.len() + 1) * symbols <= options.batch_symbols => {
                batch.push(line);
            }
            _ => batches.push(vec![line]),
        }
    }
    batches
}
