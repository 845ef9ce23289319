//! The phones of American English, and the alphabets that they are written in.

use std::fmt;

use crate::{Error, Result};

/// A phone of ARPAbet: a consonant, or a vowel with its stress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Phone {
    symbol: u8,
    stress: Option<Stress>,
}

/// How strongly a vowel is stressed. Where nobody says so, as in dictionaries without stress, there is none of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stress {
    /// 0.
    No,
    /// 1.
    Primary,
    /// 2.
    Secondary,
}

/// An alphabet for phones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Phones {
    /// ARPAbet as the Carnegie Mellon Pronouncing Dictionary has it: `HH AH0 L OW1`.
    #[default]
    Arpabet,
    /// The International Phonetic Alphabet, stress before the onset of the syllable: `h ə ˈl oʊ`.
    Ipa,
    /// The same, stress before the vowel, as espeak-ng has it: `h ə l ˈoʊ`.
    IpaVowel,
    /// X-SAMPA, stress before the onset of the syllable: `h @ "l oU`.
    XSampa,
}

/// ARPAbet, IPA and X-SAMPA; vowels have two of each where one without stress is written otherwise.
///
/// The symbols of ARPAbet are those of `cmudict.phones`; the IPA's are those for American English in the Handbook of the
/// International Phonetic Association (1999, pages 41–44), with ɝ and ɚ for its rhotic vowel; X-SAMPA is Wells (1995).
const SYMBOLS: [(&str, &str, &str); 41] = [
    ("AA", "ɑ", "A"),
    ("AE", "æ", "{"),
    ("AH", "ʌ", "V"),
    ("AO", "ɔ", "O"),
    ("AW", "aʊ", "aU"),
    ("AY", "aɪ", "aI"),
    ("EH", "ɛ", "E"),
    ("ER", "ɝ", "3`"),
    ("EY", "eɪ", "eI"),
    ("IH", "ɪ", "I"),
    ("IY", "i", "i"),
    ("OW", "oʊ", "oU"),
    ("OY", "ɔɪ", "OI"),
    ("UH", "ʊ", "U"),
    ("UW", "u", "u"),
    ("B", "b", "b"),
    ("CH", "tʃ", "tS"),
    ("D", "d", "d"),
    ("DH", "ð", "D"),
    ("F", "f", "f"),
    ("G", "ɡ", "g"),
    ("HH", "h", "h"),
    ("JH", "dʒ", "dZ"),
    ("K", "k", "k"),
    ("L", "l", "l"),
    ("M", "m", "m"),
    ("N", "n", "n"),
    ("NG", "ŋ", "N"),
    ("P", "p", "p"),
    ("R", "ɹ", "r\\"),
    ("S", "s", "s"),
    ("SH", "ʃ", "S"),
    ("T", "t", "t"),
    ("TH", "θ", "T"),
    ("V", "v", "v"),
    ("W", "w", "w"),
    ("Y", "j", "j"),
    ("Z", "z", "z"),
    ("ZH", "ʒ", "Z"),
    ("AH0", "ə", "@"),
    ("ER0", "ɚ", "@`"),
];

/// How many of them are vowels, and how many are symbols without a stress of their own.
const VOWELS: u8 = 15;
const PLAIN: usize = 39;

/// What can stand at the beginning of an English syllable, beside single consonants (Kenyon and Knott 1944, and loans).
const ONSETS: [&str; 50] = [
    "B L", "B R", "B W", "B Y", "D R", "D W", "D Y", "F L", "F R", "F Y", "G L", "G R", "G W", "G Y", "HH W", "HH Y",
    "K L", "K R", "K W", "K Y", "M Y", "N Y", "P L", "P R", "P Y", "S F", "S K", "S K L", "S K R", "S K W", "S K Y",
    "S L", "S M", "S N", "S P", "S P L", "S P R", "S P Y", "S T", "S T R", "S W", "SH L", "SH M", "SH R", "T R", "T W",
    "TH R", "TH W", "T Y", "V Y",
];

impl Phone {
    /// Every phone: consonants, and vowels without stress and with each.
    pub fn all() -> impl Iterator<Item = Self> {
        const STRESSES: [Option<Stress>; 4] = [None, Some(Stress::No), Some(Stress::Primary), Some(Stress::Secondary)];
        (0..PLAIN as u8).flat_map(|symbol| {
            let stresses = if symbol < VOWELS { &STRESSES[..] } else { &STRESSES[..1] };
            stresses.iter().map(move |&stress| Self { symbol, stress })
        })
    }

    /// The phone of a symbol of ARPAbet, such as `AH0`.
    pub fn parse(arpabet: &str) -> Option<Self> {
        let (name, stress) = match arpabet.as_bytes().last()? {
            b'0' => (&arpabet[..arpabet.len() - 1], Some(Stress::No)),
            b'1' => (&arpabet[..arpabet.len() - 1], Some(Stress::Primary)),
            b'2' => (&arpabet[..arpabet.len() - 1], Some(Stress::Secondary)),
            _ => (arpabet, None),
        };
        let symbol = SYMBOLS[..PLAIN].iter().position(|(symbol, ..)| *symbol == name)? as u8;
        (stress.is_none() || symbol < VOWELS).then_some(Self { symbol, stress })
    }

    /// Whether it is a vowel.
    pub fn is_vowel(self) -> bool {
        self.symbol < VOWELS
    }

    /// Its stress, if it is a vowel of which that is known.
    pub fn stress(self) -> Option<Stress> {
        self.stress
    }

    /// Its symbol of ARPAbet, without stress.
    pub fn name(self) -> &'static str {
        SYMBOLS[usize::from(self.symbol)].0
    }

    /// Its symbols in IPA and X-SAMPA, without a mark of stress.
    fn row(self) -> (&'static str, &'static str) {
        let reduced = || SYMBOLS[PLAIN..].iter().find(|(name, ..)| name.strip_suffix('0') == Some(self.name()));
        let plain = &SYMBOLS[usize::from(self.symbol)];
        let (_, ipa, xsampa) = if self.stress == Some(Stress::No) { reduced().unwrap_or(plain) } else { plain };
        (ipa, xsampa)
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stress = match self.stress {
            None => "",
            Some(Stress::No) => "0",
            Some(Stress::Primary) => "1",
            Some(Stress::Secondary) => "2",
        };
        write!(formatter, "{}{stress}", self.name())
    }
}

impl Phones {
    /// The symbols of a word's phones, each with the mark of stress that stands before it.
    pub fn symbols(self, phones: &[Phone]) -> Vec<String> {
        if self == Self::Arpabet {
            return phones.iter().map(Phone::to_string).collect();
        }
        let mut symbols: Vec<String> = phones
            .iter()
            .map(|phone| if self == Self::XSampa { phone.row().1 } else { phone.row().0 }.to_owned())
            .collect();
        for (at, phone) in phones.iter().enumerate() {
            if let Some(mark) = phone.stress.and_then(|stress| self.mark(stress)) {
                let place = if self == Self::IpaVowel { at } else { onset(phones, at) };
                symbols[place].insert_str(0, mark);
            }
        }
        symbols
    }

    /// A word's phones, a space between them.
    pub fn spell(self, phones: &[Phone]) -> String {
        self.symbols(phones).join(" ")
    }

    /// The phones that were [spelt](Self::spell) so. A vowel without a mark of stress is taken for one without stress.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownSymbol`] with the first symbol that is none of this alphabet's.
    pub fn parse(self, text: &str) -> Result<Vec<Phone>> {
        let mut stress = Stress::No;
        let symbol = |(position, symbol): (usize, &str)| {
            let unknown = || Error::UnknownSymbol { symbol: symbol.to_owned(), position };
            if self == Self::Arpabet {
                return Phone::parse(symbol).ok_or_else(unknown);
            }
            let marked = [Stress::Primary, Stress::Secondary]
                .into_iter()
                .find_map(|stress| Some((stress, symbol.strip_prefix(self.mark(stress)?)?)));
            let plain = marked.map_or(symbol, |(found, rest)| {
                stress = found;
                rest
            });
            let spelling = |row: &(&str, &'static str, &'static str)| if self == Self::XSampa { row.2 } else { row.1 };
            let at = SYMBOLS.iter().position(|row| spelling(row) == plain).ok_or_else(unknown)?;
            let name = SYMBOLS[at].0.trim_end_matches('0');
            let phone = Phone::parse(name).ok_or_else(unknown)?;
            let stress = phone.is_vowel().then(|| std::mem::replace(&mut stress, Stress::No));
            Ok(Phone { stress, ..phone })
        };
        text.split_whitespace().enumerate().map(symbol).collect()
    }

    /// The mark of a stress.
    fn mark(self, stress: Stress) -> Option<&'static str> {
        match (self, stress) {
            (Self::Arpabet, _) | (_, Stress::No) => None,
            (Self::XSampa, Stress::Primary) => Some("\""),
            (Self::XSampa, Stress::Secondary) => Some("%"),
            (_, Stress::Primary) => Some("ˈ"),
            (_, Stress::Secondary) => Some("ˌ"),
        }
    }
}

/// Where the syllable of the vowel `at` begins: of the consonants before it, as many as can begin one (the maximal onset
/// principle, Kahn 1976); all of them at the beginning of the word.
fn onset(phones: &[Phone], at: usize) -> usize {
    let before = phones[..at].iter().rposition(|phone| phone.is_vowel()).map(|vowel| vowel + 1);
    let Some(first) = before else { return 0 };
    let begins = |start: usize| match &phones[start..at] {
        [] => true,
        [one] => one.name() != "NG",
        several => ONSETS.contains(&several.iter().map(|phone| phone.name()).collect::<Vec<_>>().join(" ").as_str()),
    };
    (first..=at).find(|&start| begins(start)).unwrap_or(at)
}

/// The phones of a line of ARPAbet.
///
/// # Errors
///
/// [`Error::UnknownSymbol`].
pub fn arpabet(text: &str) -> Result<Vec<Phone>> {
    Phones::Arpabet.parse(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelt(phones: Phones, text: &str) -> String {
        phones.spell(&arpabet(text).expect("ARPAbet"))
    }

    #[test]
    fn every_phone_both_ways() {
        assert_eq!(Phone::all().count(), 24 + 4 * 15);
        for phone in Phone::all() {
            assert_eq!(Phone::parse(&phone.to_string()), Some(phone));
            for phones in [Phones::Ipa, Phones::IpaVowel, Phones::XSampa] {
                // IPA says nothing of a stress that nobody knows.
                if phone.stress().is_some() || !phone.is_vowel() {
                    assert_eq!(phones.parse(&phones.spell(&[phone])).expect("ours"), [phone], "{phone} {phones:?}");
                }
            }
        }
        for wrong in ["", "AH3", "B1", "ah0", "X", "0", "AHÄ"] {
            assert_eq!(Phone::parse(wrong), None, "{wrong}");
        }
        assert!(matches!(Phones::Ipa.parse("h q"), Err(Error::UnknownSymbol { symbol, position: 1 }) if symbol == "q"));
    }

    #[test]
    fn stress_stands_before_the_onset_or_the_vowel() {
        for (arpabet, ipa, vowel, xsampa) in [
            ("HH AH0 L OW1", "h ə ˈl oʊ", "h ə l ˈoʊ", "h @ \"l oU"),
            ("EH1 K S T R AH0", "ˈɛ k s t ɹ ə", "ˈɛ k s t ɹ ə", "\"E k s t r\\ @"),
            ("IH0 K S T R IY1 M", "ɪ k ˈs t ɹ i m", "ɪ k s t ɹ ˈi m", "I k \"s t r\\ i m"),
            ("S IH1 NG ER0", "ˈs ɪ ŋ ɚ", "s ˈɪ ŋ ɚ", "\"s I N @`"),
            ("AE2 L AH0 B AE1 M AH0", "ˌæ l ə ˈb æ m ə", "ˌæ l ə b ˈæ m ə", "%{ l @ \"b { m @"),
            ("B L AE1 K B ER2 D", "ˈb l æ k ˌb ɝ d", "b l ˈæ k b ˌɝ d", "\"b l { k %b 3` d"),
            ("P S", "p s", "p s", "p s"),
            ("", "", "", ""),
        ] {
            assert_eq!(spelt(Phones::Arpabet, arpabet), arpabet);
            assert_eq!(spelt(Phones::Ipa, arpabet), ipa);
            assert_eq!(spelt(Phones::IpaVowel, arpabet), vowel);
            assert_eq!(spelt(Phones::XSampa, arpabet), xsampa);
        }
    }
}
