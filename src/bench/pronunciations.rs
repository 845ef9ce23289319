//! Pronunciations of English words, on the CPU: what the lexicon has, what the model is asked, and the first of them.

use super::Row;
use super::timing::measure;
use crate::Result;
use crate::backend::Counters;
use crate::cpu::Cpu;
use crate::english::Pronouncer;

/// What is pronounced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PronunciationCase {
    /// One word that the model is asked, by a pronouncer that has loaded nothing yet.
    First,
    /// Words that the lexicon has, as a text.
    Lexicon,
    /// One word that it lacks.
    Model,
    /// So many of them, as a text.
    ModelText,
}

/// A text of words that the lexicon has.
const TEXT: &str = "one part leaves a hidden state for every letter of a word and the other looks at all of them \
                    while it says one sound after the other until nothing is left to be said";

/// How many words the model is asked at once.
const WORDS: usize = 64;

/// The cases to measure.
pub fn cases() -> [PronunciationCase; 4] {
    [PronunciationCase::First, PronunciationCase::Lexicon, PronunciationCase::Model, PronunciationCase::ModelText]
}

impl PronunciationCase {
    /// Its name.
    pub fn name(self) -> String {
        match self {
            Self::First => "pronounce, loading".to_owned(),
            Self::Lexicon => format!("pronounce lexicon, {} words", self.words()),
            Self::Model => "pronounce model, 1 word".to_owned(),
            Self::ModelText => format!("pronounce model, {WORDS} words"),
        }
    }

    fn words(self) -> usize {
        match self {
            Self::First | Self::Model => 1,
            Self::Lexicon => TEXT.split_whitespace().count(),
            Self::ModelText => WORDS,
        }
    }

    /// A text; words that no dictionary has are other ones in each run.
    fn text(self, run: usize) -> String {
        match self {
            Self::Lexicon => TEXT.to_owned(),
            _ => (0..self.words()).map(|word| invented(run * WORDS + word)).collect::<Vec<_>>().join(" "),
        }
    }
}

/// A word of seven or eight letters that no dictionary has.
fn invented(number: usize) -> String {
    const CONSONANTS: [&str; 8] = ["b", "d", "f", "k", "l", "m", "v", "z"];
    const VOWELS: [&str; 4] = ["a", "e", "i", "o"];
    let part = |place: usize| {
        let digit = number / 32usize.pow(place as u32) + 7 * place;
        [CONSONANTS[digit % 8], VOWELS[digit / 8 % 4]].concat()
    };
    format!("{}{}{}zz{}", part(0), part(1), part(2), if number.is_multiple_of(2) { "" } else { "o" })
}

/// Measures one case for `seconds`.
pub async fn run(cpu: &Cpu<f32>, case: PronunciationCase, seconds: f64) -> Result<Row> {
    let new = || Ok::<_, crate::Error>(Pronouncer::new()?.on(*cpu));
    let warm = new()?;
    let mut runs = 0;
    let pronounce = async || {
        runs += 1;
        let text = case.text(runs);
        let spoken = match case {
            PronunciationCase::First => new()?.pronounce(&text)?,
            _ => warm.pronounce(&text)?,
        };
        // Nothing is measured that was not done.
        debug_assert_eq!(spoken.words.len(), case.words());
        Ok(())
    };
    let (timing, _) = measure(cpu, seconds, pronounce).await?;
    Ok(Row {
        case: case.name(),
        operation: "pronounce",
        timing,
        device_s: None,
        rate: Some(case.words() as f64 / timing.median_s),
        unit: "words/s",
        bytes: None,
        share_of_bandwidth: None,
        flops: None,
        share_of_flops: None,
        counters: Counters::default(),
        cpu_median_s: None,
        kernels: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_known_or_not_as_a_case_says() {
        let pronouncer = Pronouncer::new().expect("a lexicon");
        let from = |text: &str| pronouncer.pronounce(text).expect("a model").words.into_iter().map(|word| word.origin);
        use crate::english::Origin;
        assert!(from(&PronunciationCase::ModelText.text(3)).all(|origin| origin == Origin::Model));
        #[cfg(feature = "lexicon")]
        assert!(from(TEXT).all(|origin| origin != Origin::Model));
    }
}
