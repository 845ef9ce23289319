//! Where a run leaves what it makes.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::model::files::REPLACEMENT;
use crate::model::{Model, atomic};
use crate::{Error, Result};

/// The folder of a run.
#[derive(Clone, Debug)]
pub struct Folder {
    root: PathBuf,
    /// Open, and so locked, from when the folder is claimed until the last clone of it is gone.
    lock: Arc<OnceLock<File>>,
}

/// How settings begin that a run has written: the next one may replace them.
const SETTINGS: &str = "# What `seq2seq train` was run with. The next run here writes this file anew.\n\n";

/// The file whose lock keeps other runs away. The operating system opens the lock of a process that ends, however it
/// does; the file stays.
const LOCK: &str = ".lock";

impl Folder {
    /// The folder at this path, which need not exist.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), lock: Arc::default() }
    }

    /// Makes the folder and keeps other runs out of it, for as long as this value or a clone of it lives.
    ///
    /// # Errors
    ///
    /// [`Error::InUse`] if another run has it; [`Error::Io`] if it cannot be made.
    pub fn claim(&self) -> Result<()> {
        if self.lock.get().is_some() {
            return Ok(());
        }
        fs::create_dir_all(&self.root).map_err(Error::io(&self.root))?;
        let path = self.root.join(LOCK);
        // Through a link somebody else's file would be written to.
        if fs::symlink_metadata(&path).is_ok_and(|metadata| !metadata.is_file()) {
            return Err(Error::format(path, "expected the lock of a run, found something else"));
        }
        let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = open.map_err(Error::io(&path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut process = String::new();
                // Some systems let nobody read what another has locked.
                let by = match file.read_to_string(&mut process) {
                    Ok(length) if length > 0 => process.trim(),
                    _ => "another process",
                };
                return Err(Error::InUse { path: self.root.clone(), by: by.to_owned() });
            }
            // A file system without locks cannot tell; that is no reason not to train there.
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {}
            Err(TryLockError::Error(error)) => return Err(Error::io(path)(error)),
        }
        let mut holder = String::new();
        let is_lock = file.read_to_string(&mut holder).is_ok_and(|_| holder.is_empty() || is_holder(&holder));
        if !is_lock {
            return Err(Error::format(path, "expected the lock of a run, found something else"));
        }
        let name = format!("process {}\n", std::process::id());
        file.rewind().map_err(Error::io(&path))?;
        file.set_len(0).and_then(|()| file.write_all(name.as_bytes())).map_err(Error::io(&path))?;
        // Whoever claims it twice at once through clones has one lock too many, which is let go of here.
        let _ = self.lock.set(file);
        Ok(())
    }

    /// Whether a run has had the folder, or has it.
    pub fn had_a_run(&self) -> bool {
        is_there(&self.root.join(LOCK))
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
        atomic::write(&self.settings(), format!("{SETTINGS}{settings}").as_bytes())
    }

    /// Whether there is a checkpoint to go on from, or something in its place that cannot be read.
    pub fn has_checkpoint(&self) -> bool {
        is_there(&self.checkpoint())
    }

    /// Whether there is a model, the best or the last, that a run would replace.
    pub fn has_model(&self) -> bool {
        [self.root.clone(), self.last()].iter().flat_map(Model::paths).any(|path| is_there(&path))
    }

    /// Whether there are settings that no run has written.
    pub fn has_settings_of_others(&self) -> bool {
        is_there(&self.settings()) && !fs::read(self.settings()).is_ok_and(|file| file.starts_with(SETTINGS.as_bytes()))
    }

    /// The files that a run writes here, its log and its pictures apart.
    pub fn files(&self) -> Vec<PathBuf> {
        let models = [self.root.clone(), self.last()];
        models.iter().flat_map(Model::paths).chain([self.checkpoint(), self.settings()]).collect()
    }

    /// Claims the folder, makes what is in it, and removes what a process left in them that ended in the middle of a
    /// file.
    pub(super) fn prepare(&self) -> Result<()> {
        self.claim()?;
        for folder in [self.root.clone(), self.last(), self.root.join("checkpoint")] {
            fs::create_dir_all(&folder).map_err(Error::io(&folder))?;
            atomic::clean(&folder, &[REPLACEMENT, "checkpoint.safetensors", "train.toml"])?;
        }
        Ok(())
    }

    /// Removes the checkpoint, so that nothing goes on from it once another run has begun.
    pub(super) fn forget(&self) -> Result<()> {
        atomic::remove(&self.checkpoint())
    }
}

/// Whether this is what a run writes into its lock.
fn is_holder(text: &str) -> bool {
    let number = text.strip_prefix("process ").and_then(|rest| rest.strip_suffix('\n'));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether something has this name, be it a link that leads nowhere: only what is certainly absent is not there.
fn is_there(path: &Path) -> bool {
    !matches!(fs::symlink_metadata(path), Err(error) if error.kind() == ErrorKind::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_run_at_a_time() {
        let root = tempfile::tempdir().expect("a folder");
        let (first, second) = (Folder::new(root.path()), Folder::new(root.path()));
        first.claim().expect("free");
        first.clone().claim().expect("its own");
        let error = second.claim().expect_err("another's").to_string();
        assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
        drop(first);
        second.claim().expect("free again");
    }
}
