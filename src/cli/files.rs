//! The files that a command reads and those that it writes, which must not be the same.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use seq2seq::model::Model;

use super::failure::{Failure, Place, Result};

/// The path of standard input, where the system has one.
pub const STDIN: &str = "/dev/stdin";

/// The path of standard output, where the system has one.
const STDOUT: &str = "/dev/stdout";

/// What a command reads, and what it is to write.
#[derive(Debug, Default)]
pub struct Files {
    read: Vec<PathBuf>,
    written: Vec<PathBuf>,
}

/// Files that can be written to, and have not been.
#[derive(Debug)]
pub struct Reserved {
    new: Vec<PathBuf>,
}

impl Files {
    /// Files that are read.
    pub fn read<P: AsRef<Path>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.read.extend(paths.into_iter().map(|path| path.as_ref().to_owned()));
        self
    }

    /// Models that are read.
    pub fn models(self, directories: &[PathBuf]) -> Self {
        directories.iter().fold(self, |files, directory| files.read(Model::paths(directory)))
    }

    /// Files that are to be written.
    pub fn write<P: AsRef<Path>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.written.extend(paths.into_iter().map(|path| path.as_ref().to_owned()));
        self
    }

    /// The file that results are to be written to, without one standard output.
    pub fn output(self, path: Option<&Path>) -> Self {
        self.write([path.unwrap_or(Path::new(STDOUT))])
    }

    /// Sees to it that all can be written to before any of them is emptied: they are none of those that are read, are
    /// apart from each other, and can be opened. Where they are not, nothing is left behind.
    ///
    /// A pipe or a terminal is not opened: that may wait for whoever reads it.
    pub fn reserve(&self) -> Result<Reserved> {
        self.check()?;
        let mut reserved = Reserved { new: Vec::new() };
        let mut named = self.written.iter().filter(|path| path.as_os_str() != STDOUT);
        let opened = named.try_for_each(|path| reserved.open(path));
        // Files that are new may be one under two names.
        if let Err(failure) = opened.and_then(|()| self.check()) {
            reserved.give_up();
            return Err(failure);
        }
        Ok(reserved)
    }

    /// Sees to it that no file that is there is to be written and also read, or written twice.
    pub fn check(&self) -> Result<()> {
        for (index, path) in self.written.iter().enumerate() {
            let Some(identity) = identity(path) else { continue };
            let same = |other: &&PathBuf| self::identity(other).as_ref() == Some(&identity);
            if let Some(other) = self.read.iter().find(same) {
                return Err(Failure::Usage(format!("{}: is also read, as {}", path.display(), other.display())));
            }
            if self.written[..index].iter().any(|other| same(&other)) {
                return Err(Failure::Usage(format!("{}: is to be two files at once", path.display())));
            }
        }
        Ok(())
    }
}

impl Reserved {
    fn open(&mut self, path: &Path) -> Result<()> {
        let before = fs::metadata(path);
        if before.as_ref().is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir()) {
            return Ok(());
        }
        let open = OpenOptions::new().write(true).create(true).truncate(false).open(path);
        open.map_err(|error| Place::File(path.to_owned()).failure(error))?;
        if before.is_err() {
            // A link that led nowhere leads to the new file now, and is not ours to remove.
            self.new.push(fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()));
        }
        Ok(())
    }

    /// Removes what was made, because nothing comes of it.
    pub fn give_up(self) {
        for path in self.new {
            // What cannot be removed either is an empty file.
            let _ = fs::remove_file(path);
        }
    }
}

/// Which regular file a path leads to, whatever it is called: its device and its number there.
#[cfg(unix)]
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;

    let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    Some((metadata.dev(), metadata.ino()))
}

/// Which regular file a path leads to, by its only name.
#[cfg(not(unix))]
fn identity(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok().filter(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_under_another_name_is_the_same() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        fs::write(path("read"), "kept").expect("a file");
        fs::hard_link(path("read"), path("link")).expect("a link");
        let refused = Files::default().read([path("read")]).write([path("new"), path("link")]).reserve();
        let message = refused.expect_err("the same file").to_string();
        assert!(message.contains("link: is also read, as "), "{message}");
        assert_eq!(fs::read(path("read")).expect("a file"), b"kept");
        assert!(!path("new").exists(), "nothing is left behind");

        let twice = Files::default().write([path("new"), folder.path().join("./new")]).reserve();
        assert!(twice.expect_err("two files").to_string().contains("two files at once"));
        assert!(!path("new").exists());

        Files::default().read([path("read")]).write([path("new")]).reserve().expect("apart").give_up();
        assert!(!path("new").exists());
    }
}
