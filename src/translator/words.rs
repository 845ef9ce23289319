//! The words of a text, one by one: how speech programs ask for pronunciations.

use unicode_segmentation::UnicodeSegmentation;

use super::{TranslateOptions, Translation, Translator};
use crate::Result;

/// A word of a text, and what it was translated to.
#[derive(Debug)]
pub struct Word<'a> {
    /// The word, as it stands in the text.
    pub word: &'a str,
    /// Its translation, or what is wrong with it.
    pub translation: Result<Translation>,
}

/// The words of a text, without what stands between them: Unicode's word boundaries (UAX #29), so that *it's* is one;
/// an underscore joins names of programs, and no words.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    text.unicode_words().flat_map(|word| word.split('_')).filter(|word| !word.is_empty())
}

impl Translator {
    /// Translates every word of a text.
    ///
    /// # Errors
    ///
    /// Those of [`translate`](Self::translate).
    pub async fn translate_words<'a>(&self, text: &'a str, options: &TranslateOptions) -> Result<Vec<Word<'a>>> {
        let words: Vec<&str> = words(text).collect();
        let translations = self.translate(&words, options).await?;
        Ok(words.into_iter().zip(translations).map(|(word, translation)| Word { word, translation }).collect())
    }

    /// [`translate_words`](Self::translate_words), waiting for the device.
    pub fn translate_words_blocking<'a>(&self, text: &'a str, options: &TranslateOptions) -> Result<Vec<Word<'a>>> {
        pollster::block_on(self.translate_words(text, options))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn punctuation_is_no_word() {
        let found = |text| words(text).collect::<Vec<_>>();
        assert_eq!(
            found("It's 3.5 o'clock, \"Mr. O'Neil\" -- said he…"),
            ["It's", "3.5", "o'clock", "Mr", "O'Neil", "said", "he"]
        );
        assert_eq!(found("naïve café\tДом"), ["naïve", "café", "Дом"]);
        assert_eq!(found("sonoff_buero_tim __x rock-n-roll"), ["sonoff", "buero", "tim", "x", "rock", "n", "roll"]);
        assert!(found(" …—! ").is_empty() && found("").is_empty());
    }
}
