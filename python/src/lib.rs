//! seq2seq-wgpu for Python. What is documented here is the documentation that Python shows.

mod arguments;
mod compute;
mod error;
mod pronouncer;
mod translator;

use pyo3::prelude::*;

/// English text to phones, and sequence-to-sequence models with attention, on any GPU and on the CPU.
///
/// >>> import seq2seq
/// >>> seq2seq.pronounce("It’s 5 p.m.")
/// 'IH1 T S | F AY1 V | P IY1 | EH1 M'
/// >>> seq2seq.Translator().translate(["attention"])[0]["text"]
/// 'AH0 T EH1 N SH AH0 N'
///
/// The interpreter's lock is free while something is computed, and objects may be shared among threads.
#[pymodule(name = "seq2seq", gil_used = false)]
mod module {
    #[pymodule_export]
    use crate::error::Error;
    #[pymodule_export]
    use crate::pronouncer::{Pronouncer, pronounce};
    #[pymodule_export]
    use crate::translator::Translator;
    #[pymodule_export]
    #[allow(non_upper_case_globals, reason = "Python's name for it")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
    use pyo3::prelude::*;

    /// An error is about no source, unless it says which.
    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.py().get_type::<Error>().setattr("index", module.py().None())
    }
}
