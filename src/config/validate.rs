//! Whether a configuration makes sense: every contradiction is an error that names its key.

use std::fmt::Display;

use super::{Bridge, BridgeReads, Config, Score, Window, parameter_shapes};
use crate::{Error, Result};

/// The largest of any size: exact in f32, and four times it, plus it again, still fits 32 bits.
const MAX_SIZE: usize = 1 << 24;
/// The most layers of a stack.
const MAX_LAYERS: usize = 1024;
/// The most scalars of all parameters together: what 32-bit indices reach.
const MAX_SCALARS: u128 = 1 << 32;

impl Config {
    /// Checks that the architecture exists and that its sizes fit together.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] with the dotted key that is wrong, what was expected there, and what was found.
    pub fn validate(&self) -> Result<()> {
        check(self.format_version == 1, "format_version", 1, self.format_version)?;
        self.validate_sizes()?;
        self.validate_bridge()?;
        self.validate_attention()?;
        self.validate_special_tokens()?;
        self.validate_total()
    }

    fn validate_sizes(&self) -> Result<()> {
        let (encoder, decoder) = (&self.encoder, &self.decoder);
        size("encoder.vocab_size", encoder.vocab_size, MAX_SIZE)?;
        size("encoder.embedding_size", encoder.embedding_size, MAX_SIZE)?;
        size("encoder.hidden_size", encoder.hidden_size, MAX_SIZE)?;
        size("encoder.num_layers", encoder.num_layers, MAX_LAYERS)?;
        size("decoder.vocab_size", decoder.vocab_size, MAX_SIZE)?;
        size("decoder.embedding_size", decoder.embedding_size, MAX_SIZE)?;
        size("decoder.hidden_size", decoder.hidden_size, MAX_SIZE)?;
        size("decoder.num_layers", decoder.num_layers, MAX_LAYERS)
    }

    fn validate_bridge(&self) -> Result<()> {
        let (encoder, decoder) = (self.encoder.num_layers, self.decoder.num_layers);
        match self.bridge {
            Bridge::Zeros => Ok(()),
            Bridge::Copy => {
                let expected = format!("{encoder}, as encoder.num_layers (bridge copy)");
                check(decoder == encoder, "decoder.num_layers", expected, decoder)?;
                self.validate_memory_is_hidden("bridge copy")
            }
            Bridge::Linear(linear) if linear.reads != BridgeReads::Layer => Ok(()),
            // Layer k of the decoder starts from layer k of the encoder: further encoder layers go unused.
            Bridge::Linear(_) => {
                let expected = format!("at most {encoder}, encoder.num_layers (bridge linear)");
                check(decoder <= encoder, "decoder.num_layers", expected, decoder)
            }
        }
    }

    fn validate_attention(&self) -> Result<()> {
        let attention = &self.attention;
        match attention.score {
            Score::Dot => self.validate_memory_is_hidden("score dot")?,
            Score::ScaledDot => self.validate_memory_is_hidden("score scaled_dot")?,
            Score::General | Score::Concat => {}
            Score::Location => {
                optional("attention.max_source_length", attention.max_source_length, 1, "score location")?;
            }
        }
        match attention.window {
            Window::Global => Ok(()),
            // A window of the one position s = t is narrow, but it is one.
            Window::LocalM => optional("attention.half_width", attention.half_width, 0, "window local_m"),
            // σ = half_width / 2 divides.
            Window::LocalP => optional("attention.half_width", attention.half_width, 1, "window local_p"),
        }
    }

    /// pad fills rows of both sides and unk stands in sources; bos and eos are the decoder's.
    ///
    /// bos may be pad: lengths, not ids, say where a row ends. It may be eos: what ends one target may begin the next.
    /// eos is not pad, for it ends a target.
    fn validate_special_tokens(&self) -> Result<()> {
        let special = &self.special_tokens;
        let source = ("encoder.vocab_size", self.encoder.vocab_size);
        let target = ("decoder.vocab_size", self.decoder.vocab_size);
        id("special_tokens.pad", special.pad, source)?;
        id("special_tokens.pad", special.pad, target)?;
        id("special_tokens.bos", special.bos, target)?;
        id("special_tokens.eos", special.eos, target)?;
        check(special.eos != special.pad, "special_tokens.eos", "an id other than special_tokens.pad", special.eos)?;
        let Some(unk) = special.unk else { return Ok(()) };
        id("special_tokens.unk", unk, source)?;
        check(unk != special.pad, "special_tokens.unk", "an id other than special_tokens.pad", unk)
    }

    fn validate_memory_is_hidden(&self, reason: &str) -> Result<()> {
        let (memory, directions) = (self.memory_size(), self.directions());
        let expected = format!("{memory}, encoder.hidden_size times {directions} directions ({reason})");
        let hidden = self.decoder.hidden_size;
        check(hidden == memory, "decoder.hidden_size", expected, hidden)
    }

    /// The sizes one by one are small enough for this product not to overflow.
    fn validate_total(&self) -> Result<()> {
        let scalars = |shape: Vec<usize>| shape.into_iter().map(|size| size as u128).product::<u128>();
        let total: u128 = parameter_shapes(self).into_iter().map(|(_, shape)| scalars(shape)).sum();
        let limit = MAX_SCALARS.min(usize::MAX as u128 / 8);
        check(total <= limit, "config", format!("at most {limit} scalars in all parameters"), total)
    }
}

fn check(right: bool, key: &str, expected: impl Display, found: impl Display) -> Result<()> {
    if right {
        return Ok(());
    }
    Err(Error::Config { key: key.to_owned(), expected: expected.to_string(), found: found.to_string() })
}

fn size(key: &str, found: usize, largest: usize) -> Result<()> {
    check((1..=largest).contains(&found), key, format!("1 to {largest}"), found)
}

fn optional(key: &str, found: Option<usize>, least: usize, reason: &str) -> Result<()> {
    let right = found.is_some_and(|found| (least..=MAX_SIZE).contains(&found));
    let found = found.map_or_else(|| "none".to_owned(), |found| found.to_string());
    check(right, key, format!("{least} to {MAX_SIZE} ({reason})"), found)
}

fn id(key: &str, found: u32, (vocabulary, size): (&str, usize)) -> Result<()> {
    check((found as usize) < size, key, format!("an id below {vocabulary}, {size}"), found)
}
