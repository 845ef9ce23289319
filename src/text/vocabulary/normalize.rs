//! What a tokenizer makes of a text before it divides it.

use std::borrow::Cow;
use std::fmt::{self, Display};
use std::str::FromStr;

use tokenizers::normalizers::replace::{Replace, ReplacePattern};
use tokenizers::normalizers::{Lowercase, NFC, NFD, NFKC, Sequence, StripAccents};
use tokenizers::{NormalizedString, Normalizer, NormalizerWrapper, Result as TokenizerResult};

use crate::{Error, Result};

/// A sum of steps that make spellings one which are to be one, in the order of [`Step`].
///
/// ```
/// use seq2seq::text::vocabulary::{Normalization, TokenKind, build_normalized};
///
/// let normalization: Normalization = "nfkc+lower+strip-accents".parse()?;
/// let tokenizer = build_normalized(&TokenKind::Char, &normalization, &["Café"])?;
/// assert_eq!(tokenizer.encode("ＣAFE")?.tokens, ["c", "a", "f", "e"]);
/// # Ok::<(), seq2seq::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Normalization(Vec<Step>);

/// A step of a normalization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Apostrophes and quotation marks as keyboards have them: ’ is ', “ is ".
    Quotes,
    /// Composed characters: an e and an accent are é (Unicode Standard Annex #15).
    Nfc,
    /// Compatible characters too: ﬁ is fi, ５ is 5.
    Nfkc,
    /// Small letters.
    Lower,
    /// No marks: é is e.
    StripAccents,
}

impl Step {
    const ALL: [(Self, &str); 5] = [
        (Self::Quotes, "quotes"),
        (Self::Nfc, "nfc"),
        (Self::Nfkc, "nfkc"),
        (Self::Lower, "lower"),
        (Self::StripAccents, "strip-accents"),
    ];
}

/// What people and their programs type for the apostrophe.
pub const APOSTROPHES: &str = "’‘‛ʼʹ′´`＇";

/// What they type for the quotation mark.
const QUOTATION_MARKS: &str = "“”„‟″＂";

/// Puts a character in the place of each of some others.
fn replace_all(characters: &str, with: &str) -> TokenizerResult<NormalizerWrapper> {
    Ok(Replace::new(ReplacePattern::Regex(format!("[{characters}]")), with)?.into())
}

impl Normalization {
    /// The normalizer of a tokenizer's file; none if there is nothing to do.
    pub(super) fn normalizer(&self) -> TokenizerResult<Option<NormalizerWrapper>> {
        let mut normalizers: Vec<NormalizerWrapper> = Vec::new();
        for step in &self.0 {
            match step {
                // Before the marks that stand for one are taken for a space and an accent.
                Step::Quotes => {
                    normalizers.extend([replace_all(APOSTROPHES, "'")?, replace_all(QUOTATION_MARKS, "\"")?])
                }
                Step::Nfc => normalizers.push(NFC.into()),
                Step::Nfkc => normalizers.push(NFKC.into()),
                Step::Lower => normalizers.push(Lowercase.into()),
                // A mark can be taken off once it stands by itself; what is left is composed again.
                Step::StripAccents => normalizers.extend([NFD.into(), StripAccents.into(), NFC.into()]),
            }
        }
        Ok((!normalizers.is_empty()).then(|| Sequence::new(normalizers).into()))
    }

    /// What it makes of texts.
    pub(super) fn apply<'a, S: AsRef<str>>(&self, texts: &'a [S]) -> TokenizerResult<Vec<Cow<'a, str>>> {
        let Some(normalizer) = self.normalizer()? else {
            return Ok(texts.iter().map(|text| text.as_ref().into()).collect());
        };
        let one = |text: &S| {
            let mut normalized = NormalizedString::from(text.as_ref());
            normalizer.normalize(&mut normalized)?;
            Ok(normalized.get().to_owned().into())
        };
        texts.iter().map(one).collect()
    }
}

impl FromStr for Normalization {
    type Err = Error;

    /// `none`, or steps with `+` between them.
    fn from_str(text: &str) -> Result<Self> {
        if text == "none" {
            return Ok(Self::default());
        }
        let step = |name: &str| {
            let known = Step::ALL.iter().find(|(_, known)| *known == name);
            let expected =
                || "none, or a sum of quotes, nfc, nfkc, lower and strip-accents, such as nfkc+lower".to_owned();
            let wrong =
                || Error::Config { key: "normalize".to_owned(), expected: expected(), found: format!("{text:?}") };
            known.map(|&(step, _)| step).ok_or_else(wrong)
        };
        let mut steps: Vec<Step> = text.split('+').map(step).collect::<Result<_>>()?;
        steps.sort_unstable();
        steps.dedup();
        Ok(Self(steps))
    }
}

impl Display for Normalization {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |step: &Step| Step::ALL.iter().find(|(known, _)| known == step).map_or("", |&(_, name)| name);
        match &self.0[..] {
            [] => formatter.write_str("none"),
            steps => formatter.write_str(&steps.iter().map(name).collect::<Vec<_>>().join("+")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_a_sum() {
        for (text, shown) in
            [("none", "none"), ("lower", "lower"), ("strip-accents+lower+nfc+lower", "nfc+lower+strip-accents")]
        {
            assert_eq!(text.parse::<Normalization>().expect("a sum").to_string(), shown);
        }
        for wrong in ["", "+", "lower+", "upper", "none+lower", "NFC"] {
            let error = wrong.parse::<Normalization>().expect_err(wrong).to_string();
            assert!(error.contains("strip-accents") && error.contains(&format!("{wrong:?}")), "{error}");
        }
    }

    #[test]
    fn what_it_makes_of_texts() {
        let made = |steps: &str, text: &str| {
            let normalization: Normalization = steps.parse().expect("a sum");
            normalization.apply(&[text]).expect("a text").remove(0).into_owned()
        };
        assert_eq!(made("none", "Cafe\u{301}ﬁ"), "Cafe\u{301}ﬁ");
        assert_eq!(made("nfc", "Cafe\u{301}ﬁ"), "Caféﬁ");
        assert_eq!(made("nfkc", "Cafe\u{301}ﬁ"), "Caféfi");
        assert_eq!(made("lower", "CAFÉ"), "café");
        assert_eq!(made("strip-accents", "Café ñandú 한"), "Cafe nandu 한");
        assert_eq!(made("nfkc+lower+strip-accents", "ＣAFÉ"), "cafe");
        assert_eq!(made("quotes", "It’s “5`s„ „6″"), "It's \"5's\" \"6\"");
        assert_eq!(made("nfkc+quotes", "d´accord"), "d'accord");
    }
}
