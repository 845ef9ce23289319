//! What the targets share: a bound on memory, and files that hold an input.

use std::alloc::System;
use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use cap::Cap;

/// An input that makes the program ask for more than this ends it, and is found.
const MEMORY: usize = 512 << 20;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, MEMORY);

/// A small model that uses every key of its configuration.
pub const CONFIG: &str = include_str!("../seeds/config/every-key.json");

/// A folder in memory, where the system has one, that lasts as long as the process.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = PathBuf::from("/dev/shm");
    let root = if memory.is_dir() { memory } else { std::env::temp_dir() };
    let folder = root.join(format!("seq2seq-fuzz-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    folder
});

/// A file of this name with this content.
pub fn file(name: &str, content: &[u8]) -> PathBuf {
    let path = FOLDER.join(name);
    fs::write(&path, content).expect("a file");
    path
}

/// The folder of [`file`].
pub fn folder() -> PathBuf {
    FOLDER.clone()
}
