//! All scores of a set of hypotheses.

use serde::Serialize;

use super::bleu::bleu;
use super::chrf::chrf;
use super::corpus::{check, share};
use super::distance::SymbolErrors;
use crate::Result;

/// What a set of hypotheses is worth. Rates are shares from 0 to 1, though a symbol error rate may exceed 1; BLEU and
/// chrF go from 0 to 100, as sacreBLEU prints them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Scores {
    /// Sources, each with one hypothesis.
    pub sources: usize,
    /// The share of sources whose hypothesis has the symbols of none of its references.
    pub word_error_rate: f64,
    /// Edit distances over the lengths of the references, in symbols: see [`SymbolErrors`].
    pub symbol_error_rate: f64,
    /// The share of sources whose hypothesis is one of its references to the character.
    pub exact_match: f64,
    /// BLEU of the corpus: see [`bleu`].
    pub bleu: f64,
    /// chrF2 of the corpus: see [`chrf`].
    pub chrf: f64,
}

/// Scores hypotheses whose symbols are separated by whitespace: phonemes, words.
///
/// # Errors
///
/// See [`score_by`].
pub fn score(hypotheses: &[String], references: &[Vec<String>]) -> Result<Scores> {
    score_by(hypotheses, references, |text| Ok(text.split_whitespace().map(str::to_owned).collect()))
}

/// Scores hypotheses against the references of each, where `symbols` says which symbols a text has.
///
/// A model's symbols are [`Tokenizer::symbols`](crate::text::Tokenizer::symbols) of its target tokenizer. An empty
/// hypothesis has no symbols, and `symbols` is not asked.
///
/// # Errors
///
/// [`Error::Config`](crate::Error::Config) if there are no hypotheses, or one has no references;
/// [`Error::Shape`](crate::Error::Shape) if there are not as many lists of references as hypotheses; what `symbols`
/// fails with.
pub fn score_by(
    hypotheses: &[String],
    references: &[Vec<String>],
    symbols: impl Fn(&str) -> Result<Vec<String>>,
) -> Result<Scores> {
    check(hypotheses, references)?;
    let mut errors = SymbolErrors::default();
    let (mut wrong, mut exact) = (0, 0);
    for (hypothesis, references) in hypotheses.iter().zip(references) {
        let found = if hypothesis.trim().is_empty() { Vec::new() } else { symbols(hypothesis)? };
        let expected = references.iter().map(|reference| symbols(reference)).collect::<Result<Vec<_>>>()?;
        errors.add(&found, &expected);
        wrong += usize::from(!expected.contains(&found));
        exact += usize::from(references.contains(hypothesis));
    }
    let sources = hypotheses.len();
    Ok(Scores {
        sources,
        word_error_rate: share(wrong, sources),
        symbol_error_rate: errors.rate(),
        exact_match: share(exact, sources),
        bleu: bleu(hypotheses, references)?,
        chrf: chrf(hypotheses, references)?,
    })
}

/// exp of a mean cross entropy in nats: among how many equally likely symbols the model would be as undecided.
pub fn perplexity(cross_entropy: f64) -> f64 {
    cross_entropy.exp()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn characters(text: &str) -> Result<Vec<String>> {
        Ok(text.chars().map(String::from).collect())
    }

    #[test]
    fn any_of_the_references_is_right() -> Result<()> {
        let hypotheses = owned(&["a b", "c d", "x"]);
        let references = [owned(&["a b"]), owned(&["c", "c  d"]), owned(&["x y z"])];
        let scores = score(&hypotheses, &references)?;
        assert_eq!(scores.sources, 3);
        assert_eq!(scores.word_error_rate, 1.0 / 3.0);
        assert_eq!(scores.symbol_error_rate, 2.0 / 7.0, "2 of the 2 + 2 + 3 symbols are missing");
        assert_eq!(scores.exact_match, 1.0 / 3.0, "two spaces are not one");
        Ok(())
    }

    #[test]
    fn symbols_are_what_the_caller_says() -> Result<()> {
        let scores = score_by(&owned(&["1984-03-08"]), &[owned(&["1984-03-03"])], characters)?;
        assert_eq!((scores.word_error_rate, scores.symbol_error_rate), (1.0, 0.1));
        Ok(())
    }

    #[test]
    fn an_empty_hypothesis_is_wrong_in_every_symbol() -> Result<()> {
        let never = |text: &str| if text.is_empty() { Err(Error::EmptySource) } else { characters(text) };
        let scores = score_by(&owned(&[""]), &[owned(&["abcd", "abc"])], never)?;
        assert_eq!((scores.word_error_rate, scores.symbol_error_rate, scores.exact_match), (1.0, 1.0, 0.0));
        assert_eq!((scores.bleu, scores.chrf), (0.0, 0.0));
        Ok(())
    }

    #[test]
    fn what_cannot_be_scored_is_refused() {
        let (one, two) = (owned(&["a"]), owned(&["a", "b"]));
        assert!(matches!(score(&[], &[]), Err(Error::Config { .. })));
        let uneven = score(&two, std::slice::from_ref(&one));
        assert!(matches!(uneven, Err(Error::Shape { expected: 2, found: 1, .. })), "{uneven:?}");
        let bare = score(&two, &[one, vec![]]).unwrap_err().to_string();
        assert_eq!(bare, "references of hypothesis 2: expected at least 1, found 0");
    }

    #[test]
    fn perplexity_counts_equal_choices() {
        assert!((perplexity(7.0_f64.ln()) - 7.0).abs() < 1e-12);
    }
}
