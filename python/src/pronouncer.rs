//! English text to phones.

use pyo3::prelude::*;
use pythonize::pythonize;
use seq2seq::TranslateOptions;
use seq2seq::english;

use crate::arguments::{Text, Texts, dictionary, phones, unexpected};
use crate::compute::compute;
use crate::error::error;

/// The phones of an English text, phones between spaces, words between bars.
///
/// Words are looked up in the Carnegie Mellon Pronouncing Dictionary; the model is asked for what it lacks; numbers,
/// abbreviations and signs are read by rules. What cannot be read is left out: Pronouncer.record says what that is.
///
/// phones is the alphabet: "arpabet", "ipa" (stress before the onset of the syllable), "ipa-vowel" (stress before the
/// vowel) or "xsampa".
///
/// >>> seq2seq.pronounce("Hello, world!", phones="ipa")
/// 'h ə ˈl oʊ | ˈw ɝ l d'
#[pyfunction]
#[pyo3(signature = (text, *, phones = "arpabet"))]
pub fn pronounce(py: Python<'_>, text: Text, phones: &str) -> PyResult<String> {
    let phones = self::phones(phones)?;
    compute(py, || Ok(seq2seq::pronounce(&text.0)?.spell(phones)))
}

/// What pronounces English texts.
///
/// dictionary is asked first: a dict of words and their phones in ARPAbet (a str, or a list of them, the preferred one
/// first), or the path of a file that has a word, a tab and its phones in each line. Without lexicon the model is asked
/// for every word that the dictionary and the rules lack. n_best is how many pronunciations the model gives of a word;
/// with alignment it says which letters it looked at for each phone.
#[pyclass(frozen, module = "seq2seq")]
pub struct Pronouncer(english::Pronouncer);

#[pymethods]
impl Pronouncer {
    #[new]
    #[pyo3(signature = (dictionary = None, *, lexicon = true, n_best = 1, alignment = false))]
    fn new(dictionary: Option<Bound<'_, PyAny>>, lexicon: bool, n_best: usize, alignment: bool) -> PyResult<Self> {
        if !(1..=512).contains(&n_best) {
            return Err(unexpected("n_best", "from 1 to 512", n_best));
        }
        let dictionary = dictionary.as_ref().map(self::dictionary).transpose()?.unwrap_or_default();
        let options = TranslateOptions { beam: n_best, n_best, alignment, ..Default::default() };
        let pronouncer = english::Pronouncer::new().map_err(error)?.with_options(options);
        let pronouncer = pronouncer.with_dictionary(dictionary).map_err(error)?;
        Ok(Self(if lexicon { pronouncer } else { pronouncer.without_lexicon() }))
    }

    /// The phones of a text, as seq2seq.pronounce gives them.
    #[pyo3(signature = (text, *, phones = "arpabet"))]
    fn pronounce(&self, py: Python<'_>, text: Text, phones: &str) -> PyResult<String> {
        let phones = self::phones(phones)?;
        compute(py, || Ok(self.0.pronounce(&text.0)?.spell(phones)))
    }

    /// The phones of texts, in their order. The model is asked once for all words that need it.
    #[pyo3(signature = (texts, *, phones = "arpabet"))]
    fn pronounce_all(&self, py: Python<'_>, texts: Texts<'_>, phones: &str) -> PyResult<Vec<String>> {
        let phones = self::phones(phones)?;
        let texts: Vec<String> = texts.each().collect::<PyResult<_>>()?;
        let spell = |spoken: english::Pronunciation| spoken.spell(phones);
        compute(py, || Ok(self.0.pronounce_all(&texts)?.into_iter().map(spell).collect()))
    }

    /// The words of a text, a dict each.
    ///
    /// span has where what it stands for begins and ends in the text, in characters; word is what is spoken; phones are
    /// a list; from says whose they are: "user" (the dictionary), "lexicon", "model", "letters" (their names) or
    /// "rule". others has other pronunciations, where there are any; log_prob and alignment (a row of weights of the
    /// letters for each phone) are the model's.
    #[pyo3(signature = (text, *, phones = "arpabet"))]
    fn words<'py>(&self, py: Python<'py>, text: Text, phones: &str) -> PyResult<Bound<'py, PyAny>> {
        self.record(py, text, phones)?.get_item("words")
    }

    /// A dict of the text, its words, and what of it is unread: span, text and reason of each.
    #[pyo3(signature = (text, *, phones = "arpabet"))]
    fn record<'py>(&self, py: Python<'py>, text: Text, phones: &str) -> PyResult<Bound<'py, PyAny>> {
        let phones = self::phones(phones)?;
        let spoken = compute(py, || self.0.pronounce(&text.0))?;
        Ok(pythonize(py, &spoken.record(&text.0, phones))?)
    }
}
