//! The files of a model's directory, which belong together: read as they were written, replaced all at once.
//!
//! New files are written into a folder beside the old ones, which gets the name `.replacement` once all of them have
//! reached the disk. From that moment the directory holds the new model: its files then move to their places, the
//! configuration last, and whoever reads takes each from the folder as long as it is there. So a process may end at any
//! moment, and the model is the old or the new one; whoever writes next first puts the files in their places.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::atomic;
use crate::hash::digest;
use crate::memory::require;
use crate::{Error, Result};

pub(crate) const CONFIG: &str = "config.json";
pub(super) const WEIGHTS: &str = "model.safetensors";
pub(crate) const SOURCE_TOKENIZER: &str = "source_tokenizer.json";
pub(crate) const TARGET_TOKENIZER: &str = "target_tokenizer.json";

/// Those that a configuration may list.
pub(super) const LISTED: [&str; 3] = [WEIGHTS, SOURCE_TOKENIZER, TARGET_TOKENIZER];

/// Where the files wait for their places.
pub(crate) const REPLACEMENT: &str = ".replacement";

/// A configuration takes about a thousand bytes.
const LARGEST_CONFIG: u64 = 1 << 20;

/// A change of hands is over in far fewer attempts.
const ATTEMPTS: usize = 100;

/// The files that a configuration lists.
pub(super) type Digests = BTreeMap<String, String>;

/// What a configuration holds of a file.
pub(super) fn digest_of(bytes: &[u8]) -> String {
    format!("{:016x}", digest(bytes))
}

/// The contents of the files that are there.
pub(super) type Contents = BTreeMap<&'static str, Vec<u8>>;

/// Reads the files of one model, though another may be taking its place.
pub(super) fn read(directory: &Path) -> Result<Contents> {
    for _ in 0..ATTEMPTS {
        let is_replaced = || fs::symlink_metadata(directory.join(REPLACEMENT).join(CONFIG)).is_ok();
        let was_replaced = is_replaced();
        let config = find(directory, CONFIG)?.ok_or_else(|| missing(directory.join(CONFIG)))?;
        let others = read_others(directory, &config, was_replaced || is_replaced());
        // The configuration is the last to be moved: as long as it is the same, so were the others, and what is missing
        // is.
        if find(directory, CONFIG)?.as_ref() == Some(&config) {
            let mut contents = others?;
            contents.insert(CONFIG, config);
            return Ok(contents);
        }
    }
    Err(Error::format(directory, "expected a model, found one that others keep replacing"))
}

/// The files beside a configuration, which may still be about to take their places.
fn read_others(directory: &Path, config: &[u8], replacing: bool) -> Result<Contents> {
    let listed = listed(config);
    let mut contents = Contents::new();
    for name in LISTED {
        // What the new model does not list is still to be removed.
        if replacing && !listed.contains_key(name) {
            continue;
        }
        if let Some(bytes) = find(directory, name)? {
            contents.insert(name, bytes);
        } else if name == WEIGHTS || listed.contains_key(name) {
            return Err(missing(directory.join(name)));
        }
    }
    Ok(contents)
}

/// Replaces the model of a directory, which is made if it is not there.
pub(super) fn replace(directory: &Path, files: &[(&str, &[u8])]) -> Result<()> {
    fs::create_dir_all(directory).map_err(Error::io(directory))?;
    for name in LISTED.into_iter().chain([CONFIG]) {
        let path = directory.join(name);
        if path.is_dir() {
            return Err(Error::io(path)(ErrorKind::IsADirectory.into()));
        }
    }
    // Writers take turns where the system lets a directory be locked; what one that was killed has left goes then.
    let turn = File::open(directory);
    if turn.as_ref().is_ok_and(|directory| directory.lock().is_ok()) {
        atomic::clean(directory, &[REPLACEMENT])?;
    }
    settle(directory)?;
    atomic::write_folder(&directory.join(REPLACEMENT), files)?;
    settle(directory)
}

/// Moves the files of a model that is to take another's place to theirs, if there are any.
fn settle(directory: &Path) -> Result<()> {
    let replacement = directory.join(REPLACEMENT);
    match fs::read(replacement.join(CONFIG)) {
        Ok(config) => {
            let listed = listed(&config);
            for name in LISTED {
                if listed.contains_key(name) {
                    move_from(&replacement, directory, name)?;
                } else {
                    atomic::remove(&directory.join(name))?;
                }
            }
            move_from(&replacement, directory, CONFIG)?;
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(Error::io(replacement.join(CONFIG))(error)),
    }
    // Empty by now, if it is there at all; what somebody put into it stays.
    let _ = fs::remove_dir(&replacement);
    Ok(())
}

/// Moves a file, unless that has been done.
fn move_from(replacement: &Path, directory: &Path, name: &str) -> Result<()> {
    match fs::rename(replacement.join(name), directory.join(name)) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io(directory.join(name))(error)),
        _ => Ok(()),
    }
}

/// A file that waits for its place, or is in it.
fn find(directory: &Path, name: &str) -> Result<Option<Vec<u8>>> {
    for path in [directory.join(REPLACEMENT).join(name), directory.join(name)] {
        let bytes = atomic::regular(&path)?.map_or(0, |metadata| metadata.len());
        if name == CONFIG && bytes > LARGEST_CONFIG {
            return Err(Error::format(path, format!("expected at most {LARGEST_CONFIG} bytes, found {bytes}")));
        }
        require::<u8>(usize::try_from(bytes).unwrap_or(usize::MAX), || name.to_owned())?;
        match fs::read(&path) {
            Ok(bytes) => return Ok(Some(bytes)),
            // The latter where a file has the folder's name.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
            Err(error) => return Err(Error::io(path)(error)),
        }
    }
    Ok(None)
}

/// The files that a configuration lists; none if it is not one that does.
fn listed(config: &[u8]) -> Digests {
    #[derive(Deserialize)]
    struct Listing {
        #[serde(default)]
        files: Digests,
    }
    serde_json::from_slice::<Listing>(config).map(|listing| listing.files).unwrap_or_default()
}

fn missing(path: PathBuf) -> Error {
    Error::io(path)(ErrorKind::NotFound.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A model's files of this many kinds, all of them saying who they are.
    fn files(who: &str, names: &[&'static str]) -> Contents {
        let mut files: Contents = names.iter().map(|&name| (name, format!("{who} {name}").into_bytes())).collect();
        let digests: Digests = files.iter().map(|(name, bytes)| ((*name).to_owned(), digest_of(bytes))).collect();
        let config = serde_json::json!({"who": who, "files": digests}).to_string();
        files.insert(CONFIG, config.into_bytes());
        files
    }

    fn write(directory: &Path, files: &Contents) -> Result<()> {
        replace(directory, &files.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect::<Vec<_>>())
    }

    /// Wherever a replacement stops, the model is the new one; and so it stays when the next one begins.
    #[test]
    fn a_replacement_that_stops_anywhere_is_a_whole_model() -> Result<()> {
        let (old, new) = (files("old", &LISTED), files("new", &[WEIGHTS, TARGET_TOKENIZER]));
        for moved in 0..=4 {
            let root = tempfile::tempdir().expect("a folder");
            let directory = root.path().join("model");
            write(&directory, &old)?;
            assert_eq!(read(&directory)?, old);
            let replacement = directory.join(REPLACEMENT);
            let bytes: Vec<_> = new.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
            atomic::write_folder(&replacement, &bytes)?;
            for name in LISTED.into_iter().chain([CONFIG]).take(moved) {
                if new.contains_key(name) {
                    move_from(&replacement, &directory, name)?;
                } else {
                    atomic::remove(&directory.join(name))?;
                }
            }
            assert_eq!(read(&directory)?, new, "{moved} files moved");
            settle(&directory)?;
            assert_eq!(read(&directory)?, new, "{moved} files moved, then the others");
            assert_eq!(fs::read_dir(&directory).expect("a folder").count(), 3);
            write(&directory, &old)?;
            assert_eq!(read(&directory)?, old);
        }
        Ok(())
    }

    /// Two write and two read, as fast as they can; every model that is read is one of those that are written.
    #[test]
    fn readers_and_writers_never_see_two_models_in_one() -> Result<()> {
        let root = tempfile::tempdir().expect("a folder");
        let directory = root.path();
        let models = [files("a", &LISTED), files("b", &[WEIGHTS]), files("c", &[WEIGHTS, SOURCE_TOKENIZER])];
        write(directory, &models[0])?;
        std::thread::scope(|scope| {
            let writers = [&models[1..], &models[..2]]
                .map(|models| scope.spawn(move || (0..60).try_for_each(|turn| write(directory, &models[turn % 2]))));
            let readers = [0, 1].map(|_| {
                scope.spawn(|| {
                    (0..200).try_for_each(|_| {
                        let found = read(directory)?;
                        assert!(models.contains(&found), "{found:?}");
                        Ok::<_, Error>(())
                    })
                })
            });
            writers.into_iter().chain(readers).try_for_each(|thread| thread.join().expect("no panic"))
        })
    }
}
