//! How much is measured.

use serde::Serialize;

/// How large the cases are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Size {
    /// What a software adapter can do in a minute.
    #[default]
    Small,
    /// These too: what a real GPU is for.
    Large,
}
