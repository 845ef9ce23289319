//! All that the rest of a run depends on, in one file.
//!
//! The file is in the safetensors format: the tensors `value.NAME`, `first.NAME`, `second.NAME` and, where an average
//! is kept, `average.NAME` for every parameter NAME, and everything else as JSON in the metadata's `state`. Before that
//! JSON stands FNV-1a of all of these, which no single flipped bit leaves as it was: in one entry, for safetensors writes
//! several in any order, and one run is to leave one file.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use safetensors::tensor::{SafeTensors, TensorView};
use safetensors::{Dtype, serialize};
use serde::{Deserialize, Serialize};

use super::schedule::Plateau;
use super::{Best, History, TrainOptions};
use crate::hash::fnv;
use crate::model::{Config, Parameters, atomic, tensors};
use crate::nn::training::OptimizerState;
use crate::{Array, Error, Result};

/// The first version had no checksum. It is still read.
const VERSION: u32 = 2;
const STATE: &str = "state";
/// No run gets so far, and every number below it is exact wherever it may be read.
const MOST_STEPS: u64 = 1 << 53;

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    version: u32,
    /// What the run depends on, by name: the options, the architecture, digests of the data.
    pub identity: BTreeMap<String, String>,
    /// Steps that are done.
    pub step: u64,
    /// Epochs that are done.
    pub epoch: u64,
    /// Steps of the epoch under way that are done.
    pub step_in_epoch: u64,
    /// Σ of the losses since the last validation.
    pub loss: f64,
    /// Target symbols since the last validation.
    pub tokens: u64,
    /// The step of the last validation.
    pub validated_at: u64,
    /// Validations since the best one.
    pub stale: u64,
    /// What the learning rate has come to.
    pub plateau: Plateau,
    /// The best model so far.
    pub best: Option<Best>,
    /// How the run went.
    pub history: History,
}

/// A run between two steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Where it stands.
    pub state: State,
    /// The parameters.
    pub parameters: Parameters,
    /// What the optimizer keeps.
    pub optimizer: OptimizerState,
}

impl State {
    /// Of a run that has not begun.
    pub fn new(identity: BTreeMap<String, String>) -> Self {
        Self {
            version: VERSION,
            identity,
            step: 0,
            epoch: 0,
            step_in_epoch: 0,
            loss: 0.0,
            tokens: 0,
            validated_at: 0,
            stale: 0,
            plateau: Plateau::default(),
            best: None,
            history: History::default(),
        }
    }

    /// Checks that a run can have come here, and can go on.
    fn validate(&self) -> Result<(), String> {
        let bounds = [
            ("step", self.step, MOST_STEPS),
            ("epoch", self.epoch, self.step),
            ("step_in_epoch", self.step_in_epoch, self.step),
            ("tokens", self.tokens, u64::MAX >> 1),
            ("validated_at", self.validated_at, self.step),
            ("stale", self.stale, self.step),
        ];
        match bounds.into_iter().find(|(_, found, most)| found > most) {
            Some((name, found, most)) => Err(format!("{name}: expected at most {most}, found {found}")),
            None => Ok(()),
        }
    }

    /// Checks that a run of this identity may go on from here.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] with the first option, or part of the data, that is another.
    pub fn check(&self, identity: &BTreeMap<String, String>, options: &TrainOptions, path: &Path) -> Result<()> {
        let mut names: Vec<&String> = self.identity.keys().chain(identity.keys()).collect();
        // An option is named before the data that it changes.
        names.sort_by_key(|name| identity.get(*name).is_some_and(|value| value.starts_with("contents ")));
        for name in names {
            let (before, now) = (self.identity.get(name), identity.get(name));
            if before != now && !options.may_change(name) {
                let show = |value: Option<&String>| value.map_or_else(|| "none".to_owned(), String::clone);
                return Err(Error::Config {
                    key: name.clone(),
                    expected: format!("{}, with which {} was made", show(before), path.display()),
                    found: show(now),
                });
            }
        }
        Ok(())
    }
}

impl Checkpoint {
    /// Puts the file in the place of the one before, which stands until then.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if it cannot be written; [`Error::Tensor`] for a number that is not finite, before anything is.
    pub fn save(&self, path: &Path) -> Result<()> {
        let [first, second] = &self.optimizer.moments;
        let values = self.parameters.iter().map(|(name, array)| ("value", name, array));
        let named = |part: &'static str, arrays| {
            let arrays: &BTreeMap<String, Array> = arrays;
            arrays.iter().map(move |(name, array)| (part, name.as_str(), array))
        };
        let kept = [("first", Some(first)), ("second", Some(second)), ("average", self.optimizer.average.as_ref())];
        let kept = kept.into_iter().filter_map(|(part, arrays)| Some(named(part, arrays?))).flatten();
        let mut data = Vec::new();
        for (part, name, array) in values.chain(kept) {
            let name = format!("{part}.{name}");
            if let Some(value) = array.data.iter().find(|value| !value.is_finite()) {
                return Err(Error::Tensor { name, expected: "finite values".to_owned(), found: value.to_string() });
            }
            let bytes: Vec<u8> = array.data.iter().flat_map(|value| value.to_le_bytes()).collect();
            data.push((name, array.shape.clone(), bytes));
        }
        let format = |error: &dyn ToString| Error::format(path, error.to_string());
        let views: BTreeMap<&str, TensorView<'_>> = data
            .iter()
            .map(|(name, shape, bytes)| Ok((name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes)?)))
            .collect::<Result<_, safetensors::SafeTensorError>>()
            .map_err(|error| format(&error))?;
        let state = serde_json::to_string(&self.state).map_err(|error| format(&error))?;
        // Collected, for whose map it is depends on the features that safetensors is built with.
        let metadata = [(STATE.to_owned(), format!("{} {state}", checksum(&state, &views)))].into_iter().collect();
        let bytes = serialize(views, Some(metadata)).map_err(|error| format(&error))?;
        atomic::write(path, &bytes)
    }

    /// Reads the checkpoint of a model of this architecture, if `check` has nothing against its state.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if it cannot be read; [`Error::Format`] if it is no checkpoint; [`Error::Tensor`] for a tensor
    /// that is missing, surplus, of the wrong shape or not finite; what `check` says.
    pub fn load(config: &Config, path: &Path, check: impl FnOnce(&State) -> Result<()>) -> Result<Self> {
        atomic::regular(path)?;
        let bytes = fs::read(path).map_err(Error::io(path))?;
        let format = |error: &dyn ToString| Error::format(path, error.to_string());
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|error| format(&error))?;
        let entry = header.metadata().as_ref().and_then(|metadata| metadata.get(STATE));
        let entry = entry.ok_or_else(|| format(&"expected the state of a run in its metadata, found none"))?;
        let (found, json) = entry.split_at(entry.find('{').unwrap_or_default());
        let mut state: State = serde_json::from_str(json).map_err(|error| format(&error))?;
        let file = tensors::open(&bytes, path)?;
        match state.version {
            1 => state.version = VERSION,
            VERSION => {
                let expected = checksum(json, &file.iter().collect());
                let found = found.trim_end();
                if found != expected {
                    let reason = format!("damaged: its checksum is {found:?}, that of its contents {expected:?}");
                    return Err(format(&reason));
                }
            }
            version => return Err(format(&format!("version: expected {VERSION}, found {version}"))),
        }
        state.validate().map_err(|reason| format(&reason))?;
        check(&state)?;

        let mut parts: BTreeMap<&str, BTreeMap<String, Array>> = BTreeMap::new();
        for (name, view) in file.iter() {
            let (part, parameter) = name.split_once('.').unwrap_or((name, ""));
            let part = ["value", "first", "second", "average"].into_iter().find(|known| *known == part);
            let part = part.ok_or_else(|| format(&format!("{name}: no such tensor in a checkpoint")))?;
            if view.dtype() != Dtype::F32 {
                return Err(format(&format!("{name}: expected F32, found {}", view.dtype())));
            }
            let data = view.data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
            let array = Array { shape: view.shape().to_vec(), data };
            parts.entry(part).or_default().insert(parameter.to_owned(), array);
        }
        let mut take = |part: &str| parts.remove(part).unwrap_or_default();
        let parameters = Parameters::new(config, take("value"))?;
        // The moments and the average have the shapes of the parameters, and are as finite.
        let moments = [take("first"), take("second")];
        for moment in moments.iter().filter(|moment| !moment.is_empty()) {
            Parameters::new(config, moment.clone())?;
        }
        let average = parts.remove("average");
        if let Some(average) = &average {
            Parameters::new(config, average.clone())?;
        }
        Ok(Self { state, parameters, optimizer: OptimizerState { moments, average } })
    }
}

/// FNV-1a of a state and of the names, shapes and bytes of tensors, in the order of their names.
fn checksum(state: &str, tensors: &BTreeMap<&str, TensorView<'_>>) -> String {
    let parts = tensors.iter().flat_map(|(name, view)| {
        let shape = view.shape().iter().flat_map(|&size| (size as u64).to_le_bytes());
        name.bytes().chain(shape).chain(view.data().iter().copied())
    });
    format!("{:016x}", fnv(state.bytes().chain(parts)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Model;

    fn checkpoint() -> Checkpoint {
        let model = Model::load("models/g2p-en").expect("a model");
        let arrays: BTreeMap<String, Array> =
            model.parameters.iter().map(|(name, array)| (name.to_owned(), array.clone())).collect();
        let mut state = State::new(BTreeMap::from([("seed".to_owned(), "1".to_owned())]));
        state.loss = 0.1 + 0.2;
        state.step = 12;
        let optimizer = OptimizerState { moments: [arrays.clone(), arrays.clone()], average: Some(arrays) };
        Checkpoint { state, parameters: model.parameters, optimizer }
    }

    #[test]
    fn what_is_read_is_what_was_written() -> Result<()> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("checkpoint.safetensors");
        let checkpoint = checkpoint();
        checkpoint.save(&path)?;
        let config = Model::load("models/g2p-en")?.config;
        assert_eq!(Checkpoint::load(&config, &path, |_| Ok(()))?, checkpoint);

        let bytes = fs::read(&path).expect("a file");
        for length in [0, 7, 100, bytes.len() - 1] {
            fs::write(&path, &bytes[..length]).expect("a file");
            assert!(matches!(Checkpoint::load(&config, &path, |_| Ok(())), Err(Error::Format { .. })), "{length}");
        }
        Ok(())
    }

    #[test]
    fn no_flipped_bit_is_believed() -> Result<()> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("checkpoint.safetensors");
        checkpoint().save(&path)?;
        let config = Model::load("models/g2p-en")?.config;
        let mut bytes = fs::read(&path).expect("a file");
        let find = |text: &str| bytes.windows(text.len()).position(|window| window == text.as_bytes()).expect("a key");
        let places = [find("\\\"step\\\":12") + 10, find("\"state\":\"") + 11, bytes.len() / 2, bytes.len() - 1];
        for (bit, place) in places.into_iter().enumerate() {
            bytes[place] ^= 1 << bit;
            fs::write(&path, &bytes).expect("a file");
            let error = Checkpoint::load(&config, &path, |_| Ok(())).expect_err("a flipped bit").to_string();
            assert!(error.contains("checksum"), "{place}: {error}");
            bytes[place] ^= 1 << bit;
        }
        fs::write(&path, &bytes).expect("a file");
        assert!(Checkpoint::load(&config, &path, |_| Ok(())).is_ok());
        Ok(())
    }

    #[test]
    fn a_step_that_no_run_reaches_is_not_believed() {
        let mut state = State::new(BTreeMap::new());
        state.step = u64::MAX;
        assert_eq!(
            state.validate().expect_err("too far"),
            format!("step: expected at most {MOST_STEPS}, found {}", u64::MAX)
        );
    }

    #[test]
    fn what_is_not_finite_is_not_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("checkpoint.safetensors");
        let mut checkpoint = checkpoint();
        checkpoint.save(&path).expect("a checkpoint");
        let before = fs::read(&path).expect("a file");
        if let Some(array) = checkpoint.optimizer.moments[1].get_mut("generator.bias") {
            array.data[3] = f32::NAN;
        }
        let error = checkpoint.save(&path).expect_err("an error").to_string();
        assert!(error.contains("second.generator.bias") && error.contains("NaN"), "{error}");
        assert!(fs::read(&path).expect("a file") == before, "the one before stands");
    }

    #[test]
    fn another_option_is_named() {
        let identity = |seed: &str, epochs: &str| {
            BTreeMap::from([("epochs", epochs), ("seed", seed)].map(|(key, value)| (key.to_owned(), value.to_owned())))
        };
        let options = TrainOptions { schedule: super::super::Schedule::Constant, ..Default::default() };
        let state = State::new(identity("1", "3"));
        let check = |seed, epochs, options| state.check(&identity(seed, epochs), options, Path::new("c"));
        assert!(check("1", "3", &options).is_ok());
        assert!(check("1", "4", &options).is_ok(), "more epochs change no step that was done");
        let error = check("2", "3", &options).expect_err("an error").to_string();
        assert_eq!(error, "seed: expected 1, with which c was made, found 2");
        let error = check("1", "4", &TrainOptions::default()).expect_err("an error").to_string();
        assert!(error.starts_with("epochs: "), "the linear schedule depends on them: {error}");
    }
}
