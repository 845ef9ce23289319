//! Runs of symbols, counted.

use std::collections::HashMap;
use std::hash::Hash;

/// How often each run of `order` symbols occurs.
pub type Counts<'a, T> = HashMap<&'a [T], usize>;

/// The runs of `order` ≥ 1 symbols; none of what is shorter.
pub fn count<T: Eq + Hash>(symbols: &[T], order: usize) -> Counts<'_, T> {
    let mut counts = Counts::new();
    for run in symbols.windows(order) {
        *counts.entry(run).or_default() += 1;
    }
    counts
}

/// Occurrences in the hypothesis that the reference has as well, each of the reference's used once.
pub fn matches<T: Eq + Hash>(hypothesis: &Counts<'_, T>, reference: &Counts<'_, T>) -> usize {
    hypothesis.iter().map(|(run, &count)| reference.get(run).map_or(0, |&most| count.min(most))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_matched_as_often_as_both_have_them() {
        let (one, other) = (count(b"abababa", 2), count(b"babc", 2));
        assert_eq!(one, Counts::from([(&b"ab"[..], 3), (b"ba", 3)]));
        assert_eq!(matches(&one, &other), 2, "ab and ba, once each");
        assert!(count(b"a", 2).is_empty());
    }
}
