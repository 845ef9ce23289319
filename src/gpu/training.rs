//! The contract of training on the GPU, and its operations that are more than one kernel.

use std::ops::Range;

use super::handle::Gpu;
use super::kernels::attention::{Shape, shape};
use super::kernels::training::update::check_scalar;
use super::tensor::{GpuIds, GpuTensor};
use crate::backend::{
    Activation, Attention, AttentionGradients, Dropout, GateLayout, GeneratorGradients, LossOptions, Occurrences,
    Sequence, Skipped, State, Training, Update, training_operations,
};
use crate::config::{Score, Window};
use crate::{Error, Result};

/// Bytes of logits that exist at once; more rows are taken in turns.
const LOGITS_BYTES: usize = 16 << 20;

impl Training for Gpu {
    training_operations!();
}

impl Gpu {
    /// Two dispatches: together they would bind more buffers than WebGPU promises.
    fn attention_backward(
        &self,
        attention: &Attention<'_, Self>,
        weights: &GpuTensor,
        first_row: usize,
        d_context: &GpuTensor,
        gradients: AttentionGradients<'_, Self>,
    ) -> Result<()> {
        let AttentionGradients { d_scores, d_query, d_position } = gradients;
        let d_position = d_position.as_deref();
        self.record_attention_scores_backward(attention, weights, first_row, d_context, d_scores, d_position)?;
        self.record_attention_query_backward(attention, weights, first_row, d_scores, d_query)
    }

    #[expect(clippy::too_many_arguments, reason = "as many as the equations have")]
    fn attention_memory_backward(
        &self,
        attention: &Attention<'_, Self>,
        weights: &GpuTensor,
        d_scores: &GpuTensor,
        d_context: &GpuTensor,
        d_keys: Option<&mut GpuTensor>,
        d_memory: &GpuTensor,
        d_vectors: Option<&mut GpuTensor>,
    ) -> Result<()> {
        let operation = "attention_memory_backward";
        let check = |what, expected, found| Error::check(operation, what, expected, found);
        let Shape { batch, tgt_len, src_len, rows } = shape(operation, attention, weights, 0, Some(d_context))?;
        check("weights rows of a sentence", tgt_len, rows)?;
        check("d_scores rows", weights.rows, d_scores.rows)?;
        check("d_scores columns", src_len + 1, d_scores.cols)?;
        check("d_memory rows", attention.memory.rows, d_memory.rows)?;
        check("d_memory columns", attention.memory.cols, d_memory.cols)?;
        let d_keys = d_keys.as_deref().unwrap_or(d_memory);
        if attention.score != Score::Location {
            check("d_keys rows", attention.keys.rows, d_keys.rows)?;
            check("d_keys columns", attention.keys.cols, d_keys.cols)?;
        }
        let local_p = attention.window == Window::LocalP;
        if let (Some(vectors), Some(d_vectors)) = (attention.vectors, &d_vectors) {
            check("d_vectors rows", vectors.rows, d_vectors.rows)?;
            check("d_vectors columns", vectors.cols, d_vectors.cols)?;
        }
        if batch == 0 || tgt_len == 0 || src_len == 0 {
            return Ok(());
        }
        self.record_sentences_tn(batch, src_len, weights, d_context, 1.0, d_memory)?;
        let mut shares = None;
        match attention.score {
            Score::Dot | Score::ScaledDot | Score::General => {
                let scale = attention.score.scale(attention.keys.cols);
                self.record_sentences_tn(batch, src_len, d_scores, attention.query, scale, d_keys)?;
            }
            Score::Concat => {
                let shares = shares.insert(GpuTensor::scratch(&self.engine, d_keys.rows, d_keys.cols)?);
                self.record_attention_keys_backward(attention, d_scores, d_keys, shares)?;
            }
            Score::Location => {}
        }
        let position = attention.position.filter(|_| local_p);
        match d_vectors {
            Some(d_vectors) if shares.is_some() || position.is_some() => {
                self.record_attention_vectors_backward(shares.as_ref(), position, d_scores, d_vectors)
            }
            _ => Ok(()),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "as many as the equations have")]
    fn generator_loss(
        &self,
        attentional: &GpuTensor,
        weight: &GpuTensor,
        bias: &GpuTensor,
        targets: &GpuIds,
        options: LossOptions,
        loss: &mut GpuTensor,
        mut gradients: Option<GeneratorGradients<'_, Self>>,
    ) -> Result<()> {
        let check = |what, expected, found| Error::check("generator_loss", what, expected, found);
        let (rows, vocab_size) = (attentional.rows, weight.rows);
        check("weight columns", attentional.cols, weight.cols)?;
        check("bias rows", 1, bias.rows)?;
        check("bias columns", vocab_size, bias.cols)?;
        check("targets", rows, targets.len)?;
        check_scalar("generator_loss", "loss", loss)?;
        if let Some(GeneratorGradients { d_attentional, d_weight, d_bias }) = &gradients {
            for (of, gradient) in [(attentional, &**d_attentional), (weight, &**d_weight), (bias, &**d_bias)] {
                check("gradient rows", of.rows, gradient.rows)?;
                check("gradient columns", of.cols, gradient.cols)?;
            }
        }
        if rows == 0 || vocab_size == 0 {
            return Ok(());
        }
        let losses = GpuTensor::scratch(&self.engine, 1, rows)?;
        let chunk_rows = logits_rows(vocab_size).min(rows);
        // One for all chunks: what is recorded keeps its buffers until it has run.
        let logits = GpuTensor::scratch(&self.engine, chunk_rows, vocab_size)?;
        let factor = self.factor(weight, chunk_rows)?;
        for first in (0..rows).step_by(chunk_rows) {
            let chunk = first..(first + chunk_rows).min(rows);
            let inputs = attentional.rows(chunk.clone());
            let logits = logits.rows(0..chunk.len());
            self.record_product_nt(&inputs, &factor, Some(bias), Activation::Identity, false, &logits)?;
            self.record_cross_entropy(targets, first, options, gradients.is_some(), &logits, &losses)?;
            if let Some(GeneratorGradients { d_attentional, d_weight, d_bias }) = &mut gradients {
                self.matmul_nn(&logits, weight, false, &d_attentional.rows(chunk))?;
                self.matmul_tn(&logits, &inputs, None, d_weight, Some(d_bias))?;
            }
        }
        self.record_sum(&losses, false, loss)
    }
}

/// Rows whose logits exist at once; as many as can be bound from where they begin, even of the largest vocabulary.
fn logits_rows(vocab_size: usize) -> usize {
    let fit = LOGITS_BYTES / (16 * vocab_size.div_ceil(4));
    (fit - fit % GpuTensor::ROWS_ALIGNMENT).max(GpuTensor::ROWS_ALIGNMENT)
}
