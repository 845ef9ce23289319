//! From a model to translations.

mod greedy;
mod hypothesis;

pub use greedy::{GreedyOptions, greedy};
pub use hypothesis::Hypothesis;
