//! What the first layer reads: embeddings of positions or, without dropout, of the different symbols alone.
//!
//! The sums W_ih e + b of a symbol are the same wherever it stands, and its gradients can be added up before they are
//! multiplied. A batch of words has some thirty letters and some five hundred positions.

use super::layout::{RecurrentSlots, Slot};
use super::pass::{Pass, Place};
use crate::Result;
use crate::backend::{Occurrences, Symbols, Training};
use crate::batch::Batch;

/// One side's embeddings, as backward needs them.
#[derive(Debug)]
pub enum Embedded<B: Training> {
    /// A row for every position, after dropout.
    Positions(B::Tensor, Occurrences<B>),
    /// A row for every symbol.
    Symbols(B::Tensor, Symbols<B>),
}

impl<B: Training> Pass<'_, B> {
    /// The embeddings of a batch, and W_ih e + b into `gates` (batch · len, cols).
    pub fn embed(
        &self,
        table: Slot,
        place: Place,
        batch: &Batch,
        layer: &RecurrentSlots,
        gates: &mut B::Tensor,
    ) -> Result<Embedded<B>> {
        let backend = self.backend;
        let [_, cols] = self.shapes[table];
        let symbols = if self.drops() { None } else { Symbols::new(backend, batch)? };
        if let Some(symbols) = symbols {
            let count = symbols.in_table.count;
            let mut rows = backend.zeros(count, cols)?;
            backend.embedding(self.value(table), &symbols.in_table.symbols, &mut rows)?;
            let mut sums = backend.zeros(count, layer.gates.cols())?;
            self.input_sums(layer, &rows, &mut sums)?;
            backend.embedding(&sums, &symbols.places, gates)?;
            return Ok(Embedded::Symbols(rows, symbols));
        }
        let mut rows = backend.zeros(batch.ids().len(), cols)?;
        backend.embedding(self.value(table), &backend.upload_ids(batch.ids())?, &mut rows)?;
        self.dropout(place, &mut rows)?;
        self.input_sums(layer, &rows, gates)?;
        Ok(Embedded::Positions(rows, Occurrences::new(backend, batch)?))
    }

    /// The gradients of the table, of W_ih and of b, from those of the gates' sums (`rows`, cols).
    pub fn embed_backward(
        &self,
        table: Slot,
        place: Place,
        embedded: &Embedded<B>,
        layer: &RecurrentSlots,
        (d_gates, rows): (&B::Tensor, usize),
        gradients: &mut [B::Tensor],
    ) -> Result<()> {
        let backend = self.backend;
        let [_, cols] = self.shapes[table];
        match embedded {
            Embedded::Positions(embeddings, occurrences) => {
                self.input_weights_backward(layer, d_gates, embeddings, gradients)?;
                let mut d_embeddings = backend.zeros(rows, cols)?;
                backend.matmul_nn(d_gates, self.value(layer.weight_ih), false, &mut d_embeddings)?;
                self.dropout(place, &mut d_embeddings)?;
                backend.embedding_backward(occurrences, &d_embeddings, &mut gradients[table])
            }
            Embedded::Symbols(embeddings, symbols) => {
                let count = symbols.in_table.count;
                let mut d_sums = backend.zeros(count, layer.gates.cols())?;
                backend.embedding_backward(&symbols.at_positions, d_gates, &mut d_sums)?;
                self.input_weights_backward(layer, &d_sums, embeddings, gradients)?;
                let mut d_embeddings = backend.zeros(count, cols)?;
                backend.matmul_nn(&d_sums, self.value(layer.weight_ih), false, &mut d_embeddings)?;
                backend.embedding_backward(&symbols.in_table, &d_embeddings, &mut gradients[table])
            }
        }
    }
}
