//! From pairs of texts to a model.
//!
//! [`train`] learns a [`Task`] with [`TrainOptions`] and leaves in a folder:
//!
//! | path | holds |
//! |---|---|
//! | `config.json`, `model.safetensors`, tokenizers | the model that was best in validation |
//! | `last/` | the model as training left it |
//! | `checkpoint/checkpoint.safetensors` | all that the rest of the run depends on |
//! | `train.toml` | the settings, where the program wrote them |
//!
//! What a run computes depends on the task, the options and the device alone: the order of the pairs and the masks of
//! dropout are functions of seed, epoch and step. A run that goes on from its checkpoint therefore ends with the
//! weights, bit for bit, of a run that was never interrupted.
//!
//! What happens is told to an [`Observer`], which can also ask to stop.

mod batches;
mod checkpoint;
mod events;
mod examples;
mod folder;
mod history;
mod options;
pub mod plot;
mod schedule;
mod task;
mod trainer;
mod validation;

/// For `fuzz/`.
#[cfg(fuzzing)]
pub use checkpoint::Checkpoint;
pub use events::{Began, Event, Observer, Stepped};
pub use examples::{Example, Examples, LeftOut};
pub use folder::Folder;
pub use history::{Best, History, Validated};
pub use options::{Metric, Optimizer, Schedule, TrainOptions};
pub use task::Task;
pub use trainer::{Ended, Start, Summary, train};
