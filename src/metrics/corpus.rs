//! What is scored: hypotheses, each beside its references.

use crate::{Error, Result};

/// `part` of `whole`; 0 of nothing.
pub fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

/// Every hypothesis needs references, and there is something to score.
pub fn check<H, R>(hypotheses: &[H], references: &[Vec<R>]) -> Result<()> {
    let none = |key: String| Error::Config { key, expected: "at least 1".to_owned(), found: "0".to_owned() };
    if hypotheses.is_empty() {
        return Err(none("hypotheses".to_owned()));
    }
    Error::check("score", "lists of references", hypotheses.len(), references.len())?;
    match references.iter().position(Vec::is_empty) {
        Some(at) => Err(none(format!("references of hypothesis {}", at + 1))),
        None => Ok(()),
    }
}
