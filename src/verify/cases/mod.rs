//! The one list of cases: what every backend is asked, here, in the tests and, with larger sizes, in the benchmarks.
//!
//! Sizes are chosen to find mistakes: every dimension different, none a multiple of a tile, ragged lengths with a 1
//! among them, batches of one, scores of ±10⁴, saturated gates, windows that hold nothing.

mod attention;
mod attentional_state;
mod linear;
mod model;
mod operation;
mod recurrent;
mod rows;
mod search;
mod training;

use std::fmt::{self, Display};

pub use attention::{AttentionCase, Part};
pub use attentional_state::AttentionalStateCase;
pub use linear::{EmbeddingCase, LinearCase};
pub use model::{ForcedCase, ModelCase, TranslateCase};
pub(super) use model::{forced_outputs, token_rows};
pub use operation::{Operation, Output, Values, Work};
pub use recurrent::{Fed, Gates, RecurrentLayerCase, RecurrentStepCase};
pub use rows::{Logits, MixCase, RowsCase, RowsOperation};
pub use search::{CoverCase, ExtendCase};
pub use training::{
    AttentionBackwardCase, ElementsCase, ElementsOperation, EmbeddingBackwardCase, Form, GeneratorLossCase, Gradient,
    GradientNormCase, MatmulCase, Norm, SequenceCase, SequencePart, UpdateCase,
};

use super::inputs::Inputs;
use crate::Result;
use crate::backend::Training;
use crate::device::Precision;

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

            /// Whether it is a whole model, where the outputs of one product are inputs of the next.
            pub fn is_model(&self) -> bool {
                matches!(self, Self::Forced(_) | Self::Translate(_))
            }

            /// What the operation costs at least.
            pub fn work(&self) -> Work {
                match self { $(Self::$variant(case) => case.work(),)* }
            }

            /// The inputs, which depend on the case alone.
            pub fn inputs(&self, precision: Precision) -> Inputs {
                Inputs::new(&format!("{}: {self}", self.name()), precision)
            }

            /// Puts the inputs on the device.
            pub fn prepare<B: Training>(&self, backend: &B, inputs: &Inputs) -> Result<Ready<'_, B>> {
                Ok(match self {
                    $(Self::$variant(case) => Ready::$variant(case, case.prepare(backend, inputs)?),)*
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
    AttentionalState(AttentionalStateCase): "Attention with what becomes of its context.",
    Rows(RowsCase): "An operation on every row.",
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
        attentional_state::cases(),
        rows::cases(),
        search::cases(),
        training::products::cases(),
        training::elements::cases(),
        training::recurrent::cases(),
        training::attention::cases(),
        training::loss::cases(),
        training::optimizer::cases(),
        model::cases(),
    ]
    .concat()
}
