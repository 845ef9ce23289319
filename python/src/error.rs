//! What is raised.

use std::fmt::Display;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

pyo3::create_exception!(
    seq2seq,
    Error,
    PyValueError,
    "What went wrong, what was expected and what was found.\n\nindex is the place of the source that is wrong, or None."
);

/// An error that says this.
pub fn error(problem: impl Display) -> PyErr {
    Error::new_err(problem.to_string())
}

/// What is wrong with the source at this place.
pub fn source_error(py: Python<'_>, index: usize, problem: impl Display) -> PyResult<PyErr> {
    let error = error(format_args!("source {index}: {problem}"));
    error.value(py).setattr("index", index)?;
    Ok(error)
}
