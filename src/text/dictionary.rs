//! What is known without a model.

use std::collections::HashMap;
use std::path::Path;

use super::pairs::{Pair, read_pairs};
use crate::Result;

/// Sources with their targets, as a file of pairs has them: several lines with one source are so many targets, the first
/// the preferred one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dictionary {
    entries: HashMap<String, Vec<String>>,
}

impl Dictionary {
    /// Reads a file of pairs.
    ///
    /// # Errors
    ///
    /// Those of [`read_pairs`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        Ok(read_pairs(path)?.into_iter().map(|Pair { source, target, .. }| (source, target)).collect())
    }

    /// The targets of a source; none if it is not there.
    pub fn get(&self, source: &str) -> &[String] {
        self.entries.get(source).map_or(&[], Vec::as_slice)
    }

    /// How many sources there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The same with its sources spelt in another way; what is spelt the same then is one source.
    #[must_use]
    pub fn respelt(self, spell: impl Fn(&str) -> String) -> Self {
        // In the order of their spelling, so that it does not depend on the map's.
        let mut entries: Vec<_> = self.entries.into_iter().collect();
        entries.sort();
        let pairs = entries.into_iter().flat_map(|(source, targets)| {
            let source = spell(&source);
            targets.into_iter().map(move |target| (source.clone(), target))
        });
        pairs.collect()
    }
}

impl<S: Into<String>, T: Into<String>> FromIterator<(S, T)> for Dictionary {
    fn from_iter<I: IntoIterator<Item = (S, T)>>(pairs: I) -> Self {
        let mut entries: HashMap<String, Vec<String>> = HashMap::new();
        for (source, target) in pairs {
            let (targets, target) = (entries.entry(source.into()).or_default(), target.into());
            if !targets.contains(&target) {
                targets.push(target);
            }
        }
        Self { entries }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_has_its_targets_in_their_order() {
        let dictionary: Dictionary =
            [("read", "R EH D"), ("a", "AH"), ("read", "R IY D"), ("read", "R EH D")].into_iter().collect();
        assert_eq!(dictionary.get("read"), ["R EH D", "R IY D"]);
        assert_eq!((dictionary.get("A").len(), dictionary.len(), dictionary.is_empty()), (0, 2, false));
    }

    #[test]
    fn sources_that_are_spelt_the_same_are_one() {
        let dictionary: Dictionary = [("b", "1"), ("B", "2"), ("b", "2")].into_iter().collect();
        let dictionary = dictionary.respelt(str::to_lowercase);
        assert_eq!((dictionary.get("b"), dictionary.len()), (&["2".to_owned(), "1".to_owned()][..], 1));
    }
}
