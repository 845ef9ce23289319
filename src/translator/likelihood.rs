//! How likely given targets are.

use std::cmp::Reverse;

use super::limits::{ENOUGH_ELEMENTS, Limits};
use super::{Loaded, Placed, TranslateOptions, Translator, in_parts};
use crate::backend::{Backend, NO_TARGET};
use crate::model::Config;
use crate::text::PairBatch;
use crate::{Error, Float, Result};

/// Elements of the largest matrix of a batch: 64 MiB in 32 bits. Several of this size are read by the host. One pair alone
/// may take four times as much.
const BATCH_ELEMENTS: usize = ENOUGH_ELEMENTS / 4;

/// How likely a model holds a target for its source.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Likelihood {
    /// Σ ln p of the target's symbols and of its end, each given those before it.
    pub log_prob: f64,
    /// How many these are.
    pub symbols: usize,
}

/// The ids of a pair.
struct Ids {
    /// Its place among the pairs.
    at: usize,
    source: Vec<u32>,
    target: Vec<u32>,
}

impl Translator {
    /// The likelihood of every (source, target); the answers stand in the order of the pairs.
    ///
    /// −Σ `log_prob` / Σ `symbols` is the mean cross entropy, the loss of these pairs. Of the options, `batch_size` and
    /// `max_source_length` apply. What is wrong with one pair (what [`translate`](Self::translate) answers to its source; then
    /// [`Error::UnknownSymbol`] in its target, or [`Error::Config`] for a target that would take too
    /// much memory) is its own answer and
    /// stops no other.
    ///
    /// # Errors
    ///
    /// What is wrong with the device or the options.
    pub async fn likelihoods<S: AsRef<str>, T: AsRef<str>>(
        &self,
        pairs: &[(S, T)],
        options: &TranslateOptions,
    ) -> Result<Vec<Result<Likelihood>>> {
        options.check()?;
        let limits = Limits::new(&self.config, self.max_elements(), options);
        let mut answers: Vec<(usize, Result<Likelihood>)> = Vec::with_capacity(pairs.len());
        let mut waiting: Vec<Ids> = Vec::with_capacity(pairs.len());
        for (at, (source, target)) in pairs.iter().enumerate() {
            match self.ids(source.as_ref(), target.as_ref(), &limits) {
                Ok((source, target)) => waiting.push(Ids { at, source, target }),
                Err(error) => answers.push((at, Err(error))),
            }
        }

        waiting.sort_by_key(|ids| Reverse((ids.source.len(), ids.target.len())));
        let mut waiting = waiting.as_slice();
        while !waiting.is_empty() {
            let (batch, rest) = waiting.split_at(self.batch_size(waiting, options));
            let likelihoods = in_parts(batch, async |part| self.forced(part).await).await?;
            answers.extend(batch.iter().zip(likelihoods).map(|(ids, likelihood)| (ids.at, Ok(likelihood))));
            waiting = rest;
        }

        answers.sort_by_key(|&(at, _)| at);
        Ok(answers.into_iter().map(|(_, answer)| answer).collect())
    }

    /// [`likelihoods`](Self::likelihoods), waiting for the device.
    pub fn likelihoods_blocking<S: AsRef<str>, T: AsRef<str>>(
        &self,
        pairs: &[(S, T)],
        options: &TranslateOptions,
    ) -> Result<Vec<Result<Likelihood>>> {
        pollster::block_on(self.likelihoods(pairs, options))
    }

    /// The ids of both sides. A target without symbols is its end alone.
    fn ids(&self, source: &str, target: &str, limits: &Limits) -> Result<(Vec<u32>, Vec<u32>)> {
        let source = self.encode(source, limits)?.ids;
        let target = match self.target_tokenizer.encode(target) {
            Err(Error::EmptySource) => Vec::new(),
            encoding => encoding?.ids,
        };
        let most = ENOUGH_ELEMENTS.min(self.max_elements()) / per_target(&self.config, source.len());
        if target.len() >= most {
            let (expected, found) = (format!("fewer than {most} symbols"), target.len().to_string());
            return Err(Error::Config { key: "target".to_owned(), expected, found });
        }
        Ok((source, target))
    }

    /// How many of the first pairs to compute at once; at least 1.
    fn batch_size(&self, pairs: &[Ids], options: &TranslateOptions) -> usize {
        let enough = BATCH_ELEMENTS.min(self.max_elements());
        let (mut source, mut target) = (0, 0);
        let fit = pairs.iter().take(options.batch_size).zip(1..).take_while(|&(ids, size)| {
            (source, target) = (source.max(ids.source.len()), target.max(ids.target.len()));
            size * elements(&self.config, source, target) <= enough
        });
        fit.count().max(1)
    }

    async fn forced(&self, pairs: &[Ids]) -> Result<Vec<Likelihood>> {
        let pairs: Vec<(&[u32], &[u32])> = pairs.iter().map(|ids| (&ids.source[..], &ids.target[..])).collect();
        let batch = PairBatch::new(&pairs, &self.config)?;
        match &self.placed {
            Placed::Cpu(loaded) => loaded.likelihoods(&batch).await,
            Placed::Gpu(loaded) => loaded.likelihoods(&batch).await,
        }
    }
}

impl<B: Backend> Loaded<B> {
    async fn likelihoods(&self, batch: &PairBatch) -> Result<Vec<Likelihood>> {
        let forced = self.model.forced(&self.backend, &batch.source, &batch.target_in).await?;
        let log_probs = &forced.log_probs;
        let sentences = batch.target_out.chunks(batch.target_in.len()).enumerate();
        let likelihoods = sentences.map(|(sentence, target)| {
            let first = sentence * target.len();
            let symbols = (first..).zip(target).filter(|&(_, &symbol)| symbol != NO_TARGET);
            let of = |(row, &symbol): (usize, &u32)| log_probs.row(row)[symbol as usize].to_f64();
            let none = Likelihood { log_prob: 0.0, symbols: 0 };
            symbols.map(of).fold(none, |Likelihood { log_prob, symbols }, of| Likelihood {
                log_prob: log_prob + of,
                symbols: symbols + 1,
            })
        });
        Ok(likelihoods.collect())
    }
}

/// Elements of the largest matrix that one pair of these lengths takes.
fn elements(config: &Config, source: usize, target: usize) -> usize {
    let (encoder, decoder) = (&config.encoder, &config.decoder);
    let per_source = (config.directions() * config.cell.gates() * encoder.hidden_size)
        .max(encoder.embedding_size)
        .max(config.memory_size())
        .max(decoder.hidden_size);
    (source * per_source).max((target + 1) * per_target(config, source)) // one more for the end
}

/// Elements of the largest matrix that has a row for each target position, per position.
fn per_target(config: &Config, source: usize) -> usize {
    let decoder = &config.decoder;
    (config.memory_size() + decoder.hidden_size + decoder.embedding_size) // concatenated inputs
        .max(config.cell.gates() * decoder.hidden_size)
        .max(decoder.vocab_size)
        .max(source) // attention weights
}
