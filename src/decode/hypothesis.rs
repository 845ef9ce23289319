//! What decoding finds.

use crate::Array;

/// A translation, with how likely it is and what it attended to.
#[derive(Clone, Debug, PartialEq)]
pub struct Hypothesis {
    /// Target ids, without bos and eos.
    pub tokens: Vec<u32>,
    /// Whether eos ended it; otherwise the length limit did, or no symbol was possible and `log_prob` is −∞.
    pub finished: bool,
    /// Σ ln p of its tokens, eos included.
    pub log_prob: f64,
    /// What hypotheses are compared by: `log_prob` / lp(its length) + its coverage penalty.
    pub score: f64,
    /// Attention weights (tokens, src_len), where asked for.
    pub alignment: Option<Array>,
}
