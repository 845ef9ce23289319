//! Which function each of the compiled operations is.

use std::ops::Range;

use super::compiled::{Compiled, operations};
use super::instructions::Instructions;
use super::linear::Linear;
use super::processor::Cpu;
use super::recurrent::Recurrent;
use super::tensor::Matrix;
use super::{attention, extend, layer, rows, scores, step, training};
use crate::backend::{
    Activation, Attention, AttentionGradients, Distribution, Dropout, GateLayout, GeneratorGradients, Input,
    LossOptions, Occurrences, RecurrentParameters, Search, SearchRules, Sequence, Share, Skipped, State, Update,
};
use crate::{Array, Result};

macro_rules! define {
    ($($name:ident($($argument:ident: $type:ty),* $(,)?) -> $output:ty = $body:expr;)*) => {
        define!(@impl f32 $($name($($argument: $type),*) -> $output = $body;)*);
        define!(@impl f64 $($name($($argument: $type),*) -> $output = $body;)*);
    };
    (@impl $float:ident $($name:ident($($argument:ident: $type:ty),*) -> $output:ty = $body:expr;)*) => {
        impl Compiled for $float {
            $(fn $name($($argument: $type),*) -> Result<$output> { $body($($argument),*) })*
        }
    };
}

operations!(define);
