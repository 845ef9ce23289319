//! What a request knows already: a dictionary of its own.

use std::fmt;

use seq2seq::text::Dictionary;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

/// A dictionary in JSON: an object with, for each source, its translation or an array of them, the best first.
#[derive(Debug, Default)]
pub struct Known(pub Dictionary);

impl<'de> Deserialize<'de> for Known {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Object)
    }
}

/// The translations of a source.
#[derive(serde::Deserialize)]
#[serde(untagged, expecting = "expected a text or an array of texts")]
enum Targets {
    One(String),
    Several(Vec<String>),
}

struct Object;

impl<'de> Visitor<'de> for Object {
    type Value = Known;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("an object with translations of sources")
    }

    /// Of a source that comes twice all translations count, as they do in a file.
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Known, A::Error> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        while let Some((source, targets)) = entries.next_entry::<String, Targets>()? {
            match targets {
                Targets::One(target) => pairs.push((source, target)),
                Targets::Several(targets) => pairs.extend(targets.into_iter().map(|target| (source.clone(), target))),
            }
        }
        Ok(Known(pairs.into_iter().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_has_one_or_several() {
        let known = |json| serde_json::from_str::<Known>(json).map(|Known(dictionary)| dictionary);
        let dictionary = known(r#"{"a": "1", "b": ["2", "3"], "a": "4"}"#).expect("a dictionary");
        assert_eq!(
            (dictionary.get("a"), dictionary.get("b")),
            (&["1", "4"].map(str::to_owned)[..], &["2", "3"].map(str::to_owned)[..])
        );
        for (wrong, said) in [(r#"["a"]"#, "an object"), (r#"{"a": 1}"#, "a text or an array of texts")] {
            let error = known(wrong).expect_err("no dictionary").to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
