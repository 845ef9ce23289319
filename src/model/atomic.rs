//! Files that are either as they were or complete.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Error, Result};

/// What no file of somebody else's has in its name.
const MARK: &str = "seq2seq-wgpu-";

/// Tells the temporary files of one process apart.
static COUNTER: AtomicU64 = AtomicU64::new(0);

/// Writes `bytes` to a temporary file beside `path`, then renames it: no reader ever sees half a file.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let (file, temporary) = Temporary::create(path, create_file)?;
    fill(file, bytes).map_err(Error::io(path))?;
    temporary.rename(path).map_err(Error::io(path))
}

/// Writes these files, by name, to a temporary folder beside `path`, then renames it: no reader ever sees half of them.
/// There may be an empty folder of that name.
pub(crate) fn write_folder(path: &Path, files: &[(&str, &[u8])]) -> Result<()> {
    let ((), temporary) = Temporary::create(path, |path| fs::create_dir(path))?;
    for (name, bytes) in files {
        let file = create_file(&temporary.path.join(name));
        file.and_then(|file| fill(file, bytes)).map_err(Error::io(path.join(name)))?;
    }
    temporary.rename(path).map_err(Error::io(path))
}

/// What is known of a file before it is opened, which of a pipe in its place would wait for whoever writes to it.
///
/// # Errors
///
/// [`Error::Format`] if it is there and is no regular file.
pub(crate) fn regular(path: &Path) -> Result<Option<fs::Metadata>> {
    match fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => Err(Error::format(path, "expected a regular file")),
        // Whoever reads it says what is wrong, if anything still is.
        metadata => Ok(metadata.ok()),
    }
}

/// Removes a file, if it is there.
pub(crate) fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io(path)(error)),
        _ => Ok(()),
    }
}

/// Removes what processes that were killed have left in a folder of temporary files for these names. Only for whoever
/// keeps others from writing there.
pub(crate) fn clean(folder: &Path, names: &[&str]) -> Result<()> {
    for entry in fs::read_dir(folder).map_err(Error::io(folder))? {
        let path = entry.map_err(Error::io(folder))?.path();
        if is_temporary(&path, names) {
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.map_err(Error::io(path))?;
        }
    }
    Ok(())
}

/// Whether a temporary file or folder for one of these names would be called so: behind the name a process and a count.
fn is_temporary(path: &Path, names: &[&str]) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let found = path.file_name().unwrap_or_default().to_string_lossy();
    let rest = |name: &&str| {
        found.strip_prefix('.')?.strip_prefix(name)?.strip_prefix('.')?.strip_prefix(MARK)?.strip_suffix(".tmp")
    };
    let numbers = names.iter().find_map(rest).and_then(|rest| rest.split_once('-'));
    numbers.is_some_and(|(process, count)| is_number(process) && is_number(count))
}

fn create_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

/// The contents reach the disk before the name does, so that a power cut cannot leave an empty file behind it.
fn fill(mut file: File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    file.sync_all()
}

/// A temporary file or folder that is removed unless it was renamed.
struct Temporary {
    path: PathBuf,
    renamed: bool,
}

impl Temporary {
    /// Something new in the directory of `path`: a rename does not cross file systems.
    fn create<T>(path: &Path, create: impl Fn(&Path) -> io::Result<T>) -> Result<(T, Self)> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        loop {
            let count = COUNTER.fetch_add(1, Ordering::Relaxed);
            let temporary = path.with_file_name(format!(".{name}.{MARK}{}-{count}.tmp", std::process::id()));
            match create(&temporary) {
                Ok(made) => return Ok((made, Self { path: temporary, renamed: false })),
                // Left by a process that died and had our number: take the next name.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(Error::io(path)(error)),
            }
        }
    }

    fn rename(mut self, path: &Path) -> io::Result<()> {
        fs::rename(&self.path, path)?;
        self.renamed = true;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.renamed {
            // The error that brought us here is the one to report.
            let _ = fs::remove_file(&self.path).or_else(|_| fs::remove_dir_all(&self.path));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_half_written_files_are_temporary() {
        let names = ["checkpoint.safetensors", "config.json"];
        assert!(is_temporary(Path::new("a/.checkpoint.safetensors.seq2seq-wgpu-123-0.tmp"), &names));
        let others = ["checkpoint.safetensors", ".checkpoint.safetensors", "notes.tmp", ".notes.1-0.tmp"];
        for other in others.into_iter().chain([".config.json.backup.tmp", ".config.json.1-2.tmp", ".config.json.tmp"]) {
            assert!(!is_temporary(Path::new(other), &names), "{other}");
        }
    }
}
