//! How to train.

use serde::{Deserialize, Serialize};

use crate::backend::Rule;
use crate::{Error, Result};

/// How to train. The default does well on a few ten thousand short pairs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrainOptions {
    /// The most passes over the pairs.
    pub epochs: Option<u64>,
    /// The most steps of the optimizer.
    pub steps: Option<u64>,
    /// What everything random depends on.
    pub seed: u32,
    /// The most pairs of a batch.
    pub batch_size: usize,
    /// The most symbols of a batch, padding included, on the larger of its two sides.
    pub batch_tokens: Option<usize>,
    /// Batches of one step of the optimizer.
    pub accumulate: usize,
    /// How parameters follow their gradients.
    pub optimizer: Optimizer,
    /// η, before the schedule.
    pub learning_rate: f64,
    /// μ of SGD.
    pub momentum: f64,
    /// β₁ of Adam.
    pub beta1: f64,
    /// β₂ of Adam.
    pub beta2: f64,
    /// ε of Adam.
    pub epsilon: f64,
    /// λ
    pub weight_decay: f64,
    /// How the learning rate changes.
    pub schedule: Schedule,
    /// Steps in which the learning rate rises from 0.
    pub warmup: u64,
    /// What the learning rate is multiplied by on a plateau.
    pub decay: f64,
    /// Validations in a row that are no improvement before the learning rate decays on a plateau.
    pub decay_patience: u64,
    /// The largest norm that the gradients keep.
    pub clip: Option<f64>,
    /// The share of embeddings, of outputs between layers and of attentional states that is dropped.
    pub dropout: f64,
    /// ε of label smoothing.
    pub label_smoothing: f64,
    /// γ of the average of the parameters, which is then what is validated and kept.
    pub average: Option<f64>,
    /// Whether the forget gates of an LSTM begin with a bias of 1.
    pub forget_bias: bool,
    /// Which model is the best.
    pub metric: Metric,
    /// Steps from one validation to the next; without it there is one after each epoch.
    pub validate_every: Option<u64>,
    /// Validations in a row that are no improvement before training stops.
    pub patience: Option<u64>,
    /// Steps from one checkpoint to the next; without it there is one after each validation.
    pub checkpoint_every: Option<u64>,
}

/// How parameters follow their gradients: see [`Rule`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Optimizer {
    /// Adam; weight decay is part of the gradient.
    #[default]
    Adam,
    /// Adam with weight decay apart from the gradient.
    AdamW,
    /// Stochastic gradient descent with momentum.
    Sgd,
}

/// How the learning rate changes, after the steps of warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// Not at all.
    Constant,
    /// In a straight line, to 0 at the end.
    #[default]
    Linear,
    /// With one over the square root of the step.
    InverseSqrt,
    /// By a factor, whenever validation gets no better.
    Plateau,
}

/// What makes one model better than another. Among equals the smaller loss does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Metric {
    /// The smaller mean loss of a target symbol.
    Loss,
    /// The smaller word error rate: sources whose translation is none of the accepted ones.
    #[default]
    Wer,
    /// The smaller symbol error rate: edits over symbols.
    Ser,
    /// The larger BLEU.
    Bleu,
    /// The larger chrF.
    Chrf,
}

impl Metric {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Loss => "loss",
            Self::Wer => "wer",
            Self::Ser => "ser",
            Self::Bleu => "bleu",
            Self::Chrf => "chrf",
        }
    }

    /// Whether larger values are better.
    pub fn rises(self) -> bool {
        matches!(self, Self::Bleu | Self::Chrf)
    }
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self {
            epochs: Some(20),
            steps: None,
            seed: 1,
            batch_size: 64,
            batch_tokens: None,
            accumulate: 1,
            optimizer: Optimizer::Adam,
            learning_rate: 0.002,
            momentum: 0.9,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.0,
            schedule: Schedule::Linear,
            warmup: 0,
            decay: 0.5,
            decay_patience: 2,
            clip: Some(5.0),
            dropout: 0.2,
            label_smoothing: 0.0,
            average: None,
            forget_bias: true,
            metric: Metric::Wer,
            validate_every: None,
            patience: None,
            checkpoint_every: None,
        }
    }
}

impl TrainOptions {
    /// Checks that every option is in its range.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] with the first that is not.
    pub fn check(&self) -> Result<()> {
        let bounded = self.epochs.is_some() || self.steps.is_some() || self.patience.is_some();
        check(bounded, "epochs", "an end: epochs, steps or patience", "none")?;
        check(
            self.schedule != Schedule::Linear || self.epochs.is_some() || self.steps.is_some(),
            "schedule",
            "epochs or steps, for the linear schedule to end with",
            "neither",
        )?;
        let counts = [
            ("epochs", self.epochs),
            ("steps", self.steps),
            ("batch_size", Some(self.batch_size as u64)),
            ("batch_tokens", self.batch_tokens.map(|tokens| tokens as u64)),
            ("accumulate", Some(self.accumulate as u64)),
            ("validate_every", self.validate_every),
            ("patience", self.patience),
            ("decay_patience", Some(self.decay_patience)),
            ("checkpoint_every", self.checkpoint_every),
        ];
        for (key, count) in counts {
            check(count != Some(0), key, "at least 1", "0")?;
        }
        let positive =
            [("learning_rate", Some(self.learning_rate)), ("clip", self.clip), ("epsilon", Some(self.epsilon))];
        for (key, value) in positive {
            // What rounds to 0 or to infinity on the way to the device would be another number there.
            let right = value.is_none_or(|value| value as f32 > 0.0 && (value as f32).is_finite());
            check(right, key, "a positive number", value.unwrap_or_default())?;
        }
        let right = self.weight_decay >= 0.0 && (self.weight_decay as f32).is_finite();
        check(right, "weight_decay", "at least 0", self.weight_decay)?;
        let shares = [
            ("momentum", Some(self.momentum)),
            ("beta1", Some(self.beta1)),
            ("beta2", Some(self.beta2)),
            ("dropout", Some(self.dropout)),
            ("label_smoothing", Some(self.label_smoothing)),
            ("average", self.average),
        ];
        for (key, share) in shares {
            let right = share.is_none_or(|share| share >= 0.0 && (share as f32) < 1.0);
            check(right, key, "from 0 to below 1", share.unwrap_or_default())?;
        }
        check(self.decay > 0.0 && self.decay <= 1.0, "decay", "above 0, at most 1", self.decay)
    }

    /// The optimizer's equations.
    pub fn rule(&self) -> Rule {
        let weight_decay = self.weight_decay as f32;
        match self.optimizer {
            Optimizer::Sgd => Rule::Sgd { momentum: self.momentum as f32, weight_decay },
            optimizer => Rule::Adam {
                beta1: self.beta1 as f32,
                beta2: self.beta2 as f32,
                epsilon: self.epsilon as f32,
                weight_decay,
                decoupled: optimizer == Optimizer::AdamW,
            },
        }
    }

    /// How many steps there are at most, if an epoch has `steps_per_epoch`.
    pub fn total_steps(&self, steps_per_epoch: u64) -> Option<u64> {
        let by_epochs = self.epochs.map(|epochs| epochs.saturating_mul(steps_per_epoch));
        self.steps.into_iter().chain(by_epochs).min()
    }

    /// Whether a run may go on with another value of this option: it changes when to stop or to save, nothing else.
    pub(super) fn may_change(&self, key: &str) -> bool {
        match key {
            "epochs" | "steps" => self.schedule != Schedule::Linear,
            "patience" | "checkpoint_every" => true,
            _ => false,
        }
    }
}

fn check(right: bool, key: &str, expected: &str, found: impl ToString) -> Result<()> {
    if right {
        return Ok(());
    }
    Err(Error::Config { key: key.to_owned(), expected: expected.to_owned(), found: found.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_out_of_range_is_named() {
        let default = TrainOptions::default();
        assert!(default.check().is_ok());
        for (key, options) in [
            ("epochs", TrainOptions { epochs: None, ..default.clone() }),
            ("batch_size", TrainOptions { batch_size: 0, ..default.clone() }),
            ("learning_rate", TrainOptions { learning_rate: f64::NAN, ..default.clone() }),
            ("learning_rate", TrainOptions { learning_rate: 1e-60, ..default.clone() }),
            ("dropout", TrainOptions { dropout: 1.0, ..default.clone() }),
            ("average", TrainOptions { average: Some(-0.1), ..default.clone() }),
            ("decay", TrainOptions { decay: 0.0, ..default.clone() }),
            ("clip", TrainOptions { clip: Some(0.0), ..default.clone() }),
        ] {
            assert!(matches!(options.check(), Err(Error::Config { key: found, .. }) if found == key), "{key}");
        }
    }
}
