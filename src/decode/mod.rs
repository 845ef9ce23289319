//! From a model to translations.
//!
//! | module | holds |
//! |---|---|
//! | `search` | beam search, and greedy decoding, which is a beam of one |
//! | `trellis` | what the host keeps of a search, and the way back through it |
//! | `hypothesis` | what is found |

mod hypothesis;
mod max_length;
mod search;
mod trellis;

pub use hypothesis::Hypothesis;
pub use max_length::MaxLength;
pub use search::{GreedyOptions, STEPS_AT_ONCE, SearchOptions, greedy, search};
