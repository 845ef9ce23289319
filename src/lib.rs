//! Sequence-to-sequence models with attention on any GPU, and on the CPU.

pub mod backend;
pub mod bench;
pub mod cpu;
pub mod decode;
pub mod device;
mod error;
pub mod gpu;
pub mod heatmap;
pub mod model;
pub mod nn;
mod tensor;
pub mod text;
mod translator;
pub mod verify;

pub use backend::Backend;
pub use error::{Error, Result};
pub use tensor::{Array, Float};
pub use translator::{TranslateOptions, Translation, Translator};
