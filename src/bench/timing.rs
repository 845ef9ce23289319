//! Medians of repeated runs.

use serde::Serialize;

use super::{DeviceTimer, Instruments};
use crate::Result;
use crate::backend::{Backend, Counters};
use crate::clock::Instant;
use crate::gpu::KernelTime;

/// The fewest runs that a median is taken of.
const FEWEST: usize = 5;
/// The runs before those that count.
const WARM_UP: usize = 2;

/// Seconds of repeated runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Timing {
    /// Half of the runs took longer.
    pub median_s: f64,
    /// The fastest.
    pub min_s: f64,
    /// The slowest.
    pub max_s: f64,
    /// How many runs.
    pub n: usize,
}

/// Runs `call` twice to warm up, then for `seconds` and five times at least; also what the device did for the last run.
///
/// The clock stops when the device has finished, not when it has been asked.
pub async fn measure<B: Backend>(
    backend: &B,
    seconds: f64,
    mut call: impl AsyncFnMut() -> Result<()>,
) -> Result<(Timing, Counters)> {
    let mark = backend.zeros(1, 1)?;
    let mut counters = Counters::default();
    let mut times = Vec::new();
    for warm in Runs::new(seconds) {
        let (before, start) = (backend.counters(), Instant::now());
        call().await?;
        // A device works on while it is not asked for anything. Reading waits for all that came before.
        backend.read(&mark).await?;
        let elapsed = start.elapsed().as_secs_f64();
        counters = backend.counters() - before;
        if warm {
            times.push(elapsed);
        }
    }
    Ok((Timing::of(&mut times), counters))
}

/// What the device's own clock says: the median of as many runs, and of one more how long each kernel took.
pub fn measure_on_device(
    instruments: Instruments<'_>,
    seconds: f64,
    mut call: impl FnMut() -> Result<()>,
) -> Result<(Option<f64>, Option<Vec<KernelTime>>)> {
    let device_s = instruments.timer.map(|timer| device_median(timer, seconds, &mut call)).transpose()?.flatten();
    let kernels = instruments.kernels.map(|timer| timer(&mut call)).transpose()?.flatten();
    Ok((device_s, kernels))
}

fn device_median(timer: DeviceTimer<'_>, seconds: f64, mut call: impl FnMut() -> Result<()>) -> Result<Option<f64>> {
    let mut times = Vec::new();
    for warm in Runs::new(seconds) {
        let Some(time) = timer(&mut call)? else { return Ok(None) };
        if warm {
            times.push(time);
        }
    }
    Ok(Some(Timing::of(&mut times).median_s))
}

/// Which runs there are, and whether they count.
struct Runs {
    seconds: f64,
    done: usize,
    warm_since: Instant,
}

impl Runs {
    fn new(seconds: f64) -> Self {
        Self { seconds, done: 0, warm_since: Instant::now() }
    }
}

impl Iterator for Runs {
    type Item = bool;

    fn next(&mut self) -> Option<bool> {
        if self.done == WARM_UP {
            self.warm_since = Instant::now();
        }
        if self.done >= WARM_UP + FEWEST && self.warm_since.elapsed().as_secs_f64() >= self.seconds {
            return None;
        }
        self.done += 1;
        Some(self.done > WARM_UP)
    }
}

impl Timing {
    /// The order of `seconds` is lost.
    fn of(seconds: &mut [f64]) -> Self {
        seconds.sort_by(f64::total_cmp);
        let at = |index: usize| seconds.get(index).copied().unwrap_or(f64::NAN);
        let n = seconds.len();
        let median_s = (at(n / 2) + at(n.saturating_sub(1) / 2)) / 2.0;
        Self { median_s, min_s: at(0), max_s: at(n.saturating_sub(1)), n }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_warmed_up_and_at_least_five() {
        assert_eq!(Runs::new(0.0).collect::<Vec<_>>(), [false, false, true, true, true, true, true]);
    }

    #[test]
    fn medians_of_odd_and_even() {
        let timing = Timing::of(&mut [3.0, 1.0, 2.0]);
        assert_eq!(timing, Timing { median_s: 2.0, min_s: 1.0, max_s: 3.0, n: 3 });
        assert_eq!(Timing::of(&mut [4.0, 1.0, 2.0, 3.0]).median_s, 2.5);
    }
}
