//! What a model is on disk: its architecture, its parameters, its directory.
//!
//! | file | holds | read by |
//! |---|---|---|
//! | `config.json` | the architecture | [`Config`] |
//! | `model.safetensors` | the weights, float32 or float16 | [`Parameters`], named by [`parameter_shapes`] |
//! | `source_tokenizer.json` | text to source ids | [`Tokenizer`](crate::text::Tokenizer) |
//! | `target_tokenizer.json` | target ids to text | [`Tokenizer`](crate::text::Tokenizer) |
//!
//! Whatever is wrong with one of them is an error that names it: no file is half believed.

pub(crate) mod atomic;
mod directory;
pub(crate) mod files;
mod initial;
mod parameters;
mod random;
pub(crate) mod tensors;
mod weights;

pub use crate::config::{
    Activation, AttentionConfig, AttentionOutput, Bridge, BridgeCell, BridgeLinear, BridgeReads, Cell, Config,
    DecoderConfig, EncoderConfig, Score, SpecialTokens, Window, parameter_shapes,
};
pub use directory::{Model, ModelBytes};
#[cfg(feature = "train")]
pub(crate) use directory::{fit_source, fit_target};
pub use parameters::Parameters;
pub use weights::WeightFormat;
