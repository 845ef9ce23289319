//! The devices to compute on, and how a person names them.

use std::str::FromStr;

use crate::Result;
use crate::cpu::Cpu;
use crate::gpu::Gpu;

/// Which device to compute on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DeviceRequest {
    /// A hardware GPU where there is one, otherwise the CPU.
    #[default]
    Auto,
    /// The CPU, without a GPU driver.
    Cpu,
    /// The best adapter there is, a software adapter too.
    Gpu,
    /// The adapter of this index in `seq2seq devices`.
    Index(usize),
    /// The first adapter whose name contains this, in any case.
    Name(String),
}

impl FromStr for DeviceRequest {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "auto" => Self::Auto,
            "cpu" => Self::Cpu,
            "gpu" => Self::Gpu,
            other => other.parse().map_or_else(|_| Self::Name(other.to_owned()), Self::Index),
        })
    }
}

/// How weights are stored on a GPU. Arithmetic is in 32 bits either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, clap::ValueEnum)]
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
