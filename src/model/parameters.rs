//! The named parameters of a model, on the host.

use std::collections::BTreeMap;

use half::f16;

use super::{Config, parameter_shapes};
use crate::memory::require;
use crate::{Array, Error, Result};

/// Every parameter of a model by its PyTorch name: all those of [`parameter_shapes`], no others, all of them finite.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    tensors: BTreeMap<String, Array>,
}

impl Parameters {
    /// Takes the parameters of a model of this architecture.
    ///
    /// # Errors
    ///
    /// [`Error::Tensor`] with the first parameter that is missing, surplus, of the wrong shape or not finite;
    /// [`Error::Config`] if the configuration contradicts itself.
    pub fn new(config: &Config, tensors: BTreeMap<String, Array>) -> Result<Self> {
        config.validate()?;
        let parameters = Self { tensors };
        parameters.validate(config)?;
        Ok(parameters)
    }

    /// Checks that these are the parameters of a model of this architecture.
    pub(super) fn validate(&self, config: &Config) -> Result<()> {
        let shapes: BTreeMap<_, _> = parameter_shapes(config).into_iter().collect();
        if let Some(name) = self.tensors.keys().find(|name| !shapes.contains_key(*name)) {
            return Err(error(name, "no such parameter in this architecture", "one"));
        }
        for (name, shape) in &shapes {
            let Some(array) = self.tensors.get(name) else {
                return Err(error(name, format!("a parameter of shape {shape:?}"), "none"));
            };
            if array.shape != *shape {
                return Err(error(name, format!("shape {shape:?}"), format!("{:?}", array.shape)));
            }
            // Both fields of an array are public: nothing but this keeps them in step.
            let scalars: usize = shape.iter().product();
            if array.data.len() != scalars {
                return Err(error(name, format!("{scalars} scalars"), array.data.len()));
            }
            if let Some(flat) = array.data.iter().position(|value| !value.is_finite()) {
                let found = format!("{} at {:?}", array.data[flat], index(flat, shape));
                return Err(error(name, "finite values", found));
            }
        }
        Ok(())
    }

    /// The parameter of this name.
    pub fn get(&self, name: &str) -> Result<&Array> {
        self.tensors.get(name).ok_or_else(|| error(name, "a parameter", "none"))
    }

    /// All parameters, in the order of their names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Array)> {
        self.tensors.iter().map(|(name, array)| (name.as_str(), array))
    }

    /// The shapes of all parameters, if there is memory for a `T` for each of their numbers.
    pub(super) fn shapes_with_room<T>(config: &Config) -> Result<Vec<(String, Vec<usize>)>> {
        let shapes = parameter_shapes(config);
        let count = shapes.iter().fold(0_usize, |count, (_, shape)| count.saturating_add(shape.iter().product()));
        require::<T>(count, || format!("a model of {count} parameters"))?;
        Ok(shapes)
    }

    /// The number of scalars of all parameters.
    pub fn count(&self) -> usize {
        self.tensors.values().map(|array| array.data.len()).sum()
    }

    /// Checks that every weight can be stored in 16 bits.
    ///
    /// # Errors
    ///
    /// [`Error::Tensor`] with the first value that is beyond float16, which ends at 65504.
    pub fn check_half(&self) -> Result<()> {
        self.iter().try_for_each(|(name, array)| {
            (0..array.data.len()).try_for_each(|flat| to_half(name, array, flat).map(|_| ()))
        })
    }

    /// The parameters that remain when weights are stored in 16 bits: each rounded to the nearest float16.
    ///
    /// # Errors
    ///
    /// As [`check_half`](Self::check_half).
    pub fn rounded_to_half(&self) -> Result<Self> {
        let mut rounded = self.clone();
        for (name, array) in &mut rounded.tensors {
            for flat in 0..array.data.len() {
                array.data[flat] = to_half(name, array, flat)?.to_f32();
            }
        }
        Ok(rounded)
    }
}

/// The float16 nearest to one element, which must not become infinite.
pub(super) fn to_half(name: &str, array: &Array, flat: usize) -> Result<f16> {
    let value = array.data[flat];
    let half = f16::from_f32(value);
    if half.is_finite() {
        return Ok(half);
    }
    let found = format!("{value} at {:?}", index(flat, &array.shape));
    Err(error(name, format!("values from {} to {} (float16)", f16::MIN, f16::MAX), found))
}

/// An error about one parameter.
pub(super) fn error(name: &str, expected: impl ToString, found: impl ToString) -> Error {
    Error::Tensor { name: name.to_owned(), expected: expected.to_string(), found: found.to_string() }
}

/// The position in each axis of element `flat` of a row-major array.
fn index(mut flat: usize, shape: &[usize]) -> Vec<usize> {
    let mut index: Vec<usize> = shape
        .iter()
        .rev()
        .map(|&size| {
            let here = flat % size;
            flat /= size;
            here
        })
        .collect();
    index.reverse();
    index
}
