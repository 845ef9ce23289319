//! The operations of training. What accumulates begins with numbers that are not zero, as it does in a second batch.

mod attention;
mod elements;
mod loss;
mod optimizer;
mod products;
mod recurrent;

pub use attention::{AttentionBackwardCase, Gradient};
pub use elements::{ElementsCase, ElementsOperation, EmbeddingBackwardCase};
pub use loss::GeneratorLossCase;
pub use optimizer::{GradientNormCase, Norm, UpdateCase};
pub use products::{Form, MatmulCase};
pub use recurrent::{SequenceCase, SequencePart};

use super::Case;

pub(super) fn cases() -> Vec<Case> {
    [products::cases(), elements::cases(), recurrent::cases(), attention::cases(), loss::cases(), optimizer::cases()]
        .concat()
}
