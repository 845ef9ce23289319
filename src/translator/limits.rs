//! How long a source may be, and how many fit into one batch.

use super::TranslateOptions;
use crate::model::{Config, Score};
use crate::{Error, Result};

/// Elements of the largest matrix of a batch, however much the device could hold: 256 MiB in 32 bits.
///
/// A batch this large keeps any device busy, and memory stays bounded on the CPU, which sets no limit of its own.
pub const ENOUGH_ELEMENTS: usize = 1 << 26;

/// What model, device and caller allow.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The longest source, with what sets the limit.
    max_source_length: (usize, &'static str),
    /// Elements of the largest matrix that has a row for each source position, per position.
    per_position: usize,
    /// Elements of the largest matrix that has a row for each sentence, per sentence.
    per_sentence: usize,
    max_elements: usize,
    batch_size: usize,
}

impl Limits {
    /// The limits for a model on a device whose matrices hold `max_elements`.
    pub fn new(config: &Config, max_elements: usize, options: &TranslateOptions) -> Self {
        let (encoder, decoder) = (&config.encoder, &config.decoder);
        let gates = config.cell.gates();
        let per_position = [
            config.directions() * gates * encoder.hidden_size, // what the recurrent layer multiplies at once
            encoder.embedding_size,
            decoder.hidden_size,                                    // attention's keys
            if options.alignment { options.max_length } else { 1 }, // attention weights
        ];
        let per_sentence = [
            config.memory_size() + decoder.hidden_size + decoder.embedding_size, // concatenated inputs
            gates * decoder.hidden_size,
            decoder.vocab_size,
            options.max_length,
        ];
        let per_position = per_position.into_iter().fold(1, usize::max);
        let mut lengths = vec![
            (options.max_source_length, "the maximum source length"),
            (max_elements / per_position, "the largest matrix of the device"),
        ];
        if let (Score::Location, Some(length)) = (config.attention.score, config.attention.max_source_length) {
            lengths.push((length, "the location score of the model"));
        }
        let no_limit = (usize::MAX, "nothing");
        Self {
            max_source_length: lengths.into_iter().min_by_key(|&(length, _)| length).unwrap_or(no_limit),
            per_position,
            per_sentence: per_sentence.into_iter().fold(1, usize::max),
            max_elements: max_elements.min(ENOUGH_ELEMENTS),
            batch_size: options.batch_size,
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
        (self.max_elements / elements).clamp(1, self.batch_size.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sizes that all differ: 2 · 4 · 3 = 24 elements for a source position, 4 · 7 = 28 for a sentence.
    fn config(score: &str) -> Config {
        let json = format!(
            r#"{{
                "format_version": 1, "cell": "lstm", "bridge": "zeros",
                "encoder": {{"vocab_size": 9, "embedding_size": 5, "hidden_size": 3, "num_layers": 1, "bidirectional": true}},
                "decoder": {{"vocab_size": 8, "embedding_size": 4, "hidden_size": 7, "num_layers": 1, "input_feeding": false}},
                "attention": {{"score": "{score}", "window": "global", "max_source_length": 6}},
                "special_tokens": {{"pad": 0, "bos": 1, "eos": 2, "unk": null}}
            }}"#
        );
        serde_json::from_str(&json).expect("a configuration")
    }

    fn options() -> TranslateOptions {
        TranslateOptions { max_length: 10, max_source_length: 50, batch_size: 4, alignment: false }
    }

    fn limit(limits: &Limits) -> (usize, &'static str) {
        match limits.check(usize::MAX) {
            Err(Error::SourceTooLong { limit, limited_by, .. }) => (limit, limited_by),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_lowest_limit_counts_and_is_named() {
        let limits = |score, max_elements| limit(&Limits::new(&config(score), max_elements, &options()));
        assert_eq!(limits("general", usize::MAX), (50, "the maximum source length"));
        assert_eq!(limits("general", 24 * 20 + 23), (20, "the largest matrix of the device"));
        assert_eq!(limits("location", usize::MAX), (6, "the location score of the model"));
    }

    #[test]
    fn lengths_are_checked_at_their_boundary() {
        let limits = Limits::new(&config("general"), usize::MAX, &options());
        assert!(matches!(limits.check(0), Err(Error::EmptySource)));
        assert!(limits.check(1).is_ok() && limits.check(50).is_ok());
        assert!(matches!(limits.check(51), Err(Error::SourceTooLong { length: 51, limit: 50, .. })));
    }

    #[test]
    fn batches_are_split_rather_than_refused() {
        let limits = Limits::new(&config("general"), 24 * 20, &options());
        assert_eq!(limits.batch_size(20), 1);
        assert_eq!(limits.batch_size(10), 2);
        assert_eq!(limits.batch_size(7), 2);
        assert_eq!(limits.batch_size(1), 4, "as many as the caller wants");
        assert_eq!(Limits::new(&config("general"), 60, &options()).batch_size(1), 2, "28 elements a sentence");
    }

    #[test]
    fn alignments_take_room() {
        let options = TranslateOptions { max_length: 100, alignment: true, ..options() };
        assert_eq!(limit(&Limits::new(&config("general"), 2000, &options)).0, 20);
    }
}
