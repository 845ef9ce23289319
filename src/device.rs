//! The devices to compute on, and how a person names them.

use std::fmt::{self, Display};
use std::str::FromStr;

use serde::Serialize;

use crate::cpu::{Cpu, InstructionSet, Instructions};
use crate::gpu::Gpu;
use crate::{Error, Result};

/// Which device to compute on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DeviceRequest {
    /// A hardware GPU where there is one, otherwise the CPU.
    #[default]
    Auto,
    /// The CPU with the best instructions that it has, without a GPU driver.
    Cpu,
    /// The CPU with these instructions.
    CpuWith(InstructionSet),
    /// The best adapter there is, a software adapter too.
    Gpu,
    /// The adapter of this index in `seq2seq devices`.
    Index(usize),
    /// The first adapter whose name contains this, in any case.
    Name(String),
}

impl FromStr for DeviceRequest {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match (text, text.split_once(':')) {
            ("auto", _) => Self::Auto,
            ("cpu", _) => Self::Cpu,
            ("gpu", _) => Self::Gpu,
            (_, Some(("cpu", instructions))) => Self::CpuWith(instructions.parse()?),
            _ => text.parse().map_or_else(|_| Self::Name(text.to_owned()), Self::Index),
        })
    }
}

/// As [`FromStr`] reads it.
impl Display for DeviceRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::CpuWith(set) => write!(f, "cpu:{}", set.name()),
            Self::Gpu => f.write_str("gpu"),
            Self::Index(index) => write!(f, "{index}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// How weights are stored on a GPU. Arithmetic is in 32 bits either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32 bits.
    #[default]
    F32,
    /// 16 bits: half the memory and bandwidth.
    F16,
}

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
    fn requests_are_words_indices_or_names() {
        for (text, request) in [
            ("auto", DeviceRequest::Auto),
            ("cpu", DeviceRequest::Cpu),
            ("cpu:avx2", DeviceRequest::CpuWith(InstructionSet::Avx2)),
            ("gpu", DeviceRequest::Gpu),
            ("1", DeviceRequest::Index(1)),
            ("radeon", DeviceRequest::Name("radeon".into())),
        ] {
            assert_eq!(text.parse::<DeviceRequest>().expect("a device"), request);
            assert_eq!(request.to_string(), text);
        }
        assert!("cpu:sse9".parse::<DeviceRequest>().is_err());
    }

    #[test]
    fn the_cpu_says_what_it_uses() {
        let device = Device::open_blocking(&DeviceRequest::Cpu, Precision::F32).expect("a CPU");
        assert!(device.describe().starts_with("CPU, "), "{}", device.describe());
    }
}
