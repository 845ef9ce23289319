//! Edit distance, and the symbol error rate made of it.

use super::corpus::share;

/// The fewest insertions, deletions and substitutions that make one sequence the other (Levenshtein 1966).
///
/// Time is the product of the lengths, memory the length of `other`.
///
/// ```
/// assert_eq!(seq2seq::metrics::edit_distance(b"kitten", b"sitting"), 3);
/// ```
pub fn edit_distance<T: PartialEq>(one: &[T], other: &[T]) -> usize {
    // Row i of the table: the distances of one[..i] from every other[..j].
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, left) in one.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in other.iter().enumerate() {
            let substituted = diagonal + usize::from(left != right);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[other.len()]
}

/// The symbol error rate of a corpus: Σ distance / Σ length, with the closest reference of every source.
///
/// The closest is the least (distance, length): of two references at one distance the shorter counts, as in the
/// evaluation of the SIGMORPHON shared tasks on grapheme-to-phoneme conversion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SymbolErrors {
    /// Σ of the edit distances.
    pub errors: usize,
    /// Σ of the lengths of the references that were closest.
    pub symbols: usize,
}

impl SymbolErrors {
    /// Counts a hypothesis. Without a reference there is nothing to count.
    pub fn add<T: PartialEq, R: AsRef<[T]>>(&mut self, hypothesis: &[T], references: &[R]) {
        let found = references.iter().map(AsRef::as_ref);
        let closest = found.map(|reference| (edit_distance(hypothesis, reference), reference.len())).min();
        if let Some((distance, length)) = closest {
            self.errors += distance;
            self.symbols += length;
        }
    }

    /// Errors per symbol of the references; may exceed 1.
    pub fn rate(&self) -> f64 {
        share(self.errors, self.symbols)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_known_from_textbooks() {
        let distance = |one: &str, other: &str| {
            let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
            let found = edit_distance(&one, &other);
            assert_eq!(found, edit_distance(&other, &one), "symmetric");
            found
        };
        assert_eq!(distance("", ""), 0);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("flaw", "lawn"), 2);
        assert_eq!(distance("saturday", "sunday"), 3);
        assert_eq!(distance("intention", "execution"), 5);
        assert_eq!(distance("éa", "ae"), 2);
    }

    #[test]
    fn the_closest_reference_counts_and_of_two_the_shorter() {
        let mut errors = SymbolErrors::default();
        errors.add(b"abcd", &[&b"abcdef"[..], b"abcx", b"abc"]);
        assert_eq!(errors, SymbolErrors { errors: 1, symbols: 3 }, "abcx is as close as abc");
        errors.add(b"xy", &[&b"xyz"[..], b"xy"]);
        assert_eq!(errors, SymbolErrors { errors: 1, symbols: 5 });
        errors.add::<u8, &[u8]>(b"xy", &[]);
        assert_eq!(errors.rate(), 0.2);
        assert_eq!(SymbolErrors::default().rate(), 0.0);
    }
}
