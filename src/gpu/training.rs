//! The operations of training on the GPU.

use std::ops::Range;

use super::kernels::update::check_scalar;
use super::{Gpu, GpuArena, GpuIds, GpuTensor};
use crate::backend::{
    Activation, Attention, AttentionGradients, Dropout, GateLayout, GeneratorGradients, LossOptions, Occurrences,
    Sequence, Skipped, State, Training, Update,
};
use crate::model::{Score, Window};
use crate::{Error, Result};

/// Bytes of logits that exist at once; more rows are taken in turns.
const LOGITS_BYTES: usize = 16 << 20;

impl Training for Gpu {
    type Arena = GpuArena;

    fn arena(&self, shapes: &[[usize; 2]]) -> Result<GpuArena> {
        GpuArena::zeros(&self.engine, shapes)
    }

    fn write(&self, tensor: &mut GpuTensor, data: &[f32]) -> Result<()> {
        tensor.write(&self.engine, data)
    }

    fn matmul_nt(
        &self,
        a: &GpuTensor,
        b: &GpuTensor,
        bias: Option<&GpuTensor>,
        activation: Activation,
        accumulate: bool,
        out: &mut GpuTensor,
    ) -> Result<()> {
        self.record_matmul_nt(a, b, bias, activation, accumulate, out)
    }

    fn matmul_nn(&self, a: &GpuTensor, b: &GpuTensor, accumulate: bool, out: &mut GpuTensor) -> Result<()> {
        self.record_matmul_nn(a, b, accumulate, out)
    }

    fn matmul_tn(
        &self,
        a: &GpuTensor,
        b: &GpuTensor,
        skipped: Option<Skipped>,
        out: &mut GpuTensor,
        sums: Option<&mut GpuTensor>,
    ) -> Result<()> {
        self.record_matmul_tn(a, b, skipped, out, sums.as_deref())
    }

    fn dropout(&self, dropout: Dropout, y: &mut GpuTensor) -> Result<()> {
        self.record_dropout(dropout, y)
    }

    fn tanh_backward(&self, y: &GpuTensor, d_y: &mut GpuTensor) -> Result<()> {
        self.record_tanh_backward(y, d_y)
    }

    fn take_position(&self, sequence: &GpuTensor, position: usize, out: &mut GpuTensor) -> Result<()> {
        self.record_take_position(sequence, position, out)
    }

    fn put_position(&self, rows: &GpuTensor, position: usize, sequence: &mut GpuTensor) -> Result<()> {
        self.record_put_position(rows, position, sequence)
    }

    fn embedding_backward(
        &self,
        occurrences: &Occurrences<Self>,
        d_out: &GpuTensor,
        d_table: &mut GpuTensor,
    ) -> Result<()> {
        self.record_embedding_backward(occurrences, d_out, d_table)
    }

    fn recurrent_begin(
        &self,
        layout: GateLayout,
        lengths: &GpuIds,
        initial: &State<Self>,
        sequence: &mut Sequence<Self>,
    ) -> Result<()> {
        self.record_recurrent_begin(layout, lengths, initial, sequence)
    }

    fn recurrent_forward(
        &self,
        layout: GateLayout,
        weight_hh: &GpuTensor,
        lengths: &GpuIds,
        steps: Range<usize>,
        sequence: &mut Sequence<Self>,
    ) -> Result<()> {
        self.record_recurrent_forward(layout, weight_hh, lengths, steps, sequence)
    }

    fn recurrent_backward(
        &self,
        layout: GateLayout,
        weight_hh: &GpuTensor,
        lengths: &GpuIds,
        steps: Range<usize>,
        d_output: &GpuTensor,
        d_last: Option<&GpuTensor>,
        sequence: &mut Sequence<Self>,
        carry: &mut GpuTensor,
    ) -> Result<()> {
        self.record_recurrent_backward(layout, weight_hh, lengths, steps, d_output, d_last, sequence, carry)
    }

    fn recurrent_initial_backward(
        &self,
        layout: GateLayout,
        weight_hh: &GpuTensor,
        lengths: &GpuIds,
        sequence: &Sequence<Self>,
        carry: &GpuTensor,
        d_initial: &mut GpuTensor,
    ) -> Result<()> {
        self.record_recurrent_initial_backward(layout, weight_hh, lengths, sequence, carry, d_initial)
    }

    fn recurrent_weight_backward(
        &self,
        layout: GateLayout,
        sequence: &Sequence<Self>,
        d_weight_hh: &mut GpuTensor,
    ) -> Result<()> {
        self.record_recurrent_weight_backward(layout, &sequence.gates, &sequence.previous, d_weight_hh)
    }

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

    fn attention_memory_backward(
        &self,
        attention: &Attention<'_, Self>,
        weights: &GpuTensor,
        d_scores: &GpuTensor,
        d_context: &GpuTensor,
        d_keys: Option<&mut GpuTensor>,
        d_memory: &mut GpuTensor,
        d_vectors: Option<&mut GpuTensor>,
    ) -> Result<()> {
        let (d_keys, d_memory) = (d_keys.as_deref(), &*d_memory);
        self.record_attention_memory_backward(attention, weights, d_scores, d_context, d_keys, d_memory, d_vectors)
    }

    fn generator_loss(
        &self,
        attentional: &GpuTensor,
        weight: &GpuTensor,
        bias: &GpuTensor,
        targets: &GpuIds,
        options: LossOptions,
        loss: &mut GpuTensor,
        gradients: Option<GeneratorGradients<'_, Self>>,
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
            if let Some(GeneratorGradients { d_attentional, d_weight, d_bias }) = &gradients {
                self.record_matmul_nn(&logits, weight, false, &d_attentional.rows(chunk))?;
                self.record_matmul_tn(&logits, &inputs, None, d_weight, Some(d_bias))?;
            }
        }
        self.record_sum(&losses, false, loss)
    }

    fn gradient_norm(&self, gradients: &GpuArena, norm: &mut GpuTensor) -> Result<()> {
        check_scalar("gradient_norm", "norm", norm)?;
        self.record_norm(gradients, norm)
    }

    fn update(
        &self,
        update: &Update,
        norm: &GpuTensor,
        values: &mut GpuArena,
        gradients: &mut GpuArena,
        moments: &mut [GpuArena; 2],
        average: Option<&mut GpuArena>,
    ) -> Result<()> {
        self.record_update(update, norm, values, gradients, moments, average.as_deref())?;
        // A step ends here: the device has enough to do, and the step's memory can serve the next one.
        self.engine.start()
    }
}

impl Gpu {
    #[expect(clippy::too_many_arguments, reason = "as many as the equations have")]
    fn record_attention_memory_backward(
        &self,
        attention: &Attention<'_, Self>,
        weights: &GpuTensor,
        d_scores: &GpuTensor,
        d_context: &GpuTensor,
        d_keys: Option<&GpuTensor>,
        d_memory: &GpuTensor,
        d_vectors: Option<&mut GpuTensor>,
    ) -> Result<()> {
        use super::kernels::attention::{Shape, scale, shape};

        let operation = "attention_memory_backward";
        let check = |what, expected, found| Error::check(operation, what, expected, found);
        let Shape { batch, tgt_len, src_len, rows } = shape(operation, attention, weights, 0, Some(d_context))?;
        check("weights rows of a sentence", tgt_len, rows)?;
        check("d_scores rows", weights.rows, d_scores.rows)?;
        check("d_scores columns", src_len + 1, d_scores.cols)?;
        check("d_memory rows", attention.memory.rows, d_memory.rows)?;
        check("d_memory columns", attention.memory.cols, d_memory.cols)?;
        let d_keys = d_keys.unwrap_or(d_memory);
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
                self.record_sentences_tn(batch, src_len, d_scores, attention.query, scale(attention), d_keys)?;
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
}

/// Rows whose logits exist at once; as many as can be bound from where they begin, even of the largest vocabulary.
fn logits_rows(vocab_size: usize) -> usize {
    let fit = LOGITS_BYTES / (16 * vocab_size.div_ceil(4));
    (fit - fit % GpuTensor::ROWS_ALIGNMENT).max(GpuTensor::ROWS_ALIGNMENT)
}
