//! The learning rate of each step.

use serde::{Deserialize, Serialize};

use super::{Schedule, TrainOptions};

/// The learning rate as a function of the step.
#[derive(Clone, Copy, Debug)]
pub struct LearningRate {
    schedule: Schedule,
    base: f64,
    warmup: u64,
    decay: f64,
    total: u64,
}

impl LearningRate {
    /// For a run of `total` steps, where that is known.
    pub fn new(options: &TrainOptions, total: Option<u64>) -> Self {
        let &TrainOptions { schedule, learning_rate: base, warmup, decay, .. } = options;
        Self { schedule, base, warmup, decay, total: total.unwrap_or(u64::MAX) }
    }

    /// η of step `step`, counted from 1, when the plateau has decayed it `decays` times.
    ///
    /// With W steps of warm-up out of T, it is η · step / W up to step W, and after it
    ///
    /// * `constant`: η
    /// * `linear`: η (T − step + 1) / (T − W), of which nothing is left when step T is done
    /// * `inverse-sqrt`: η √(W / step) (Vaswani et al. 2017), W at least 1
    /// * `plateau`: η decay^decays
    pub fn at(&self, step: u64, decays: i32) -> f32 {
        let warming = if step < self.warmup { step as f64 / self.warmup as f64 } else { 1.0 };
        let factor = match self.schedule {
            Schedule::Constant => 1.0,
            Schedule::Linear if step <= self.warmup => 1.0,
            Schedule::Linear => {
                (self.total.saturating_sub(step) + 1) as f64 / self.total.saturating_sub(self.warmup).max(1) as f64
            }
            Schedule::InverseSqrt => {
                let warmup = self.warmup.max(1);
                (warmup as f64 / step.max(warmup) as f64).sqrt()
            }
            Schedule::Plateau => self.decay.powi(decays),
        };
        (self.base * warming * factor) as f32
    }
}

/// How long validation has been no better, as far as the learning rate is concerned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Plateau {
    stale: u64,
    /// How often the learning rate has decayed.
    pub decays: i32,
}

impl Plateau {
    /// After a validation that was an `improvement` or not.
    pub fn validated(&mut self, improvement: bool, patience: u64) {
        self.stale = if improvement { 0 } else { self.stale + 1 };
        if self.stale >= patience {
            self.stale = 0;
            self.decays = self.decays.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(schedule: Schedule, warmup: u64, total: u64) -> LearningRate {
        let options = TrainOptions { schedule, warmup, learning_rate: 1.0, ..Default::default() };
        LearningRate::new(&options, Some(total))
    }

    fn rates(schedule: Schedule, warmup: u64, total: u64) -> Vec<f32> {
        (1..=total).map(|step| rate(schedule, warmup, total).at(step, 0)).collect()
    }

    #[test]
    fn schedules_are_their_equations() {
        assert_eq!(rates(Schedule::Constant, 2, 4), [0.5, 1.0, 1.0, 1.0]);
        assert_eq!(rates(Schedule::Linear, 0, 4), [1.0, 0.75, 0.5, 0.25]);
        assert_eq!(rates(Schedule::Linear, 2, 4), [0.5, 1.0, 1.0, 0.5]);
        assert_eq!(rates(Schedule::InverseSqrt, 4, 16)[3], 1.0);
        assert_eq!(rates(Schedule::InverseSqrt, 4, 16)[15], 0.5);
        assert_eq!(rate(Schedule::Plateau, 0, 9).at(5, 2), 0.25);
    }

    #[test]
    fn a_run_beyond_its_end_stays_at_the_end() {
        let options = TrainOptions { schedule: Schedule::Linear, learning_rate: 1.0, ..Default::default() };
        assert!(LearningRate::new(&options, None).at(1000, 0).is_finite());
        assert!(rate(Schedule::Linear, 9, 4).at(20, 0).is_finite());
    }

    #[test]
    fn a_plateau_decays_after_its_patience() {
        let mut plateau = Plateau::default();
        let improvements = [true, false, true, false, false, false, false];
        let decays = improvements.map(|improvement| {
            plateau.validated(improvement, 2);
            plateau.decays
        });
        assert_eq!(decays, [0, 0, 0, 0, 1, 1, 2]);
    }
}
