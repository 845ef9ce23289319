//! The contract on the CPU.

mod training;

use super::compiled::Compiled;
use super::{Cpu, Linear, Matrix, Recurrent, coverage, embedding, rows, scores};
use crate::backend::{
    Activation, AttendedStep, Attention, Counters, Distribution, Input, RecurrentParameters, Search, SearchRules,
    Share, State,
};
use crate::{Array, Backend, Result};

impl<T: Compiled> Backend for Cpu<T> {
    type Float = T;
    type Tensor = Matrix<T>;
    type Ids = Vec<u32>;
    type Linear = Linear<T>;
    type Recurrent = Recurrent<T>;

    fn zeros(&self, rows: usize, cols: usize) -> Result<Matrix<T>> {
        Ok(Matrix::zeros(rows, cols))
    }

    fn upload(&self, array: &Array) -> Result<Matrix<T>> {
        Ok(Matrix::from(array))
    }

    fn upload_ids(&self, ids: &[u32]) -> Result<Vec<u32>> {
        Ok(ids.to_vec())
    }

    async fn read(&self, tensor: &Matrix<T>) -> Result<Vec<T>> {
        Ok(tensor.data.to_vec())
    }

    async fn read_ids(&self, ids: &Vec<u32>) -> Result<Vec<u32>> {
        Ok(ids.clone())
    }

    async fn read_all(&self, tensors: &[&Matrix<T>], ids: &[&Vec<u32>]) -> Result<(Vec<Vec<T>>, Vec<Vec<u32>>)> {
        let tensors = tensors.iter().map(|tensor| tensor.data.to_vec()).collect();
        Ok((tensors, ids.iter().map(|&ids| ids.clone()).collect()))
    }

    fn max_elements(&self) -> usize {
        isize::MAX as usize / size_of::<T>()
    }

    fn steps_per_read(&self) -> usize {
        1
    }

    fn candidate_cols(&self, _: usize, _: usize) -> usize {
        0
    }

    fn linear_weights(&self, weight: &Array, bias: Option<&Array>) -> Result<Linear<T>> {
        T::linear_weights(self.instructions(), weight, bias)
    }

    fn recurrent_weights(&self, parameters: &RecurrentParameters<'_>) -> Result<Recurrent<T>> {
        T::recurrent_weights(self.instructions(), parameters)
    }

    fn embedding(&self, table: &Matrix<T>, ids: &Vec<u32>, out: &mut Matrix<T>) -> Result<()> {
        embedding::embedding(table, ids, out)
    }

    fn linear(
        &self,
        weights: &Linear<T>,
        input: &Matrix<T>,
        activation: Activation,
        accumulate: bool,
        out: &mut Matrix<T>,
    ) -> Result<()> {
        T::linear(weights, input, activation, accumulate, out)
    }

    fn recurrent_layer(
        &self,
        weights: &Recurrent<T>,
        input: Input<'_, Self>,
        lengths: &Vec<u32>,
        initial: Option<&State<Self>>,
        output: &mut Matrix<T>,
        last: &mut State<Self>,
    ) -> Result<()> {
        T::recurrent_layer(weights, &input, lengths, initial, output, last)
    }

    fn recurrent_step(
        &self,
        weights: &Recurrent<T>,
        frontier: &Vec<u32>,
        below: Option<&Matrix<T>>,
        feed: Option<&Matrix<T>>,
        previous: &State<Self>,
        next: &mut State<Self>,
    ) -> Result<()> {
        T::recurrent_step(weights, frontier, below, feed, previous, next)
    }

    fn attention(
        &self,
        attention: &Attention<'_, Self>,
        weights: &mut Matrix<T>,
        first_row: usize,
        context: &mut Matrix<T>,
    ) -> Result<()> {
        T::attention(self.instructions(), attention, weights, first_row, context)
    }

    fn attention_scores(&self, attention: &Attention<'_, Self>, scores: &mut Matrix<T>) -> Result<()> {
        T::attention_scores(self.instructions(), attention, scores)
    }

    fn attention_softmax(&self, attention: &Attention<'_, Self>, scores_to_weights: &mut Matrix<T>) -> Result<()> {
        T::attention_softmax(self.instructions(), attention, scores_to_weights)
    }

    fn attention_context(
        &self,
        attention: &Attention<'_, Self>,
        weights: &Matrix<T>,
        context: &mut Matrix<T>,
    ) -> Result<()> {
        scores::attention_context(attention, weights, context)
    }

    fn log_softmax(&self, logits: &Matrix<T>, out: &mut Matrix<T>) -> Result<()> {
        T::log_softmax(self.instructions(), logits, out)
    }

    fn argmax(&self, logits: &Matrix<T>, out: &mut Vec<u32>) -> Result<()> {
        rows::argmax(logits, out)
    }

    fn mix(&self, logits: &Matrix<T>, share: Share, probabilities: &mut Matrix<T>) -> Result<()> {
        T::mix(self.instructions(), logits, share, probabilities)
    }

    fn extend(
        &self,
        rules: &SearchRules,
        symbols: Distribution<'_, Self>,
        step: usize,
        row: usize,
        search: &mut Search<Self>,
    ) -> Result<()> {
        T::extend(rules, &symbols, step, row, search)
    }

    fn cover(
        &self,
        rules: &SearchRules,
        step: &AttendedStep<'_, Self>,
        share: Share,
        search: &mut Search<Self>,
    ) -> Result<()> {
        coverage::cover(rules, step, share, search)
    }

    fn counters(&self) -> Counters {
        Counters::default()
    }
}
