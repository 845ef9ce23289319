//! How a command ends.

/// How a command ended that did end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All went well.
    Fine,
    /// Some of the work failed, as standard error says; the rest was done.
    SomeFailed,
    /// Someone asked to stop before the end.
    Interrupted,
}
