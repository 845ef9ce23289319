//! Computing beside the interpreter.

use std::process;
use std::sync::OnceLock;

use pyo3::prelude::*;
use rayon::ThreadPoolBuilder;

use crate::error::error;

/// Does some work while the interpreter's lock is free.
///
/// The threads that help to compute are not there after a fork, and would be waited for: in a process that was forked
/// from one that has computed, one thread computes.
pub fn compute<T: Send>(py: Python<'_>, work: impl FnOnce() -> seq2seq::Result<T> + Send) -> PyResult<T> {
    static FIRST: OnceLock<u32> = OnceLock::new();
    let is_first = *FIRST.get_or_init(process::id) == process::id();
    let done = py.detach(|| {
        if is_first {
            Ok(work())
        } else {
            ThreadPoolBuilder::new().num_threads(1).build().map(|alone| alone.install(work))
        }
    });
    done.map_err(error)?.map_err(error)
}
