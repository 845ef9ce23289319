//! How likely given targets are.

use std::cmp::Reverse;

use serde::Serialize;

use super::limits::{ENOUGH_ELEMENTS, Limits};
use super::translation::rows;
use super::{Loaded, Placed, TranslateOptions, Translator, in_parts};
use crate::backend::Backend;
use crate::batch::{NO_TARGET, PairBatch};
use crate::metrics::perplexity;
use crate::model::Config;
use crate::text::Encoding;
use crate::{Array, Error, Float, Result};

/// Elements of the largest matrix of a batch: 64 MiB in 32 bits. Several of this size are read by the host. One pair
/// alone may take four times as much.
const BATCH_ELEMENTS: usize = ENOUGH_ELEMENTS / 4;

/// How likely a model holds a target for its source, symbol by symbol (forced decoding).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scored {
    /// The source's symbols.
    pub source: Vec<String>,
    /// The target's symbols.
    pub target: Vec<String>,
    /// ln p of every symbol of the target, each given those before it, and of its end.
    pub log_probs: Vec<f64>,
    /// Attention weights (target, source), where asked for; serialized as an array for each target symbol.
    #[serde(serialize_with = "rows", skip_serializing_if = "Option::is_none")]
    pub alignment: Option<Array>,
}

impl Scored {
    /// Σ ln p of the target's symbols and of its end.
    pub fn log_prob(&self) -> f64 {
        self.log_probs.iter().sum()
    }

    /// e^(−mean of ln p): among how many equally likely symbols the model had to choose.
    pub fn perplexity(&self) -> f64 {
        perplexity(-self.log_prob() / self.log_probs.len() as f64)
    }
}

/// A pair as ids and symbols.
struct Encoded {
    /// Its place among the pairs.
    at: usize,
    source: Encoding,
    target: Encoding,
}

impl Translator {
    /// How likely every (source, target) is; the answers stand in the order of the pairs.
    ///
    /// −Σ ln p over all pairs, divided by the number of their `log_probs`, is the mean cross entropy, the loss of these
    /// pairs. Of the options, `batch_size`, `batch_symbols`, `max_source_length` and `alignment` apply. What is wrong
    /// with one pair (what [`translate`](Self::translate) answers to its source; then [`Error::UnknownSymbol`] in its
    /// target, or [`Error::Config`] for a target that would take too much memory) is its own answer and stops no other.
    ///
    /// # Errors
    ///
    /// What is wrong with the device or the options.
    pub async fn score<S: AsRef<str>, T: AsRef<str>>(
        &self,
        pairs: &[(S, T)],
        options: &TranslateOptions,
    ) -> Result<Vec<Result<Scored>>> {
        options.check(&self.configs[0].special_tokens)?;
        let limits = self.limits(options);
        let mut answers: Vec<(usize, Result<Scored>)> = Vec::with_capacity(pairs.len());
        let mut waiting: Vec<Encoded> = Vec::with_capacity(pairs.len());
        for (at, (source, target)) in pairs.iter().enumerate() {
            match self.encode_pair(source.as_ref(), target.as_ref(), &limits) {
                Ok((source, target)) => waiting.push(Encoded { at, source, target }),
                Err(error) => answers.push((at, Err(error))),
            }
        }

        waiting.sort_by_key(|pair| Reverse((pair.source.ids.len(), pair.target.ids.len())));
        let mut waiting = waiting.as_slice();
        while !waiting.is_empty() {
            let (batch, rest) = waiting.split_at(self.pairs_at_once(waiting, options));
            let scored = in_parts(batch, async |part| self.forced(part, options.alignment).await).await?;
            answers.extend(batch.iter().zip(scored).map(|(pair, scored)| (pair.at, Ok(scored))));
            waiting = rest;
        }

        answers.sort_by_key(|&(at, _)| at);
        Ok(answers.into_iter().map(|(_, answer)| answer).collect())
    }

    /// [`score`](Self::score), waiting for the device.
    pub fn score_blocking<S: AsRef<str>, T: AsRef<str>>(
        &self,
        pairs: &[(S, T)],
        options: &TranslateOptions,
    ) -> Result<Vec<Result<Scored>>> {
        pollster::block_on(self.score(pairs, options))
    }

    /// The ids of both sides. A target without symbols is its end alone.
    fn encode_pair(&self, source: &str, target: &str, limits: &Limits) -> Result<(Encoding, Encoding)> {
        let source = self.encode(source, limits)?;
        let target = match self.target_tokenizer.encode(target) {
            Err(Error::EmptySource) => Encoding::default(),
            encoding => encoding?,
        };
        let most = ENOUGH_ELEMENTS.min(self.capacity(1).max_elements) / self.per_target(source.ids.len());
        if target.ids.len() >= most {
            let (expected, found) = (format!("fewer than {most} symbols"), target.ids.len().to_string());
            return Err(Error::Config { key: "target".to_owned(), expected, found });
        }
        Ok((source, target))
    }

    /// How many of the first pairs to compute at once; at least 1.
    fn pairs_at_once(&self, pairs: &[Encoded], options: &TranslateOptions) -> usize {
        let enough = BATCH_ELEMENTS.min(self.capacity(1).max_elements);
        let (mut source, mut target) = (0, 0);
        let fit = pairs.iter().take(options.batch_size).zip(1..).take_while(|&(pair, size)| {
            (source, target) = (source.max(pair.source.ids.len()), target.max(pair.target.ids.len()));
            let elements = (source * self.per_source()).max((target + 1) * self.per_target(source)); // 1 for the end
            size * elements <= enough && size * source <= options.batch_symbols
        });
        fit.count().max(1)
    }

    /// Elements of the largest matrix that has a row for each source position, per position.
    fn per_source(&self) -> usize {
        let of = |config: &Config| {
            (config.directions() * config.cell.gates() * config.encoder.hidden_size)
                .max(config.encoder.embedding_size)
                .max(config.memory_size())
                .max(config.decoder.hidden_size)
        };
        self.configs.iter().map(of).fold(1, usize::max)
    }

    /// Elements of the largest matrix that has a row for each target position, per position.
    fn per_target(&self, source: usize) -> usize {
        let of = |config: &Config| {
            let decoder = &config.decoder;
            (config.memory_size() + decoder.hidden_size + decoder.embedding_size) // concatenated inputs
                .max(config.cell.gates() * decoder.hidden_size)
                .max(decoder.vocab_size)
                .max(source) // attention weights
        };
        self.configs.iter().map(of).fold(1, usize::max)
    }

    async fn forced(&self, pairs: &[Encoded], alignment: bool) -> Result<Vec<Scored>> {
        let ids: Vec<(&[u32], &[u32])> =
            pairs.iter().map(|pair| (&pair.source.ids[..], &pair.target.ids[..])).collect();
        let batch = PairBatch::new(&ids, &self.configs[0])?;
        let likely = match &self.placed {
            Placed::Cpu(loaded) => loaded.forced(&batch, alignment).await,
            Placed::Gpu(loaded) => loaded.forced(&batch, alignment).await,
        }?;
        let scored = pairs.iter().zip(likely).map(|(pair, (log_probs, alignment))| Scored {
            source: pair.source.tokens.clone(),
            target: pair.target.tokens.clone(),
            log_probs,
            alignment,
        });
        Ok(scored.collect())
    }
}

impl<B: Backend> Loaded<B> {
    /// Of every pair ln p of its target's symbols and its end, and what they attended to.
    async fn forced(&self, batch: &PairBatch, alignment: bool) -> Result<Vec<(Vec<f64>, Option<Array>)>> {
        let (src_len, tgt_len) = (batch.source.len(), batch.target_in.len());
        let share = 1.0 / self.models.len() as f64;
        let mut probabilities = vec![0.0; batch.target_out.len()];
        let mut weights = vec![0.0; if alignment { batch.target_out.len() * src_len } else { 0 }];
        for model in &self.models {
            let forced = model.forced(&self.backend, &batch.source, &batch.target_in).await?;
            for (row, (probability, &symbol)) in probabilities.iter_mut().zip(&batch.target_out).enumerate() {
                if symbol != NO_TARGET {
                    let log_prob = forced.log_probs.row(row)[symbol as usize].to_f64();
                    // Of one model alone nothing is to be lost.
                    *probability = if share == 1.0 { log_prob } else { *probability + share * log_prob.exp() };
                }
            }
            for (weight, attended) in weights.iter_mut().zip(&forced.attention_weights.data) {
                *weight += share * attended.to_f64();
            }
        }
        let pair = |(sentence, symbols): (usize, &[u32])| {
            let (first, count) = (sentence * tgt_len, symbols.iter().filter(|&&symbol| symbol != NO_TARGET).count());
            let ln = |&probability: &f64| if share == 1.0 { probability } else { probability.ln() };
            let log_probs = probabilities[first..first + count].iter().map(ln).collect();
            let length = batch.source.lengths()[sentence] as usize;
            let kept = alignment.then(|| {
                let rows = (first..first + count - 1).flat_map(|row| &weights[row * src_len..][..length]);
                Array::new([count - 1, length], rows.map(|&weight| weight as f32).collect())
            });
            (log_probs, kept)
        };
        Ok(batch.target_out.chunks(tgt_len).enumerate().map(pair).collect())
    }
}
