//! Training on the CPU: the contract's operations, each in the file of its kind.

mod attention;
mod elements;
mod loss;
mod matmul;
mod optimizer;
mod recurrent;

use std::ops::Range;

use super::processor::Cpu;
use crate::Result;
use crate::backend::{
    Activation, Attention, AttentionGradients, Dropout, GateLayout, GeneratorGradients, LossOptions, Occurrences,
    Sequence, Skipped, State, Training, Update, training_operations,
};

impl Training for Cpu<f32> {
    training_operations!();
}

impl Training for Cpu<f64> {
    training_operations!();
}
