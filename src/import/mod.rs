//! Models of other toolkits, as ours.
//!
//! | file | holds |
//! |---|---|
//! | `pickle` | values that Python has saved, as data, and the opcodes that build them |
//! | `zip`, `checkpoint` | what PyTorch saves, and its tensors |
//! | `weights`, `recurrent`, `vocabulary` | tensors by name; layers; lists of tokens |
//! | `architecture` | the configuration |
//! | `settings`, `codes` | configurations beside a checkpoint; subword codes |
//! | `opennmt`, `joey`, `fairseq` | a toolkit each: its equations, its names and ours |
//!
//! What a toolkit computes in another way than our equations say is written out when a model is imported, if that is possible,
//! and else said in the words of the configuration: there is no way for imported models to be run but that of all models.

mod architecture;
mod checkpoint;
mod codes;
mod fairseq;
mod found;
mod joey;
mod opennmt;
mod pickle;
mod recurrent;
mod settings;
mod vocabulary;
mod weights;
mod zip;

use std::path::Path;

pub use checkpoint::Checkpoint;
pub use codes::{Codes, with_codes};
pub use found::Imported;
pub use pickle::{Node, Pickle};

use crate::{Error, Result};

/// Reads the model of another toolkit. Nothing that the file holds is run, and nothing is written.
///
/// # Errors
///
/// [`Error::Io`] for a file that cannot be read; [`Error::Format`] for one that is no checkpoint, or whose model has parts that
/// are not run here, by name; [`Error::Tensor`] for a parameter that does not fit.
pub fn import(path: impl AsRef<Path>) -> Result<Imported> {
    let path = path.as_ref();
    let mut file = Checkpoint::load(path)?;
    if file.root().is_none() {
        // Tensors alone say neither vocabularies nor options.
        let beside = opennmt::described_by(path);
        if !beside.exists() {
            let reason = format!("tensors alone: expected vocabularies and options in {}", beside.display());
            return Err(Error::format(path, reason));
        }
        file = Checkpoint::load(beside)?;
    }
    import_checkpoint(&file)
}

/// Reads the model of a checkpoint and of what is beside it.
///
/// # Errors
///
/// Those of [`import`].
pub fn import_checkpoint(file: &Checkpoint) -> Result<Imported> {
    let Some(root) = file.root() else {
        return Err(file.error("expected vocabularies and options, found tensors alone"));
    };
    if opennmt::recognizes(root) {
        return opennmt::read(file, root);
    }
    if joey::recognizes(root) {
        return joey::read(file, root);
    }
    if fairseq::recognizes(root) {
        return fairseq::read(file, root);
    }
    let keys: Vec<&str> = root.pairs().iter().filter_map(|(key, _)| key.text()).take(20).collect();
    Err(file.error(format!(
        "expected a checkpoint of OpenNMT-py, JoeyNMT or fairseq, found a value with the keys {keys:?}"
    )))
}
