//! `model.safetensors`: the parameters as bytes.

use std::collections::BTreeMap;
use std::path::Path;

use half::f16;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, serialize};

use super::parameters::{error, to_half};
use super::{Config, Parameters, tensors};
use crate::{Array, Error, Result};

/// How weights are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum WeightFormat {
    /// 32 bits: exactly what was read or trained.
    #[default]
    F32,
    /// 16 bits: half the size, each weight rounded.
    F16,
}

impl Parameters {
    /// Reads the contents of a `model.safetensors`, in float32 or float16; `path` is named in errors.
    ///
    /// # Errors
    ///
    /// [`Error::Format`] if it is truncated or not such a file, or if a name stands twice in it; [`Error::Tensor`] for
    /// another type of number and for all that [`Parameters::new`] refuses.
    pub fn from_safetensors(config: &Config, bytes: &[u8], path: impl AsRef<Path>) -> Result<Self> {
        let file = tensors::open(bytes, path)?;
        // The file's order is arbitrary; that of the names makes the first error the same every time.
        let views: BTreeMap<&str, TensorView<'_>> = file.iter().collect();
        let tensors = views.iter().map(|(name, view)| Ok(((*name).to_owned(), read(name, view)?)));
        Self::new(config, tensors.collect::<Result<_>>()?)
    }

    /// The contents of a `model.safetensors`; in float32, byte for byte what PyTorch's `save_file` writes.
    ///
    /// # Errors
    ///
    /// [`Error::Tensor`] for a value beyond float16, if that is the format.
    pub fn to_safetensors(&self, format: WeightFormat) -> Result<Vec<u8>> {
        let data = self
            .iter()
            .map(|(name, array)| Ok((name, array, write(name, array, format)?)))
            .collect::<Result<Vec<(&str, &Array, Vec<u8>)>>>()?;
        let dtype = match format {
            WeightFormat::F32 => Dtype::F32,
            WeightFormat::F16 => Dtype::F16,
        };
        let views = data
            .iter()
            .map(|(name, array, bytes)| Ok((*name, TensorView::new(dtype, array.shape.clone(), bytes)?)))
            .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()
            .map_err(|error| Error::format("model.safetensors", error))?;
        serialize(views, None).map_err(|error| Error::format("model.safetensors", error))
    }
}

fn read(name: &str, view: &TensorView<'_>) -> Result<Array> {
    let data = match view.dtype() {
        Dtype::F32 => view.data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
        Dtype::F16 => view.data().as_chunks().0.iter().map(|bytes| f16::from_le_bytes(*bytes).to_f32()).collect(),
        other => return Err(error(name, "F32 or F16", other)),
    };
    Ok(Array { shape: view.shape().to_vec(), data })
}

fn write(name: &str, array: &Array, format: WeightFormat) -> Result<Vec<u8>> {
    match format {
        WeightFormat::F32 => Ok(array.data.iter().flat_map(|value| value.to_le_bytes()).collect()),
        WeightFormat::F16 => {
            let mut bytes = Vec::with_capacity(2 * array.data.len());
            for flat in 0..array.data.len() {
                bytes.extend(to_half(name, array, flat)?.to_le_bytes());
            }
            Ok(bytes)
        }
    }
}
