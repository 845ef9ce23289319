//! Sequence-to-sequence models with attention, on any GPU and on the CPU.
//!
//! An encoder RNN leaves a hidden state for every source symbol. Each decoder step takes the dot product of its own
//! hidden state with all of them, a softmax makes these scores a distribution, the weighted sum of the encoder's states
//! is the context, and the context beside the decoder's state goes through tanh and softmax to the next symbol
//! (Luong, Pham and Manning 2015). Here that runs as WGSL compute shaders through wgpu, or in Rust on the CPU.
//!
//! ```
//! use seq2seq::device::{Device, DeviceRequest, Precision};
//! use seq2seq::{TranslateOptions, Translator, model::Model};
//!
//! let device = Device::open_blocking(&DeviceRequest::Auto, Precision::F32)?;
//! let translator = Translator::new(Model::load("models/g2p-en")?, device)?;
//! for translation in translator.translate_blocking(&["attention"], &TranslateOptions::default())? {
//!     assert_eq!(translation?.best.text, "AH0 T EH1 N SH AH0 N");
//! }
//! # Ok::<(), seq2seq::Error>(())
//! ```
//!
//! # What it looked at
//!
//! ```
//! # use seq2seq::device::{Device, DeviceRequest, Precision};
//! # use seq2seq::{TranslateOptions, Translator, model::Model};
//! # let device = Device::open_blocking(&DeviceRequest::Cpu, Precision::F32)?;
//! # let translator = Translator::new(Model::load("models/g2p-en")?, device)?;
//! let options = TranslateOptions { alignment: true, ..Default::default() };
//! for translation in translator.translate_blocking(&["attention"], &options)? {
//!     let alignment = translation?.best.alignment.expect("it was asked for");
//!     assert_eq!(alignment.shape, [7, 9], "phonemes × letters");
//!     assert!(alignment.row(0)[0] > 0.5, "AH comes from the first a");
//! }
//! # Ok::<(), seq2seq::Error>(())
//! ```
//!
//! # Attention alone, on arrays
//!
//! The same code with [`gpu::Gpu`] in place of [`cpu::Cpu`] runs on a GPU.
//!
//! ```
//! use seq2seq::backend::{Attention, Backend, Positions};
//! use seq2seq::cpu::Cpu;
//! use seq2seq::model::{Score, Window};
//! use seq2seq::{Array, Storage, block_on};
//!
//! # fn main() -> seq2seq::Result<()> {
//! let cpu = Cpu::<f32>::new();
//! let query = cpu.upload(&Array::new([1, 2], vec![4.0, 0.0]))?; // one query of two numbers
//! let memory = cpu.upload(&Array::new([3, 2], vec![1.0, 5.0, 0.0, 7.0, 0.0, 9.0]))?; // three positions
//! let lengths = cpu.upload_ids(&[3])?;
//! let (mut weights, mut context) = (cpu.zeros(1, 3)?, cpu.zeros(1, 2)?);
//! let attention = Attention {
//!     score: Score::Dot,
//!     window: Window::Global,
//!     half_width: 0,
//!     vectors: None,
//!     query: &query,
//!     position: None,
//!     keys: &memory,
//!     memory: &memory,
//!     lengths: &lengths,
//!     positions: Positions::From(0),
//! };
//! cpu.attention(&attention, &mut weights, 0, &mut context)?;
//! let weights = block_on(cpu.read(&weights))?;
//! assert!((weights[0] - 0.9647).abs() < 1e-4, "e⁴ / (e⁴ + 2): {weights:?}");
//! # Ok(())
//! # }
//! ```
//!
//! # Map
//!
//! | module | holds |
//! |---|---|
//! | [`Translator`] | text to text, on whichever device |
//! | [`model`] | what a model is on disk: configuration, parameters, directory |
//! | [`text`] | tokenizers, files of pairs, dictionaries |
//! | [`batch`] | sentences of ids, padded |
//! | [`device`] | the devices, by the words that a person names them with |
//! | [`decode`] | from a model to translations |
//! | [`nn`] | the model, composed once for all backends |
//! | [`backend`] | the contract: every operation with its equation and shapes |
//! | [`cpu`], [`gpu`] | its two implementations |
//! | [`train`](mod@train) | from pairs of texts to a model |
//! | [`import`](mod@import) | models of other toolkits, as ours |
//! | [`onnx`] | a model as graphs for ONNX Runtime and its like |
//! | [`english`] | English text to phones: the lexicon, the rules, the model |
//! | [`metrics`] | how good translations are: error rates, BLEU, chrF |
//! | [`heatmap`] | alignments as pictures, as files to compute with, as a page to browse |
//! | [`verify`](mod@verify) | every operation against the CPU in 64 bits, and models against PyTorch's values |
//! | [`bench`](mod@bench) | how fast a device computes |
//!
//! What waits for a device is `async`; [`block_on`] waits for it in place. Nothing here prints, ends the process or
//! panics on input: see [`Error`].

#![cfg_attr(not(feature = "train"), allow(dead_code, reason = "what only the operations of training need"))]

pub mod backend;
pub mod batch;
#[cfg(feature = "verify")]
pub mod bench;
mod clock;
mod config;
pub mod cpu;
pub mod decode;
pub mod device;
#[cfg(feature = "english")]
pub mod english;
mod error;
pub mod gpu;
mod hash;
pub mod heatmap;
#[cfg(feature = "import")]
pub mod import;
pub mod memory;
pub mod metrics;
pub mod model;
pub mod nn;
#[cfg(feature = "onnx")]
pub mod onnx;
mod request;
mod tensor;
pub mod text;
#[cfg(feature = "train")]
pub mod train;
mod translator;
#[cfg(feature = "verify")]
pub mod verify;

pub use backend::{Backend, Storage};
#[cfg(feature = "english")]
pub use english::pronounce;
pub use error::{Error, Result};
pub use tensor::{Array, Float};
pub use translator::{
    Origin, Prepared, PreparedSource, Scored, Target, TranslateOptions, Translation, Translator, Word, words,
};

pub use pollster::block_on;
