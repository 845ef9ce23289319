//! What a translator answers.

use serde::{Serialize, Serializer};

use crate::Array;
use crate::heatmap::Figure;

/// What a source was translated to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Translation {
    /// The source's symbols.
    pub source: Vec<String>,
    /// Who says so.
    pub from: Origin,
    /// The best target.
    #[serde(flatten)]
    pub best: Target,
    /// The next best, in their order, where more than one was asked for and found.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Target>,
}

impl Translation {
    /// All targets, the best first.
    pub fn targets(&self) -> impl Iterator<Item = &Target> {
        std::iter::once(&self.best).chain(&self.others)
    }
}

/// Where a translation comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The model.
    Model,
    /// The dictionary, without the model: probabilities are 1, and nothing was attended to.
    Dictionary,
}

/// A target, with how likely it is and what it attended to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Target {
    /// Its symbols.
    #[serde(rename = "target")]
    pub symbols: Vec<String>,
    /// Its symbols as text.
    pub text: String,
    /// Σ ln p of its symbols and of its end.
    pub log_prob: f64,
    /// What targets are compared by: `log_prob` / lp(its length) + its coverage penalty.
    pub score: f64,
    /// Whether the model ended it; otherwise the length limit did.
    pub finished: bool,
    /// Attention weights (target, source), where asked for; serialized as an array for each target symbol.
    #[serde(serialize_with = "rows", skip_serializing_if = "Option::is_none")]
    pub alignment: Option<Array>,
}

impl Target {
    /// Its alignment with its symbols and those of its source, to be drawn.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`](crate::Error::Shape) if these are not the source's symbols.
    pub fn figure<'a>(&'a self, source: &'a [String]) -> crate::Result<Option<Figure<'a>>> {
        self.alignment.as_ref().map(|alignment| Figure::new(source, &self.symbols, alignment)).transpose()
    }
}

/// The rows of an alignment as arrays.
pub(super) fn rows<S: Serializer>(alignment: &Option<Array>, serializer: S) -> Result<S::Ok, S::Error> {
    let rows = alignment.as_ref().map_or(0, Array::rows);
    serializer.collect_seq((0..rows).filter_map(|row| alignment.as_ref().map(|array| array.row(row))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alignment_is_an_array_for_each_target_symbol() {
        let best = Target {
            symbols: vec!["X".into()],
            text: "X".into(),
            log_prob: -0.5,
            score: -0.25,
            finished: true,
            alignment: Some(Array::new([1, 2], vec![0.25, 0.75])),
        };
        let source = vec!["a".into(), "b".into()];
        let translation = Translation { source, from: Origin::Model, best: best.clone(), others: Vec::new() };
        let json = serde_json::to_string(&translation).expect("JSON");
        let target =
            r#""target":["X"],"text":"X","log_prob":-0.5,"score":-0.25,"finished":true,"alignment":[[0.25,0.75]]"#;
        assert_eq!(json, format!(r#"{{"source":["a","b"],"from":"model",{target}}}"#));
        let two = Translation { others: vec![best.clone()], ..translation };
        let json = serde_json::to_string(&two).expect("JSON");
        assert_eq!(json, format!(r#"{{"source":["a","b"],"from":"model",{target},"others":[{{{target}}}]}}"#));
        let without = Target { alignment: None, ..best };
        assert!(!serde_json::to_string(&without).expect("JSON").contains("alignment"));
    }
}
