//! Which form a computation has, by its shape and the kind of the device, and how workgroups cover it: the one place that
//! decides it.

mod attention;
mod examples;
mod products;
pub mod search;
mod sequences;

pub use attention::{Attended, AttentionTiling, SourceTiling, attention_form, state_form};
pub use examples::examples;
pub use products::{Products, Tiling};
pub use search::{extension_form, greedy_form};
pub use sequences::SequenceTiling;
