//! Whether a device computes what the equations say.
//!
//! | module | holds |
//! |---|---|
//! | [`cases`] | every operation of the contract, at sizes that find mistakes |
//! | [`tolerance`] | how far a result may be from the one expected, and why |
//! | [`compare`] | two results, element by element |
//! | [`fixture`] | whole models with the values that PyTorch computed |
//! | [`report`] | what came out |
//!
//! The oracle is the CPU in 64 bits; what it computes is compared with PyTorch, which shares no code with it.
//!
//! ```
//! use seq2seq::cpu::Cpu;
//! use seq2seq::device::Precision;
//! use seq2seq::verify::{cases, tolerance::Bound, verify};
//!
//! # pollster::block_on(async {
//! let reports = verify(&Cpu::<f32>::new(), &cases::cases()[..3], Precision::F32, Bound::Alone, |_| ()).await;
//! assert!(reports.iter().all(|report| report.passed));
//! # });
//! ```

pub mod cases;
pub mod compare;
mod faults;
pub mod fixture;
mod inputs;
pub mod report;
mod run;
pub mod tolerance;

pub use inputs::{Fault, Inputs};
pub use run::{check, compare_outputs, outputs, outputs_of, verify};
