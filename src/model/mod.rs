//! What a model is on disk: its architecture, its parameters, its directory.

mod config;

pub use config::{AttentionConfig, Bridge, Cell, Config, DecoderConfig, EncoderConfig, Score, SpecialTokens, Window};
mod parameters;

pub use parameters::Parameters;
