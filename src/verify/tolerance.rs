//! How far a result may be from the one expected: the one table, with its reasons.
//!
//! | what | at most | why |
//! |---|---|---|
//! | CPU in 64 bits, against PyTorch | 1e-9 | both compute in 64 bits; only the order of sums differs |
//! | CPU in 32 bits, an operation or a short model | 1e-5 | ten to a hundred roundings of 6e-8 stand behind a number |
//! | CPU in 32 bits, a fixture | twice what a change of the weights' last bits makes in 64 bits, or 1e-5 if that is more | a recurrent state feeds its errors on, in some models till they are a hundred times as large |
//! | GPU, against the CPU in 64 bits | twice the error of the CPU in 32 bits on the same inputs, or 1e-5 if that is more | a GPU rounds no better than a loop in 32 bits, and adds in another order |
//! | weights stored in 16 bits | the same | the oracle is given the same rounded weights |
//! | GPU that multiplies halves, an operation | the same | inputs are rounded for the oracle too, and products of halves are exact in 32 bits |
//! | GPU that multiplies halves, a model | twice what it makes in 64 bits to round the weights, or 1e-5 if that is more | a state that is rounded on its way is off by as much as a weight |
//! | gradients of a fixture, CPU in 64 bits | 1e-8 | the same as for values, after a way twice as long |
//! | gradients of a fixture, in 32 bits | twice what the last bits of the weights make, or 1e-4 if that is more | the same |
//! | token ids | equal | a choice is right or wrong |
//! | token ids where the two best logits are within 1e-5 in 64 bits, or 1e-2 if halves are multiplied | either | 32 bits, or 16, cannot tell them apart |
//!
//! The error of an element is |got − want| / (|want| + 0.1 · the tensor's largest |want|): relative for what matters in
//! the tensor, absolute for what nearly cancelled out. A number off by 1 % is found with the tolerance of 32 bits
//! wherever it is more than a ten-thousandth of the tensor's largest.

use serde::Serialize;

use crate::gpu::Choices;
use crate::{Error, Result};

/// The share of a tensor's largest element that is added to |want| before an error is divided by it.
pub const FLOOR: f64 = 0.1;

/// The largest error of an element that passes.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Tolerance(f64);

impl Tolerance {
    /// For results computed in 64 bits.
    pub const F64: Self = Self(1e-9);
    /// For results computed in 32 bits.
    pub const F32: Self = Self(1e-5);
    /// For gradients of whole models computed in 64 bits.
    pub const GRADIENTS_F64: Self = Self(1e-8);
    /// For gradients of whole models computed in 32 bits.
    pub const GRADIENTS_F32: Self = Self(1e-4);
    /// More would let mistakes pass.
    pub const LOOSEST: Self = Self(1e-3);
    /// The same for models whose states are rounded to 16 bits, which tell numbers 5e-4 apart.
    pub const LOOSEST_OF_HALVES: Self = Self(1e-2);

    /// A tolerance above 0 and at most [`LOOSEST`](Self::LOOSEST); any other checks nothing or passes nothing.
    pub fn new(error: f64) -> Result<Self> {
        if error > 0.0 && error <= Self::LOOSEST.0 {
            return Ok(Self(error));
        }
        Err(Error::Config {
            key: "tolerance".to_owned(),
            expected: format!("a number above 0 and at most {:e}", Self::LOOSEST.0),
            found: error.to_string(),
        })
    }

    /// Twice what plain arithmetic in 32 bits is off by, within [`F32`](Self::F32) and [`LOOSEST`](Self::LOOSEST).
    pub fn beside(plain_error: f64) -> Self {
        Self::twice(plain_error, Self::LOOSEST)
    }

    /// Twice what rounding the weights to halves makes, within [`F32`](Self::F32) and
    /// [`LOOSEST_OF_HALVES`](Self::LOOSEST_OF_HALVES).
    pub fn beside_halves(rounding_error: f64) -> Self {
        Self::twice(rounding_error, Self::LOOSEST_OF_HALVES)
    }

    fn twice(error: f64, loosest: Self) -> Self {
        match 2.0 * error {
            error if error > loosest.0 => loosest,
            error if error > Self::F32.0 => Self(error),
            // NaN too: a broken loop loosens nothing.
            _ => Self::F32,
        }
    }

    /// The larger of the two.
    pub fn or(self, other: Self) -> Self {
        if other > self { other } else { self }
    }

    /// The error itself.
    pub fn error(self) -> f64 {
        self.0
    }
}

/// What a device is measured with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// The CPU in 32 bits: nothing plainer stands beside it.
    Alone,
    /// A GPU: the CPU in 32 bits runs the same and is off by something too.
    BesideCpu,
    /// A GPU that rounds what it multiplies to 16 bits.
    BesideHalves,
}

impl Bound {
    /// That of a GPU which is used like this.
    pub fn of(choices: Choices) -> Self {
        if choices.multiplies_halves() { Self::BesideHalves } else { Self::BesideCpu }
    }

    /// The gap between the two best logits, in 64 bits, below which a choice may fall either way.
    pub fn undecided(self) -> f64 {
        match self {
            Self::Alone | Self::BesideCpu => 1e-5,
            Self::BesideHalves => 1e-2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silly_tolerances_are_refused() {
        for error in [0.0, -1e-5, 0.01, 1.0, f64::INFINITY, f64::NAN] {
            assert!(Tolerance::new(error).is_err(), "{error}");
        }
        assert!(Tolerance::new(1e-6).is_ok_and(|tolerance| tolerance.error() == 1e-6));
    }

    #[test]
    fn a_plain_loop_loosens_and_never_tightens() {
        assert_eq!(Tolerance::beside(1e-8), Tolerance::F32);
        assert_eq!(Tolerance::beside(2e-5).error(), 4e-5);
        assert_eq!(Tolerance::beside(f64::NAN), Tolerance::F32);
        assert_eq!(Tolerance::beside(f64::INFINITY), Tolerance::LOOSEST);
        assert_eq!(Tolerance::beside_halves(2e-3).error(), 4e-3);
        assert_eq!(Tolerance::beside_halves(f64::INFINITY), Tolerance::LOOSEST_OF_HALVES);
    }
}
