//! How to translate.

use crate::backend::{LengthPenalty, SearchRules};
use crate::decode::{MaxLength, SearchOptions};
use crate::model::SpecialTokens;
use crate::{Error, Result};

/// How to translate.
#[derive(Clone, Debug, PartialEq)]
pub struct TranslateOptions {
    /// How many hypotheses are kept in each step: 1 is greedy decoding.
    pub beam: usize,
    /// How many targets are wanted, at most `beam`.
    pub n_best: usize,
    /// What log probabilities are divided by to compare targets of several lengths.
    pub length_penalty: LengthPenalty,
    /// How much it costs to leave parts of the source without attention: Wu et al. 2016, eq. 14.
    pub coverage_penalty: f64,
    /// The most symbols of a target, its invisible end included.
    pub max_length: MaxLength,
    /// The most symbols of a source.
    pub max_source_length: usize,
    /// The most sentences that are translated at once.
    pub batch_size: usize,
    /// The most symbols of all sources that are translated at once, each as long as the longest; one source alone may
    /// have more.
    pub batch_symbols: usize,
    /// Whether to keep the attention weights.
    pub alignment: bool,
    /// Whether a symbol that the target vocabulary lacks is replaced by the source symbol that most attention went to,
    /// or by what the dictionary has for that.
    pub replace_unknown: bool,
}

impl Default for TranslateOptions {
    fn default() -> Self {
        Self {
            beam: 1,
            n_best: 1,
            length_penalty: LengthPenalty::None,
            coverage_penalty: 0.0,
            max_length: MaxLength::Symbols(200),
            max_source_length: 1000,
            batch_size: 64,
            batch_symbols: 4096,
            alignment: false,
            replace_unknown: false,
        }
    }
}

impl TranslateOptions {
    /// Checks every option, and names the one that is not possible.
    pub(super) fn check(&self, special: &SpecialTokens) -> Result<()> {
        let Self { max_length, max_source_length, batch_size, batch_symbols, .. } = self;
        let sizes = [
            ("max_length", max_length.of(1)),
            ("max_source_length", *max_source_length),
            ("batch_size", *batch_size),
            ("batch_symbols", *batch_symbols),
        ];
        if let Some((key, _)) = sizes.into_iter().find(|(_, size)| *size == 0) {
            let (expected, found) = ("at least 1".to_owned(), "0".to_owned());
            return Err(Error::Config { key: key.to_owned(), expected, found });
        }
        self.rules(special).check()
    }

    /// The rules of the search.
    fn rules(&self, special: &SpecialTokens) -> SearchRules {
        SearchRules {
            beam: self.beam,
            n_best: self.n_best,
            length_penalty: self.length_penalty,
            coverage_penalty: self.coverage_penalty,
            // The most probable symbol is the most probable symbol; other hypotheses are to be texts.
            text_only: self.beam > 1,
            special: special.clone(),
        }
    }

    /// The search for targets in a vocabulary whose unknown symbol is `unk`.
    pub(super) fn search(&self, special: &SpecialTokens, unk: Option<u32>) -> SearchOptions {
        let alignment = self.alignment || self.replace_unknown && unk.is_some();
        SearchOptions { rules: self.rules(special), max_length: self.max_length, alignment }
    }
}
