//! A boundary around code that may panic on a malformed file.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `work` of the `tokenizers` crate; a panic in it becomes an error with its message.
///
/// The crate takes a file at its word: a `FixedLength` of 0 or a garbled `Precompiled` table panics, some while
/// loading, some at the first text. What `work` borrows is only read, so nothing is left half changed.
pub(super) fn guard<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let message = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        format!("the tokenizer broke off: {}", message.unwrap_or("unknown reason"))
    })
}
