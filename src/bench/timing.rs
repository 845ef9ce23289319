//! Medians of repeated runs.

use std::time::Instant;

use serde::Serialize;

use super::Instruments;
use crate::Result;
use crate::backend::{Backend, Counters};

/// The fewest runs that a median is taken of.
const FEWEST: usize = 5;

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

/// A case that ran often.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// On the wall.
    pub timing: Timing,
    /// The median on the device itself, where it can tell.
    pub device_s: Option<f64>,
    /// What the device did in the last run.
    pub counters: Counters,
}

/// Runs `call` twice to warm up, then for `seconds` and five times at least.
///
/// The clock stops when the device has finished, not when it has been asked.
pub async fn measure<B: Backend>(
    backend: &B,
    instruments: &Instruments<'_, B>,
    seconds: f64,
    mut call: impl AsyncFnMut() -> Result<()>,
) -> Result<Measured> {
    let mark = backend.zeros(1, 1)?;
    let device_seconds = || instruments.device_seconds.and_then(|seconds| seconds(backend));
    let mut counters = Counters::default();
    let (mut wall, mut device) = (Vec::new(), Vec::new());
    let mut begin = Instant::now();
    for run in 0.. {
        if run == 2 {
            begin = Instant::now();
        }
        if run >= 2 + FEWEST && begin.elapsed().as_secs_f64() >= seconds {
            break;
        }
        let (busy, before, start) = (device_seconds(), backend.counters(), Instant::now());
        call().await?;
        counters = backend.counters() - before;
        // A device works on while it is not asked for anything. Reading waits for all that came before.
        backend.read(&mark).await?;
        let elapsed = start.elapsed().as_secs_f64();
        if run >= 2 {
            wall.push(elapsed);
            device.extend(device_seconds().zip(busy).map(|(after, before)| after - before));
        }
    }
    Ok(Measured {
        timing: Timing::of(&mut wall),
        device_s: (!device.is_empty()).then(|| Timing::of(&mut device).median_s),
        counters,
    })
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
    fn medians_of_odd_and_even() {
        let timing = Timing::of(&mut [3.0, 1.0, 2.0]);
        assert_eq!(timing, Timing { median_s: 2.0, min_s: 1.0, max_s: 3.0, n: 3 });
        assert_eq!(Timing::of(&mut [4.0, 1.0, 2.0, 3.0]).median_s, 2.5);
    }
}
