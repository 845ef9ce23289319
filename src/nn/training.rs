//! The model while it learns: forward with what backward needs, backward, and the optimizer's state.

use std::collections::BTreeMap;

use crate::backend::{Training, Update};
use crate::model::{Config, Parameters};
use crate::text::PairBatch;
use crate::{Array, Result};

/// How one batch is learnt from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepOptions {
    /// The share of embeddings, of outputs between layers and of attentional states that is dropped.
    pub dropout: f32,
    /// ε of label smoothing.
    pub smoothing: f32,
    /// What the masks of dropout depend on: another number for every batch.
    pub seed: u32,
    /// What the gradients are multiplied by: one over the target tokens of all batches of the step.
    pub scale: f32,
}

/// Parameters, gradients and the optimizer's moments of a model on a device.
#[derive(Debug)]
pub struct Learner<B: Training> {
    config: Config,
    backend: std::marker::PhantomData<B>,
}

/// What the optimizer keeps beside the parameters, by the parameters' names.
#[derive(Clone, Debug, PartialEq)]
pub struct OptimizerState {
    /// The first and second moments.
    pub moments: [BTreeMap<String, Array>; 2],
    /// The average of the parameters, where one is kept.
    pub average: Option<BTreeMap<String, Array>>,
}

/// What happened since it was last asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Σ of the losses of all target tokens.
    pub loss: f64,
    /// ‖g‖₂ of the last update, before clipping.
    pub gradient_norm: f64,
}

impl<B: Training> Learner<B> {
    /// A model that begins with these parameters; `average` says whether an average of them is kept.
    pub fn new(backend: &B, config: &Config, parameters: &Parameters, average: bool) -> Result<Self> {
        todo!()
    }

    /// Goes back to what [`parameters`](Self::parameters) and [`optimizer_state`](Self::optimizer_state) gave.
    pub fn restore(&mut self, backend: &B, parameters: &Parameters, state: &OptimizerState) -> Result<()> {
        todo!()
    }

    /// Forward and backward: adds to the gradients and to the loss.
    pub fn accumulate(&mut self, backend: &B, batch: &PairBatch, options: &StepOptions) -> Result<()> {
        todo!()
    }

    /// One step of the optimizer with the gradients so far, which are zero afterwards.
    pub fn update(&mut self, backend: &B, update: &Update) -> Result<()> {
        todo!()
    }

    /// The losses since the last call, once everything asked for so far is done.
    pub async fn progress(&mut self, backend: &B) -> Result<Progress> {
        todo!()
    }

    /// Σ of the losses of a batch, without learning from it.
    pub async fn loss(&self, backend: &B, batch: &PairBatch, smoothing: f32) -> Result<f64> {
        todo!()
    }

    /// The parameters as they are.
    pub async fn parameters(&self, backend: &B) -> Result<Parameters> {
        todo!()
    }

    /// The average of the parameters, where one is kept.
    pub async fn averaged(&self, backend: &B) -> Result<Option<Parameters>> {
        todo!()
    }

    /// What the optimizer keeps.
    pub async fn optimizer_state(&self, backend: &B) -> Result<OptimizerState> {
        todo!()
    }

    /// The gradients so far, by the names of the parameters.
    pub async fn gradients(&self, backend: &B) -> Result<BTreeMap<String, Array<B::Float>>> {
        todo!()
    }
}
