//! The vector instructions to compute with: which there are, and which this processor has.

use std::fmt::{self, Display};
use std::str::FromStr;

use pulp::{Scalar128b, Simd, WithSimd};
use serde::Serialize;

use crate::{Error, Result};

/// A set of vector instructions, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum InstructionSet {
    /// None that a processor must be asked for: numbers by fours, in whatever every processor of its kind has.
    Scalar,
    /// 128 bits, of every 64-bit ARM.
    Neon,
    /// 256 bits, with fused multiply-adds.
    Avx2,
    /// 512 bits.
    Avx512,
    /// 128 bits, of WebAssembly.
    Simd128,
}

impl InstructionSet {
    const ALL: [Self; 5] = [Self::Scalar, Self::Neon, Self::Avx2, Self::Avx512, Self::Simd128];

    /// The name that `--device cpu:…` has for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Neon => "neon",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
            Self::Simd128 => "simd128",
        }
    }
}

/// As its makers write it.
impl Display for InstructionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scalar => "no SIMD",
            Self::Neon => "NEON",
            Self::Avx2 => "AVX2",
            Self::Avx512 => "AVX-512",
            Self::Simd128 => "SIMD128",
        })
    }
}

impl FromStr for InstructionSet {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let named = Self::ALL.into_iter().find(|set| set.name() == text);
        named.ok_or_else(|| Error::Instructions { asked: text.to_owned(), available: Instructions::names() })
    }
}

/// Vector instructions that this processor has: there is no value for those that it lacks.
#[derive(Clone, Copy, Debug)]
pub struct Instructions {
    set: InstructionSet,
    registers: Registers,
}

/// What makes the registers. Those that a processor may lack come with a proof that it has them.
#[derive(Clone, Copy, Debug)]
enum Registers {
    Scalar(Scalar128b),
    #[cfg(target_arch = "x86_64")]
    Avx2(pulp::x86::V3),
    #[cfg(target_arch = "x86_64")]
    Avx512(pulp::x86::V4),
    #[cfg(target_arch = "aarch64")]
    Neon(pulp::aarch64::Neon),
    #[cfg(target_arch = "wasm32")]
    Simd128(pulp::Arch),
}

impl Instructions {
    const SCALAR: Self = Self { set: InstructionSet::Scalar, registers: Registers::Scalar(Scalar128b) };

    /// All that this processor has, the best first.
    pub fn available() -> Vec<Self> {
        #[cfg(target_arch = "x86_64")]
        let special = [
            pulp::x86::V4::try_new().map(|v4| (InstructionSet::Avx512, Registers::Avx512(v4))),
            pulp::x86::V3::try_new().map(|v3| (InstructionSet::Avx2, Registers::Avx2(v3))),
        ];
        #[cfg(target_arch = "aarch64")]
        let special = [pulp::aarch64::Neon::try_new().map(|neon| (InstructionSet::Neon, Registers::Neon(neon)))];
        #[cfg(target_arch = "wasm32")]
        let special = [Some((InstructionSet::Simd128, Registers::Simd128(pulp::Arch::new())))];
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "wasm32")))]
        let special = [None];
        let special = special.into_iter().flatten().map(|(set, registers)| Self { set, registers });
        special.chain([Self::SCALAR]).collect()
    }

    /// The best that this processor has.
    pub fn best() -> Self {
        Self::available().into_iter().next().unwrap_or(Self::SCALAR)
    }

    /// Those of a name; an error that says what there is where this processor lacks them.
    pub fn of(set: InstructionSet) -> Result<Self> {
        let found = Self::available().into_iter().find(|instructions| instructions.set == set);
        found.ok_or_else(|| Error::Instructions { asked: set.name().to_owned(), available: Self::names() })
    }

    /// Their name.
    pub fn set(self) -> InstructionSet {
        self.set
    }

    /// The names of all that there are.
    fn names() -> String {
        let names: Vec<&str> = Self::available().into_iter().map(|instructions| instructions.set.name()).collect();
        names.join(", ")
    }

    /// Runs `op` with them.
    #[inline]
    pub(crate) fn dispatch<Op: WithSimd>(self, op: Op) -> Op::Output {
        match self.registers {
            Registers::Scalar(simd) => simd.vectorize(op),
            #[cfg(target_arch = "x86_64")]
            Registers::Avx2(simd) => Simd::vectorize(simd, op),
            #[cfg(target_arch = "x86_64")]
            Registers::Avx512(simd) => Simd::vectorize(simd, op),
            #[cfg(target_arch = "aarch64")]
            Registers::Neon(simd) => Simd::vectorize(simd, op),
            #[cfg(target_arch = "wasm32")]
            Registers::Simd128(arch) => arch.dispatch(op),
        }
    }
}

impl Default for Instructions {
    fn default() -> Self {
        Self::best()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_what_is_lacking_is_refused() {
        for set in InstructionSet::ALL {
            assert_eq!(set.name().parse::<InstructionSet>().expect("its own name"), set);
            let has = Instructions::available().iter().any(|instructions| instructions.set() == set);
            assert_eq!(Instructions::of(set).is_ok(), has, "{set}");
        }
        let error = "sse9".parse::<InstructionSet>().expect_err("no such set").to_string();
        assert!(error.contains("\"sse9\"") && error.contains("scalar"), "{error}");
    }
}
