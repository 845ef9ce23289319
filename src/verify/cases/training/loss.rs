//! `generator_loss`.

use std::fmt;

use super::super::operation::{Operation, Output, Work, count};
use crate::Result;
use crate::backend::{GeneratorGradients, LossOptions, Training};
use crate::batch::NO_TARGET;
use crate::verify::inputs::Inputs;

/// Generator and cross entropy.
#[derive(Clone, Copy, Debug)]
pub struct GeneratorLossCase {
    /// Rows, every third of which has no target.
    pub rows: usize,
    /// Columns of the attentional state.
    pub hidden: usize,
    /// Columns of the logits.
    pub vocab_size: usize,
    /// ε
    pub smoothing: f32,
    /// Whether gradients are asked for.
    pub gradients: bool,
    /// Whether logits reach ±10⁴.
    pub extreme: bool,
}

/// Inputs and outputs of [`GeneratorLossCase`].
#[derive(Debug)]
pub struct GeneratorLossReady<B: Training> {
    attentional: B::Tensor,
    weight: B::Tensor,
    bias: B::Tensor,
    targets: B::Ids,
    loss: B::Tensor,
    d_attentional: B::Tensor,
    d_weight: B::Tensor,
    d_bias: B::Tensor,
}

impl fmt::Display for GeneratorLossCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rows, hidden, vocab_size, smoothing, gradients, extreme } = self;
        write!(f, "{rows} rows, hidden {hidden}, vocabulary {vocab_size}")?;
        if *smoothing > 0.0 {
            write!(f, ", smoothing {smoothing}")?;
        }
        for (said, word) in [(*gradients, "gradients"), (*extreme, "logits of ±10⁴")] {
            if said {
                write!(f, ", {word}")?;
            }
        }
        Ok(())
    }
}

impl Operation for GeneratorLossCase {
    type Ready<B: Training> = GeneratorLossReady<B>;

    fn name(&self) -> &'static str {
        "generator_loss"
    }

    fn prepare<B: Training>(&self, backend: &B, inputs: &Inputs) -> Result<Self::Ready<B>> {
        let Self { rows, hidden, vocab_size, extreme, .. } = *self;
        let mut targets = inputs.ids("targets", rows, vocab_size);
        targets.iter_mut().skip(2).step_by(3).for_each(|target| *target = NO_TARGET);
        let (weight, bias) = if extreme {
            // Products of whole numbers: logits are exact, and what is not the same differs by much.
            (inputs.steps("weight", [vocab_size, hidden], 1000.0), inputs.steps("bias", [1, vocab_size], 1000.0))
        } else {
            let scale = 3.0 / (hidden as f32).sqrt();
            (inputs.array("weight", [vocab_size, hidden], scale), inputs.array("bias", [1, vocab_size], 0.5))
        };
        let attentional = if extreme {
            inputs.steps("attentional", [rows, hidden], 1.0)
        } else {
            inputs.array("attentional", [rows, hidden], 1.0)
        };
        let array = |name: &str, shape: [usize; 2]| backend.upload(&inputs.array(name, shape, 0.1));
        Ok(GeneratorLossReady {
            attentional: backend.upload(&attentional)?,
            weight: backend.upload(&weight)?,
            bias: backend.upload(&bias)?,
            targets: backend.upload_ids(&targets)?,
            loss: array("loss", [1, 1])?,
            d_attentional: array("d_attentional", [rows, hidden])?,
            d_weight: array("d_weight", [vocab_size, hidden])?,
            d_bias: array("d_bias", [1, vocab_size])?,
        })
    }

    async fn run<B: Training>(&self, backend: &B, ready: &mut Self::Ready<B>) -> Result<()> {
        let GeneratorLossReady { attentional, weight, bias, targets, loss, d_attentional, d_weight, d_bias } = ready;
        let options = LossOptions { smoothing: self.smoothing, scale: 0.37 };
        let gradients = self.gradients.then_some(GeneratorGradients { d_attentional, d_weight, d_bias });
        backend.generator_loss(attentional, weight, bias, targets, options, loss, gradients)
    }

    async fn outputs<B: Training>(&self, backend: &B, ready: &Self::Ready<B>) -> Result<Vec<Output>> {
        let Self { rows, hidden, vocab_size, .. } = *self;
        let mut outputs = vec![Output::read(backend, "loss", [1, 1], &ready.loss).await?];
        if self.gradients {
            outputs.push(Output::read(backend, "d_attentional", [rows, hidden], &ready.d_attentional).await?);
            outputs.push(Output::read(backend, "d_weight", [vocab_size, hidden], &ready.d_weight).await?);
            outputs.push(Output::read(backend, "d_bias", [1, vocab_size], &ready.d_bias).await?);
        }
        Ok(outputs)
    }

    fn work(&self) -> Work {
        let Self { rows, hidden, vocab_size, gradients, .. } = *self;
        let times = if gradients { 3.0 } else { 1.0 };
        Work {
            flops: 2.0 * times * count([rows, hidden, vocab_size]),
            weights: 0.0,
            values: times * (count([vocab_size, hidden + 1]) + count([rows, hidden])),
        }
    }
}

pub fn cases<C: From<GeneratorLossCase>>() -> Vec<C> {
    let case = |(rows, hidden, vocab_size), smoothing, gradients, extreme| {
        C::from(GeneratorLossCase { rows, hidden, vocab_size, smoothing, gradients, extreme })
    };
    let mut cases = Vec::new();
    for size in [(1, 1, 1), (2, 5, 3), (7, 13, 43), (67, 9, 131), (19, 70, 1030)] {
        for smoothing in [0.0, 0.1] {
            cases.extend([false, true].map(|gradients| case(size, smoothing, gradients, false)));
        }
    }
    cases.extend([0.0, 0.1].map(|smoothing| case((11, 6, 37), smoothing, true, true)));
    // More logits than exist at once.
    cases.push(case((270, 2, 16_001), 0.1, true, false));
    cases
}
