//! The host side of every shader: `kernels/<stem>.rs` stands beside `shaders/<stem>.wgsl`.

mod argmax;
pub(super) mod attention;
mod attention_chunk;
mod attention_context;
mod attention_context_product;
mod attention_join;
mod attention_scores;
mod attention_scores_product;
mod attention_softmax;
mod attentional_state;
mod candidates;
mod cover;
mod embedding;
pub(super) mod extend;
pub(super) mod generator;
mod generator_extend;
mod greedy_begin;
mod greedy_extend;
mod greedy_steps;
mod linear;
mod log_softmax;
mod mix;
mod peak_copy;
mod peak_multiply_add;
mod recurrent_layer;
mod recurrent_sequence;
mod recurrent_step;
#[cfg(feature = "train")]
pub(super) mod training;

use super::kernel::Declared;

/// Every kernel, as the host declares it.
pub fn declared() -> impl Iterator<Item = Declared> {
    let all = DECLARED.iter();
    #[cfg(feature = "train")]
    let all = all.chain(training::DECLARED);
    all.copied()
}

const DECLARED: &[Declared] = &[
    argmax::DECLARED,
    attention::DECLARED,
    attention_chunk::DECLARED,
    attention_context::DECLARED,
    attention_context_product::DECLARED,
    attention_join::DECLARED,
    attention_scores::DECLARED,
    attention_scores_product::DECLARED,
    attention_softmax::DECLARED,
    attentional_state::DECLARED,
    candidates::DECLARED,
    cover::DECLARED,
    embedding::DECLARED,
    extend::DECLARED,
    generator::DECLARED,
    generator_extend::DECLARED,
    greedy_begin::DECLARED,
    greedy_extend::DECLARED,
    greedy_steps::DECLARED,
    linear::DECLARED,
    log_softmax::DECLARED,
    mix::DECLARED,
    peak_copy::DECLARED,
    peak_multiply_add::DECLARED,
    recurrent_layer::DECLARED,
    recurrent_sequence::DECLARED,
    recurrent_step::DECLARED,
];
