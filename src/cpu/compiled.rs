//! The operations that become machine code in the library, once for each type, and not again in every program that uses
//! it.
//!
//! Their list is read twice: here it declares them, so that an operation may take what the contract makes of a backend,
//! and in `operations` it says which function each of them is.

use std::ops::Range;

use super::instructions::Instructions;
use super::linear::Linear;
use super::processor::Cpu;
use super::recurrent::Recurrent;
use super::simd::Lanes;
use super::tensor::Matrix;
use crate::backend::{
    Activation, Attention, AttentionGradients, Distribution, Dropout, GateLayout, GeneratorGradients, Input,
    LossOptions, Occurrences, RecurrentParameters, Search, SearchRules, Sequence, Share, Skipped, State, Update,
};
use crate::{Array, Result};

/// Gives the list to a macro.
macro_rules! operations {
    ($macro:ident) => {
        $macro! {
            linear_weights(instructions: Instructions, weight: &Array, bias: Option<&Array>) -> Linear<Self> = Linear::new;
            recurrent_weights(instructions: Instructions, parameters: &RecurrentParameters<'_>) -> Recurrent<Self> = Recurrent::new;
            linear(
                weights: &Linear<Self>,
                input: &Matrix<Self>,
                activation: Activation,
                accumulate: bool,
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
                frontier: &[u32],
                below: Option<&Matrix<Self>>,
                feed: Option<&Matrix<Self>>,
                previous: &State<Cpu<Self>>,
                next: &mut State<Cpu<Self>>,
            ) -> () = step::recurrent_step;
            attention(
                instructions: Instructions,
                attention: &Attention<'_, Cpu<Self>>,
                weights: &mut Matrix<Self>,
                first_row: usize,
                context: &mut Matrix<Self>,
            ) -> () = attention::attention;
            attention_scores(instructions: Instructions, attention: &Attention<'_, Cpu<Self>>, scores: &mut Matrix<Self>) -> () = scores::attention_scores;
            attention_softmax(
                instructions: Instructions,
                attention: &Attention<'_, Cpu<Self>>,
                scores_to_weights: &mut Matrix<Self>,
            ) -> () = scores::attention_softmax;
            log_softmax(instructions: Instructions, logits: &Matrix<Self>, out: &mut Matrix<Self>) -> () = rows::log_softmax;
            mix(instructions: Instructions, logits: &Matrix<Self>, share: Share, probabilities: &mut Matrix<Self>) -> () = rows::mix;
            extend(
                rules: &SearchRules,
                symbols: &Distribution<'_, Cpu<Self>>,
                step: usize,
                row: usize,
                search: &mut Search<Cpu<Self>>,
            ) -> () = extend::extend;
            matmul_nt(
                instructions: Instructions,
                a: &Matrix<Self>,
                b: &Matrix<Self>,
                bias: Option<&Matrix<Self>>,
                activation: Activation,
                accumulate: bool,
                out: &mut Matrix<Self>,
            ) -> () = training::matmul_nt;
            matmul_nn(instructions: Instructions, a: &Matrix<Self>, b: &Matrix<Self>, accumulate: bool, out: &mut Matrix<Self>) -> () = training::matmul_nn;
            matmul_tn(
                instructions: Instructions,
                a: &Matrix<Self>,
                b: &Matrix<Self>,
                skipped: Option<Skipped>,
                out: &mut Matrix<Self>,
                sums: Option<&mut Matrix<Self>>,
            ) -> () = training::matmul_tn;
            dropout(dropout: Dropout, y: &mut Matrix<Self>) -> () = training::dropout;
            tanh_backward(y: &Matrix<Self>, d_y: &mut Matrix<Self>) -> () = training::tanh_backward;
            embedding_backward(
                occurrences: &Occurrences<Cpu<Self>>,
                d_out: &Matrix<Self>,
                d_table: &mut Matrix<Self>,
            ) -> () = training::embedding_backward;
            recurrent_forward(
                instructions: Instructions,
                layout: GateLayout,
                weight_hh: &Matrix<Self>,
                lengths: &[u32],
                steps: Range<usize>,
                sequence: &mut Sequence<Cpu<Self>>,
            ) -> () = training::recurrent_forward;
            recurrent_backward(
                instructions: Instructions,
                layout: GateLayout,
                weight_hh: &Matrix<Self>,
                lengths: &[u32],
                steps: Range<usize>,
                d_output: &Matrix<Self>,
                d_last: Option<&Matrix<Self>>,
                sequence: &mut Sequence<Cpu<Self>>,
                carry: &mut Matrix<Self>,
            ) -> () = training::recurrent_backward;
            recurrent_initial_backward(
                instructions: Instructions,
                layout: GateLayout,
                weight_hh: &Matrix<Self>,
                lengths: &[u32],
                sequence: &Sequence<Cpu<Self>>,
                carry: &Matrix<Self>,
                d_initial: &mut Matrix<Self>,
            ) -> () = training::recurrent_initial_backward;
            recurrent_weight_backward(
                instructions: Instructions,
                layout: GateLayout,
                sequence: &Sequence<Cpu<Self>>,
                d_weight_hh: &mut Matrix<Self>,
            ) -> () = training::recurrent_weight_backward;
            attention_backward(
                instructions: Instructions,
                attention: &Attention<'_, Cpu<Self>>,
                weights: &Matrix<Self>,
                first_row: usize,
                d_context: &Matrix<Self>,
                gradients: AttentionGradients<'_, Cpu<Self>>,
            ) -> () = training::attention_backward;
            attention_memory_backward(
                instructions: Instructions,
                attention: &Attention<'_, Cpu<Self>>,
                weights: &Matrix<Self>,
                d_scores: &Matrix<Self>,
                d_context: &Matrix<Self>,
                d_keys: Option<&mut Matrix<Self>>,
                d_memory: &mut Matrix<Self>,
                d_vectors: Option<&mut Matrix<Self>>,
            ) -> () = training::attention_memory_backward;
            generator_loss(
                instructions: Instructions,
                attentional: &Matrix<Self>,
                weight: &Matrix<Self>,
                bias: &Matrix<Self>,
                targets: &[u32],
                options: LossOptions,
                loss: &mut Matrix<Self>,
                gradients: Option<GeneratorGradients<'_, Cpu<Self>>>,
            ) -> () = training::generator_loss;
            gradient_norm(instructions: Instructions, gradients: &[Matrix<Self>], norm: &mut Matrix<Self>) -> () = training::gradient_norm;
            update(
                instructions: Instructions,
                update: &Update,
                norm: &Matrix<Self>,
                values: &mut [Matrix<Self>],
                gradients: &mut [Matrix<Self>],
                moments: [&mut [Matrix<Self>]; 2],
                average: Option<&mut [Matrix<Self>]>,
            ) -> () = training::update;
        }
    };
}
pub(super) use operations;

macro_rules! declare {
    ($($name:ident($($argument:ident: $type:ty),* $(,)?) -> $output:ty = $body:expr;)*) => {
        /// The operations that are products or run over registers; what they do stands in the contract.
        #[expect(missing_docs, reason = "the contract's operations, under their own names")]
        #[expect(clippy::too_many_arguments, reason = "the contract's")]
        pub trait Compiled: Lanes {
            $(fn $name($($argument: $type),*) -> Result<$output>;)*
        }
    };
}

operations!(declare);
