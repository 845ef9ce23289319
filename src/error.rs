//! One error type. Every variant says what went wrong, where, what was expected and what was found.

use std::fmt::Display;
use std::path::{Path, PathBuf};

/// The result of everything here that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong. Nothing in this library panics on input, prints, or ends the process.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    #[error("{}: {source}", shown(path.display()))]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },

    /// A file was read but is not what its format asks for.
    #[error("{}: {reason}", shown(path.display()))]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and where.
        reason: String,
    },

    /// Another run has the folder.
    #[error("{}: {by} is training into it", shown(path.display()))]
    InUse {
        /// The folder.
        path: PathBuf,
        /// Who that is, as it has said itself.
        by: String,
    },

    /// What is wrong with a model of which there may be several.
    #[error("{}: {source}", shown(directory.display()))]
    Model {
        /// The model's directory.
        directory: PathBuf,
        /// What is wrong.
        source: Box<Error>,
    },

    /// A configuration contradicts itself or asks for what does not exist.
    #[error("{key}: expected {expected}, found {found}")]
    Config {
        /// The dotted path of the key, such as `encoder.hidden_size`.
        key: String,
        /// What would have been right.
        expected: String,
        /// What stands there.
        found: String,
    },

    /// A parameter is missing, surplus, of the wrong shape or type, or not finite.
    #[error("tensor {}: expected {expected}, found {found}", shown(name))]
    Tensor {
        /// The parameter's name, such as `encoder.rnn.weight_ih_l0`.
        name: String,
        /// What would have been right.
        expected: String,
        /// What stands there.
        found: String,
    },

    /// Tensors that do not fit together were passed to an operation.
    #[error("{operation}: {what}: expected {expected}, found {found}")]
    Shape {
        /// The operation, such as `linear`.
        operation: &'static str,
        /// Which of its arguments.
        what: &'static str,
        /// The size that fits.
        expected: usize,
        /// The size that was passed.
        found: usize,
    },

    /// The source holds a symbol that the vocabulary lacks.
    #[error("the vocabulary has no symbol for {symbol:?} (position {position})")]
    UnknownSymbol {
        /// The symbol, as it stands in the source.
        symbol: String,
        /// How many symbols stand before it.
        position: usize,
    },

    /// A token id at or beyond the vocabulary's size.
    #[error("token id {id} is beyond the vocabulary of {vocab_size}")]
    TokenId {
        /// The id.
        id: u32,
        /// How many ids there are.
        vocab_size: usize,
    },

    /// There is nothing to translate.
    #[error("the source is empty")]
    EmptySource,

    /// The source is longer than the model, the device or the caller allows.
    #[error("the source has {length} symbols, at most {limit} are possible ({limited_by})")]
    SourceTooLong {
        /// Its number of symbols.
        length: usize,
        /// The largest number possible.
        limit: usize,
        /// What sets the limit.
        limited_by: &'static str,
    },

    /// No symbol can be the first of a translation: what the model computes is beyond the numbers of 32 bits.
    #[error("no translation is possible: the model's numbers are beyond the range of 32 bits")]
    NoTarget,

    /// No adapter answers to the request.
    #[error("no GPU adapter matches {request:?}; there are: {available}")]
    NoAdapter {
        /// What was asked for.
        request: String,
        /// The adapters there are, by index and name.
        available: String,
    },

    /// What is computed has no such form.
    #[error("{variable} is {name:?}: expected one of {known}")]
    UnknownForm {
        /// The environment variable that asks for it.
        variable: &'static str,
        /// What was asked for.
        name: String,
        /// The forms there are.
        known: String,
    },

    /// The processor has no such vector instructions.
    #[error("no instructions {asked:?}; this processor has: {available}")]
    Instructions {
        /// What was asked for.
        asked: String,
        /// The names of those that it has.
        available: String,
    },

    /// The GPU was lost or refused the work.
    #[error("GPU {adapter}: {reason}")]
    Device {
        /// The adapter's name.
        adapter: String,
        /// What the driver or wgpu said.
        reason: String,
    },

    /// A buffer would be larger than the GPU can bind.
    #[error("GPU {adapter}: {what} needs {bytes} bytes, one binding holds at most {limit}")]
    TooLarge {
        /// The adapter's name.
        adapter: String,
        /// What the buffer is for.
        what: String,
        /// Its size.
        bytes: u64,
        /// The adapter's limit.
        limit: u64,
    },

    /// There is no memory left for something, or none that may be taken.
    #[error("{device}: out of memory: {what} needs {bytes} bytes{}", at_most(*most))]
    OutOfMemory {
        /// Whose memory: `CPU`, or `GPU` and the adapter's name.
        device: String,
        /// What it is for.
        what: String,
        /// Its size.
        bytes: u64,
        /// What one thing may take of what is left, where that is known.
        most: Option<u64>,
    },

    /// Training came to numbers that are not finite, from which there is no way back.
    #[error("training diverged by step {step}: {what}; a lower learning_rate or clip may help")]
    Diverged {
        /// How many steps were done when it was noticed.
        step: u64,
        /// Which number it is, and what it has become.
        what: String,
    },

    /// A shader does not parse, validate or translate.
    #[error("shader {shader}: {reason}")]
    Shader {
        /// The shader's file stem.
        shader: String,
        /// What naga said.
        reason: String,
    },
}

impl Error {
    /// An input or output error that names its file.
    pub fn io(path: impl AsRef<Path>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.as_ref().to_path_buf();
        move |source| Self::Io { path, source }
    }

    /// A malformed file.
    pub fn format(path: impl AsRef<Path>, reason: impl ToString) -> Self {
        Self::Format { path: path.as_ref().to_path_buf(), reason: reason.to_string() }
    }

    /// Checks one size of an operation's argument.
    pub(crate) fn check(operation: &'static str, what: &'static str, expected: usize, found: usize) -> Result<()> {
        if expected == found { Ok(()) } else { Err(Self::Shape { operation, what, expected, found }) }
    }
}

fn at_most(bytes: Option<u64>) -> String {
    bytes.map_or_else(String::new, |bytes| format!(", at most {bytes} can be had"))
}

/// A name from a file or a file system as a person may see it: characters that steer a terminal are written out.
fn shown(name: impl Display) -> String {
    let escape = |c: char| if c.is_control() { c.escape_default().collect() } else { String::from(c) };
    name.to_string().chars().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_not_steer_a_terminal() {
        let error = Error::format("models/a\nb\u{1b}[31m", "no model");
        assert_eq!(error.to_string(), "models/a\\nb\\u{1b}[31m: no model");
        let (expected, found) = ("F32".to_owned(), "F64".to_owned());
        let error = Error::Tensor { name: "evil\u{1b}[31m".to_owned(), expected, found };
        assert_eq!(error.to_string(), "tensor evil\\u{1b}[31m: expected F32, found F64");
    }
}
