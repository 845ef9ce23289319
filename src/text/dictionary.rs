//! What is known without a model.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::pairs::{Pair, read_pairs};
use crate::Result;

/// Sources with their targets, as a file of pairs has them: several lines with one source are so many targets, the
/// first the preferred one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dictionary {
    entries: HashMap<String, Entry>,
}

/// The targets of a source, and where among all pairs each of them stood first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Entry {
    targets: Vec<String>,
    places: Vec<usize>,
}

impl Entry {
    /// Keeps of equal targets the first.
    fn once_each(&mut self) {
        let mut seen = HashSet::new();
        let is_first: Vec<bool> = self.targets.iter().map(|target| seen.insert(target.as_str())).collect();
        let (mut targets, mut places) = (is_first.iter(), is_first.iter());
        self.places.retain(|_| places.next().copied().unwrap_or(true));
        self.targets.retain(|_| targets.next().copied().unwrap_or(true));
    }
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
        self.entries.get(source).map_or(&[], |entry| &entry.targets)
    }

    /// Every source and its targets, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.entries.iter().map(|(source, entry)| (source.as_str(), entry.targets.as_slice()))
    }

    /// How many sources there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The same with its sources spelt in another way; what is spelt the same then is one source, whose targets are in
    /// the order of their pairs.
    #[must_use]
    pub fn respelt(self, spell: impl Fn(&str) -> String) -> Self {
        let pairs = self.entries.into_iter().flat_map(|(source, Entry { targets, places })| {
            let source = spell(&source);
            places.into_iter().zip(targets).map(move |(place, target)| (place, source.clone(), target))
        });
        let mut pairs: Vec<_> = pairs.collect();
        pairs.sort_unstable_by_key(|&(place, ..)| place);
        pairs.into_iter().map(|(_, source, target)| (source, target)).collect()
    }
}

impl<S: Into<String>, T: Into<String>> FromIterator<(S, T)> for Dictionary {
    fn from_iter<I: IntoIterator<Item = (S, T)>>(pairs: I) -> Self {
        let mut entries: HashMap<String, Entry> = HashMap::new();
        for (place, (source, target)) in pairs.into_iter().enumerate() {
            let entry = entries.entry(source.into()).or_default();
            entry.targets.push(target.into());
            entry.places.push(place);
        }
        entries.values_mut().for_each(Entry::once_each);
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
        let pairs = [("b", "1"), ("B", "2"), ("b", "3"), ("a", "4"), ("B", "1")];
        let dictionary = pairs.into_iter().collect::<Dictionary>().respelt(str::to_lowercase);
        assert_eq!(dictionary.get("b"), ["1", "2", "3"]);
        assert_eq!((dictionary.get("a"), dictionary.get("B").len(), dictionary.len()), (&["4".to_owned()][..], 0, 2));
    }
}
