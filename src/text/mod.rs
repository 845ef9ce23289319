//! From text to batches of ids and back; pairs to learn from and to look up, and the vocabularies they make.

mod batch;
mod dictionary;
mod encoding;
mod guard;
mod pair_batch;
pub mod pairs;
mod tokenizer;
pub mod vocabulary;

pub use batch::Batch;
pub use dictionary::Dictionary;
pub use encoding::Encoding;
pub use pair_batch::PairBatch;
pub use tokenizer::Tokenizer;
