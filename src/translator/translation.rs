//! What a translator answers.

use serde::{Serialize, Serializer};

use crate::Array;

/// A translation, with how likely it is and what it attended to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Translation {
    /// The source's symbols.
    pub source: Vec<String>,
    /// The target's symbols.
    pub target: Vec<String>,
    /// The target as text.
    pub text: String,
    /// Σ ln p of the target's symbols and of its end.
    pub log_prob: f64,
    /// Whether the model ended it; otherwise the length limit did.
    pub finished: bool,
    /// Attention weights (target, source), where asked for; serialized as an array for each target symbol.
    #[serde(serialize_with = "rows", skip_serializing_if = "Option::is_none")]
    pub alignment: Option<Array>,
}

fn rows<S: Serializer>(alignment: &Option<Array>, serializer: S) -> Result<S::Ok, S::Error> {
    let rows = alignment.as_ref().map_or(0, Array::rows);
    serializer.collect_seq((0..rows).filter_map(|row| alignment.as_ref().map(|array| array.row(row))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alignment_is_an_array_for_each_target_symbol() {
        let translation = Translation {
            source: vec!["a".into(), "b".into()],
            target: vec!["X".into()],
            text: "X".into(),
            log_prob: -0.5,
            finished: true,
            alignment: Some(Array::new([1, 2], vec![0.25, 0.75])),
        };
        let json = serde_json::to_string(&translation).expect("JSON");
        assert_eq!(
            json,
            r#"{"source":["a","b"],"target":["X"],"text":"X","log_prob":-0.5,"finished":true,"alignment":[[0.25,0.75]]}"#
        );
        let without = Translation { alignment: None, ..translation };
        assert!(!serde_json::to_string(&without).expect("JSON").contains("alignment"));
    }
}
