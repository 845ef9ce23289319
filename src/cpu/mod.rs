//! The CPU backend: the oracle in `f64`, a product in `f32`.
//!
//! The same code for both, a register of numbers at a time (`simd`). Weights are packed once into `panels`; the
//! `product` keeps the sums of a tile in registers until they have become what is wanted of them.

mod accumulate;
mod activation;
mod attention;
mod backend;
mod coverage;
mod embedding;
mod extend;
mod folded;
mod generator;
mod greedy;
mod instructions;
mod layer;
mod linear;
mod memory;
mod panels;
mod parallel;
mod processor;
mod product;
mod recurrent;
mod rows;
mod scores;
mod simd;
mod step;
mod strip;
mod tensor;
mod tile;
#[cfg(feature = "train")]
mod training;
mod weights;

pub use instructions::{InstructionSet, Instructions};
pub use linear::Linear;
pub use parallel::alone;
pub use processor::Cpu;
pub use recurrent::Recurrent;
pub use simd::Lanes;
pub use tensor::Matrix;
