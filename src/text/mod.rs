//! From text to batches of ids and back.

mod batch;
mod encoding;
mod guard;
mod pair_batch;
mod tokenizer;

pub use batch::Batch;
pub use encoding::Encoding;
pub use pair_batch::PairBatch;
pub use tokenizer::Tokenizer;
