//! A model as two ONNX graphs, an encoder and a step of the decoder, of standard operators with batch and length open.
//!
//! | graph | in | out |
//! |---|---|---|
//! | `encoder.onnx` | `source` (batch, src_len) int64, `source_lengths` (batch) int64 | `memory`, `keys` where the score has others, `hidden.{k}`, `cell.{k}` of an LSTM |
//! | `decoder.onnx` | `symbol` (batch) int64, `memory`, `keys`, `source_lengths`, `hidden.{k}`, `cell.{k}`; `attentional` with input feeding, zeros at first; `position` of a local window, an int64, 0 at first | `log_probs` (batch, vocab), `attention_weights` (batch, src_len), `hidden.{k}.next`, `cell.{k}.next`, `attentional.next` |
//!
//! The first symbol is bos. A search stands outside: the greatest of `log_probs` is the next symbol, until it is eos. With a beam the
//! hypotheses are rows of the batch. `config.json` and the tokenizers are those of the model.

mod decoder;
mod encoder;
mod graph;
mod linear;
mod proto;
mod recurrent;

use std::path::{Path, PathBuf};

use crate::Result;
use crate::model::files::{CONFIG, SOURCE_TOKENIZER, TARGET_TOKENIZER};
use crate::model::{Model, atomic};
use graph::Graph;

/// The name of the encoder's file.
pub const ENCODER: &str = "encoder.onnx";
/// The name of the decoder's file.
pub const DECODER: &str = "decoder.onnx";

/// Where [`save`] writes to.
pub fn paths(directory: impl AsRef<Path>) -> Vec<PathBuf> {
    [ENCODER, DECODER, CONFIG, SOURCE_TOKENIZER, TARGET_TOKENIZER].map(|name| directory.as_ref().join(name)).to_vec()
}

/// Writes both graphs to a directory, which is made if it is not there, with the configuration and the tokenizers beside them.
///
/// # Errors
///
/// [`Error::Io`](crate::Error::Io) naming the file that cannot be written.
pub fn save(model: &Model, directory: impl AsRef<Path>) -> Result<()> {
    let directory = directory.as_ref();
    let (encoder, decoder) = (encoder(model)?, decoder(model)?);
    std::fs::create_dir_all(directory).map_err(crate::Error::io(directory))?;
    let tokenizers = [(SOURCE_TOKENIZER, &model.source_tokenizer), (TARGET_TOKENIZER, &model.target_tokenizer)];
    for (name, tokenizer) in tokenizers {
        if let Some(tokenizer) = tokenizer {
            atomic::write(&directory.join(name), tokenizer.to_json().as_bytes())?;
        }
    }
    atomic::write(&directory.join(CONFIG), model.config.to_json()?.as_bytes())?;
    atomic::write(&directory.join(ENCODER), &encoder)?;
    atomic::write(&directory.join(DECODER), &decoder)
}

/// The contents of the encoder's file.
pub fn encoder(model: &Model) -> Result<Vec<u8>> {
    encoder::graph(&model.config, &model.parameters).map(Graph::into_bytes)
}

/// The contents of the decoder's file.
pub fn decoder(model: &Model) -> Result<Vec<u8>> {
    decoder::graph(&model.config, &model.parameters).map(Graph::into_bytes)
}
