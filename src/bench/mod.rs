//! How fast a device computes what [`verify`](crate::verify) checks: the same operations, at the sizes of real models.
//!
//! | module | holds |
//! |---|---|
//! | [`Bench`] | a device that is measured, with the CPU beside it: a [`Row`] for each [`Case`], a [`Report`] of all |
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

mod case;
mod instruments;
mod measuring;
pub mod models;
pub mod operations;
pub mod peaks;
#[cfg(feature = "english")]
pub mod pronunciations;
mod report;
mod row;
mod size;
pub mod timing;
pub mod training;
pub mod translations;

pub use case::{Case, Kind, cases};
pub use instruments::Instruments;
pub use measuring::Bench;
pub use report::Report;
pub use row::Row;
pub use size::Size;
