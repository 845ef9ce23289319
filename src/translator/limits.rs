//! How long a source may be, and how many fit into one batch.

use super::TranslateOptions;
use crate::model::{Config, Score};
use crate::{Error, Result};

/// Elements of the largest matrix of a batch, however much the device could hold: 256 MiB in 32 bits.
///
/// A batch this large keeps any device busy, and memory stays bounded on the CPU, which sets no limit of its own.
pub const ENOUGH_ELEMENTS: usize = 1 << 26;

/// What a device can hold, and how it searches.
#[derive(Clone, Copy, Debug)]
pub struct Capacity {
    /// Elements of the largest matrix.
    pub max_elements: usize,
    /// Steps whose attention weights are kept until they are read.
    pub steps: usize,
    /// Columns of the candidates of a hypothesis.
    pub candidate_cols: usize,
}

/// What models, device and caller allow.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The longest source, with what sets the limit.
    max_source_length: (usize, &'static str),
    /// Elements of the device's largest matrix that has a row for each source position, per position.
    per_position: usize,
    /// Elements of the device's largest matrix that has a row for each hypothesis, per sentence.
    per_sentence: usize,
    max_elements: usize,
    options: TranslateOptions,
}

impl Limits {
    /// The limits for an ensemble, or a model, on a device.
    pub fn new<'a>(
        configs: impl Iterator<Item = &'a Config> + Clone,
        capacity: Capacity,
        options: &TranslateOptions,
    ) -> Self {
        let Capacity { max_elements, steps, candidate_cols } = capacity;
        let beam = options.beam;
        let kept = if options.alignment || options.replace_unknown { steps * beam } else { beam };
        let per_position = |config: &Config| {
            [
                config.directions() * config.cell.gates() * config.encoder.hidden_size, // what the layer multiplies at once
                config.encoder.embedding_size,
                config.decoder.hidden_size, // attention's keys
                kept,                       // attention weights
            ]
            .into_iter()
            .fold(1, usize::max)
        };
        let ensemble = configs.clone().count() > 1;
        let per_sentence = |config: &Config| {
            let decoder = &config.decoder;
            [
                beam * (config.memory_size() + decoder.hidden_size + decoder.embedding_size), // concatenated inputs
                beam * config.cell.gates() * decoder.hidden_size,
                beam * candidate_cols,
                if ensemble { beam * decoder.vocab_size } else { 0 }, // probabilities
                2 * beam * steps,                                     // symbols and back-pointers
            ]
            .into_iter()
            .fold(1, usize::max)
        };
        let per_position = configs.clone().map(per_position).fold(1, usize::max);
        let mut lengths = vec![
            (options.max_source_length, "the maximum source length"),
            (max_elements / per_position, "the largest matrix of the device"),
        ];
        for config in configs.clone() {
            if let (Score::Location, Some(length)) = (config.attention.score, config.attention.max_source_length) {
                lengths.push((length, "the location score of the model"));
            }
        }
        let no_limit = (usize::MAX, "nothing");
        Self {
            max_source_length: lengths.into_iter().min_by_key(|&(length, _)| length).unwrap_or(no_limit),
            per_position,
            per_sentence: configs.map(per_sentence).fold(1, usize::max),
            max_elements: max_elements.min(ENOUGH_ELEMENTS),
            options: options.clone(),
        }
    }

    /// Whether a source of this length can be translated.
    pub fn check(&self, length: usize) -> Result<()> {
        let (limit, limited_by) = self.max_source_length;
        match length {
            0 => Err(Error::EmptySource),
            _ if length > limit => Err(Error::SourceTooLong { length, limit, limited_by }),
            _ => Ok(()),
        }
    }

    /// How many sentences to translate at once if the longest has `length` symbols; at least 1.
    pub fn batch_size(&self, length: usize) -> usize {
        let elements = self.per_position.saturating_mul(length).max(self.per_sentence);
        let mut sentences = self.max_elements / elements;
        if self.options.alignment || self.options.replace_unknown {
            // The host keeps what every step attended to.
            let steps = self.options.max_length.of(length).saturating_mul(self.options.beam);
            sentences = sentences.min(ENOUGH_ELEMENTS / steps.saturating_mul(length).max(1));
        }
        let most = (self.options.batch_symbols / length.max(1)).min(self.options.batch_size);
        sentences.min(most).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::MaxLength;

    /// Sizes that all differ: 2 · 4 · 3 = 24 elements for a source position, 4 · 7 = 28 for a hypothesis.
    fn config(score: &str) -> Config {
        let json = format!(
            r#"{{
                "format_version": 1, "cell": "lstm", "bridge": "zeros",
                "encoder": {{"vocab_size": 9, "embedding_size": 5, "hidden_size": 3, "num_layers": 1, "bidirectional": true}},
                "decoder": {{"vocab_size": 31, "embedding_size": 4, "hidden_size": 7, "num_layers": 1, "input_feeding": false}},
                "attention": {{"score": "{score}", "window": "global", "max_source_length": 6}},
                "special_tokens": {{"pad": 0, "bos": 1, "eos": 2, "unk": null}}
            }}"#
        );
        serde_json::from_str(&json).expect("a configuration")
    }

    fn options() -> TranslateOptions {
        TranslateOptions {
            max_length: MaxLength::Symbols(10),
            max_source_length: 50,
            batch_size: 4,
            ..TranslateOptions::default()
        }
    }

    fn limits(score: &str, max_elements: usize, options: &TranslateOptions) -> Limits {
        let capacity = Capacity { max_elements, steps: 1, candidate_cols: 4 };
        Limits::new([config(score)].iter(), capacity, options)
    }

    fn limit(limits: &Limits) -> (usize, &'static str) {
        match limits.check(usize::MAX) {
            Err(Error::SourceTooLong { limit, limited_by, .. }) => (limit, limited_by),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_lowest_limit_counts_and_is_named() {
        let limits = |score, max_elements| limit(&limits(score, max_elements, &options()));
        assert_eq!(limits("general", usize::MAX), (50, "the maximum source length"));
        assert_eq!(limits("general", 24 * 20 + 23), (20, "the largest matrix of the device"));
        assert_eq!(limits("location", usize::MAX), (6, "the location score of the model"));
    }

    #[test]
    fn lengths_are_checked_at_their_boundary() {
        let limits = limits("general", usize::MAX, &options());
        assert!(matches!(limits.check(0), Err(Error::EmptySource)));
        assert!(limits.check(1).is_ok() && limits.check(50).is_ok());
        assert!(matches!(limits.check(51), Err(Error::SourceTooLong { length: 51, limit: 50, .. })));
    }

    #[test]
    fn batches_are_split_rather_than_refused() {
        let few = limits("general", 24 * 20, &options());
        assert_eq!(few.batch_size(20), 1);
        assert_eq!(few.batch_size(10), 2);
        assert_eq!(few.batch_size(7), 2);
        assert_eq!(few.batch_size(1), 4, "as many as the caller wants");
        assert_eq!(limits("general", 60, &options()).batch_size(1), 2, "28 elements a sentence");
        let beam = TranslateOptions { beam: 3, ..options() };
        assert_eq!(limits("general", 180, &beam).batch_size(1), 2, "28 elements a hypothesis");
    }

    #[test]
    fn symbols_of_a_batch_are_counted() {
        let symbols = TranslateOptions { batch_symbols: 21, ..options() };
        let limits = limits("general", usize::MAX, &symbols);
        assert_eq!([1, 5, 7, 11, 30].map(|length| limits.batch_size(length)), [4, 4, 3, 1, 1]);
    }

    #[test]
    fn alignments_and_ensembles_take_room() {
        let beam = TranslateOptions { beam: 100, alignment: true, ..options() };
        assert_eq!(limit(&limits("general", 2000, &beam)).0, 20);
        let long = TranslateOptions { max_length: MaxLength::Symbols(1 << 20), alignment: true, ..options() };
        assert_eq!(limits("general", usize::MAX, &long).batch_size(32), 2, "for what the host keeps");
        let capacity = Capacity { max_elements: 62, steps: 1, candidate_cols: 4 };
        let ensemble = Limits::new([config("dot"), config("dot")].iter(), capacity, &options());
        assert_eq!(ensemble.batch_size(1), 2, "31 probabilities a hypothesis");
    }
}
