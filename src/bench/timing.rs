//! Medians of repeated runs.

use serde::Serialize;

use super::Instruments;
use crate::Result;
use crate::backend::{Backend, Counters};
use crate::clock::{self, Instant};
use crate::gpu::KernelTime;

/// The fewest runs that a median is taken of.
const FEWEST: usize = 5;
/// The runs before those that count.
const WARM_UP: usize = 2;
/// Steps of the clock that a run lasts at least: what is shorter is called several times in a run.
const STEPS: f64 = 100.0;
/// The most calls of a run, whatever the clock says.
const MOST_CALLS: usize = 1 << 14;

/// Seconds of a call, in repeated runs.
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

/// Runs `call` twice to warm up, then for `seconds` and five times at least; also what the device did for the last call.
///
/// The clock stops when the device has finished, not when it has been asked.
pub async fn measure<B: Backend>(
    backend: &B,
    seconds: f64,
    mut call: impl AsyncFnMut() -> Result<()>,
) -> Result<(Timing, Counters)> {
    let mark = backend.zeros(1, 1)?;
    let mut counters = Counters::default();
    let times = runs(seconds, clock::resolution(), async |calls| {
        let start = Instant::now();
        for _ in 0..calls {
            let before = backend.counters();
            call().await?;
            // A device works on while it is not asked for anything. Reading waits for all that came before.
            backend.read(&mark).await?;
            counters = backend.counters() - before;
        }
        Ok(Some(start.elapsed().as_secs_f64()))
    });
    Ok((Timing::of(&mut times.await?.unwrap_or_default()), counters))
}

/// What the device's own clock says: the median of as many runs, and of one more how long each kernel took.
pub async fn measure_on_device(
    instruments: Instruments<'_>,
    seconds: f64,
    mut call: impl AsyncFnMut() -> Result<()>,
) -> Result<(Option<f64>, Option<Vec<KernelTime>>)> {
    let Some(gpu) = instruments.gpu else { return Ok((None, None)) };
    let times = runs(seconds, clock::DEVICE_RESOLUTION, async |calls| {
        let work = async || {
            for _ in 0..calls {
                call().await?;
            }
            Ok(())
        };
        Ok(gpu.device_time(work).await?.map(|time| time.as_secs_f64()))
    });
    let device_s = times.await?.map(|mut times| Timing::of(&mut times).median_s);
    let kernels = if instruments.kernels { gpu.kernel_times(call).await? } else { None };
    Ok((device_s, kernels))
}

/// The seconds of a call in each run that counts. `run` says how long some calls took, by a clock of that resolution;
/// nothing where there is no such clock.
async fn runs(
    seconds: f64,
    resolution: f64,
    mut run: impl AsyncFnMut(usize) -> Result<Option<f64>>,
) -> Result<Option<Vec<f64>>> {
    let (mut calls, mut warm) = (1, 0);
    while warm < WARM_UP {
        let Some(time) = run(calls).await? else { return Ok(None) };
        if time < STEPS * resolution && calls < MOST_CALLS {
            calls *= 2;
        } else {
            warm += 1;
        }
    }
    let (begin, mut times) = (Instant::now(), Vec::new());
    while times.len() < FEWEST || begin.elapsed().as_secs_f64() < seconds {
        let Some(time) = run(calls).await? else { return Ok(None) };
        times.push(time / calls as f64);
    }
    Ok(Some(times))
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

    /// How many calls each run has, of calls that take so long by a clock of one second.
    fn calls_of_runs(each: f64) -> Vec<usize> {
        let mut seen = Vec::new();
        let times = pollster::block_on(runs(0.0, 1.0, async |calls| {
            seen.push(calls);
            Ok(Some(each * calls as f64))
        }));
        assert_eq!(times.expect("runs"), Some(vec![each; FEWEST]));
        seen
    }

    #[test]
    fn runs_are_warmed_up_and_at_least_five() {
        assert_eq!(calls_of_runs(100.0), [1; 7]);
    }

    #[test]
    fn what_is_short_for_the_clock_is_called_more_often() {
        assert_eq!(calls_of_runs(30.0), [1, 2, 4, 4, 4, 4, 4, 4, 4]);
        assert_eq!(calls_of_runs(0.0).last(), Some(&MOST_CALLS), "a clock that stands still ends nothing");
    }

    #[test]
    fn medians_of_odd_and_even() {
        let timing = Timing::of(&mut [3.0, 1.0, 2.0]);
        assert_eq!(timing, Timing { median_s: 2.0, min_s: 1.0, max_s: 3.0, n: 3 });
        assert_eq!(Timing::of(&mut [4.0, 1.0, 2.0, 3.0]).median_s, 2.5);
    }
}
