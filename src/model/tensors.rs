//! Files in the safetensors format, in which each tensor's name stands once.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use safetensors::SafeTensors;
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

use crate::{Error, Result};

/// The tensors of a file; `path` is named in errors.
///
/// The format's library takes the last of two tensors with one name and never mentions the other.
///
/// # Errors
///
/// [`Error::Format`] if it is truncated or not such a file, or if a name stands twice.
pub(crate) fn open(bytes: &[u8], path: impl AsRef<Path>) -> Result<SafeTensors<'_>> {
    let path = path.as_ref();
    let (length, _) = SafeTensors::read_metadata(bytes).map_err(|error| Error::format(path, error))?;
    // The header stands behind the eight bytes of its length.
    let Names = serde_json::from_slice(&bytes[8..8 + length]).map_err(|error| Error::format(path, error))?;
    SafeTensors::deserialize(bytes).map_err(|error| Error::format(path, error))
}

/// The keys of a header, all of them different.
struct Names;

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Self)
    }
}

impl<'de> Visitor<'de> for Names {
    type Value = Self;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("tensors by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        let mut names = BTreeSet::new();
        while let Some((name, IgnoredAny)) = map.next_entry::<String, IgnoredAny>()? {
            if let Some(twice) = names.replace(name) {
                return Err(A::Error::custom(format!("tensor {twice:?}: expected its name once, found it twice")));
            }
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tensors of one number each, by name and place.
    fn file(tensors: &[(&str, usize)]) -> Vec<u8> {
        let tensor = |(name, place): &(&str, usize)| {
            format!(r#""{name}":{{"dtype":"F32","shape":[1],"data_offsets":[{},{}]}}"#, 4 * place, 4 * place + 4)
        };
        let header = format!("{{{}}}", tensors.iter().map(tensor).collect::<Vec<_>>().join(","));
        let places = tensors.iter().map(|(_, place)| place + 1).max().unwrap_or_default();
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.into_bytes());
        bytes.resize(bytes.len() + 4 * places, 0);
        bytes
    }

    #[test]
    fn a_name_stands_once() {
        assert_eq!(open(&file(&[("a", 0), ("b", 1)]), "f").expect("two tensors").len(), 2);
        let twice = file(&[("a", 0), ("a", 0)]);
        assert!(SafeTensors::deserialize(&twice).is_ok(), "the library believes it");
        let error = open(&twice, "f").expect_err("one name").to_string();
        assert!(error.starts_with("f: tensor \"a\": expected its name once, found it twice"), "{error}");
    }
}
