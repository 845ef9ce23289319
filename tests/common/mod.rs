//! What the tests share: where models and fixtures are.
#![allow(dead_code, reason = "every test crate compiles this file and uses its own part of it")]

pub mod gpu;
#[cfg(feature = "cli")]
pub mod program;
#[cfg(all(unix, feature = "cli"))]
pub mod server;
#[cfg(all(unix, feature = "cli"))]
pub mod signals;

use std::path::{Path, PathBuf};

/// What a test returns: `?` on anything.
pub type TestResult = Result<(), Box<dyn std::error::Error>>;

/// The root of the package.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The model that comes with the package.
pub fn g2p() -> PathBuf {
    root().join("models/g2p-en")
}

/// The directory with fixtures and data: `SEQ2SEQ_SHARED`, else `../shared`.
///
/// Without one it says that the test `name` is skipped.
#[expect(clippy::print_stderr, reason = "a test that did not run must say so")]
pub fn shared(name: &str) -> Option<PathBuf> {
    let directory = std::env::var_os("SEQ2SEQ_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    if directory.is_dir() {
        return Some(directory);
    }
    eprintln!("skipped: {name} needs ../shared");
    None
}

/// The directories of all fixtures, by name; none where there is no `../shared`.
pub fn fixtures(name: &str) -> Vec<PathBuf> {
    let Some(shared) = shared(name) else { return Vec::new() };
    let entries = std::fs::read_dir(shared.join("fixtures")).into_iter().flatten().flatten();
    let mut directories: Vec<_> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    directories.sort();
    directories
}
