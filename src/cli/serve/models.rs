//! The models of a server, by name.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use seq2seq::Translator;
use seq2seq::model::Model;
use seq2seq::text::Dictionary;

use crate::cli::failure::{Failure, Result};
use crate::cli::options::DeviceOptions;

/// The name of the model inside the program.
const EMBEDDED: &str = "g2p-en";

/// A model's directory, and what the model is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedModel {
    name: String,
    directory: PathBuf,
}

impl FromStr for NamedModel {
    type Err = String;

    /// `NAME=DIR`, or `DIR`, which is called as its last part is.
    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        if let Some((name, directory)) = text.split_once('=').filter(|(name, _)| !name.contains(['/', '\\'])) {
            return match name {
                "" => Err("expected a name before =".to_owned()),
                _ => Ok(Self { name: name.to_owned(), directory: directory.into() }),
            };
        }
        let directory = PathBuf::from(text);
        let name = directory.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = name.ok_or_else(|| "expected a name, as in NAME=DIR".to_owned())?;
        Ok(Self { name, directory })
    }
}

/// Models that are ready to translate.
#[derive(Debug)]
pub struct Models {
    models: Vec<(String, Arc<Translator>)>,
    device: String,
}

impl Models {
    /// Loads them, each onto the device; the model inside the program if there are none. Each looks sources up in the
    /// dictionary first.
    pub fn load(named: &[NamedModel], dictionary: &Dictionary, device: &DeviceOptions) -> Result<Self> {
        let mut models: Vec<(String, Arc<Translator>)> = Vec::new();
        let mut described = String::new();
        let mut add = |name: &str, model: Model| {
            if models.iter().any(|(other, _)| other == name) {
                return Err(Failure::Usage(format!("--model: two models are called {name:?}; NAME=DIR names them")));
            }
            let device = device.open(true)?;
            described = device.describe();
            let translator = Translator::new(model, device)?.with_dictionary(dictionary.clone());
            models.push((name.to_owned(), Arc::new(translator)));
            Ok(())
        };
        for NamedModel { name, directory } in named {
            add(name, Model::load(directory)?)?;
        }
        if named.is_empty() {
            add(EMBEDDED, Model::embedded()?)?;
        }
        Ok(Self { models, device: described })
    }

    /// Their names, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.models.iter().map(|(name, _)| name.as_str())
    }

    /// The place of the one of this name.
    pub fn place(&self, name: &str) -> Option<usize> {
        self.names().position(|other| other == name)
    }

    /// The name of the one at this place.
    pub fn name(&self, place: usize) -> &str {
        &self.models[place].0
    }

    /// The one at this place.
    pub fn translator(&self, place: usize) -> &Arc<Translator> {
        &self.models[place].1
    }

    /// The device in a few words.
    pub fn device(&self) -> &str {
        &self.device
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_called_as_its_folder_or_as_one_likes() {
        let named = |text: &str| text.parse::<NamedModel>().map(|NamedModel { name, directory }| (name, directory));
        assert_eq!(named("models/mine/"), Ok(("mine".to_owned(), "models/mine/".into())));
        assert_eq!(named("ru=models/mine"), Ok(("ru".to_owned(), "models/mine".into())));
        assert_eq!(named("./a=b"), Ok(("a=b".to_owned(), "./a=b".into())));
        assert!(named("=models/mine").is_err() && named("..").is_err());
    }
}
