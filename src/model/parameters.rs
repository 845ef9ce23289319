//! The named parameters of a model, on the host.

use std::collections::BTreeMap;

use crate::{Array, Error, Result};

/// Every parameter of a model by its PyTorch name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parameters {
    tensors: BTreeMap<String, Array>,
}

impl Parameters {
    /// The parameter of this name.
    pub fn get(&self, name: &str) -> Result<&Array> {
        self.tensors.get(name).ok_or_else(|| Error::Tensor {
            name: name.to_owned(),
            expected: "a parameter".to_owned(),
            found: "none".to_owned(),
        })
    }
}
