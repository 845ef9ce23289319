//! From the encoder's final states to the decoder's initial ones.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::activation::Activation;

/// From the encoder's final states to the decoder's initial ones, per layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bridge {
    /// [forward; backward] as they are; needs equal layer counts and M = H.
    Copy,
    /// Zeros.
    Zeros,
    /// activation(W s + b) of states s of the encoder.
    Linear(BridgeLinear),
}

/// What a linear bridge reads, and what becomes of it. A file calls the default `"linear"`: tanh(W [forward; backward] + b)
/// for hidden and cell, each from its own, layer by layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BridgeLinear {
    /// Which layers of the encoder a layer of the decoder starts from.
    pub reads: BridgeReads,
    /// What stands behind the product.
    pub activation: Activation,
    /// What an LSTM's cell starts from.
    pub cell: BridgeCell,
}

/// Which layers of the encoder a layer of the decoder starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BridgeReads {
    /// The one of the same number: further encoder layers go unused.
    Layer,
    /// The last, for all of the decoder's.
    Top,
    /// All, the first layer's [forward; backward] first.
    All,
}

/// What an LSTM's cell starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BridgeCell {
    /// The encoder's cells, by a W and b of their own.
    Cell,
    /// The encoder's hidden states: it equals the hidden state.
    Hidden,
}

impl Bridge {
    /// The bridge that files call `linear`.
    pub const LINEAR: Self = Self::Linear(BridgeLinear::DEFAULT);
}

impl BridgeLinear {
    const DEFAULT: Self = Self { reads: BridgeReads::Layer, activation: Activation::Tanh, cell: BridgeCell::Cell };

    /// The encoder layers, of `count`, that layer `layer` of the decoder starts from.
    pub fn layers(&self, layer: usize, count: usize) -> std::ops::Range<usize> {
        match self.reads {
            BridgeReads::Layer => layer..layer + 1,
            BridgeReads::Top => count.saturating_sub(1)..count,
            BridgeReads::All => 0..count,
        }
    }
}

impl Default for BridgeLinear {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The bridges that have a name.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Name {
    Copy,
    Zeros,
    Linear,
}

impl Serialize for Bridge {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Copy => Name::Copy.serialize(serializer),
            Self::Zeros => Name::Zeros.serialize(serializer),
            Self::Linear(BridgeLinear::DEFAULT) => Name::Linear.serialize(serializer),
            Self::Linear(linear) => linear.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Bridge {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Bridge;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a bridge: \"copy\", \"zeros\", \"linear\" or an object with reads, activation and cell")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Bridge, E> {
                let name = Name::deserialize(de::value::StrDeserializer::<E>::new(name))?;
                Ok(match name {
                    Name::Copy => Bridge::Copy,
                    Name::Zeros => Bridge::Zeros,
                    Name::Linear => Bridge::LINEAR,
                })
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Bridge, A::Error> {
                BridgeLinear::deserialize(de::value::MapAccessDeserializer::new(map)).map(Bridge::Linear)
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}
