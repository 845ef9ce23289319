//! The model while it learns: forward with what backward needs, backward, and the optimizer's state.
//!
//! The same equations as the layers beside it, over parameters that change: those are matrices of an arena
//! (`layout`), not weights laid out for translating. Forward's results are values that backward consumes.

mod attention;
mod decoder;
mod embedded;
mod encoder;
mod layout;
mod pass;

use std::collections::BTreeMap;

use self::layout::{Layout, Read};
use self::pass::Pass;
pub use self::pass::StepOptions;
use crate::backend::{GeneratorGradients, LossOptions, Training, Update};
use crate::batch::PairBatch;
use crate::model::{Config, Parameters};
use crate::{Array, Float, Result};

/// Parameters, gradients and the optimizer's moments of a model on a device.
#[derive(Debug)]
pub struct Learner<B: Training> {
    config: Config,
    layout: Layout,
    values: B::Arena,
    gradients: B::Arena,
    moments: [B::Arena; 2],
    average: Option<B::Arena>,
    /// Σ of the losses since they were read (1, 1).
    loss: B::Tensor,
    /// ‖g‖₂ of the last update (1, 1).
    norm: B::Tensor,
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
        config.validate()?;
        let layout = Layout::new(config);
        let arena = || backend.arena(&layout.shapes);
        let (values, gradients, moments) = (arena()?, arena()?, [arena()?, arena()?]);
        let average = if average { Some(arena()?) } else { None };
        let (loss, norm) = (backend.zeros(1, 1)?, backend.zeros(1, 1)?);
        let config = config.clone();
        let mut learner = Self { config, layout, values, gradients, moments, average, loss, norm };
        let slots = learner.layout.pack(|name| parameters.get(name))?;
        write(backend, &mut learner.values, &slots)?;
        if let Some(average) = &mut learner.average {
            write(backend, average, &slots)?;
        }
        Ok(learner)
    }

    /// Goes back to what [`parameters`](Self::parameters) and [`optimizer_state`](Self::optimizer_state) gave.
    pub fn restore(&mut self, backend: &B, parameters: &Parameters, state: &OptimizerState) -> Result<()> {
        let layout = &self.layout;
        write(backend, &mut self.values, &layout.pack(|name| parameters.get(name))?)?;
        for (arena, moments) in self.moments.iter_mut().zip(&state.moments) {
            write(backend, arena, &layout.pack(|name| find(moments, name))?)?;
        }
        if let (Some(arena), Some(average)) = (&mut self.average, &state.average) {
            write(backend, arena, &layout.pack(|name| find(average, name))?)?;
        }
        Ok(())
    }

    /// Forward and backward: adds to the gradients and to the loss.
    pub fn accumulate(&mut self, backend: &B, batch: &PairBatch, options: &StepOptions) -> Result<()> {
        let (values, gradients) = (self.values.as_ref(), self.gradients.as_mut());
        let pass = Pass {
            backend,
            config: &self.config,
            slots: &self.layout.slots,
            shapes: &self.layout.shapes,
            values,
            options: *options,
        };
        let encoded = pass.encode(&batch.source)?;
        let decoded = pass.decode(&encoded, &batch.target_in)?;
        let rows = batch.target_out.len();
        let mut d_attentional = backend.zeros(rows, self.config.decoder.hidden_size)?;
        let [weight, bias] = pass.slots.generator;
        let [d_weight, d_bias] = pass::disjoint(gradients, [weight, bias])?;
        backend.generator_loss(
            decoded.attentional(),
            &values[weight],
            &values[bias],
            &backend.upload_ids(&batch.target_out)?,
            LossOptions { smoothing: options.smoothing, scale: options.scale },
            &mut self.loss,
            Some(GeneratorGradients { d_attentional: &mut d_attentional, d_weight, d_bias }),
        )?;
        let (d_memory, d_initial) = pass.decode_backward(&encoded, decoded, d_attentional, gradients)?;
        pass.encode_backward(encoded, d_memory, d_initial, gradients)
    }

    /// One step of the optimizer with the gradients so far, which are zero afterwards.
    pub fn update(&mut self, backend: &B, update: &Update) -> Result<()> {
        backend.gradient_norm(&self.gradients, &mut self.norm)?;
        let (values, gradients, average) = (&mut self.values, &mut self.gradients, self.average.as_mut());
        backend.update(update, &self.norm, values, gradients, &mut self.moments, average)
    }

    /// The losses since the last call, once everything asked for so far is done.
    pub async fn progress(&mut self, backend: &B) -> Result<Progress> {
        let (loss, norm) = (backend.read(&self.loss).await?, backend.read(&self.norm).await?);
        self.loss = backend.zeros(1, 1)?;
        Ok(Progress { loss: loss[0].to_f64(), gradient_norm: norm[0].to_f64() })
    }

    /// Σ of the losses of a batch, without learning from it; of the averaged parameters, where they are kept.
    pub async fn loss(&self, backend: &B, batch: &PairBatch, smoothing: f32) -> Result<f64> {
        let values = self.average.as_ref().unwrap_or(&self.values).as_ref();
        let options = StepOptions { dropout: 0.0, smoothing, seed: 0, scale: 0.0 };
        let pass = Pass {
            backend,
            config: &self.config,
            slots: &self.layout.slots,
            shapes: &self.layout.shapes,
            values,
            options,
        };
        let encoded = pass.encode(&batch.source)?;
        let decoded = pass.decode(&encoded, &batch.target_in)?;
        let [weight, bias] = pass.slots.generator;
        let mut loss = backend.zeros(1, 1)?;
        let targets = backend.upload_ids(&batch.target_out)?;
        let options = LossOptions { smoothing, scale: 0.0 };
        let (weight, bias) = (&values[weight], &values[bias]);
        backend.generator_loss(decoded.attentional(), weight, bias, &targets, options, &mut loss, None)?;
        Ok(backend.read(&loss).await?[0].to_f64())
    }

    /// The parameters as they are.
    pub async fn parameters(&self, backend: &B) -> Result<Parameters> {
        Parameters::new(&self.config, self.read(backend, &self.values).await?)
    }

    /// The average of the parameters, where one is kept.
    pub async fn averaged(&self, backend: &B) -> Result<Option<Parameters>> {
        match &self.average {
            Some(average) => Parameters::new(&self.config, self.read(backend, average).await?).map(Some),
            None => Ok(None),
        }
    }

    /// What the optimizer keeps.
    pub async fn optimizer_state(&self, backend: &B) -> Result<OptimizerState> {
        let [first, second] = &self.moments;
        let average = match &self.average {
            Some(average) => Some(self.read(backend, average).await?),
            None => None,
        };
        Ok(OptimizerState { moments: [self.read(backend, first).await?, self.read(backend, second).await?], average })
    }

    /// The gradients so far, by the names of the parameters.
    pub async fn gradients(&self, backend: &B) -> Result<BTreeMap<String, Array<B::Float>>> {
        Ok(self.layout.unpack(&slots(backend, &self.gradients).await?, Read::Gradients))
    }

    async fn read(&self, backend: &B, arena: &B::Arena) -> Result<BTreeMap<String, Array>> {
        let single = |slot: Vec<B::Float>| slot.into_iter().map(|number| number.to_f64() as f32).collect();
        let slots: Vec<Vec<f32>> = slots(backend, arena).await?.into_iter().map(single).collect();
        Ok(self.layout.unpack(&slots, Read::Values))
    }
}

/// The elements of every slot.
async fn slots<B: Training>(backend: &B, arena: &B::Arena) -> Result<Vec<Vec<B::Float>>> {
    let mut slots = Vec::with_capacity(arena.as_ref().len());
    for tensor in arena.as_ref() {
        slots.push(backend.read(tensor).await?);
    }
    Ok(slots)
}

/// Fills an arena.
fn write<B: Training>(backend: &B, arena: &mut B::Arena, slots: &[Vec<f64>]) -> Result<()> {
    for (tensor, slot) in arena.as_mut().iter_mut().zip(slots) {
        let numbers: Vec<B::Float> = slot.iter().map(|&number| B::Float::from_f64(number)).collect();
        backend.write(tensor, &numbers)?;
    }
    Ok(())
}

/// The array of a name.
fn find<'a>(arrays: &'a BTreeMap<String, Array>, name: &str) -> Result<&'a Array> {
    arrays.get(name).ok_or_else(|| crate::Error::Tensor {
        name: name.to_owned(),
        expected: "an array".to_owned(),
        found: "none".to_owned(),
    })
}
