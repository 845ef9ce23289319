//! The devices to compute on: opened by the words that a person names them with.

use std::fmt::{self, Display};

use serde::Serialize;

use crate::cpu::{Cpu, Instructions};
use crate::gpu::Gpu;
pub use crate::request::{DeviceRequest, Precision};
use crate::{Error, Result};

/// An open device.
#[derive(Debug)]
pub enum Device {
    /// The CPU.
    Cpu(Cpu<f32>),
    /// A GPU.
    Gpu(Gpu),
}

impl Device {
    /// Opens the device that is asked for.
    ///
    /// [`Auto`](DeviceRequest::Auto) is the CPU only where there is no hardware GPU: one that does not open is an
    /// error. The CPU loads no GPU driver.
    pub async fn open(request: &DeviceRequest, precision: Precision) -> Result<Self> {
        match *request {
            DeviceRequest::Cpu => return Ok(Self::Cpu(Cpu::new())),
            DeviceRequest::CpuWith(set) => return Ok(Self::Cpu(Cpu::with(Instructions::of(set)?))),
            _ => {}
        }
        match Gpu::open(request, precision).await {
            Ok(gpu) => Ok(Self::Gpu(gpu)),
            Err(Error::NoAdapter { .. }) if *request == DeviceRequest::Auto => Ok(Self::Cpu(Cpu::new())),
            Err(error) => Err(error),
        }
    }

    /// [`open`](Self::open), waiting for the driver.
    pub fn open_blocking(request: &DeviceRequest, precision: Precision) -> Result<Self> {
        pollster::block_on(Self::open(request, precision))
    }

    /// The device in a few words, such as `CPU, 8 threads, AVX2` or `GPU, Radeon 780M (integrated, vulkan)`.
    pub fn describe(&self) -> String {
        match self {
            Self::Cpu(cpu) => Processor::new(cpu.instructions()).to_string(),
            Self::Gpu(gpu) => {
                let half = gpu.choices().precision == Precision::F16;
                format!("GPU, {}{}", gpu.adapter(), if half { ", half-precision weights" } else { "" })
            }
        }
    }
}

/// What the CPU backend makes use of on this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Processor {
    /// Threads that share the work.
    pub threads: usize,
    /// The vector instructions used.
    pub simd: String,
    /// The names of all that it has, the best first, as `--device cpu:…` takes them.
    pub instructions: Vec<&'static str>,
}

impl Processor {
    /// This machine's, computing with its best instructions.
    pub fn here() -> Self {
        Self::new(Instructions::best())
    }

    /// This machine's, computing with these instructions.
    pub fn new(instructions: Instructions) -> Self {
        let all = Instructions::available().into_iter().map(|instructions| instructions.set().name()).collect();
        Self { threads: rayon::current_num_threads(), simd: instructions.set().to_string(), instructions: all }
    }
}

impl Display for Processor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.threads == 1 { "" } else { "s" };
        write!(f, "CPU, {} thread{plural}, {}", self.threads, self.simd)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_says_what_it_uses() {
        let device = Device::open_blocking(&DeviceRequest::Cpu, Precision::F32).expect("a CPU");
        assert!(device.describe().starts_with("CPU, "), "{}", device.describe());
    }
}
