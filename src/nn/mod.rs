//! The model, composed from the operations of a backend, once for all backends.
//!
//! A layer holds its weights and nothing else: state and memory are values that are passed.

mod attention;
mod bridge;
mod decoder;
mod encoder;
mod greedy;
mod seq2seq;
#[cfg(feature = "train")]
pub mod training;

pub use attention::{AttentionLayer, AttentionStep, WeightRows};
pub use bridge::BridgeLayer;
pub use decoder::{Decoder, DecoderState};
pub use encoder::Encoder;
pub use seq2seq::{Forced, Seq2Seq};

use crate::Result;
use crate::backend::{Backend, Direction, RecurrentParameters};
use crate::model::{Cell, Parameters};

/// The source side of a batch on a device: what every decoder step reads.
#[derive(Debug)]
pub struct Memory<B: Backend> {
    /// Sentences.
    pub batch: usize,
    /// Positions of the longest source.
    pub src_len: usize,
    /// Source lengths (batch).
    pub lengths: B::Ids,
    /// h̄ (batch · src_len, M), zero beyond each length.
    pub states: B::Tensor,
    /// What queries are compared with (batch · src_len, H), where it is not `states` itself.
    pub keys: Option<B::Tensor>,
    /// What of them goes into attentional states (batch · src_len, H): see [`AttentionLayer::values`].
    pub values: B::Tensor,
    /// M
    pub memory_size: usize,
    /// H
    pub hidden_size: usize,
}

impl<B: Backend> Memory<B> {
    /// Some of the sentences, in ascending order; `lengths` are theirs.
    pub fn keep(&self, backend: &B, sentences: &[usize], lengths: &[u32]) -> Result<Self> {
        let rows = |&sentence: &usize| (sentence * self.src_len) as u32..((sentence + 1) * self.src_len) as u32;
        let rows: Vec<u32> = sentences.iter().flat_map(rows).collect();
        let ids = backend.upload_ids(&rows)?;
        let keep = |tensor: &B::Tensor, cols: usize| -> Result<B::Tensor> {
            let mut kept = backend.zeros(rows.len(), cols)?;
            backend.embedding(tensor, &ids, &mut kept)?;
            Ok(kept)
        };
        Ok(Self {
            batch: sentences.len(),
            src_len: self.src_len,
            lengths: backend.upload_ids(lengths)?,
            states: keep(&self.states, self.memory_size)?,
            keys: self.keys.as_ref().map(|keys| keep(keys, self.hidden_size)).transpose()?,
            values: keep(&self.values, self.hidden_size)?,
            ..*self
        })
    }
}

/// Prepares layer `layer` of the recurrent stack `prefix` (`encoder` or `decoder`).
fn recurrent_layer<B: Backend>(
    backend: &B,
    parameters: &Parameters,
    prefix: &str,
    cell: Cell,
    layer: usize,
    bidirectional: bool,
    feed_size: usize,
) -> Result<B::Recurrent> {
    let parameters = recurrent_parameters(parameters, prefix, cell, layer, bidirectional, feed_size)?;
    backend.recurrent_weights(&parameters)
}

/// The same on the host.
fn recurrent_parameters<'a>(
    parameters: &'a Parameters,
    prefix: &str,
    cell: Cell,
    layer: usize,
    bidirectional: bool,
    feed_size: usize,
) -> Result<RecurrentParameters<'a>> {
    let suffixes: &[&str] = if bidirectional { &["", "_reverse"] } else { &[""] };
    let directions = suffixes
        .iter()
        .map(|suffix| {
            let get = |part: &str| parameters.get(&format!("{prefix}.rnn.{part}_l{layer}{suffix}"));
            Ok(Direction {
                weight_ih: get("weight_ih")?,
                weight_hh: get("weight_hh")?,
                bias_ih: get("bias_ih")?,
                bias_hh: get("bias_hh")?,
            })
        })
        .collect::<Result<_>>()?;
    let embedding = if layer == 0 { Some(parameters.get(&format!("{prefix}.embedding.weight"))?) } else { None };
    Ok(RecurrentParameters { cell, directions, embedding, feed_size })
}
