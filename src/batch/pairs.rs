//! Sources beside their targets, as a model is taught them.

use super::Batch;
use crate::Result;
use crate::config::Config;

/// What stands in the place of a target where there is none to learn.
pub const NO_TARGET: u32 = u32::MAX;

/// A batch of pairs for teacher forcing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairBatch {
    /// The sources.
    pub source: Batch,
    /// What the decoder reads: bos, then the target.
    pub target_in: Batch,
    /// What it is to answer (batch · tgt_len): the target, then eos; [`NO_TARGET`] behind it.
    pub target_out: Vec<u32>,
    /// Target symbols, eos included.
    pub tokens: usize,
}

impl PairBatch {
    /// Puts (source, target) pairs of ids together; targets come without bos and eos and may be empty.
    ///
    /// # Errors
    ///
    /// Those of [`Batch::new`]: an empty source, an id beyond the vocabulary.
    pub fn new<S: AsRef<[u32]>, T: AsRef<[u32]>>(pairs: &[(S, T)], config: &Config) -> Result<Self> {
        let special = &config.special_tokens;
        let sources: Vec<&[u32]> = pairs.iter().map(|(source, _)| source.as_ref()).collect();
        let targets: Vec<Vec<u32>> =
            pairs.iter().map(|(_, target)| [&[special.bos], target.as_ref()].concat()).collect();
        let source = Batch::new(&sources, special.pad, config.encoder.vocab_size)?;
        let target_in = Batch::new(&targets, special.pad, config.decoder.vocab_size)?;
        let mut target_out = Vec::with_capacity(target_in.ids().len());
        for target in &targets {
            target_out.extend_from_slice(&target[1..]);
            target_out.push(special.eos);
            target_out.resize(target_out.len() + target_in.len() - target.len(), NO_TARGET);
        }
        let tokens = targets.iter().map(Vec::len).sum();
        Ok(Self { source, target_in, target_out, tokens })
    }
}
