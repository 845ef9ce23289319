//! From text to batches of ids and back.

mod batch;
mod encoding;
mod guard;
mod tokenizer;

pub use batch::Batch;
pub use encoding::Encoding;
pub use tokenizer::Tokenizer;
