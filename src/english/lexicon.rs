//! A pronouncing dictionary in a few bytes a word, read where it lies.
//!
//! Words are keys of a finite state transducer (the crate `fst`; Mihov and Maurel 2001), which gives a word's rank. The
//! pronunciations stand one behind the other in the order of the ranks, a byte a phone or a pair of symbols (byte pair
//! encoding, Gage 1994). An index has where each block of 32 words begins.
//!
//! | bytes | hold |
//! |---|---|
//! | 8 | `S2LEX` and the version, `001` |
//! | 3 × 4 | how many bytes the pairs, the index and the pronunciations take, little endian |
//! | | the pairs: two bytes for each code from 86 on |
//! | | the index: four bytes for each block, where it begins among the pronunciations |
//! | | the pronunciations: of each word, their codes, 1 between two of them, then 0; 2 to 85 are phones |
//! | rest | the transducer |

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use fst::Map;

use super::phones::Phone;
use crate::{Error, Result};

const MAGIC: &[u8; 8] = b"S2LEX001";

/// Ends the pronunciations of a word.
const END: u8 = 0;
/// Stands between two pronunciations of a word.
const NEXT: u8 = 1;
/// The code of the first phone; the others follow in the order of [`Phone::all`].
const FIRST_PHONE: u8 = 2;
/// The first code of a pair.
const FIRST_PAIR: u8 = 86;
/// The most phones of a pronunciation.
const MOST_PHONES: usize = 1000;
/// How many words are found together.
const BLOCK: usize = 32;

static PHONES: LazyLock<Vec<Phone>> = LazyLock::new(|| Phone::all().collect());

/// A pronouncing dictionary.
///
/// ```
/// use seq2seq::english::{Lexicon, phones::Phones};
///
/// let lexicon = Lexicon::cmudict()?;
/// let found = lexicon.get("hello");
/// let spelt: Vec<_> = found.iter().map(|phones| Phones::Arpabet.spell(phones)).collect();
/// assert_eq!(spelt, ["HH AH0 L OW1", "HH EH0 L OW1"]);
/// # Ok::<(), seq2seq::Error>(())
/// ```
pub struct Lexicon {
    words: Map<&'static [u8]>,
    pairs: Vec<[u8; 2]>,
    index: Vec<u32>,
    pronunciations: &'static [u8],
}

impl Lexicon {
    /// The Carnegie Mellon Pronouncing Dictionary that is inside the library.
    ///
    /// # Errors
    ///
    /// None, but if this library was built from a damaged file.
    #[cfg(feature = "lexicon")]
    pub fn cmudict() -> Result<Self> {
        Self::from_static(include_bytes!("../../models/cmudict/cmudict.lexicon"))
    }

    /// A lexicon that lies in memory for as long as the program runs.
    ///
    /// # Errors
    ///
    /// [`Error::Format`] if these are no bytes of a lexicon.
    pub fn from_static(bytes: &'static [u8]) -> Result<Self> {
        let wrong = |reason: &str| Error::format("lexicon", reason);
        let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| wrong("no lexicon"))?;
        let (sizes, mut rest) = rest.split_at_checked(12).ok_or_else(|| wrong("cut off"))?;
        let mut part = |at: usize| {
            let size = u32::from_le_bytes([sizes[at], sizes[at + 1], sizes[at + 2], sizes[at + 3]]) as usize;
            let (part, others) = rest.split_at_checked(size).ok_or_else(|| wrong("cut off"))?;
            rest = others;
            Ok::<_, Error>(part)
        };
        let (pairs, index, pronunciations) = (part(0)?, part(4)?, part(8)?);
        let words = Map::new(rest).map_err(|error| wrong(&error.to_string()))?;
        words.as_fst().verify().map_err(|error| wrong(&error.to_string()))?;
        Ok(Self {
            words,
            pairs: pairs.as_chunks().0.to_vec(),
            index: index.as_chunks().0.iter().map(|&bytes| u32::from_le_bytes(bytes)).collect(),
            pronunciations,
        })
    }

    /// How many words there are.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Whether it has this word.
    pub fn contains(&self, word: &str) -> bool {
        self.words.contains_key(word)
    }

    /// The pronunciations of a word, in lower case; the preferred one first, none if the word is not there.
    pub fn get(&self, word: &str) -> Vec<Vec<Phone>> {
        self.words.get(word).and_then(|rank| self.pronunciations(rank as usize)).unwrap_or_default()
    }

    fn pronunciations(&self, rank: usize) -> Option<Vec<Vec<Phone>>> {
        let block = *self.index.get(rank / BLOCK)? as usize;
        let word = self.pronunciations.get(block..)?.split(|&code| code == END).nth(rank % BLOCK)?;
        let pronunciation = |codes: &[u8]| {
            let mut phones = Vec::with_capacity(2 * codes.len());
            codes.iter().for_each(|&code| self.expand(code, &mut phones));
            phones
        };
        Some(word.split(|&code| code == NEXT).map(pronunciation).collect())
    }

    /// The phones of a code. A pair is made of codes before its own; a file that makes too much of them is cut short.
    fn expand(&self, code: u8, phones: &mut Vec<Phone>) {
        if phones.len() >= MOST_PHONES {
            return;
        }
        if code < FIRST_PAIR {
            phones.extend(PHONES.get(usize::from(code.saturating_sub(FIRST_PHONE))));
        } else if let Some(pair) = self.pairs.get(usize::from(code - FIRST_PAIR)) {
            pair.iter().filter(|&&part| part < code).for_each(|&part| self.expand(part, phones));
        }
    }
}

impl std::fmt::Debug for Lexicon {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Lexicon").field("words", &self.len()).finish_non_exhaustive()
    }
}

/// The bytes of a lexicon of these words and pronunciations; of several with one word the first is preferred.
///
/// # Errors
///
/// [`Error::Format`] if there is more than the format can hold.
pub fn encode(entries: impl IntoIterator<Item = (String, Vec<Phone>)>) -> Result<Vec<u8>> {
    let wrong = |reason: &dyn std::fmt::Display| Error::format("lexicon", reason);
    let mut words: BTreeMap<String, Vec<Vec<Phone>>> = BTreeMap::new();
    for (word, phones) in entries {
        let known = words.entry(word).or_default();
        if !known.contains(&phones) {
            known.push(phones);
        }
    }
    let code = |phone: &Phone| PHONES.iter().position(|other| other == phone).map_or(0, |at| at as u8 + FIRST_PHONE);
    let codes = |phones: &Vec<Phone>| phones.iter().map(code).collect::<Vec<u8>>();
    let mut texts: Vec<Vec<u8>> =
        words.values().map(|known| known.iter().map(codes).collect::<Vec<_>>().join(&NEXT)).collect();
    let pairs = join_pairs(&mut texts);

    let (mut index, mut pronunciations) = (Vec::new(), Vec::new());
    for (rank, text) in texts.iter().enumerate() {
        if rank % BLOCK == 0 {
            index.extend((pronunciations.len() as u32).to_le_bytes());
        }
        pronunciations.extend(text);
        pronunciations.push(END);
    }
    let ranks = words.keys().zip(0..);
    let words = Map::from_iter(ranks).map_err(|error| wrong(&error))?;
    let mut bytes = MAGIC.to_vec();
    for size in [pairs.len() * 2, index.len(), pronunciations.len()] {
        bytes.extend(u32::try_from(size).map_err(|error| wrong(&error))?.to_le_bytes());
    }
    bytes.extend(pairs.as_flattened());
    bytes.extend(index);
    bytes.extend(pronunciations);
    bytes.extend(words.as_fst().as_bytes());
    Ok(bytes)
}

/// Replaces, as long as there are codes left, the most frequent pair of neighbours by a code of its own.
fn join_pairs(texts: &mut [Vec<u8>]) -> Vec<[u8; 2]> {
    let mut pairs = Vec::new();
    for code in FIRST_PAIR..=u8::MAX {
        let mut counts: HashMap<[u8; 2], usize> = HashMap::new();
        for text in texts.iter() {
            for pair in text.windows(2).filter(|pair| !pair.contains(&NEXT)) {
                *counts.entry([pair[0], pair[1]]).or_default() += 1;
            }
        }
        // Of several that are as frequent the last one, whatever the order of the map.
        let Some((pair, _)) =
            counts.into_iter().filter(|&(_, count)| count > 1).max_by_key(|&(pair, count)| (count, pair))
        else {
            break;
        };
        pairs.push(pair);
        for text in texts.iter_mut() {
            let mut joined = Vec::with_capacity(text.len());
            let mut rest = &text[..];
            while let [first, others @ ..] = rest {
                let is_pair = rest.starts_with(&pair);
                joined.push(if is_pair { code } else { *first });
                rest = if is_pair { &rest[2..] } else { others };
            }
            *text = joined;
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::super::phones::{Phones, arpabet};
    use super::*;

    #[test]
    fn what_is_put_in_comes_out() {
        let words =
            [("b", "B IY1"), ("a", "AH0"), ("a", "EY1"), ("a", "AH0"), ("abba", "AE1 B AH0"), ("é", "EY1 EY1 EY1 EY1")];
        let many = (0..100).map(|number| (format!("w{number}"), "D AH1 B AH0 L".to_owned()));
        let entries: Vec<(String, String)> =
            words.map(|(word, phones)| (word.to_owned(), phones.to_owned())).into_iter().chain(many).collect();
        let phones = entries.iter().map(|(word, phones)| (word.clone(), arpabet(phones).expect("ARPAbet")));
        let bytes = encode(phones).expect("a few words").leak();
        let lexicon = Lexicon::from_static(bytes).expect("a lexicon");
        assert_eq!((lexicon.len(), lexicon.is_empty()), (104, false));
        let get = |word: &str| lexicon.get(word).iter().map(|phones| Phones::Arpabet.spell(phones)).collect::<Vec<_>>();
        assert_eq!(get("a"), ["AH0", "EY1"]);
        assert_eq!(
            (get("b"), get("é"), get("abba")),
            (vec!["B IY1".into()], vec!["EY1 EY1 EY1 EY1".into()], vec!["AE1 B AH0".into()])
        );
        assert!((0..100).all(|number| get(&format!("w{number}")) == ["D AH1 B AH0 L"]));
        assert!(get("").is_empty() && get("w100").is_empty() && get("w").is_empty());
    }

    #[test]
    fn what_is_no_lexicon_is_refused() {
        let bytes = encode([("a".to_owned(), arpabet("AH0").expect("ARPAbet"))]).expect("a word");
        for length in 0..bytes.len() {
            let cut = bytes[..length].to_vec().leak();
            assert!(Lexicon::from_static(cut).is_err(), "{length} of {} bytes", bytes.len());
        }
        assert!(Lexicon::from_static(bytes.leak()).is_ok());
    }
}
