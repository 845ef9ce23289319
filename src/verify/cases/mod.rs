//! The one list of cases: what every backend is asked, here, in the tests and, with larger sizes, in the benchmarks.
//!
//! Sizes are chosen to find mistakes: every dimension different, none a multiple of a tile, ragged lengths with a 1
//! among them, batches of one, scores of ±10⁴, saturated gates, windows that hold nothing.

mod attention;
mod generator;
mod linear;
mod model;
mod recurrent;
mod search;
mod training;

use std::fmt::{self, Display};

pub use attention::{AttentionCase, Part};
pub use generator::{ArgmaxCase, LogSoftmaxCase, Logits, MixCase};
pub use linear::{EmbeddingCase, LinearCase};
pub use model::{ForcedCase, ModelCase, TranslateCase};
pub(super) use model::{forced_outputs, token_rows};
pub use recurrent::{Fed, Gates, RecurrentLayerCase, RecurrentStepCase};
pub use search::{CoverCase, ExtendCase};
pub use training::{
    AttentionBackwardCase, ElementsCase, ElementsOperation, EmbeddingBackwardCase, Form, GeneratorLossCase, Gradient,
    GradientNormCase, MatmulCase, Norm, SequenceCase, SequencePart, UpdateCase,
};

use super::inputs::Inputs;
use crate::backend::{Backend, Training};
use crate::device::Precision;
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
    async fn read<B: Backend>(
        backend: &B,
        name: &'static str,
        shape: impl Into<Vec<usize>>,
        tensor: &B::Tensor,
    ) -> Result<Self> {
        let data = backend.read(tensor).await?.into_iter().map(Float::to_f64).collect();
        Ok(Self { name, values: Values::Numbers(Array { shape: shape.into(), data }) })
    }

    /// Reads ids that are seen in this shape.
    async fn read_ids<B: Backend>(
        backend: &B,
        name: &'static str,
        shape: impl Into<Vec<usize>>,
        ids: &B::Ids,
    ) -> Result<Self> {
        let data = backend.read_ids(ids).await?;
        Ok(Self { name, values: Values::Ids(Array { shape: shape.into(), data }) })
    }

    /// An array that is already on the host.
    fn of<T: Float>(name: &'static str, array: &Array<T>) -> Self {
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

/// The product of sizes, as a count of elements or operations.
fn count<const N: usize>(sizes: [usize; N]) -> f64 {
    sizes.iter().map(|&size| size as f64).product()
}

macro_rules! cases {
    ($($variant:ident($case:ty): $doc:literal,)*) => {
        /// A case of any operation.
        #[derive(Clone, Debug)]
        pub enum Case {
            $(#[doc = $doc] $variant($case),)*
        }

        /// A case whose inputs are on a device.
        #[expect(missing_debug_implementations, reason = "tensors of a device have nothing to show")]
        pub enum Ready<'a, B: Training> {
            $(#[doc = $doc] $variant(&'a $case, <$case as Operation>::Ready<B>),)*
        }

        impl Case {
            /// The operation's name in the contract.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$variant(case) => case.name(),)* }
            }

            /// What the operation costs at least.
            pub fn work(&self) -> Work {
                match self { $(Self::$variant(case) => case.work(),)* }
            }

            /// Puts the inputs on the device. They depend on the case alone.
            pub fn prepare<B: Training>(&self, backend: &B, precision: Precision) -> Result<Ready<'_, B>> {
                let inputs = Inputs::new(&format!("{}: {self}", self.name()), precision);
                Ok(match self {
                    $(Self::$variant(case) => Ready::$variant(case, case.prepare(backend, &inputs)?),)*
                })
            }
        }

        impl<B: Training> Ready<'_, B> {
            /// Runs the operation; the device may still be busy with it afterwards.
            pub async fn run(&mut self, backend: &B) -> Result<()> {
                match self { $(Self::$variant(case, ready) => case.run(backend, ready).await,)* }
            }

            /// Everything that the operation wrote.
            pub async fn outputs(&self, backend: &B) -> Result<Vec<Output>> {
                match self { $(Self::$variant(case, ready) => case.outputs(backend, ready).await,)* }
            }
        }

        impl Display for Case {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self { $(Self::$variant(case) => case.fmt(f),)* }
            }
        }

        $(impl From<$case> for Case {
            fn from(case: $case) -> Self {
                Self::$variant(case)
            }
        })*
    };
}

cases! {
    Embedding(EmbeddingCase): "Rows of a table.",
    Linear(LinearCase): "A product with weights.",
    RecurrentLayer(RecurrentLayerCase): "A recurrent layer over whole sequences.",
    RecurrentStep(RecurrentStepCase): "One step of a recurrent layer.",
    Attention(AttentionCase): "Attention, whole or one third of it.",
    LogSoftmax(LogSoftmaxCase): "Log softmax of rows.",
    Argmax(ArgmaxCase): "The largest of every row.",
    Mix(MixCase): "The probabilities of an ensemble.",
    Extend(ExtendCase): "Some steps of a search.",
    Cover(CoverCase): "What was attended to so far.",
    Matmul(MatmulCase): "A product of two matrices.",
    Elements(ElementsCase): "What training does to elements and rows.",
    EmbeddingBackward(EmbeddingBackwardCase): "The gradient of a table.",
    Sequence(SequenceCase): "A recurrent layer while it learns.",
    AttentionBackward(AttentionBackwardCase): "Attention backward.",
    GeneratorLoss(GeneratorLossCase): "Generator and cross entropy.",
    GradientNorm(GradientNormCase): "The norm of all gradients.",
    Update(UpdateCase): "A step of the optimizer.",
    Forced(ForcedCase): "A whole model over a given target.",
    Translate(TranslateCase): "Whole translations.",
}

/// Every case, grouped by operation.
pub fn cases() -> Vec<Case> {
    [
        linear::cases(),
        recurrent::cases(),
        attention::cases(),
        generator::cases(),
        search::cases(),
        training::cases(),
        model::cases(),
    ]
    .concat()
}
