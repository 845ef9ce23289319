//! What is to be learnt.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Examples, LeftOut};
use crate::hash::fnv;
use crate::model::{Config, Model, Parameters, Score, fit_source, fit_target};
use crate::text::Tokenizer;
use crate::text::pairs::{Group, Pair, group};
use crate::{Error, Result};

/// An architecture, its tokenizers, and the pairs to learn from and to validate with.
#[derive(Debug)]
pub struct Task {
    pub(super) config: Config,
    pub(super) source_tokenizer: Tokenizer,
    pub(super) target_tokenizer: Tokenizer,
    /// What learning begins with, where it does not begin anew.
    pub(super) initial: Option<Parameters>,
    pub(super) training: Arc<Examples>,
    pub(super) validation: Examples,
    /// The different validation sources.
    pub(super) sources: Vec<Vec<u32>>,
    /// The accepted translations of each.
    pub(super) references: Vec<Vec<String>>,
    /// Pairs that there are no ids for.
    pub left_out: [Option<LeftOut>; 2],
}

impl Task {
    /// Puts a task together; pairs with a side of more than `longest` symbols, or a source of
    /// more than the `location` score can see, are left out.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] for an architecture that contradicts itself, and where no pairs remain; [`Error::Format`] for
    /// a tokenizer with ids beyond the vocabulary.
    pub fn new(
        config: Config,
        source_tokenizer: Tokenizer,
        target_tokenizer: Tokenizer,
        training: &[Pair],
        validation: &[Pair],
        longest: usize,
    ) -> Result<Self> {
        config.validate()?;
        let source = fit_source(&config, source_tokenizer)?;
        let target = fit_target(&config, target_tokenizer)?;
        let seen = if config.attention.score == Score::Location { config.attention.max_source_length } else { None };
        let longest = [seen.map_or(longest, |seen| longest.min(seen)), longest];
        let (training, without_ids) = Examples::new(training, &source, &target, longest)?;
        if training.is_empty() {
            return Err(left_nothing("pairs", without_ids));
        }
        let (examples, without_ids_either) = Examples::new(validation, &source, &target, longest)?;
        if examples.is_empty() {
            return Err(left_nothing("valid", without_ids_either));
        }
        let (mut sources, mut references) = (Vec::new(), Vec::new());
        for Group { source: text, targets, .. } in group(validation) {
            // What there are no ids for was counted above.
            let Ok(encoding) = source.encode(text) else { continue };
            if encoding.ids.len() <= longest[0] {
                sources.push(encoding.ids);
                references.push(targets.into_iter().map(str::to_owned).collect());
            }
        }
        Ok(Self {
            config,
            source_tokenizer: source,
            target_tokenizer: target,
            initial: None,
            training: Arc::new(training),
            validation: examples,
            sources,
            references,
            left_out: [without_ids, without_ids_either],
        })
    }

    /// A task that begins with a model: its architecture, its tokenizers, its parameters.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new); [`Error::Config`] for a model without tokenizers, which has no texts to learn from.
    pub fn from_model(model: Model, training: &[Pair], validation: &[Pair], longest: usize) -> Result<Self> {
        let Model { config, parameters, source_tokenizer, target_tokenizer } = model;
        let (Some(source), Some(target)) = (source_tokenizer, target_tokenizer) else {
            return Err(nothing("from", "a model with tokenizers"));
        };
        let task = Self::new(config, source, target, training, validation, longest)?;
        Ok(Self { initial: Some(parameters), ..task })
    }

    /// The architecture.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// A model of the task with these parameters.
    pub fn model(&self, parameters: Parameters) -> Result<Model> {
        let (source, target) = (self.source_tokenizer.clone(), self.target_tokenizer.clone());
        Model::new(self.config.clone(), parameters, Some(source), Some(target))
    }

    /// What a run with this task depends on, by name.
    pub(super) fn identity(&self) -> Result<BTreeMap<String, String>> {
        let config: serde_json::Value =
            serde_json::from_str(&self.config.to_json()?).map_err(|error| Error::format("config.json", error))?;
        let mut identity = BTreeMap::new();
        flatten(&mut identity, "model", &config);
        let references = self.references.iter().flatten().flat_map(|text| text.bytes().chain([b'\n']));
        let digests = [
            ("pairs", self.training.digest()),
            ("valid", self.validation.digest() ^ fnv(references).rotate_left(1)),
            ("source_tokens", fnv(self.source_tokenizer.to_json().bytes())),
            ("target_tokens", fnv(self.target_tokenizer.to_json().bytes())),
        ];
        identity.extend(digests.map(|(name, digest)| (name.to_owned(), format!("contents {digest:016x}"))));
        if let Some(initial) = &self.initial {
            let numbers =
                initial.iter().flat_map(|(_, array)| array.data.iter().flat_map(|number| number.to_le_bytes()));
            identity.insert("from".to_owned(), format!("contents {:016x}", fnv(numbers)));
        }
        Ok(identity)
    }
}

/// Adds the leaves of a JSON value by their dotted paths.
pub(super) fn flatten(into: &mut BTreeMap<String, String>, path: &str, value: &serde_json::Value) {
    match value {
        serde_json::Value::Object(entries) => {
            for (key, value) in entries {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                flatten(into, &path, value);
            }
        }
        serde_json::Value::Null => drop(into.insert(path.to_owned(), "none".to_owned())),
        serde_json::Value::String(text) => drop(into.insert(path.to_owned(), text.clone())),
        leaf => drop(into.insert(path.to_owned(), leaf.to_string())),
    }
}

fn nothing(key: &str, expected: &str) -> Error {
    Error::Config { key: key.to_owned(), expected: expected.to_owned(), found: "none".to_owned() }
}

fn left_nothing(key: &str, left_out: Option<LeftOut>) -> Error {
    let expected = match left_out {
        None => "at least one pair".to_owned(),
        Some(LeftOut { first: (line, reason), .. }) => {
            format!("at least one pair that the tokenizers have ids for (line {line}: {reason})")
        }
    };
    nothing(key, &expected)
}
