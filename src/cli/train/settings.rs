//! What can be chosen of a model and its training, by flags or in a file.
//!
//! One declaration serves both: a flag `--batch-size` is the key `batch_size` of its section. What nobody chose has no
//! value here; the file that is written has one for everything.

use std::fs;
use std::path::{Path, PathBuf};

use seq2seq::Error;
use seq2seq::model::{Bridge, Cell, Model, Score, Window};
use seq2seq::train::{Metric, Optimizer, Schedule};
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::cli::choice::choice;
use crate::cli::failure::{Failure, Result};

/// All of it, in the sections of a file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    #[command(flatten)]
    pub data: Data,
    #[command(flatten)]
    pub model: Architecture,
    #[command(flatten)]
    pub training: Training,
    #[command(flatten)]
    pub validation: Validation,
}

/// What to learn from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, clap::Args)]
#[command(next_help_heading = "Data (section [data] of a file)")]
#[serde(deny_unknown_fields, default)]
pub struct Data {
    /// The pairs to learn from: a line has a source, a tab and a target; several lines with one source are so many
    /// accepted targets. May be compressed by gzip
    #[arg(long, value_name = "FILE.tsv")]
    pub pairs: Option<PathBuf>,

    /// The pairs to validate with: such a file, or a share of the sources of --pairs, such as 0.05, that are not
    /// learnt from [default: 0.05]
    #[arg(long, value_name = "FILE.tsv|SHARE")]
    pub valid: Option<String>,

    /// What the symbols of a source are: "char", "word", "bpe:N" for byte pairs in a vocabulary of N, or a
    /// tokenizer's file [default: char]
    #[arg(long, value_name = "KIND|FILE.json")]
    pub source_tokens: Option<String>,

    /// What the symbols of a target are, named alike [default: word]
    #[arg(long, value_name = "KIND|FILE.json")]
    pub target_tokens: Option<String>,

    /// What is made of a source before it is divided into symbols, in training and whenever the model is used: "none",
    /// or a sum of "quotes" (’ and “ as keyboards have them), "nfc" (composed characters), "nfkc" (compatible ones too: ﬁ
    /// is fi), "lower" (small letters) and "strip-accents" (é is e), such as nfkc+lower [default: none]
    #[arg(long, value_name = "STEPS")]
    pub normalize: Option<String>,

    /// Leave out pairs with more symbols than this on a side [default: 200]
    #[arg(long, value_name = "N")]
    pub max_length: Option<usize>,
}

impl Data {
    /// The files among them.
    pub fn files(&self) -> Vec<PathBuf> {
        let named = [&self.valid, &self.source_tokens, &self.target_tokens].into_iter().flatten().map(PathBuf::from);
        self.pairs.iter().cloned().chain(named.filter(|path| path.is_file())).collect()
    }
}

/// What learns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, clap::Args)]
#[command(next_help_heading = "Model (section [model])")]
#[serde(deny_unknown_fields, default)]
pub struct Architecture {
    /// Begin with the weights of this model, whose architecture and tokenizers are then the model's; the optimizer begins
    /// anew [default: none]
    #[arg(long, value_name = "DIR")]
    pub from: Option<PathBuf>,

    /// The recurrent cell [default: lstm]
    #[arg(long, value_parser = choice::<Cell>())]
    pub cell: Option<Cell>,

    /// Size of the embeddings of both sides [default: 128]
    #[arg(long, value_name = "N")]
    pub embedding_size: Option<usize>,

    /// Hidden units: of the decoder, and of all directions of the encoder together [default: 256]
    #[arg(long, value_name = "N")]
    pub hidden_size: Option<usize>,

    /// Stacked recurrent layers of encoder and decoder [default: 1]
    #[arg(long, alias = "num-layers", value_name = "N")]
    pub layers: Option<usize>,

    /// Directions that the encoder reads in, 1 or 2 [default: 2]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=2))]
    pub directions: Option<u64>,

    /// The score of attention [default: dot, or general where encoder and decoder differ in size]
    #[arg(long, value_parser = choice::<Score>())]
    pub score: Option<Score>,

    /// Which source positions attention may look at [default: global]
    #[arg(long, value_parser = choice::<Window>())]
    pub window: Option<Window>,

    /// Positions on either side of a local window's middle [default: 5]
    #[arg(long, value_name = "N")]
    pub half_width: Option<usize>,

    /// The longest source that the location score can see [default: the longest of the pairs]
    #[arg(long, value_name = "N")]
    pub max_source_length: Option<usize>,

    /// Let the decoder see its last attentional state [default: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub input_feeding: Option<bool>,

    /// How the decoder begins: with the encoder's last states as they are, with zeros, or through a layer
    /// [default: copy, or linear where sizes differ]
    #[arg(long, value_parser = choice::<Bridge>())]
    pub bridge: Option<Bridge>,

    /// Size of the encoder's embeddings, if it is another
    #[arg(long, value_name = "N")]
    pub encoder_embedding_size: Option<usize>,

    /// Size of the decoder's embeddings, if it is another
    #[arg(long, value_name = "N")]
    pub decoder_embedding_size: Option<usize>,

    /// Hidden units of one direction of the encoder, if they are not the hidden size divided by the directions
    #[arg(long, value_name = "N")]
    pub encoder_hidden_size: Option<usize>,

    /// Hidden units of the decoder, if they are others
    #[arg(long, value_name = "N")]
    pub decoder_hidden_size: Option<usize>,

    /// Layers of the encoder, if they are others
    #[arg(long, value_name = "N")]
    pub encoder_layers: Option<usize>,

    /// Layers of the decoder, if they are others
    #[arg(long, value_name = "N")]
    pub decoder_layers: Option<usize>,

    /// Let the forget gates of an LSTM begin with a bias of 1 [default: true]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub forget_bias: Option<bool>,
}

/// How it learns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, clap::Args)]
#[command(next_help_heading = "Training (section [training]; 0 is none, wherever there can be none)")]
#[serde(deny_unknown_fields, default)]
pub struct Training {
    /// The most passes over the pairs [default: 20, or none with --steps]
    #[arg(long, value_name = "N")]
    pub epochs: Option<u64>,

    /// The most steps of the optimizer [default: none]
    #[arg(long, alias = "max-steps", value_name = "N")]
    pub steps: Option<u64>,

    /// What everything random depends on; two runs with one seed on one device are the same [default: 1]
    #[arg(long, value_name = "N")]
    pub seed: Option<u32>,

    /// The most pairs of a batch [default: 64]
    #[arg(long, value_name = "N")]
    pub batch_size: Option<usize>,

    /// The most symbols of a batch on its larger side, padding included, in place of --batch-size [default: none]
    #[arg(long, value_name = "N")]
    pub batch_tokens: Option<usize>,

    /// Batches whose gradients make one step [default: 1]
    #[arg(long, value_name = "N")]
    pub accumulate: Option<usize>,

    /// The optimizer [default: adam]
    #[arg(long, value_parser = choice::<Optimizer>())]
    pub optimizer: Option<Optimizer>,

    /// The learning rate, before its schedule [default: 0.002, of sgd 0.5]
    #[arg(long, alias = "lr", value_name = "RATE")]
    pub learning_rate: Option<f64>,

    /// How the learning rate changes after its warm-up: not, to 0 in a straight line, with the root of the step, or
    /// whenever validation gets no better [default: linear, or constant where no end is known]
    #[arg(long, value_parser = choice::<Schedule>())]
    pub schedule: Option<Schedule>,

    /// Steps in which the learning rate rises from 0 [default: 0]
    #[arg(long, alias = "warmup-steps", value_name = "STEPS")]
    pub warmup: Option<u64>,

    /// What the plateau schedule multiplies the learning rate by [default: 0.5]
    #[arg(long, value_name = "FACTOR")]
    pub decay: Option<f64>,

    /// Validations without an improvement before the plateau schedule does [default: 2]
    #[arg(long, value_name = "N")]
    pub decay_patience: Option<u64>,

    /// The largest norm that gradients keep [default: 5]
    #[arg(long, alias = "clip-norm", value_name = "NORM")]
    pub clip: Option<f64>,

    /// The share of embeddings, of outputs between layers and of attentional states that is dropped [default: 0.2]
    #[arg(long, value_name = "SHARE")]
    pub dropout: Option<f64>,

    /// The share of probability that every wrong symbol has a part of [default: 0]
    #[arg(long, value_name = "SHARE")]
    pub label_smoothing: Option<f64>,

    /// Validate and keep an average of the weights that keeps this share of itself in each step, such as 0.999
    /// [default: none]
    #[arg(long, alias = "ema", value_name = "SHARE")]
    pub average: Option<f64>,

    /// Weight decay; with adamw it is apart from the gradient [default: 0, of adamw 0.01]
    #[arg(long, value_name = "RATE")]
    pub weight_decay: Option<f64>,

    /// Momentum of sgd [default: 0.9]
    #[arg(long, value_name = "SHARE")]
    pub momentum: Option<f64>,

    /// How much of its first moment adam keeps [default: 0.9]
    #[arg(long, value_name = "SHARE")]
    pub beta1: Option<f64>,

    /// How much of its second moment adam keeps [default: 0.999]
    #[arg(long, value_name = "SHARE")]
    pub beta2: Option<f64>,

    /// What adam adds to the root that it divides by [default: 1e-8]
    #[arg(long, value_name = "NUMBER")]
    pub epsilon: Option<f64>,
}

/// How it is judged, and when to stop.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, clap::Args)]
#[command(next_help_heading = "Validation (section [validation])")]
#[serde(deny_unknown_fields, default)]
pub struct Validation {
    /// What the best model is best by; among equals the smaller loss is [default: wer]
    #[arg(long, value_parser = choice::<Metric>())]
    pub metric: Option<Metric>,

    /// Steps from one validation to the next [default: an epoch]
    #[arg(long, value_name = "STEPS")]
    pub validate_every: Option<u64>,

    /// Stop after so many validations without an improvement [default: never]
    #[arg(long, value_name = "N")]
    pub patience: Option<u64>,

    /// Steps from one checkpoint to the next [default: one after each validation]
    #[arg(long, alias = "save-every", value_name = "STEPS")]
    pub checkpoint_every: Option<u64>,
}

impl Architecture {
    /// Whether anything is chosen but the model to begin with.
    pub fn is_chosen(&self) -> bool {
        *self != Self { from: self.from.clone(), ..Self::default() }
    }
}

impl Settings {
    /// The files that a run reads.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut files = self.data.files();
        files.extend(self.model.from.iter().flat_map(Model::paths).filter(|path| path.is_file()));
        files
    }

    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).map_err(Error::io(path))?;
        Ok(toml::from_str(&text).map_err(|error| Error::format(path, error.to_string().trim_end()))?)
    }

    /// These settings where there are any, those of `other` elsewhere.
    pub fn or(&self, other: &Self) -> Result<Self> {
        let mut other = other.clone();
        other.give_way(self);
        let mut table = table_of(&other)?;
        overlay(&mut table, table_of(self)?);
        table.try_into().map_err(|error: toml::de::Error| Failure::Usage(error.to_string()))
    }

    /// Forgets what would hide a choice of `above` that is made in other words.
    fn give_way(&mut self, above: &Self) {
        let model = &mut self.model;
        // A model is begun with as it is, so what was chosen of another goes.
        if above.model.from.is_some() {
            *model = Architecture::default();
            (self.data.source_tokens, self.data.target_tokens, self.data.normalize) = (None, None, None);
        } else if above.model.is_chosen() {
            model.from = None;
        }
        if above.model.embedding_size.is_some() {
            (model.encoder_embedding_size, model.decoder_embedding_size) = (None, None);
        }
        if above.model.hidden_size.is_some() {
            (model.encoder_hidden_size, model.decoder_hidden_size) = (None, None);
        }
        if above.model.layers.is_some() {
            (model.encoder_layers, model.decoder_layers) = (None, None);
        }
        if above.training.batch_size.is_some() {
            self.training.batch_tokens = None;
        }
    }

    /// The contents of a file with these settings.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(self).map_err(|error| Failure::Usage(format!("the settings as TOML: {error}")))
    }
}

fn table_of(settings: &Settings) -> Result<Table> {
    // A path that is not UTF-8 is the one thing that a file cannot hold.
    Table::try_from(settings).map_err(|error| Failure::Usage(format!("the settings as TOML: {error}")))
}

/// Puts what `above` has over what `below` has.
fn overlay(below: &mut Table, above: Table) {
    for (key, value) in above {
        match (below.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => overlay(below, above),
            (_, value) => drop(below.insert(key, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> std::result::Result<Settings, String> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(file.path(), text).expect("written");
        Settings::read(file.path()).map_err(|failure| failure.to_string())
    }

    #[test]
    fn flags_win_over_the_file() {
        let file = read("[training]\nbatch_size = 32\nseed = 7\n[model]\nscore = \"scaled_dot\"\n").expect("a file");
        let training = Training { seed: Some(9), ..Default::default() };
        let both = Settings { training, ..Default::default() }.or(&file).expect("settings");
        assert_eq!((both.training.seed, both.training.batch_size), (Some(9), Some(32)));
        assert_eq!(both.model.score, Some(Score::ScaledDot));
        assert_eq!(read(&both.to_toml().expect("TOML")), Ok(both));
    }

    #[test]
    fn a_general_flag_wins_over_a_particular_key() {
        let file = read("[model]\nencoder_layers = 2\n[training]\nbatch_tokens = 4000\n").expect("a file");
        let model = Architecture { layers: Some(3), ..Default::default() };
        let training = Training { batch_size: Some(8), ..Default::default() };
        let both = Settings { model, training, ..Default::default() }.or(&file).expect("settings");
        assert_eq!((both.model.layers, both.model.encoder_layers), (Some(3), None));
        assert_eq!((both.training.batch_size, both.training.batch_tokens), (Some(8), None));
    }

    #[test]
    fn what_is_wrong_with_a_file_is_named() {
        for (text, named) in [
            ("[training]\nlearning_rat = 1\n", "learning_rat"),
            ("[trainin]\n", "trainin"),
            ("[training]\nseed = \"one\"\n", "seed = \"one\""),
            ("[model]\nscore = \"dott\"\n", "dott"),
            ("[model\n", "line 1"),
        ] {
            let error = read(text).expect_err("an error");
            assert!(error.contains(named), "{error}");
        }
    }
}
