//! A clock, also where the standard library knows none, and how finely it tells the time.

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use std::time::Instant;
#[cfg(target_arch = "wasm32")]
pub(crate) use web_time::Instant;

/// The smallest step, in seconds, that the clock is seen to make: browsers make theirs coarse.
#[cfg(feature = "verify")]
pub(crate) fn resolution() -> f64 {
    const STEPS: usize = 20;
    let step = || {
        let start = Instant::now();
        loop {
            let step = start.elapsed().as_secs_f64();
            if step > 0.0 {
                return step;
            }
        }
    };
    (0..STEPS).map(|_| step()).fold(f64::INFINITY, f64::min)
}

/// The step, in seconds, of what GPUs give as timestamps: in a browser that of WebGPU's "current queue timestamp".
#[cfg(feature = "verify")]
pub(crate) const DEVICE_RESOLUTION: f64 = if cfg!(target_arch = "wasm32") { 100e-6 } else { 1e-9 };
