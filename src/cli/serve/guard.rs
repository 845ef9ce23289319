//! A panic is the failure of one request, and no text is told of it.

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};

use super::refusal::Refusal;

/// What a request is told whose work has panicked.
pub const PANICKED: &str = "a fault of this program, whose place is in its log";

/// From now on a panic is a line of the log: where it was, and not what it said, which may be part of a text.
pub fn announce() {
    set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a fault of this program");
    }));
}

/// Does the work of a request; its panic is an answer.
pub fn run<T>(work: impl FnOnce() -> Result<T, Refusal>) -> Result<T, Refusal> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(Refusal::broken(PANICKED)))
}
