//! Greedy decoding: the most probable token at every step.

use super::Hypothesis;
use crate::backend::{Backend, Progress, Snapshot};
use crate::nn::Seq2Seq;
use crate::text::Batch;
use crate::{Array, Float, Result};

/// How to decode greedily.
#[derive(Clone, Copy, Debug)]
pub struct GreedyOptions {
    /// The most tokens of a translation, eos included.
    pub max_length: usize,
    /// Whether to keep the attention weights.
    pub alignment: bool,
}

/// Translates a batch. The loop runs on the device; the host asks now and then which sentences are finished.
pub async fn greedy<B: Backend>(
    backend: &B,
    model: &Seq2Seq<B>,
    source: &Batch,
    options: GreedyOptions,
) -> Result<Vec<Hypothesis>> {
    let GreedyOptions { max_length, alignment } = options;
    let batch = source.batch();
    if batch == 0 || max_length == 0 {
        let nothing = |length: &u32| Hypothesis {
            tokens: Vec::new(),
            finished: false,
            log_prob: 0.0,
            alignment: alignment.then(|| Array::new([0, *length as usize], Vec::new())),
        };
        return Ok(source.lengths().iter().map(nothing).collect());
    }
    let special = &model.config().special_tokens;
    let (memory, initial) = model.encode(backend, source)?;
    let mut state = model.start(backend, &memory, initial, if alignment { max_length } else { 1 })?;
    let mut progress = Progress::new(backend, special, batch, max_length, model.config().decoder.vocab_size)?;
    let mut found = Snapshot { finished: vec![false; batch], tokens: Vec::new(), log_probs: vec![0.0; batch] };
    for position in 0..max_length {
        let row = if alignment { position } else { 0 };
        model.greedy_step(backend, &memory, position, row, &mut state, &mut progress)?;
        if (position + 1) % backend.steps_per_read() == 0 || position + 1 == max_length {
            found = backend.read_progress(&progress).await?;
            if found.finished.iter().all(|&finished| finished) {
                break;
            }
        }
    }
    let weights = if alignment { Some(backend.read(&state.attention.weights).await?) } else { None };
    let src_len = source.len();
    Ok((0..batch)
        .map(|b| {
            let tokens = &found.tokens[b * max_length..][..max_length];
            let end = tokens.iter().position(|&token| token == special.eos);
            let tokens = tokens[..end.unwrap_or(max_length)].to_vec();
            let length = source.lengths()[b] as usize;
            let alignment = weights.as_ref().map(|weights| {
                let rows = (0..tokens.len()).map(|t| &weights[(b * max_length + t) * src_len..][..length]);
                let data = rows.flatten().map(|weight| weight.to_f64() as f32).collect();
                Array::new([tokens.len(), length], data)
            });
            Hypothesis { tokens, finished: found.finished[b], log_prob: found.log_probs[b], alignment }
        })
        .collect())
}
