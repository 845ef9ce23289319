//! The contract of training on the CPU.

use std::ops::Range;

use crate::backend::{
    Activation, Attention, AttentionGradients, Dropout, GateLayout, GeneratorGradients, LossOptions, Occurrences,
    Sequence, Skipped, State, Training, Update,
};
use crate::cpu::compiled::Compiled;
use crate::cpu::training::{put_position, recurrent_begin, take_position};
use crate::cpu::{Cpu, Matrix};
use crate::{Error, Result};

impl<T: Compiled> Training for Cpu<T> {
    type Arena = Vec<Matrix<T>>;

    fn arena(&self, shapes: &[[usize; 2]]) -> Result<Vec<Matrix<T>>> {
        Ok(shapes.iter().map(|&[rows, cols]| Matrix::zeros(rows, cols)).collect())
    }

    fn write(&self, tensor: &mut Matrix<T>, data: &[T]) -> Result<()> {
        Error::check("write", "elements", tensor.data.len(), data.len())?;
        tensor.data.copy_from_slice(data);
        Ok(())
    }

    fn matmul_nt(
        &self,
        a: &Matrix<T>,
        b: &Matrix<T>,
        bias: Option<&Matrix<T>>,
        activation: Activation,
        accumulate: bool,
        out: &mut Matrix<T>,
    ) -> Result<()> {
        T::matmul_nt(self.instructions(), a, b, bias, activation, accumulate, out)
    }

    fn matmul_nn(&self, a: &Matrix<T>, b: &Matrix<T>, accumulate: bool, out: &mut Matrix<T>) -> Result<()> {
        T::matmul_nn(self.instructions(), a, b, accumulate, out)
    }

    fn matmul_tn(
        &self,
        a: &Matrix<T>,
        b: &Matrix<T>,
        skipped: Option<Skipped>,
        out: &mut Matrix<T>,
        sums: Option<&mut Matrix<T>>,
    ) -> Result<()> {
        T::matmul_tn(self.instructions(), a, b, skipped, out, sums)
    }

    fn dropout(&self, dropout: Dropout, y: &mut Matrix<T>) -> Result<()> {
        T::dropout(dropout, y)
    }

    fn tanh_backward(&self, y: &Matrix<T>, d_y: &mut Matrix<T>) -> Result<()> {
        T::tanh_backward(y, d_y)
    }

    fn take_position(&self, sequence: &Matrix<T>, position: usize, out: &mut Matrix<T>) -> Result<()> {
        take_position(sequence, position, out)
    }

    fn put_position(&self, rows: &Matrix<T>, position: usize, sequence: &mut Matrix<T>) -> Result<()> {
        put_position(rows, position, sequence)
    }

    fn embedding_backward(
        &self,
        occurrences: &Occurrences<Self>,
        d_out: &Matrix<T>,
        d_table: &mut Matrix<T>,
    ) -> Result<()> {
        T::embedding_backward(occurrences, d_out, d_table)
    }

    fn recurrent_begin(
        &self,
        layout: GateLayout,
        lengths: &Vec<u32>,
        initial: &State<Self>,
        sequence: &mut Sequence<Self>,
    ) -> Result<()> {
        recurrent_begin(layout, lengths, initial, sequence)
    }

    fn recurrent_forward(
        &self,
        layout: GateLayout,
        weight_hh: &Matrix<T>,
        lengths: &Vec<u32>,
        steps: Range<usize>,
        sequence: &mut Sequence<Self>,
    ) -> Result<()> {
        T::recurrent_forward(self.instructions(), layout, weight_hh, lengths, steps, sequence)
    }

    fn recurrent_backward(
        &self,
        layout: GateLayout,
        weight_hh: &Matrix<T>,
        lengths: &Vec<u32>,
        steps: Range<usize>,
        d_output: &Matrix<T>,
        d_last: Option<&Matrix<T>>,
        sequence: &mut Sequence<Self>,
        carry: &mut Matrix<T>,
    ) -> Result<()> {
        T::recurrent_backward(self.instructions(), layout, weight_hh, lengths, steps, d_output, d_last, sequence, carry)
    }

    fn recurrent_initial_backward(
        &self,
        layout: GateLayout,
        weight_hh: &Matrix<T>,
        lengths: &Vec<u32>,
        sequence: &Sequence<Self>,
        carry: &Matrix<T>,
        d_initial: &mut Matrix<T>,
    ) -> Result<()> {
        T::recurrent_initial_backward(self.instructions(), layout, weight_hh, lengths, sequence, carry, d_initial)
    }

    fn recurrent_weight_backward(
        &self,
        layout: GateLayout,
        sequence: &Sequence<Self>,
        d_weight_hh: &mut Matrix<T>,
    ) -> Result<()> {
        T::recurrent_weight_backward(self.instructions(), layout, sequence, d_weight_hh)
    }

    fn attention_backward(
        &self,
        attention: &Attention<'_, Self>,
        weights: &Matrix<T>,
        first_row: usize,
        d_context: &Matrix<T>,
        gradients: AttentionGradients<'_, Self>,
    ) -> Result<()> {
        T::attention_backward(self.instructions(), attention, weights, first_row, d_context, gradients)
    }

    fn attention_memory_backward(
        &self,
        attention: &Attention<'_, Self>,
        weights: &Matrix<T>,
        d_scores: &Matrix<T>,
        d_context: &Matrix<T>,
        d_keys: Option<&mut Matrix<T>>,
        d_memory: &mut Matrix<T>,
        d_vectors: Option<&mut Matrix<T>>,
    ) -> Result<()> {
        T::attention_memory_backward(
            self.instructions(),
            attention,
            weights,
            d_scores,
            d_context,
            d_keys,
            d_memory,
            d_vectors,
        )
    }

    fn generator_loss(
        &self,
        attentional: &Matrix<T>,
        weight: &Matrix<T>,
        bias: &Matrix<T>,
        targets: &Vec<u32>,
        options: LossOptions,
        loss: &mut Matrix<T>,
        gradients: Option<GeneratorGradients<'_, Self>>,
    ) -> Result<()> {
        T::generator_loss(self.instructions(), attentional, weight, bias, targets, options, loss, gradients)
    }

    fn gradient_norm(&self, gradients: &Vec<Matrix<T>>, norm: &mut Matrix<T>) -> Result<()> {
        T::gradient_norm(self.instructions(), gradients, norm)
    }

    fn update(
        &self,
        update: &Update,
        norm: &Matrix<T>,
        values: &mut Vec<Matrix<T>>,
        gradients: &mut Vec<Matrix<T>>,
        [first, second]: &mut [Vec<Matrix<T>>; 2],
        average: Option<&mut Vec<Matrix<T>>>,
    ) -> Result<()> {
        T::update(self.instructions(), update, norm, values, gradients, [first, second], average.map(Vec::as_mut_slice))
    }
}
