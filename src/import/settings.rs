//! The part of YAML that JoeyNMT's configurations use: keys under keys, and what stands behind them on their line.

use std::collections::BTreeMap;

/// The values of a file by their keys, those of nested keys joined by dots: `model.encoder.type`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    values: BTreeMap<String, String>,
}

impl Settings {
    /// Reads a file. Lists, and texts of several lines, are passed over: nothing here asks for them.
    ///
    /// # Errors
    ///
    /// The line that is indented by tabs, which YAML does not allow, or that nests mappings in braces.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut values = BTreeMap::new();
        // The keys that the line is under, and how far each is indented.
        let mut under: Vec<(usize, &str)> = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line = without_comment(line).trim_end();
            let content = line.trim_start_matches(' ');
            let indent = line.len() - content.len();
            if content.starts_with('\t') {
                return Err(format!("line {}: expected spaces, found a tab", number + 1));
            }
            let Some((key, value)) = pair(content).filter(|_| !content.starts_with("- ")) else { continue };
            while under.last().is_some_and(|&(outer, _)| outer >= indent) {
                under.pop();
            }
            under.push((indent, key));
            let path = under.iter().map(|&(_, key)| key).collect::<Vec<_>>().join(".");
            match value.strip_prefix('{').map(|rest| rest.strip_suffix('}').unwrap_or(rest)) {
                Some(inner) if inner.contains('{') => {
                    return Err(format!(
                        "line {}: expected keys on lines of their own, found braces in braces",
                        number + 1
                    ));
                }
                Some(inner) => {
                    let pairs = inner.split(',').filter_map(|part| pair(part.trim()));
                    values.extend(pairs.map(|(key, value)| (format!("{path}.{key}"), unquoted(value).to_owned())));
                }
                None if value.is_empty() => {}
                None => drop(values.insert(path, unquoted(value).to_owned())),
            }
        }
        Ok(Self { values })
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    /// Whether a key's value is true.
    pub fn is_on(&self, key: &str) -> bool {
        self.get(key).is_some_and(|value| ["true", "yes", "on"].contains(&value.to_lowercase().as_str()))
    }
}

/// A key and what stands behind it.
fn pair(content: &str) -> Option<(&str, &str)> {
    let (key, value) = content.split_once(": ").or_else(|| Some((content.strip_suffix(':')?, "")))?;
    Some((unquoted(key.trim()), value.trim()))
}

fn unquoted(text: &str) -> &str {
    let inner = |quote| text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}

fn without_comment(line: &str) -> &str {
    let mut quote = None;
    let mut before = ' ';
    for (at, character) in line.char_indices() {
        match quote {
            Some(open) if character == open => quote = None,
            Some(_) => {}
            None if character == '#' && before.is_whitespace() => return &line[..at],
            None if character == '"' || character == '\'' => quote = Some(character),
            None => {}
        }
        before = character;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stand_under_keys() {
        let text = "name: \"a # b\" # a comment\ndata:\n    src:\n        lang: 'de'\n        lowercase: True\n    list:\n    \
            - x: 1\nmodel: \n    encoder: {type: recurrent, scale: yes}\n    decoder:\n        hidden_size: 8\nlast: 1e-3\n";
        let settings = Settings::read(text).expect("settings");
        for (key, value) in [
            ("name", "a # b"),
            ("data.src.lang", "de"),
            ("model.encoder.type", "recurrent"),
            ("model.decoder.hidden_size", "8"),
            ("last", "1e-3"),
        ] {
            assert_eq!(settings.get(key), Some(value), "{key}");
        }
        assert!(
            settings.is_on("data.src.lowercase") && settings.is_on("model.encoder.scale") && !settings.is_on("name")
        );
        assert_eq!(settings.get("data"), None);
        assert_eq!(Settings::read("a:\n\tb: 1"), Err("line 2: expected spaces, found a tab".to_owned()));
    }
}
