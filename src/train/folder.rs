//! Where a run leaves what it makes.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::model::atomic;
use crate::{Error, Result};

/// The folder of a run.
#[derive(Clone, Debug)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// The folder at this path, which need not exist.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Where the best model is.
    pub fn best(&self) -> &Path {
        &self.root
    }

    /// Where the last model is.
    pub fn last(&self) -> PathBuf {
        self.root.join("last")
    }

    /// The one file of the checkpoint.
    pub fn checkpoint(&self) -> PathBuf {
        self.root.join("checkpoint").join("checkpoint.safetensors")
    }

    /// The settings of the run.
    pub fn settings(&self) -> PathBuf {
        self.root.join("train.toml")
    }

    /// Writes the settings, whole or not at all.
    pub fn write_settings(&self, settings: &str) -> Result<()> {
        atomic::write(&self.settings(), settings.as_bytes())
    }

    /// Whether there is a checkpoint to go on from.
    pub fn has_checkpoint(&self) -> bool {
        self.checkpoint().is_file()
    }

    /// Makes the folders, and removes what a process left in them that ended in the middle of a file.
    pub(super) fn prepare(&self) -> Result<()> {
        for folder in [self.root.clone(), self.last(), self.root.join("checkpoint")] {
            fs::create_dir_all(&folder).map_err(Error::io(&folder))?;
            for entry in fs::read_dir(&folder).map_err(Error::io(&folder))? {
                let path = entry.map_err(Error::io(&folder))?.path();
                if is_leftover(&path) {
                    remove(&path)?;
                }
            }
        }
        Ok(())
    }

    /// Removes the checkpoint, so that nothing goes on from it once another run has begun.
    pub(super) fn forget(&self) -> Result<()> {
        remove(&self.checkpoint())
    }
}

/// Whether `model::atomic` would call a temporary file so.
fn is_leftover(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let made_here = ["checkpoint.safetensors.", "model.safetensors.", "config.json.", "train.toml."]
        .into_iter()
        .chain(["source_tokenizer.json.", "target_tokenizer.json."]);
    name.ends_with(".tmp")
        && name.strip_prefix('.').is_some_and(|name| made_here.into_iter().any(|own| name.starts_with(own)))
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io(path)(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_half_written_files_are_leftovers() {
        assert!(is_leftover(Path::new("a/.checkpoint.safetensors.123-0.tmp")));
        for other in ["checkpoint.safetensors", ".checkpoint.safetensors", "notes.tmp", ".notes.1-0.tmp"] {
            assert!(!is_leftover(Path::new(other)), "{other}");
        }
    }
}
