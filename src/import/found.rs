//! What an import has found, and what it refuses.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::Error;
use crate::model::Model;

/// A model of another toolkit, as one of ours.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The model.
    pub model: Model,
    /// What the file holds, in the order in which it is shown: a subject, and what is to be said of it.
    pub found: Vec<(&'static str, String)>,
    /// The files that it was read from.
    pub files: Vec<PathBuf>,
}

/// What a checkpoint has that no model here has.
pub fn refuse(path: &Path, what: impl std::fmt::Display) -> Error {
    Error::format(path, format!("{what}: models that have it are not run here"))
}

/// The architecture in a line.
pub fn architecture(model: &Model) -> String {
    let config = &model.config;
    let (encoder, decoder) = (&config.encoder, &config.decoder);
    format!(
        "{}, encoder {} × {}{}, decoder {} × {}{}, attention {}, bridge {}",
        name(&config.cell),
        encoder.num_layers,
        encoder.hidden_size,
        if encoder.bidirectional { " in both directions" } else { "" },
        decoder.num_layers,
        decoder.hidden_size,
        if decoder.input_feeding { " with input feeding" } else { "" },
        name(&config.attention.score),
        name(&config.bridge),
    )
}

/// A choice as configurations write it.
fn name(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        Ok(value) => value.to_string(),
        Err(_) => String::new(),
    }
}
