//! Texts to phones: the user's dictionary, the rules, the lexicon, and the model for what these lack.

use std::collections::{BTreeSet, HashMap};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::Lexicon;
use super::neighbours::{hold, weaken};
use super::phones::{Phone, arpabet};
use super::pronunciation::{Origin, Other, Pronunciation, Spoken};
use super::reading::{Reading, Unread, Way, read};
use super::rules::{self, RULES};
use super::text::{Kind, Token, tokens};
use crate::cpu::{Cpu, alone};
use crate::device::Device;
use crate::model::Model;
use crate::text::Dictionary;
use crate::{Error, Result, TranslateOptions, Translation, Translator};

/// The phones of an English text, on the CPU, by the lexicon and the model inside the library, which are read once.
///
/// ```
/// assert_eq!(seq2seq::pronounce("It’s 5 p.m.")?.to_string(), "IH1 T S | F AY1 V | P IY1 | EH1 M");
/// # Ok::<(), seq2seq::Error>(())
/// ```
///
/// # Errors
///
/// None of the text: what of it cannot be read is in [`Pronunciation::unread`]. [`Error::OutOfMemory`] if the model cannot
/// be loaded.
pub fn pronounce(text: &str) -> Result<Pronunciation> {
    static SHARED: OnceLock<Pronouncer> = OnceLock::new();
    once(&SHARED, Pronouncer::new)?.pronounce(text)
}

/// What is made when it is first asked for, and then kept. Of two threads that come at once one's work is lost.
fn once<T>(kept: &OnceLock<T>, make: impl FnOnce() -> Result<T>) -> Result<&T> {
    if let Some(known) = kept.get() {
        return Ok(known);
    }
    let made = make()?;
    Ok(kept.get_or_init(|| made))
}

/// What pronounces texts. Threads may share it.
///
/// ```
/// use seq2seq::english::{Pronouncer, phones::Phones};
///
/// let pronouncer = Pronouncer::new()?.with_dictionary([("wgpu", "W EH1 B G P UW2")].into_iter().collect())?;
/// let spoken = pronouncer.pronounce("Hello, WGPU!")?;
/// assert_eq!(spoken.spell(Phones::Ipa), "h ə ˈl oʊ | ˈw ɛ b ɡ ˌp u");
/// assert_eq!(&"Hello, WGPU!"[spoken.words[1].span.clone()], "WGPU");
/// # Ok::<(), seq2seq::Error>(())
/// ```
#[derive(Debug)]
pub struct Pronouncer {
    user: HashMap<String, Vec<Vec<Phone>>>,
    lexicon: Option<Lexicon>,
    /// Loaded when the first word needs it.
    model: OnceLock<Translator>,
    cpu: Cpu<f32>,
    options: TranslateOptions,
    /// Calls that are asking the model.
    asking: AtomicUsize,
}

/// Texts that are worth another thread.
const FEW: usize = 64;

/// Words that the model is asked at once.
const MANY: usize = 64;

/// A call that is asking the model, and counted for as long.
struct Asking<'a>(&'a AtomicUsize);

impl<'a> Asking<'a> {
    /// One more, and how many others there are.
    fn one_more(count: &'a AtomicUsize) -> (Self, usize) {
        let others = count.fetch_add(1, Ordering::Relaxed);
        (Self(count), others)
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A text, read, and what is known of its words.
struct Read {
    readings: Vec<Reading>,
    unread: Vec<Unread>,
    known: Vec<Known>,
}

impl Read {
    /// The words that only the model knows.
    fn asked(&self) -> impl Iterator<Item = &str> {
        let asked = self.readings.iter().zip(&self.known).filter(|(_, known)| matches!(known, Known::Ask));
        asked.map(|(reading, _)| reading.word.as_str())
    }
}

/// What is known of a word, before the model is asked.
enum Known {
    Phones(Origin, Vec<Vec<Phone>>),
    /// The model is asked for this spelling.
    Ask,
}

impl Pronouncer {
    /// With the lexicon inside the library, if it has one.
    ///
    /// # Errors
    ///
    /// None, but if the library was built from damaged files.
    pub fn new() -> Result<Self> {
        #[cfg(feature = "lexicon")]
        let lexicon = Some(Lexicon::cmudict()?);
        #[cfg(not(feature = "lexicon"))]
        let lexicon = None;
        Ok(Self {
            user: HashMap::new(),
            lexicon,
            model: OnceLock::new(),
            cpu: Cpu::new(),
            options: TranslateOptions::default(),
            asking: AtomicUsize::new(0),
        })
    }

    /// Without a lexicon: what the user's dictionary and the rules lack is the model's.
    #[must_use]
    pub fn without_lexicon(self) -> Self {
        Self { lexicon: None, ..self }
    }

    /// Looks words up here first: words as they are written, in either case, and their phones in ARPAbet.
    ///
    /// # Errors
    ///
    /// [`Error::Format`] naming the word whose phones are none.
    pub fn with_dictionary(self, dictionary: Dictionary) -> Result<Self> {
        let mut user = self.user;
        for (word, targets) in dictionary.respelt(spelling).iter() {
            let phones = |text: &String| {
                let wrong =
                    |error| Error::format("dictionary", format!("{word:?}: expected phones of ARPAbet: {error}"));
                arpabet(text).map_err(wrong)
            };
            user.insert(word.to_owned(), targets.iter().map(phones).collect::<Result<_>>()?);
        }
        Ok(Self { user, ..self })
    }

    /// Computes with these instructions.
    #[must_use]
    pub fn on(self, cpu: Cpu<f32>) -> Self {
        Self { cpu, ..self }
    }

    /// Searches for the model's pronunciations like this: how many of them there are, with which beam, with alignments.
    #[must_use]
    pub fn with_options(self, options: TranslateOptions) -> Self {
        Self { options, ..self }
    }

    /// The phones of a text.
    ///
    /// # Errors
    ///
    /// Those of [`pronounce`].
    pub fn pronounce(&self, text: &str) -> Result<Pronunciation> {
        let mut spoken = self.pronounce_all(&[text])?;
        Ok(spoken.pop().unwrap_or(Pronunciation { words: Vec::new(), unread: Vec::new() }))
    }

    /// The phones of texts, in their order. The model is asked once for all words that need it.
    ///
    /// # Errors
    ///
    /// Those of [`pronounce`].
    pub fn pronounce_all<S: AsRef<str> + Sync>(&self, texts: &[S]) -> Result<Vec<Pronunciation>> {
        let knows = |word: &str| self.knows(word);
        let read: Vec<Read> = texts
            .par_iter()
            .with_min_len(FEW)
            .map(|text| {
                let (readings, unread) = read(text.as_ref(), &knows);
                let known = (0..readings.len()).map(|at| self.known(&readings, at)).collect();
                Read { readings, unread, known }
            })
            .collect();
        let asked: BTreeSet<String> = read.iter().flat_map(Read::asked).map(str::to_owned).collect();
        let answers = self.ask(asked.into_iter().collect())?;

        let spoken = read.into_iter().map(|Read { readings, mut unread, known }| {
            let mut words: Vec<Option<Spoken>> = Vec::with_capacity(readings.len());
            for (reading, known) in readings.iter().zip(known) {
                let found = match known {
                    Known::Phones(origin, ways) => Ok(word(reading, origin, ways)),
                    Known::Ask => match &answers[reading.word.as_str()] {
                        Ok(translation) => by_model(reading, translation),
                        Err(error) => Err(error.to_string()),
                    },
                };
                words.push(found.map_err(|reason| unread.push(Unread { span: reading.span.clone(), reason })).ok());
            }
            weaken(&readings, &mut words);
            unread.sort_by_key(|unread| unread.span.start);
            Pronunciation { words: words.into_iter().flatten().collect(), unread }
        });
        Ok(spoken.collect())
    }

    /// What the model says of words: of a few on all threads, unless another call is asking too, of more so many at once
    /// on each.
    fn ask(&self, mut words: Vec<String>) -> Result<HashMap<String, Result<Translation>>> {
        if words.is_empty() {
            return Ok(HashMap::new());
        }
        let model = self.model()?;
        let (_asking, others) = Asking::one_more(&self.asking);
        let ask = |words: &[String]| model.translate_blocking(words, &self.options);
        let found = if words.len() > MANY {
            words.sort_by_key(String::len);
            words.par_chunks(MANY).map(|words| alone(|| ask(words))).collect::<Result<_>>()?
        } else if others > 0 {
            vec![alone(|| ask(&words))?]
        } else {
            vec![ask(&words)?]
        };
        Ok(words.into_iter().zip(found.into_iter().flatten()).collect())
    }

    fn model(&self) -> Result<&Translator> {
        once(&self.model, || Translator::new(Model::embedded()?, Device::Cpu(self.cpu)))
    }

    /// Whether the user's dictionary, the table or the lexicon has a word.
    fn knows(&self, word: &str) -> bool {
        self.user.contains_key(word)
            || RULES.preferred.contains_key(word)
            || self.lexicon.as_ref().is_some_and(|lexicon| lexicon.contains(word))
    }

    /// What they have for it.
    fn look_up(&self, word: &str) -> Option<(Origin, Vec<Vec<Phone>>)> {
        if let Some(ways) = self.user.get(word) {
            return Some((Origin::User, ways.clone()));
        }
        let mut ways = self.lexicon.as_ref().map(|lexicon| lexicon.get(word)).unwrap_or_default();
        if let Some(preferred) = RULES.preferred.get(word) {
            ways.retain(|way| way != preferred);
            ways.insert(0, preferred.clone());
            return Some((Origin::Rule, ways));
        }
        (!ways.is_empty()).then_some((Origin::Lexicon, ways))
    }

    fn known(&self, readings: &[Reading], at: usize) -> Known {
        let Reading { word, way, .. } = &readings[at];
        if let Some(ways) = self.user.get(&word.to_lowercase()) {
            return Known::Phones(Origin::User, ways.clone());
        }
        match way {
            Way::Spelling => Known::Phones(Origin::Rule, RULES.spellings.get(word).cloned().into_iter().collect()),
            Way::Letters => Known::Phones(Origin::Letters, vec![letters(word)]),
            Way::Word => self.known_word(readings, at),
        }
    }

    fn known_word(&self, readings: &[Reading], at: usize) -> Known {
        let word = &readings[at].word;
        if let Some((from, mut ways)) = self.look_up(word) {
            let rules = RULES.heteronyms.get(word);
            let chosen = rules.and_then(|rules| rules.iter().find(|way| hold(&way.conditions, readings, at)));
            if let Some(rules::Way { phones, conditions }) = chosen {
                ways.retain(|way| way != phones);
                ways.insert(0, phones.clone());
                return Known::Phones(if conditions.is_empty() { from } else { Origin::Rule }, ways);
            }
            return Known::Phones(from, ways);
        }
        // What belongs to a word that is known.
        let owner = word.strip_suffix("'s").and_then(|stem| self.look_up(stem));
        match owner {
            Some((_, ways)) => Known::Phones(Origin::Rule, ways.into_iter().map(with_s).collect()),
            None => Known::Ask,
        }
    }
}

/// A word of the dictionary as it is looked up.
fn spelling(word: &str) -> String {
    let part = |token: Token| match token.kind {
        Kind::Word(word) => word.to_lowercase(),
        Kind::Digits(digits) => digits,
        Kind::Sign(sign) => sign.to_string(),
        Kind::Unread => word[token.span].to_owned(),
    };
    tokens(word).into_iter().map(part).collect()
}

/// The names of letters, and the sound of an `'s` behind them.
fn letters(word: &str) -> Vec<Phone> {
    let (letters, has_s) = word.strip_suffix("'s").map_or((word, false), |letters| (letters, true));
    let names = letters.chars().filter_map(|letter| RULES.letters.get(&letter));
    let phones: Vec<Phone> = names.flatten().copied().collect();
    if has_s { with_s(phones) } else { phones }
}

/// With the ending of a plural or an owner: after a sibilant with a vowel, otherwise as voiced as what it follows.
fn with_s(mut phones: Vec<Phone>) -> Vec<Phone> {
    let ending = match phones.last().map(|phone| phone.name()) {
        Some("S" | "Z" | "SH" | "ZH" | "CH" | "JH") => "IH0 Z",
        Some("P" | "T" | "K" | "F" | "TH") => "S",
        _ => "Z",
    };
    phones.extend(ending.split(' ').filter_map(Phone::parse));
    phones
}

fn word(reading: &Reading, origin: Origin, ways: Vec<Vec<Phone>>) -> Spoken {
    let mut ways = ways.into_iter();
    Spoken {
        span: reading.span.clone(),
        word: reading.word.to_lowercase(),
        origin,
        phones: ways.next().unwrap_or_default(),
        log_prob: None,
        alignment: None,
        others: ways.map(|phones| Other { phones, log_prob: None }).collect(),
    }
}

fn by_model(reading: &Reading, translation: &Translation) -> std::result::Result<Spoken, String> {
    let ways = translation.targets().map(|target| Ok((arpabet(&target.text)?, target)));
    let ways: Vec<_> = ways.collect::<Result<_>>().map_err(|error| error.to_string())?;
    let others =
        ways.iter().skip(1).map(|(phones, target)| Other { phones: phones.clone(), log_prob: Some(target.log_prob) });
    let (phones, best) = ways.first().ok_or("the model has no answer")?;
    Ok(Spoken {
        span: reading.span.clone(),
        word: reading.word.clone(),
        origin: Origin::Model,
        phones: phones.clone(),
        log_prob: Some(best.log_prob),
        alignment: best.alignment.clone(),
        others: others.collect(),
    })
}
