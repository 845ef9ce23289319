//! Training on the CPU: the contract's operations, each in the file of its kind.

mod attention;
mod elements;
mod loss;
mod matmul;
mod optimizer;
mod recurrent;

pub(super) use attention::{attention_backward, attention_memory_backward};
pub(super) use elements::{dropout, embedding_backward, put_position, take_position, tanh_backward};
pub(super) use loss::generator_loss;
pub(super) use matmul::{matmul_nn, matmul_nt, matmul_tn};
pub(super) use optimizer::{gradient_norm, update};
pub(super) use recurrent::{
    recurrent_backward, recurrent_begin, recurrent_forward, recurrent_initial_backward, recurrent_weight_backward,
};
