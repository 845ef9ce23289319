//! BLEU (Papineni et al. 2002), as sacreBLEU computes it (Post 2018).

use super::corpus::check;
use super::ngrams::{self, Counts};
use super::tokenize::tokenize_13a;
use crate::Result;

/// The longest runs of words that are counted.
const ORDERS: usize = 4;

/// BLEU of a corpus, from 0 to 100.
///
/// BP · exp(¼ Σ_n ln p_n) for runs of n = 1 … 4 tokens of [`tokenize_13a`], where p_n is the share of the hypotheses'
/// runs that a reference has, each counted at most as often as in one of the references; BP = exp(min(0, 1 − r / h))
/// for h tokens in the hypotheses and r in the references that are closest in length. An order without a match counts
/// as ½, ¼, … matches, one halving for each such order (sacreBLEU's `exp`). The signature is
/// `nrefs:var|case:mixed|eff:no|tok:13a|smooth:exp`.
///
/// # Errors
///
/// [`Error::Config`](crate::Error::Config) if there are no hypotheses, or one has no references;
/// [`Error::Shape`](crate::Error::Shape) if there are not as many lists of references as hypotheses.
///
/// ```
/// let bleu = seq2seq::metrics::bleu(&["the cat sat on the mat"], &[vec!["the cat sat on a mat"]])?;
/// assert!((bleu - 53.7285).abs() < 1e-4);
/// # Ok::<(), seq2seq::Error>(())
/// ```
pub fn bleu<H: AsRef<str>, R: AsRef<str>>(hypotheses: &[H], references: &[Vec<R>]) -> Result<f64> {
    check(hypotheses, references)?;
    let mut statistics = Statistics::default();
    for (hypothesis, references) in hypotheses.iter().zip(references) {
        let references: Vec<_> = references.iter().map(|reference| tokenize_13a(reference.as_ref())).collect();
        statistics.add(&tokenize_13a(hypothesis.as_ref()), &references);
    }
    Ok(statistics.bleu())
}

/// All that BLEU needs to know of a corpus.
#[derive(Clone, Debug, Default)]
struct Statistics {
    /// Tokens of the hypotheses.
    hypothesis_len: usize,
    /// Tokens of the closest references.
    reference_len: usize,
    /// Runs of 1 … 4 tokens that a reference has.
    matched: [usize; ORDERS],
    /// Runs of the hypotheses.
    total: [usize; ORDERS],
}

impl Statistics {
    fn add(&mut self, hypothesis: &[String], references: &[Vec<String>]) {
        let lengths = references.iter().map(Vec::len);
        let closest = lengths.min_by_key(|length| (length.abs_diff(hypothesis.len()), *length));
        self.hypothesis_len += hypothesis.len();
        self.reference_len += closest.unwrap_or(0);
        for order in 0..ORDERS {
            let mut most = Counts::new();
            for (run, count) in references.iter().flat_map(|reference| ngrams::count(reference, order + 1)) {
                let entry: &mut usize = most.entry(run).or_default();
                *entry = count.max(*entry);
            }
            self.matched[order] += ngrams::matches(&ngrams::count(hypothesis, order + 1), &most);
            self.total[order] += (hypothesis.len() + 1).saturating_sub(order + 1);
        }
    }

    fn bleu(&self) -> f64 {
        // Smoothing is for a missing order, not for missing everything; and runs too long for any hypothesis match
        // none.
        if self.matched == [0; ORDERS] || self.total.contains(&0) {
            return 0.0;
        }
        let mut halvings = 1.0;
        let mut log_precision = 0.0;
        for (&matched, &total) in self.matched.iter().zip(&self.total) {
            let matched = if matched == 0 {
                halvings /= 2.0;
                halvings
            } else {
                matched as f64
            };
            log_precision += (matched / total as f64).ln() / ORDERS as f64;
        }
        let brevity = (1.0 - self.reference_len as f64 / self.hypothesis_len as f64).min(0.0);
        100.0 * (log_precision + brevity).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::super::reference_values;
    use super::*;

    #[test]
    fn values_are_sacrebleus() -> Result<()> {
        for case in reference_values::CASES {
            let (hypotheses, references) = case.corpus();
            let found = bleu(&hypotheses, &references)?;
            assert!((found - case.bleu).abs() < 1e-9, "{}: {found}, sacreBLEU has {}", case.name, case.bleu);
        }
        Ok(())
    }
}
