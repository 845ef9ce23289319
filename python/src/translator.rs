//! Sources to targets, by a model.

use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::PyList;
use pythonize::pythonize;
use seq2seq::TranslateOptions;
use seq2seq::device::Device;
use seq2seq::model::Model;

use crate::arguments::{Texts, dictionary, precision, unexpected};
use crate::compute::compute;
use crate::error::{error, source_error};

/// A model on a device.
///
/// dir is the model's folder; without it, it is the model of English pronunciation that is inside the package. device
/// is "auto" (a GPU where there is hardware, otherwise the CPU), "cpu", "gpu", or a GPU's number or name; precision is
/// how a GPU stores weights, "f32" or "f16". dictionary is asked before the model: a dict of sources and their targets
/// (a str, or a list of them, the preferred one first), or the path of a file that has a source, a tab and its target
/// in each line.
#[pyclass(frozen, module = "seq2seq")]
pub struct Translator {
    translator: seq2seq::Translator,
    device: String,
}

#[pymethods]
impl Translator {
    #[new]
    #[pyo3(signature = (dir = None, *, device = "auto", precision = "f32", dictionary = None))]
    fn new(
        py: Python<'_>,
        dir: Option<PathBuf>,
        device: &str,
        precision: &str,
        dictionary: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let device = device.parse().map_err(error)?;
        let precision = self::precision(precision)?;
        let dictionary = dictionary.as_ref().map(self::dictionary).transpose()?.unwrap_or_default();
        compute(py, || {
            let model = dir.map_or_else(Model::embedded, Model::load)?;
            let device = Device::open_blocking(&device, precision)?;
            let described = device.describe();
            let translator = seq2seq::Translator::new(model, device)?.with_dictionary(dictionary);
            Ok(Self { translator, device: described })
        })
    }

    /// The device in a few words.
    #[getter]
    fn device(&self) -> &str {
        &self.device
    }

    /// Translates sources: a dict for each, in their order.
    ///
    /// It has the best target, text and as a list of symbols, target; its log_prob; its score, by which targets are
    /// compared; finished, whether the model ended it; the symbols of the source; and from, "model" or "dictionary".
    /// With n_best above 1, others has the next best targets. With alignment, each target has its alignment: a row of
    /// weights of the source symbols for each of its symbols.
    ///
    /// beam is how many hypotheses are kept (1 is greedy decoding), n_best at most as many. length_penalty is "none",
    /// "length:ALPHA" or "wu:ALPHA"; max_length a number of symbols, or a multiple of the source's such as "3x". With
    /// replace_unknown, a symbol that the target vocabulary lacks is the source symbol that it looked at.
    ///
    /// A source that cannot be translated raises Error, whose index is its place. With errors="return" that Error
    /// stands in the place of its dict, and the others are translated.
    #[pyo3(signature = (
        sources, *, beam = 1, n_best = 1, alignment = false, length_penalty = "none", coverage_penalty = 0.0,
        max_length = None, max_source_length = 1000, batch_size = 64, replace_unknown = false, errors = "raise"
    ))]
    #[allow(clippy::too_many_arguments, reason = "each has its name in Python")]
    fn translate<'py>(
        &self,
        py: Python<'py>,
        sources: Texts<'py>,
        beam: usize,
        n_best: usize,
        alignment: bool,
        length_penalty: &str,
        coverage_penalty: f64,
        max_length: Option<Bound<'py, PyAny>>,
        max_source_length: usize,
        batch_size: usize,
        replace_unknown: bool,
        errors: &str,
    ) -> PyResult<Bound<'py, PyList>> {
        let raises = match errors {
            "raise" => true,
            "return" => false,
            _ => return Err(unexpected("errors", "raise or return", errors)),
        };
        let defaults = TranslateOptions::default();
        let options = TranslateOptions {
            beam,
            n_best,
            alignment,
            length_penalty: parsed("length_penalty", length_penalty)?,
            coverage_penalty,
            max_length: max_length
                .map_or(Ok(defaults.max_length), |limit| parsed("max_length", &limit.str()?.to_cow()?))?,
            max_source_length,
            batch_size,
            replace_unknown,
            ..defaults
        };
        let texts: Vec<PyResult<String>> = sources.each().collect();
        let sources: Vec<&str> = texts.iter().map(|text| text.as_deref().unwrap_or_default()).collect();
        let found = compute(py, || self.translator.translate_blocking(&sources, &options))?;

        let answers = PyList::empty(py);
        for (index, (text, found)) in texts.iter().zip(found).enumerate() {
            let problem = match (text, found) {
                (Ok(_), Ok(translation)) => {
                    answers.append(pythonize(py, &translation)?)?;
                    continue;
                }
                (Ok(_), Err(problem)) => problem.to_string(),
                (Err(problem), _) => problem.value(py).to_string(),
            };
            let error = source_error(py, index, problem)?;
            if raises {
                return Err(error);
            }
            answers.append(error.value(py))?;
        }
        Ok(answers)
    }
}

/// The value that an argument says.
fn parsed<T: std::str::FromStr<Err = &'static str>>(name: &str, text: &str) -> PyResult<T> {
    text.parse().map_err(|expected| error(format_args!("{name}: {expected}, found {text:?}")))
}
