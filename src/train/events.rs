//! What a run tells while it goes on.

use serde::Serialize;

use super::{Best, Validated};
use crate::Result;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// Training begins, or goes on.
    Began(Began),
    /// Some more steps are done.
    Step(Stepped),
    /// The model was validated.
    Validated {
        /// How.
        #[serde(flatten)]
        validated: Validated,
        /// The best so far.
        best: Best,
    },
    /// A checkpoint is in its place.
    Checkpoint {
        /// The steps that it stands for.
        step: u64,
    },
}

/// What there is to do.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Began {
    /// Steps that are done already.
    pub step: u64,
    /// Epochs that are done already.
    pub epoch: u64,
    /// The most steps that there will be, where that is known.
    pub total_steps: Option<u64>,
    /// Steps of an epoch.
    pub steps_per_epoch: u64,
    /// Scalars of all parameters.
    pub parameters: usize,
    /// Pairs to learn from.
    pub training_pairs: usize,
    /// Pairs to validate with.
    pub validation_pairs: usize,
}

/// The steps since the last report.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Stepped {
    /// Epochs that were done, the one under way included.
    pub epoch: u64,
    /// Steps that were done.
    pub step: u64,
    /// Their mean loss of a target symbol.
    pub loss: f64,
    /// ‖g‖₂ of the last of them, before clipping.
    pub gradient_norm: f64,
    /// η of the last of them.
    pub learning_rate: f64,
    /// Target symbols a second.
    pub tokens_per_second: f64,
}

/// Who is told, and may ask to stop.
pub trait Observer {
    /// Takes notice of an event. An error ends the run, the last checkpoint standing.
    fn event(&mut self, event: &Event) -> Result<()>;

    /// Whether to stop after the step under way.
    fn should_stop(&self) -> bool {
        false
    }
}

/// Nobody.
impl Observer for () {
    fn event(&mut self, _: &Event) -> Result<()> {
        Ok(())
    }
}
