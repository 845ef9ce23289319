//! How a run went.

use serde::{Deserialize, Serialize};

use super::Metric;

/// The most points of the training loss that are kept.
const MOST_POINTS: usize = 2048;

/// The losses of a run from its beginning, and its validations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// (step, mean loss of a target symbol since the point before).
    pub training: Vec<(u64, f64)>,
    /// Every how many reports there is a point.
    thinning: u64,
    /// All validations.
    pub validations: Vec<Validated>,
}

/// A validation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Validated {
    /// Epochs that were done, the one under way included.
    pub epoch: u64,
    /// Steps that were done.
    pub step: u64,
    /// Mean loss of a target symbol in training, since the validation before.
    pub training_loss: f64,
    /// Mean loss of a target symbol of the validation pairs.
    pub loss: f64,
    /// The share of sources whose translation is none of the accepted ones.
    pub wer: f64,
    /// Edits to the closest accepted translation over its symbols.
    pub ser: f64,
    /// BLEU, from 0 to 100.
    pub bleu: f64,
    /// chrF, from 0 to 100.
    pub chrf: f64,
    /// The learning rate of the last step.
    pub learning_rate: f64,
    /// Whether no model before was as good.
    pub improved: bool,
}

/// The best model so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// After how many steps.
    pub step: u64,
    /// What it is best by.
    pub metric: Metric,
    /// The value of that.
    pub value: f64,
    /// Its mean loss of a target symbol of the validation pairs.
    pub loss: f64,
}

impl Validated {
    /// The value of a metric.
    pub fn value(&self, metric: Metric) -> f64 {
        match metric {
            Metric::Loss => self.loss,
            Metric::Wer => self.wer,
            Metric::Ser => self.ser,
            Metric::Bleu => self.bleu,
            Metric::Chrf => self.chrf,
        }
    }
}

impl Best {
    /// Whether a model of this value and loss is better.
    pub fn is_surpassed(&self, value: f64, loss: f64) -> bool {
        let (new, old) = if self.metric.rises() { (-value, -self.value) } else { (value, self.value) };
        new < old || (new == old && loss < self.loss)
    }
}

impl History {
    /// Adds the training loss of the steps up to `step`; a long run keeps ever fewer points.
    pub(super) fn push(&mut self, report: u64, step: u64, loss: f64) {
        self.thinning = self.thinning.max(1);
        if !report.is_multiple_of(self.thinning) {
            return;
        }
        self.training.push((step, loss));
        if self.training.len() >= MOST_POINTS {
            let mut at = 0_u64;
            self.training.retain(|_| {
                at += 1;
                at.is_multiple_of(2)
            });
            self.thinning *= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn better_is_smaller_or_larger_as_the_metric_has_it() {
        let best = |metric| Best { step: 1, metric, value: 0.5, loss: 1.0 };
        assert!(best(Metric::Wer).is_surpassed(0.4, 9.0));
        assert!(!best(Metric::Wer).is_surpassed(0.6, 0.1));
        assert!(best(Metric::Bleu).is_surpassed(0.6, 9.0));
        assert!(best(Metric::Wer).is_surpassed(0.5, 0.9), "the loss decides between equals");
        assert!(!best(Metric::Wer).is_surpassed(0.5, 1.0));
        assert!(!best(Metric::Loss).is_surpassed(f64::NAN, 0.0));
    }

    #[test]
    fn a_long_run_keeps_a_bounded_number_of_points() {
        let mut history = History::default();
        (1..100_000).for_each(|report| history.push(report, 10 * report, 1.0));
        assert!((MOST_POINTS / 2 - 1..MOST_POINTS).contains(&history.training.len()));
        assert!(history.training.is_sorted());
    }
}
