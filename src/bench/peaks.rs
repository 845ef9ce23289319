//! What a device can do at most, measured in the run that it is compared with.

use std::hint::black_box;

use pulp::{Simd, WithSimd};
use serde::Serialize;

use crate::Result;
use crate::clock::Instant;
use crate::cpu::Instructions;
use crate::gpu::Gpu;

/// The most that a device does in a second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Peaks {
    /// Bytes read plus bytes written by a copy of large buffers.
    pub copy_bytes_per_s: f64,
    /// Multiplications plus additions in 32 bits, from registers.
    pub flops: f64,
}

/// Bytes of each buffer of the copy, all threads together: more than the caches of most processors, and not too much for
/// a page.
const COPY: usize = if cfg!(target_arch = "wasm32") { 64 << 20 } else { 256 << 20 };
/// How often and how long each is measured at least; the best run counts, for it was disturbed least.
const RUNS: usize = 5;
const SECONDS: f64 = 0.5;

impl Peaks {
    /// Those of all threads of the CPU together, with these instructions. Takes a second and 512 MiB.
    pub fn of_cpu(instructions: Instructions) -> Self {
        Self { copy_bytes_per_s: copy_bytes_per_s(), flops: flops(instructions) }
    }

    /// Those of a GPU.
    pub async fn of_gpu(gpu: &Gpu) -> Result<Self> {
        Ok(Self { copy_bytes_per_s: gpu.copy_bytes_per_s().await?, flops: gpu.multiply_adds_per_s().await? })
    }
}

fn copy_bytes_per_s() -> f64 {
    let threads = rayon::current_num_threads();
    let len = COPY / size_of::<f32>();
    // Written before they are measured, so that every page is there.
    let (from, mut to) = (vec![1.0_f32; len], vec![2.0_f32; len]);
    let chunk = len.div_ceil(threads);
    let seconds = best(|| {
        rayon::scope(|scope| {
            for (from, to) in from.chunks(chunk).zip(to.chunks_mut(chunk)) {
                scope.spawn(move |_| black_box(to).copy_from_slice(black_box(from)));
            }
        });
    });
    2.0 * COPY as f64 / seconds
}

fn flops(instructions: Instructions) -> f64 {
    let threads = rayon::current_num_threads() as f64;
    let mut done = 0.0;
    let seconds = best(|| done = rayon::broadcast(|_| instructions.dispatch(MultiplyAdds)).into_iter().sum());
    debug_assert!(done > threads, "every thread did some");
    done / seconds
}

fn best(mut run: impl FnMut()) -> f64 {
    let begin = Instant::now();
    let (mut best, mut runs) = (f64::INFINITY, 0);
    while runs < RUNS || begin.elapsed().as_secs_f64() < SECONDS {
        let start = Instant::now();
        run();
        best = best.min(start.elapsed().as_secs_f64());
        runs += 1;
    }
    best
}

/// Multiply-adds on registers that do not wait for one another.
struct MultiplyAdds;

impl WithSimd for MultiplyAdds {
    /// How many multiplications and additions were done.
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        /// Enough for two units with a latency of five, and few enough for 16 registers.
        const SUMS: usize = 12;
        const STEPS: usize = 1_000_000;
        let (factor, term) = (black_box(simd.splat_f32s(0.999)), black_box(simd.splat_f32s(0.001)));
        let mut sums = [black_box(simd.splat_f32s(1.0)); SUMS];
        for _ in 0..STEPS {
            for sum in &mut sums {
                *sum = simd.mul_add_e_f32s(*sum, factor, term);
            }
        }
        black_box(sums);
        (2 * STEPS * SUMS * S::F32_LANES) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_processor_does_something() {
        let peaks = Peaks::of_cpu(Instructions::best());
        assert!(peaks.copy_bytes_per_s > 1e8 && peaks.flops > 1e8, "{peaks:?}");
    }
}
