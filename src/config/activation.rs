//! What stands behind a linear layer.

use serde::{Deserialize, Serialize};

/// What stands behind a linear layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// y
    Identity,
    /// tanh(y)
    Tanh,
    /// max(y, 0)
    Relu,
}
