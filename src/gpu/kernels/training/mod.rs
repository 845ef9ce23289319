//! The kernels of training.

mod activation_backward;
mod attention_keys_backward;
mod attention_query_backward;
mod attention_scores_backward;
mod attention_vectors_backward;
mod cross_entropy;
mod dropout;
mod embedding_backward;
mod matmul_nn;
mod matmul_nt;
mod matmul_tn;
mod position;
mod recurrent_backward;
mod recurrent_begin;
mod recurrent_forward;
mod recurrent_initial_backward;
mod sum;
mod sum_of_squares;
mod transpose;
pub(in crate::gpu) mod update;

use crate::gpu::kernel::Declared;

/// Each of them.
pub const DECLARED: &[Declared] = &[
    activation_backward::DECLARED,
    attention_keys_backward::DECLARED,
    attention_query_backward::DECLARED,
    attention_scores_backward::DECLARED,
    attention_vectors_backward::DECLARED,
    cross_entropy::DECLARED,
    dropout::DECLARED,
    embedding_backward::DECLARED,
    matmul_nn::DECLARED,
    matmul_nt::DECLARED,
    matmul_tn::DECLARED,
    position::DECLARED,
    recurrent_backward::DECLARED,
    recurrent_begin::DECLARED,
    recurrent_forward::DECLARED,
    recurrent_initial_backward::DECLARED,
    sum::DECLARED,
    sum_of_squares::DECLARED,
    transpose::DECLARED,
    update::DECLARED,
];
