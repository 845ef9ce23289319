//! `config.json`: the architecture of a model.

mod activation;
mod bridge;
mod shapes;
mod validate;

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

pub use activation::Activation;
pub use bridge::{Bridge, BridgeCell, BridgeLinear, BridgeReads};
pub use shapes::parameter_shapes;

/// The architecture of a model, as `config.json` holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Version of the model format; 1.
    pub format_version: u32,
    /// The recurrent cell of encoder and decoder.
    pub cell: Cell,
    /// Sizes of the encoder.
    pub encoder: EncoderConfig,
    /// Sizes of the decoder.
    pub decoder: DecoderConfig,
    /// How the decoder's initial state comes from the encoder's final one.
    pub bridge: Bridge,
    /// Score and window of attention.
    pub attention: AttentionConfig,
    /// The ids that steer decoding.
    pub special_tokens: SpecialTokens,
    /// The files that it was saved with, by name, and their digests: with others it is no model. A model that was made
    /// elsewhere may have none, and then nothing of the kind is checked; nor has a model that is loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<BTreeMap<String, String>>,
}

/// Sizes of the encoder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EncoderConfig {
    /// Source symbols.
    pub vocab_size: usize,
    /// Size of a source embedding.
    pub embedding_size: usize,
    /// Hidden units per direction.
    pub hidden_size: usize,
    /// Stacked recurrent layers.
    pub num_layers: usize,
    /// Whether a second direction reads the source from its end.
    pub bidirectional: bool,
}

/// Sizes of the decoder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecoderConfig {
    /// Target symbols.
    pub vocab_size: usize,
    /// Size of a target embedding.
    pub embedding_size: usize,
    /// Hidden units H.
    pub hidden_size: usize,
    /// Stacked recurrent layers.
    pub num_layers: usize,
    /// Whether the previous attentional state is part of the input (Luong et al. 2015, §3.3).
    pub input_feeding: bool,
}

impl DecoderConfig {
    /// The size of the second part of a layer's input: the attentional state, fed to the first.
    pub(crate) fn feed_size(&self, layer: usize) -> usize {
        if layer == 0 && self.input_feeding { self.hidden_size } else { 0 }
    }
}

/// The recurrent cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cell {
    /// h' = tanh(W_ih x + b_ih + W_hh h + b_hh) (Elman 1990)
    Tanh,
    /// Gated recurrent unit; gates r, z, n with the reset gate after the product (Cho et al. 2014).
    Gru,
    /// Long short-term memory; gates i, f, g, o (Hochreiter and Schmidhuber 1997).
    Lstm,
}

impl Cell {
    /// Rows of W_ih per hidden unit.
    pub fn gates(self) -> usize {
        match self {
            Self::Tanh => 1,
            Self::Gru => 3,
            Self::Lstm => 4,
        }
    }

    /// Whether the state holds a cell beside the hidden vector.
    pub fn has_cell(self) -> bool {
        self == Self::Lstm
    }
}

/// Score and window of attention.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttentionConfig {
    /// score(h_t, h̄_s)
    pub score: Score,
    /// Which positions may be attended to.
    pub window: Window,
    /// D of the local windows, which need it; from 1 for `local_p`, whose σ is D / 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub half_width: Option<usize>,
    /// Longest source that the `location` score can see, which needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_source_length: Option<usize>,
    /// From context and hidden state to the attentional state.
    #[serde(default, skip_serializing_if = "AttentionOutput::is_default")]
    pub output: AttentionOutput,
}

/// h̃_t = activation(W_c [c_t; h_t] + b_c): Luong et al. 2015, eq. 5, is a tanh without b_c.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AttentionOutput {
    /// What stands behind the product.
    pub activation: Activation,
    /// Whether there is b_c.
    pub bias: bool,
}

impl Default for AttentionOutput {
    fn default() -> Self {
        Self { activation: Activation::Tanh, bias: false }
    }
}

impl AttentionOutput {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// score(h_t, h̄_s): Luong et al. 2015, eq. 8, and its relatives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Score {
    /// h_tᵀ h̄_s; needs M = H.
    Dot,
    /// h_tᵀ h̄_s / √M; needs M = H.
    ScaledDot,
    /// (W_a h_t)ᵀ h̄_s
    General,
    /// vᵀ tanh(W_q h_t + b_q + W_m h̄_s) (Bahdanau et al. 2015)
    Concat,
    /// (W_l h_t)_s
    Location,
}

/// Which source positions s may be attended to, besides s < S_b: Luong et al. 2015, §3.1 and §3.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    /// All.
    Global,
    /// |s − t| ≤ D
    LocalM,
    /// |s − p_t| ≤ D around a predicted p_t, with a Gaussian of σ = D / 2.
    LocalP,
}

/// The token ids that steer decoding. Those of the target tokenizer, but for `unk`, which is the source tokenizer's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpecialTokens {
    /// Fills rows behind their end, of sources and targets.
    pub pad: u32,
    /// Begins a target.
    pub bos: u32,
    /// Ends a target.
    pub eos: u32,
    /// Stands for a source symbol outside the vocabulary, where the model has such an id.
    pub unk: Option<u32>,
}

impl Config {
    /// Reads and checks the contents of a `config.json`; `path` is named in errors.
    ///
    /// # Errors
    ///
    /// [`Error::Format`] for what is not JSON, a missing or unknown key, an unknown choice or a wrong type, with its
    /// line; [`Error::Config`] for what contradicts itself.
    pub fn from_json(json: impl AsRef<[u8]>, path: impl AsRef<Path>) -> Result<Self> {
        // Another version may well have other keys: that it is another version is the thing to say.
        if let Ok(Version { format_version }) = serde_json::from_slice(json.as_ref())
            && format_version != 1
        {
            return Err(Error::Config {
                key: "format_version".to_owned(),
                expected: "1".to_owned(),
                found: format_version.to_string(),
            });
        }
        let config: Self = serde_json::from_slice(json.as_ref()).map_err(|error| Error::format(path, error))?;
        config.validate()?;
        Ok(config)
    }

    /// The contents of a `config.json`: indented, with a newline at the end.
    pub fn to_json(&self) -> Result<String> {
        let json = serde_json::to_string_pretty(self).map_err(|error| Error::format("config.json", error))?;
        Ok(json + "\n")
    }

    /// Directions of the encoder: 1 or 2.
    pub fn directions(&self) -> usize {
        if self.encoder.bidirectional { 2 } else { 1 }
    }

    /// M: the size of one row of `memory`.
    pub fn memory_size(&self) -> usize {
        self.encoder.hidden_size * self.directions()
    }
}

/// The one key that every version has.
#[derive(Deserialize)]
struct Version {
    format_version: u64,
}
