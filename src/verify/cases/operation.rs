//! What a case of any operation is.

use std::fmt::Display;

use crate::backend::{Activation, Backend, Training};
use crate::device::Precision;
use crate::verify::inputs::Inputs;
use crate::{Array, Float, Result};

/// An operation with its sizes: inputs, run and outputs for any backend. `Display` gives the sizes.
#[expect(async_fn_in_trait, reason = "whether a future is Send is up to the device, as in the contract")]
pub trait Operation: Display {
    /// The inputs on the device, and room for the outputs.
    type Ready<B: Training>;

    /// The operation's name in the contract.
    fn name(&self) -> &'static str;

    /// Puts the inputs on the device.
    fn prepare<B: Training>(&self, backend: &B, inputs: &Inputs) -> Result<Self::Ready<B>>;

    /// Runs the operation; the device may still be busy with it afterwards.
    async fn run<B: Training>(&self, backend: &B, ready: &mut Self::Ready<B>) -> Result<()>;

    /// Everything that the operation wrote.
    async fn outputs<B: Training>(&self, backend: &B, ready: &Self::Ready<B>) -> Result<Vec<Output>>;

    /// What it costs at least.
    fn work(&self) -> Work;
}

/// A tensor that an operation wrote.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// Its name in the contract.
    pub name: &'static str,
    /// Its elements.
    pub values: Values,
}

/// Elements of an output.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Numbers, widened without loss.
    Numbers(Array<f64>),
    /// Token ids, flags.
    Ids(Array<u32>),
}

impl Output {
    /// Reads a matrix that is seen in this shape.
    pub(super) async fn read<B: Backend>(
        backend: &B,
        name: &'static str,
        shape: impl Into<Vec<usize>>,
        tensor: &B::Tensor,
    ) -> Result<Self> {
        let data = backend.read(tensor).await?.into_iter().map(Float::to_f64).collect();
        Ok(Self { name, values: Values::Numbers(Array { shape: shape.into(), data }) })
    }

    /// Reads ids that are seen in this shape.
    pub(super) async fn read_ids<B: Backend>(
        backend: &B,
        name: &'static str,
        shape: impl Into<Vec<usize>>,
        ids: &B::Ids,
    ) -> Result<Self> {
        let data = backend.read_ids(ids).await?;
        Ok(Self { name, values: Values::Ids(Array { shape: shape.into(), data }) })
    }

    /// An array that is already on the host.
    pub(super) fn of<T: Float>(name: &'static str, array: &Array<T>) -> Self {
        let data = array.data.iter().map(|value| value.to_f64()).collect();
        Self { name, values: Values::Numbers(Array { shape: array.shape.clone(), data }) }
    }
}

/// What an operation costs at least, however it is computed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Work {
    /// Multiplications and additions of the products; what stands behind them is not counted.
    pub flops: f64,
    /// Elements of weights, each read once.
    pub weights: f64,
    /// Elements of inputs and outputs, each read or written once.
    pub values: f64,
}

impl Work {
    /// The fewest bytes that the operation moves.
    pub fn bytes(&self, precision: Precision) -> f64 {
        let stored = match precision {
            Precision::F32 => 4.0,
            Precision::F16 => 2.0,
        };
        stored * self.weights + 4.0 * self.values
    }
}

/// What a case says of the activation behind a sum.
pub(super) fn behind(activation: Activation) -> &'static str {
    match activation {
        Activation::Identity => "",
        Activation::Tanh => ", tanh",
        Activation::Relu => ", relu",
    }
}

/// The product of sizes, as a count of elements or operations.
pub(super) fn count<const N: usize>(sizes: [usize; N]) -> f64 {
    sizes.iter().map(|&size| size as f64).product()
}
