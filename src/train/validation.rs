//! How good a model is on pairs that it does not learn from.

use std::cmp::Reverse;

use super::batches::Batcher;
use super::{Observer, Task, TrainOptions};
use crate::Result;
use crate::backend::Training;
use crate::batch::Batch;
use crate::decode::{GreedyOptions, greedy};
use crate::memory::in_parts;
use crate::metrics::{Scores, score_by};
use crate::model::Parameters;
use crate::nn::Seq2Seq;
use crate::nn::training::Learner;

/// The most sentences that are translated at once.
const BATCH: usize = 256;

/// What the validation pairs are measured with, prepared once for a run.
#[derive(Debug)]
pub struct Validation {
    /// Pairs of similar lengths.
    batches: Vec<Vec<usize>>,
    /// Sources, the longest first: what fits them on a device fits all.
    order: Vec<usize>,
    batch_size: usize,
    max_length: usize,
}

/// What was measured.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// Mean loss of a target symbol.
    pub loss: f64,
    /// The greedy translations against all accepted ones.
    pub scores: Scores,
}

impl Validation {
    /// Of the validation pairs of a task.
    pub fn new(task: &Task, options: &TrainOptions) -> Self {
        let mut order: Vec<usize> = (0..task.sources.len()).collect();
        order.sort_by_key(|&source| Reverse(task.sources[source].len()));
        let lengths = task.validation.lengths();
        // A model that has learnt little may never come to an end; nothing right is much longer than what there is.
        let longest = lengths.iter().map(|[_, target]| *target).max().unwrap_or(0);
        Self {
            batches: Batcher::new(lengths, options).in_order(),
            order,
            batch_size: options.batch_size.clamp(64, BATCH),
            max_length: longest + longest / 2 + 5,
        }
    }

    /// Measures a model, unless the observer asks to stop before it is done.
    pub async fn measure<B: Training>(
        &self,
        backend: &B,
        learner: &Learner<B>,
        parameters: &Parameters,
        task: &Task,
        observer: &dyn Observer,
    ) -> Result<Option<Measured>> {
        let (mut loss, mut tokens) = (0.0, 0_usize);
        for which in &self.batches {
            if observer.should_stop() {
                return Ok(None);
            }
            let batch = task.validation.batch(which, &task.config)?;
            loss += learner.loss(backend, &batch, 0.0).await?;
            tokens += batch.tokens;
        }

        let model = Seq2Seq::new(backend, &task.config, parameters)?;
        let mut found = vec![String::new(); task.sources.len()];
        for which in self.order.chunks(self.batch_size) {
            if observer.should_stop() {
                return Ok(None);
            }
            let translations = self.translate(backend, &model, which, task).await?;
            which.iter().zip(translations).for_each(|(&source, text)| found[source] = text);
        }
        let scores = score_by(&found, &task.references, |text| task.target_tokenizer.symbols(text))?;
        Ok(Some(Measured { loss: loss / tokens as f64, scores }))
    }

    /// The greedy translations of these sources; in halves where the device has too little memory for all at once.
    async fn translate<B: Training>(
        &self,
        backend: &B,
        model: &Seq2Seq<B>,
        which: &[usize],
        task: &Task,
    ) -> Result<Vec<String>> {
        let options = GreedyOptions { max_length: self.max_length, alignment: false };
        let translate = async |part: &[usize]| {
            let sources: Vec<&[u32]> = part.iter().map(|&source| task.sources[source].as_slice()).collect();
            let batch = Batch::new(&sources, task.config.special_tokens.pad, task.config.encoder.vocab_size)?;
            let hypotheses = greedy(backend, model, &batch, options).await?;
            Ok(hypotheses.into_iter().map(|hypothesis| task.target_tokenizer.decode(&hypothesis.tokens)).collect())
        };
        in_parts(which, translate).await
    }
}
