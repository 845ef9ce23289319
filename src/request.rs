//! How a person names a device, and how weights are stored there.

use std::fmt::{self, Display};
use std::str::FromStr;

use serde::Serialize;

use crate::cpu::InstructionSet;
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
        if text.trim().is_empty() {
            let expected = "auto, cpu, gpu, or a GPU's number or name".to_owned();
            return Err(Error::Config { key: "device".to_owned(), expected, found: format!("{text:?}") });
        }
        let lower = text.to_lowercase();
        Ok(match (lower.as_str(), lower.split_once(':')) {
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
        for (text, request) in [("CPU", DeviceRequest::Cpu), ("Radeon", DeviceRequest::Name("Radeon".into()))] {
            assert_eq!(text.parse::<DeviceRequest>().expect("a device"), request);
        }
        for wrong in ["cpu:sse9", "", " "] {
            assert!(wrong.parse::<DeviceRequest>().is_err(), "{wrong:?}");
        }
    }
}
