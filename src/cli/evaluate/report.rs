//! How an evaluation is shown.

use std::fmt;

use seq2seq::metrics::{self, Scores};
use serde::Serialize;

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    #[serde(flatten)]
    pub scores: Scores,
    /// Lines of the file.
    pub pairs: usize,
    /// Sources without a translation, which count as wrong.
    pub untranslated: usize,
    /// Where any pair has one.
    #[serde(flatten)]
    pub loss: Option<Loss>,
}

/// The mean cross entropy of a target symbol, in nats, and its exponential.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Loss {
    loss: f64,
    perplexity: f64,
}

impl Loss {
    /// Of a cross entropy.
    pub fn new(loss: f64) -> Self {
        Self { loss, perplexity: metrics::perplexity(loss) }
    }
}

/// A table of two columns.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scores, pairs, untranslated, loss } = self;
        let mut row = |name: &str, value: String| writeln!(f, "{name:<18}{value:>9}");
        let percent = |share: f64| format!("{:.2} %", 100.0 * share);
        row("sources", scores.sources.to_string())?;
        row("pairs", pairs.to_string())?;
        if *untranslated > 0 {
            row("untranslated", untranslated.to_string())?;
        }
        row("word error rate", percent(scores.word_error_rate))?;
        row("symbol error rate", percent(scores.symbol_error_rate))?;
        row("exact match", percent(scores.exact_match))?;
        row("BLEU", format!("{:.2}", scores.bleu))?;
        row("chrF", format!("{:.2}", scores.chrf))?;
        if let Some(Loss { loss, perplexity }) = loss {
            row("loss", format!("{loss:.4}"))?;
            row("perplexity", format!("{perplexity:.4}"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_below_each_other() {
        let scores = Scores {
            sources: 3,
            word_error_rate: 1.0 / 3.0,
            symbol_error_rate: 0.05,
            exact_match: 2.0 / 3.0,
            bleu: 70.125,
            chrf: 81.5,
        };
        let report = Report { scores, pairs: 4, untranslated: 1, loss: Some(Loss::new(0.0)) };
        let expected = "\
sources                   3
pairs                     4
untranslated              1
word error rate     33.33 %
symbol error rate    5.00 %
exact match         66.67 %
BLEU                  70.12
chrF                  81.50
loss                 0.0000
perplexity           1.0000
";
        assert_eq!(report.to_string(), expected);
        let without = Report { untranslated: 0, loss: None, ..report };
        assert_eq!(without.to_string().lines().count(), 7);
    }
}
