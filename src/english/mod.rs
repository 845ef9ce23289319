//! English text to phones: what is written to words, by rules; words to phones, by a lexicon; and what it lacks by the model.

pub mod lexicon;
mod neighbours;
mod numbers;
pub mod phones;
mod pronouncer;
mod pronunciation;
mod reading;
pub mod record;
mod rules;
mod text;

pub use lexicon::Lexicon;
pub use pronouncer::{Pronouncer, pronounce};
pub use pronunciation::{Origin, Other, Pronunciation, Spoken};
pub use reading::Unread;
