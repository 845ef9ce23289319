//! From text to batches of ids and back.

mod batch;

pub use batch::Batch;
