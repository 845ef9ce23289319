//! Where generic code becomes machine code: here, once for each type, and not again in every program that uses it.

use super::tensor::Matrix;
use super::{Cpu, Lanes, Linear, Recurrent, attention, generator, layer, rows, scores, step};
use crate::backend::{Activation, Attention, Input, Progress, RecurrentParameters, State};
use crate::model::SpecialTokens;
use crate::{Array, Float, Result};

macro_rules! operations {
    ($($name:ident($($argument:ident: $type:ty),* $(,)?) -> $output:ty = $body:expr;)*) => {
        /// The operations that are products or run over registers; what they do stands in the contract.
        #[expect(missing_docs, reason = "the contract's operations, under their own names")]
        pub trait Compiled: Float {
            $(fn $name($($argument: $type),*) -> Result<$output> where Self: Lanes;)*
        }

        operations!(@impl f32 $($name($($argument: $type),*) -> $output = $body;)*);
        operations!(@impl f64 $($name($($argument: $type),*) -> $output = $body;)*);
    };
    (@impl $float:ident $($name:ident($($argument:ident: $type:ty),*) -> $output:ty = $body:expr;)*) => {
        impl Compiled for $float {
            $(fn $name($($argument: $type),*) -> Result<$output> { $body($($argument),*) })*
        }
    };
}

operations! {
    linear_weights(weight: &Array, bias: Option<&Array>, inputs: &[usize]) -> Linear<Self> = Linear::new;
    recurrent_weights(parameters: &RecurrentParameters<'_>) -> Recurrent<Self> = Recurrent::new;
    linear(
        weights: &Linear<Self>,
        inputs: &[&Matrix<Self>],
        activation: Activation,
        out: &mut Matrix<Self>,
    ) -> () = Linear::forward;
    recurrent_layer(
        weights: &Recurrent<Self>,
        input: &Input<'_, Cpu<Self>>,
        lengths: &[u32],
        initial: Option<&State<Cpu<Self>>>,
        output: &mut Matrix<Self>,
        last: &mut State<Cpu<Self>>,
    ) -> () = layer::recurrent_layer;
    recurrent_step(
        weights: &Recurrent<Self>,
        input: &Input<'_, Cpu<Self>>,
        feed: Option<&Matrix<Self>>,
        previous: &State<Cpu<Self>>,
        next: &mut State<Cpu<Self>>,
    ) -> () = step::recurrent_step;
    attention(
        attention: &Attention<'_, Cpu<Self>>,
        weights: &mut Matrix<Self>,
        first_row: usize,
        context: &mut Matrix<Self>,
    ) -> () = attention::attention;
    attention_scores(attention: &Attention<'_, Cpu<Self>>, scores: &mut Matrix<Self>) -> () = scores::attention_scores;
    attention_softmax(
        attention: &Attention<'_, Cpu<Self>>,
        scores_to_weights: &mut Matrix<Self>,
    ) -> () = scores::attention_softmax;
    log_softmax(logits: &Matrix<Self>, out: &mut Matrix<Self>) -> () = rows::log_softmax;
    greedy_step(
        generator: &Linear<Self>,
        attentional: &Matrix<Self>,
        special: &SpecialTokens,
        step: usize,
        progress: &mut Progress<Cpu<Self>>,
    ) -> () = generator::greedy_step;
}
