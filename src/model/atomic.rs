//! Files that are either as they were or complete.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Error, Result};

/// Tells the temporary files of one process apart.
static COUNTER: AtomicU64 = AtomicU64::new(0);

/// Writes `bytes` to a temporary file beside `path`, then renames it: no reader ever sees half a file.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let (file, mut temporary) = Temporary::create(path)?;
    fill(file, bytes).map_err(Error::io(path))?;
    fs::rename(&temporary.path, path).map_err(Error::io(path))?;
    temporary.renamed = true;
    Ok(())
}

/// Removes a file, if it is there.
pub(crate) fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io(path)(error)),
        _ => Ok(()),
    }
}

/// The contents reach the disk before the name does, so that a power cut cannot leave an empty file behind it.
fn fill(mut file: File, bytes: &[u8]) -> std::io::Result<()> {
    file.write_all(bytes)?;
    file.sync_all()
}

/// A temporary file that is removed unless it was renamed.
struct Temporary {
    path: PathBuf,
    renamed: bool,
}

impl Temporary {
    /// A new file in the directory of `path`: a rename does not cross file systems.
    fn create(path: &Path) -> Result<(File, Self)> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        loop {
            let count = COUNTER.fetch_add(1, Ordering::Relaxed);
            let temporary = path.with_file_name(format!(".{name}.{}-{count}.tmp", std::process::id()));
            match OpenOptions::new().write(true).create_new(true).open(&temporary) {
                Ok(file) => return Ok((file, Self { path: temporary, renamed: false })),
                // Left by a process that died and had our number: take the next name.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(Error::io(path)(error)),
            }
        }
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.renamed {
            // The error that brought us here is the one to report.
            let _ = fs::remove_file(&self.path);
        }
    }
}
