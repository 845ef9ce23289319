//! Why a command could not go on.

use std::io;
use std::path::PathBuf;

/// What ends a command early.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Whoever read the output has read enough, as `head` does: no failure of ours.
    #[error("nobody reads the output any more")]
    BrokenPipe,
    /// Standard input or output failed.
    #[error("{name}: {source}")]
    Stream {
        /// Which one.
        name: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
    /// Arguments that contradict each other or the file system.
    #[error("{0}")]
    Usage(String),
    /// Anything that the library reports.
    #[error(transparent)]
    Library(#[from] seq2seq::Error),
}

/// The result of a command and its parts.
pub type Result<T> = std::result::Result<T, Failure>;

/// Something that is read from or written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Standard input or output.
    Stream(&'static str),
    /// A file.
    File(PathBuf),
}

impl Place {
    /// The failure that an error at this place means.
    pub fn failure(&self, source: io::Error) -> Failure {
        match self {
            _ if source.kind() == io::ErrorKind::BrokenPipe => Failure::BrokenPipe,
            Self::Stream(name) => Failure::Stream { name, source },
            Self::File(path) => Failure::Library(seq2seq::Error::io(path)(source)),
        }
    }
}
