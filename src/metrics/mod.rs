//! How good translations are: error rates, BLEU, chrF.
//!
//! Every hypothesis is compared with all accepted references of its source. Nothing here knows a model: what was
//! translated elsewhere is scored alike.
//!
//! ```
//! let hypotheses = ["AH T EH N SH AH N".to_owned(), "T OW M AH T OW".to_owned()];
//! let references = [
//!     vec!["AH T EH N SH AH N".to_owned()],
//!     vec!["T AH M EY T OW".to_owned(), "T AH M AA T OW".to_owned()],
//! ];
//! let scores = seq2seq::metrics::score(&hypotheses, &references)?;
//! assert_eq!(scores.word_error_rate, 0.5);
//! assert_eq!(scores.symbol_error_rate, 2.0 / 13.0);
//! # Ok::<(), seq2seq::Error>(())
//! ```

mod bleu;
mod chrf;
mod corpus;
mod distance;
mod ngrams;
#[cfg(test)]
mod reference_values;
mod scores;
mod tokenize;

pub use bleu::bleu;
pub use chrf::chrf;
pub use distance::{SymbolErrors, edit_distance};
pub use scores::{Scores, perplexity, score, score_by};
pub use tokenize::tokenize_13a;
