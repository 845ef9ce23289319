//! A boundary around code that may panic on a malformed file.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

/// Runs `work` of the `tokenizers` crate; a panic in it becomes an error with its message, and prints nothing.
///
/// The crate takes a file at its word: there are vocabularies and scores that make it panic, some while loading, some
/// at the first text. What `work` borrows is only read, so nothing is left half changed.
pub(super) fn guard<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    static QUIET: Once = Once::new();
    QUIET.call_once(quieten);
    let outer = GUARDED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(outer);
    result.map_err(|panic| {
        let message = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        format!("the tokenizer broke off: {}", message.unwrap_or("unknown reason"))
    })
}

thread_local! {
    /// Whether a panic of this thread will become an error.
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Every panic is announced as before, but for those that become errors.
fn quieten() {
    let announce = take_hook();
    set_hook(Box::new(move |panic| {
        if !GUARDED.get() {
            announce(panic);
        }
    }));
}
