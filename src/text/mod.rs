//! From text to ids and back; pairs to learn from and to look up, and the vocabularies they make.

mod dictionary;
mod encoding;
mod guard;
pub mod lines;
pub mod pairs;
mod rules;
mod tokenizer;
pub mod vocabulary;

pub use dictionary::Dictionary;
pub use encoding::Encoding;
pub use tokenizer::Tokenizer;
