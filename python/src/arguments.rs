//! What Python passes.

use std::fmt::{Debug, Display};
use std::path::PathBuf;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use seq2seq::device::Precision;
use seq2seq::english::phones::Phones;
use seq2seq::text::Dictionary;

use crate::error::error;

/// A text. One with half a surrogate pair is none.
pub struct Text(pub String);

impl<'a, 'py> FromPyObject<'a, 'py> for Text {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let text = object.cast::<PyString>()?;
        let wrong = |reason: PyErr| error(format_args!("expected a text of Unicode: {}", reason.value(object.py())));
        text.to_cow().map(|text| Self(text.into_owned())).map_err(wrong)
    }
}

/// A list of what should be texts.
pub struct Texts<'py>(Vec<Bound<'py, PyString>>);

impl<'py> FromPyObject<'_, 'py> for Texts<'py> {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let wrong =
            |reason: PyErr| PyTypeError::new_err(format!("expected a list of str: {}", reason.value(object.py())));
        object.extract().map(Self).map_err(wrong)
    }
}

impl Texts<'_> {
    /// Each, or what is wrong with it.
    pub fn each(&self) -> impl Iterator<Item = PyResult<String>> {
        self.0.iter().map(|text| Ok(text.extract::<Text>()?.0))
    }
}

/// The error of an argument that is none of the expected.
pub fn unexpected(name: &str, expected: impl Display, found: impl Debug) -> PyErr {
    error(format_args!("{name}: expected {expected}, found {found:?}"))
}

/// An alphabet by its name.
pub fn phones(name: &str) -> PyResult<Phones> {
    match name {
        "arpabet" => Ok(Phones::Arpabet),
        "ipa" => Ok(Phones::Ipa),
        "ipa-vowel" => Ok(Phones::IpaVowel),
        "xsampa" => Ok(Phones::XSampa),
        _ => Err(unexpected("phones", "arpabet, ipa, ipa-vowel or xsampa", name)),
    }
}

/// How a GPU stores weights, by its name.
pub fn precision(name: &str) -> PyResult<Precision> {
    match name {
        "f32" => Ok(Precision::F32),
        "f16" => Ok(Precision::F16),
        _ => Err(unexpected("precision", "f32 or f16", name)),
    }
}

/// A dict of sources and their targets, or the path of a file of pairs.
pub fn dictionary(argument: &Bound<'_, PyAny>) -> PyResult<Dictionary> {
    let Ok(entries) = argument.cast::<PyDict>() else {
        let wrong = |_| PyTypeError::new_err(format!("dictionary: expected a dict or a path, found {argument:?}"));
        return Dictionary::read(argument.extract::<PathBuf>().map_err(wrong)?).map_err(error);
    };
    let mut pairs = Vec::with_capacity(entries.len());
    for (source, targets) in entries {
        let Text(source) = source.extract()?;
        let targets = match targets.cast::<PyString>() {
            Ok(target) => Texts(vec![target.clone()]),
            Err(_) => targets.extract()?,
        };
        for target in targets.each() {
            pairs.push((source.clone(), target?));
        }
    }
    Ok(pairs.into_iter().collect())
}
