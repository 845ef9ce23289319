//! A model's directory, read and written.

use std::path::{Path, PathBuf};

use super::files::{self, CONFIG, LISTED, REPLACEMENT, SOURCE_TOKENIZER, TARGET_TOKENIZER, WEIGHTS};
use super::{Config, Parameters, SpecialTokens, WeightFormat};
use crate::text::Tokenizer;
use crate::{Error, Result};

/// A model on the host: all that its directory holds, checked.
///
/// ```
/// use seq2seq::model::Model;
///
/// let model = Model::load("models/g2p-en")?;
/// assert_eq!(model.parameters.count(), 4_781_896);
/// # Ok::<(), seq2seq::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Model {
    /// The architecture.
    pub config: Config,
    /// The weights.
    pub parameters: Parameters,
    /// Text to source ids. Without it the model is fed ids.
    pub source_tokenizer: Option<Tokenizer>,
    /// Target ids to text. Without it the model answers with ids.
    pub target_tokenizer: Option<Tokenizer>,
}

/// The contents of a model's files, for programs that carry their model with them.
#[derive(Clone, Copy, Debug)]
pub struct ModelBytes<'a> {
    /// `config.json`
    pub config: &'a [u8],
    /// `model.safetensors`
    pub weights: &'a [u8],
    /// `source_tokenizer.json`
    pub source_tokenizer: Option<&'a [u8]>,
    /// `target_tokenizer.json`
    pub target_tokenizer: Option<&'a [u8]>,
}

impl ModelBytes<'_> {
    /// Checks that these are the files that a configuration was saved with.
    fn check(&self, digests: &files::Digests, directory: &Path) -> Result<()> {
        for (name, bytes) in LISTED.into_iter().zip([Some(self.weights), self.source_tokenizer, self.target_tokenizer])
        {
            let shown = |digest: Option<&String>| digest.map_or_else(|| "no such file".to_owned(), String::clone);
            let (expected, found) = (digests.get(name), bytes.map(files::digest_of));
            if expected != found.as_ref() {
                let reason = format!(
                    "is not the file that {CONFIG} was saved with: expected {}, found {}",
                    shown(expected),
                    shown(found.as_ref())
                );
                return Err(Error::format(directory.join(name), reason));
            }
        }
        match digests.keys().find(|name| !LISTED.contains(&name.as_str())) {
            Some(name) => Err(Error::Config {
                key: "files".to_owned(),
                expected: format!("names among {}", LISTED.join(", ")),
                found: format!("{name:?}"),
            }),
            None => Ok(()),
        }
    }
}

impl Model {
    /// Puts a model together and checks that its parts fit.
    ///
    /// # Errors
    ///
    /// What [`Config::validate`] and [`Parameters::new`] refuse; [`Error::Format`] naming the tokenizer's file if a
    /// token's id is beyond the vocabulary of the configuration; [`Error::Config`] if `special_tokens.unk` is not
    /// the source tokenizer's.
    pub fn new(
        config: Config,
        parameters: Parameters,
        source_tokenizer: Option<Tokenizer>,
        target_tokenizer: Option<Tokenizer>,
    ) -> Result<Self> {
        config.validate()?;
        parameters.validate(&config)?;
        let source_tokenizer = source_tokenizer.map(|tokenizer| fit_source(&config, tokenizer)).transpose()?;
        let target_tokenizer = target_tokenizer.map(|tokenizer| fit_target(&config, tokenizer)).transpose()?;
        Ok(Self { config, parameters, source_tokenizer, target_tokenizer })
    }

    /// Reads the model of a directory.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] naming the file that cannot be read; for its contents see [`Model::from_bytes`], whose
    /// [`Error::Config`] and [`Error::Tensor`] come in an [`Error::Model`] that names the directory.
    pub fn load(directory: impl AsRef<Path>) -> Result<Self> {
        let directory = directory.as_ref();
        let contents = files::read(directory)?;
        let content = |name: &str| contents.get(name).map(Vec::as_slice);
        let bytes = ModelBytes {
            config: content(CONFIG).unwrap_or_default(),
            weights: content(WEIGHTS).unwrap_or_default(),
            source_tokenizer: content(SOURCE_TOKENIZER),
            target_tokenizer: content(TARGET_TOKENIZER),
        };
        Self::parse(bytes, directory).map_err(|error| match error {
            // These say nothing of files.
            Error::Tensor { .. } | Error::Config { .. } => {
                Error::Model { directory: directory.to_path_buf(), source: Box::new(error) }
            }
            error => error,
        })
    }

    /// The files that the model of a directory may have, and those that may be about to take their places.
    pub fn paths(directory: impl AsRef<Path>) -> Vec<PathBuf> {
        let folders = [directory.as_ref().to_path_buf(), directory.as_ref().join(REPLACEMENT)];
        let names = [CONFIG, WEIGHTS, SOURCE_TOKENIZER, TARGET_TOKENIZER];
        folders.iter().flat_map(|folder| names.map(|name| folder.join(name))).collect()
    }

    /// Reads a model from memory. Errors name the files as they are called in a directory.
    ///
    /// # Errors
    ///
    /// Those of [`Config::from_json`], [`Parameters::from_safetensors`], [`Tokenizer::from_bytes`] and
    /// [`Model::new`]; [`Error::Format`] naming the file that is not the one that the configuration was saved with.
    pub fn from_bytes(bytes: ModelBytes<'_>) -> Result<Self> {
        Self::parse(bytes, Path::new(""))
    }

    /// The model that comes with the library: American English spelling to phonemes.
    ///
    /// Trained on the Carnegie Mellon Pronouncing Dictionary; see `models/README.md`.
    #[cfg(feature = "embedded-model")]
    pub fn embedded() -> Result<Self> {
        Self::from_bytes(ModelBytes {
            config: include_bytes!("../../models/g2p-en/config.json"),
            weights: include_bytes!("../../models/g2p-en/model.safetensors"),
            source_tokenizer: Some(include_bytes!("../../models/g2p-en/source_tokenizer.json")),
            target_tokenizer: Some(include_bytes!("../../models/g2p-en/target_tokenizer.json")),
        })
    }

    /// Writes the model to a directory, which is made if it is not there.
    ///
    /// All files are replaced or none is, whenever the process may end, and [`Config::files`] says which belong
    /// together; a tokenizer's file that the model has no use for is removed, and all else in the directory stays.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] naming the file that cannot be written; [`Error::Tensor`] for a weight beyond the format; what
    /// [`Model::new`] refuses, before anything is written.
    pub fn save(&self, directory: impl AsRef<Path>, format: WeightFormat) -> Result<()> {
        self.config.validate()?;
        self.parameters.validate(&self.config)?;
        self.source_tokenizer.iter().try_for_each(|tokenizer| check_source(&self.config, tokenizer))?;
        self.target_tokenizer.iter().try_for_each(|tokenizer| check_target(&self.config, tokenizer))?;
        let weights = self.parameters.to_safetensors(format)?;
        let mut contents = vec![(WEIGHTS, weights.as_slice())];
        for (name, tokenizer) in
            [(SOURCE_TOKENIZER, &self.source_tokenizer), (TARGET_TOKENIZER, &self.target_tokenizer)]
        {
            contents.extend(tokenizer.iter().map(|tokenizer| (name, tokenizer.to_json().as_bytes())));
        }
        let digests = contents.iter().map(|(name, bytes)| ((*name).to_owned(), files::digest_of(bytes))).collect();
        let config = Config { files: Some(digests), ..self.config.clone() }.to_json()?;
        contents.push((CONFIG, config.as_bytes()));
        files::replace(directory.as_ref(), &contents)
    }

    fn parse(bytes: ModelBytes<'_>, directory: &Path) -> Result<Self> {
        let mut config = Config::from_json(bytes.config, directory.join(CONFIG))?;
        let digests = config.files.take();
        let parameters = Parameters::from_safetensors(&config, bytes.weights, directory.join(WEIGHTS))?;
        let tokenizer = |bytes: Option<&[u8]>, name: &str| {
            bytes.map(|bytes| Tokenizer::from_bytes(bytes, directory.join(name))).transpose()
        };
        let source_tokenizer = tokenizer(bytes.source_tokenizer, SOURCE_TOKENIZER)?;
        let target_tokenizer = tokenizer(bytes.target_tokenizer, TARGET_TOKENIZER)?;
        let model = Self::new(config, parameters, source_tokenizer, target_tokenizer)?;
        // What is wrong with a file itself says more, and has been said.
        digests.map_or(Ok(()), |digests| bytes.check(&digests, directory))?;
        Ok(model)
    }
}

/// The source tokenizer of a model of this architecture, which knows what is not text, and the unknown symbol.
///
/// # Errors
///
/// See [`Model::new`].
pub(crate) fn fit_source(config: &Config, tokenizer: Tokenizer) -> Result<Tokenizer> {
    check_source(config, &tokenizer)?;
    Ok(tokenizer.with_special_tokens([config.special_tokens.pad], config.special_tokens.unk))
}

/// The target tokenizer of a model of this architecture, which knows what is not text.
///
/// # Errors
///
/// See [`Model::new`].
pub(crate) fn fit_target(config: &Config, tokenizer: Tokenizer) -> Result<Tokenizer> {
    check_target(config, &tokenizer)?;
    let SpecialTokens { pad, bos, eos, .. } = config.special_tokens;
    Ok(tokenizer.with_special_tokens([pad, bos, eos], None))
}

fn check_source(config: &Config, tokenizer: &Tokenizer) -> Result<()> {
    tokenizer.check_ids("encoder.vocab_size", config.encoder.vocab_size)?;
    // The tokenizer and the configuration may not mean different ids by the unknown symbol.
    match (config.special_tokens.unk, tokenizer.own_unk()) {
        (Some(found), Some(own)) if found != own => Err(Error::Config {
            key: "special_tokens.unk".to_owned(),
            expected: format!("{own}, as in {}", tokenizer.path().display()),
            found: found.to_string(),
        }),
        _ => Ok(()),
    }
}

fn check_target(config: &Config, tokenizer: &Tokenizer) -> Result<()> {
    tokenizer.check_without_end()?;
    tokenizer.check_ids("decoder.vocab_size", config.decoder.vocab_size)
}
