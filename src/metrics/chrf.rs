//! chrF (Popović 2015), as sacreBLEU computes it (Post 2018).

use super::corpus::{check, share};
use super::ngrams::{self, Counts};
use crate::Result;

/// The longest runs of characters that are counted.
const ORDERS: usize = 6;

/// β²: recall counts β = 2 times as much as precision.
const BETA_SQUARED: f64 = 4.0;

/// chrF2 of a corpus, from 0 to 100.
///
/// (1 + β²) P R / (β² P + R) with β = 2, where P and R are the means over runs of 1 … 6 characters, without whitespace,
/// of the shares of the hypotheses' and the references' runs that match. Of several references the one with the best
/// value counts; orders that hypotheses or references are too short for are left out. The signature is
/// `nrefs:var|case:mixed|eff:yes|nc:6|nw:0|space:no`.
///
/// # Errors
///
/// [`Error::Config`](crate::Error::Config) if there are no hypotheses, or one has no references;
/// [`Error::Shape`](crate::Error::Shape) if there are not as many lists of references as hypotheses.
///
/// ```
/// let chrf = seq2seq::metrics::chrf(&["1984-03-08"], &[vec!["1984-03-03"]])?;
/// assert!((chrf - 85.9061).abs() < 1e-4);
/// # Ok::<(), seq2seq::Error>(())
/// ```
pub fn chrf<H: AsRef<str>, R: AsRef<str>>(hypotheses: &[H], references: &[Vec<R>]) -> Result<f64> {
    check(hypotheses, references)?;
    let mut corpus = Statistics::default();
    for (hypothesis, references) in hypotheses.iter().zip(references) {
        let hypothesis = characters(hypothesis.as_ref());
        let runs = all_orders(&hypothesis);
        let mut best: Option<Statistics> = None;
        for reference in references {
            let statistics = Statistics::new(&runs, &all_orders(&characters(reference.as_ref())));
            if best.as_ref().is_none_or(|best| statistics.chrf() > best.chrf()) {
                best = Some(statistics);
            }
        }
        corpus.add(&best.unwrap_or_default());
    }
    Ok(corpus.chrf())
}

/// The characters that count.
fn characters(text: &str) -> Vec<char> {
    text.chars().filter(|&c| !super::tokenize::is_space(c)).collect()
}

fn all_orders(text: &[char]) -> [Counts<'_, char>; ORDERS] {
    std::array::from_fn(|order| ngrams::count(text, order + 1))
}

/// Runs of 1 … 6 characters.
#[derive(Clone, Copy, Debug, Default)]
struct Order {
    hypothesis: usize,
    reference: usize,
    matched: usize,
}

/// All that chrF needs to know of a corpus.
#[derive(Clone, Debug, Default)]
struct Statistics([Order; ORDERS]);

impl Statistics {
    fn new(hypothesis: &[Counts<'_, char>; ORDERS], reference: &[Counts<'_, char>; ORDERS]) -> Self {
        Self(std::array::from_fn(|order| {
            let (hypothesis, reference) = (&hypothesis[order], &reference[order]);
            Order {
                // What the reference is too short for is not held against the hypothesis.
                hypothesis: if reference.is_empty() { 0 } else { hypothesis.values().sum() },
                reference: reference.values().sum(),
                matched: ngrams::matches(hypothesis, reference),
            }
        }))
    }

    fn add(&mut self, other: &Self) {
        for (sum, order) in self.0.iter_mut().zip(&other.0) {
            sum.hypothesis += order.hypothesis;
            sum.reference += order.reference;
            sum.matched += order.matched;
        }
    }

    fn chrf(&self) -> f64 {
        let orders = self.0.iter().filter(|order| order.hypothesis > 0 && order.reference > 0);
        let (mut precision, mut recall, mut count) = (0.0, 0.0, 0.0);
        for order in orders {
            precision += share(order.matched, order.hypothesis);
            recall += share(order.matched, order.reference);
            count += 1.0;
        }
        if precision + recall == 0.0 {
            return 0.0;
        }
        let (precision, recall) = (precision / count, recall / count);
        100.0 * (1.0 + BETA_SQUARED) * precision * recall / (BETA_SQUARED * precision + recall)
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
            let found = chrf(&hypotheses, &references)?;
            assert!((found - case.chrf).abs() < 1e-9, "{}: {found}, sacreBLEU has {}", case.name, case.chrf);
        }
        Ok(())
    }
}
