//! How fast a device computes what [`verify`](crate::verify) checks: the same operations, at the sizes of real models.
//!
//! | module | holds |
//! |---|---|
//! | [`operations`] | single operations: time, and the share of what the device can do |
//! | [`translations`] | whole greedy translations a second |
//! | `pronunciations` | words of English, with the feature `english`: words a second |
//! | [`training`] | whole steps of training: target tokens a second |
//! | [`models`] | the models of both |
//! | [`peaks`] | what a device can do: bytes copied and multiply-adds a second, measured |
//! | [`timing`] | medians |
//!
//! Cases bear the names that the project's PyTorch benchmark gives to its own, so that two reports can be joined by
//! name. Inputs are pseudo-random and never zeros: zeros are faster on some devices.

mod instruments;
pub mod models;
pub mod operations;
pub mod peaks;
#[cfg(feature = "english")]
pub mod pronunciations;
mod row;
mod size;
pub mod timing;
pub mod training;
pub mod translations;

pub use instruments::{DeviceTimer, Instruments, KernelTimer};
pub use row::Row;
pub use size::Size;
