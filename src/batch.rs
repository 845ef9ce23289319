//! Sentences of ids, padded to one length, and pairs of them.

mod pairs;

pub use pairs::{NO_TARGET, PairBatch};

use crate::{Error, Result};

/// A batch of id sequences: a padded matrix and the lengths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    ids: Vec<u32>,     // (batch, len)
    lengths: Vec<u32>, // (batch)
    len: usize,
}

impl Batch {
    /// Pads the sentences with `pad`; every id must be below `vocab_size`, no sentence may be empty.
    pub fn new<S: AsRef<[u32]>>(sentences: &[S], pad: u32, vocab_size: usize) -> Result<Self> {
        let len = sentences.iter().map(|sentence| sentence.as_ref().len()).max().unwrap_or(0);
        let mut ids = Vec::with_capacity(sentences.len() * len);
        let mut lengths = Vec::with_capacity(sentences.len());
        for sentence in sentences.iter().map(AsRef::as_ref) {
            if sentence.is_empty() {
                return Err(Error::EmptySource);
            }
            if let Some(&id) = sentence.iter().find(|&&id| id as usize >= vocab_size) {
                return Err(Error::TokenId { id, vocab_size });
            }
            ids.extend_from_slice(sentence);
            ids.resize(ids.len() + len - sentence.len(), pad);
            lengths.push(sentence.len() as u32);
        }
        Ok(Self { ids, lengths, len })
    }

    /// Sentences.
    pub fn batch(&self) -> usize {
        self.lengths.len()
    }

    /// Positions of the longest sentence; at least 1 in a batch that is not empty.
    #[expect(clippy::len_without_is_empty, reason = "the length of its rows, not the number of its elements")]
    pub fn len(&self) -> usize {
        self.len
    }

    /// The padded ids (batch · len).
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// The lengths (batch).
    pub fn lengths(&self) -> &[u32] {
        &self.lengths
    }
}
