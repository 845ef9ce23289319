//! The operations of training. What accumulates begins with numbers that are not zero, as it does in a second batch.

pub(super) mod attention;
pub(super) mod elements;
pub(super) mod loss;
pub(super) mod optimizer;
pub(super) mod products;
pub(super) mod recurrent;

pub use attention::{AttentionBackwardCase, Gradient};
pub use elements::{ElementsCase, ElementsOperation, EmbeddingBackwardCase};
pub use loss::GeneratorLossCase;
pub use optimizer::{GradientNormCase, Norm, UpdateCase};
pub use products::{Form, MatmulCase};
pub use recurrent::{SequenceCase, SequencePart};
