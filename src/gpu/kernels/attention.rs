//! `shaders/attention.wgsl`: scores, softmax and context of each query, at once; and what its three parts share.

use crate::backend::Attention;
use crate::config::{Score, Window};
use crate::gpu::{Declared, Gpu, GpuTensor};
use crate::{Error, Result};

kernel! {
    AttentionParams = "attention" reads 6 then writes 2, 128 threads:
    tgt_len: u32,
    src_len: u32,
    rows: u32,
    first_row: u32,
    first_position: u32,
    position_step: u32,
    alignment_pitch: u32,
    key_quads: u32,
    query_pitch: u32,
    memory_quads: u32,
    hidden_quads: u32,
    half_width: f32,
    scale: f32,
}

impl Gpu {
    pub(in crate::gpu) fn attention(
        &self,
        attention: &Attention<'_, Self>,
        weights: &GpuTensor,
        first_row: usize,
        context: &GpuTensor,
    ) -> Result<()> {
        self.record_attention(DECLARED, attention, weights, first_row, Some(context))
    }

    /// Records `declared`, which is attention or one of its parts.
    pub(in crate::gpu) fn record_attention(
        &self,
        declared: Declared,
        attention: &Attention<'_, Self>,
        alignment: &GpuTensor,
        first_row: usize,
        context: Option<&GpuTensor>,
    ) -> Result<()> {
        let Shape { batch, tgt_len, src_len, rows } = shape("attention", attention, alignment, first_row, context)?;
        if batch == 0 || tgt_len == 0 {
            return Ok(());
        }
        let params = AttentionParams {
            tgt_len: tgt_len as u32,
            src_len: src_len as u32,
            rows: rows as u32,
            first_row: first_row as u32,
            first_position: attention.positions.of(0) as u32,
            position_step: (attention.positions.of(1) - attention.positions.of(0)) as u32,
            alignment_pitch: 4 * alignment.quads() as u32,
            key_quads: attention.keys.quads() as u32,
            query_pitch: attention.query.quads() as u32,
            memory_quads: attention.memory.quads() as u32,
            hidden_quads: attention.vectors.map_or(0, |vectors| vectors.quads() as u32),
            half_width: attention.half_width as f32,
            scale: scale(attention),
        };
        let buffers = vec![
            attention.query.memory.clone(),
            attention.position.map_or(&self.unused[0], |position| &position.memory).clone(),
            attention.keys.memory.clone(),
            attention.memory.memory.clone(),
            attention.lengths.memory.clone(),
            attention.vectors.map_or(&self.unused[0], |vectors| &vectors.memory).clone(),
            alignment.memory.clone(),
            context.map_or(&self.unused[1], |context| &context.memory).clone(),
        ];
        let constants = [("SCORE", attention.score.number()), ("WINDOW", attention.window.number())];
        self.record(declared, params, &constants, buffers, [tgt_len as u32, batch as u32, 1])
    }
}

impl Score {
    /// The score as `shared/score.wgsl` numbers it.
    pub(in crate::gpu) fn number(self) -> u32 {
        match self {
            Self::Dot | Self::ScaledDot | Self::General => 0,
            Self::Concat => 1,
            Self::Location => 2,
        }
    }
}

impl Window {
    /// The window as `shared/window.wgsl` numbers it.
    pub(in crate::gpu) fn number(self) -> u32 {
        match self {
            Self::Global => 0,
            Self::LocalM => 1,
            Self::LocalP => 2,
        }
    }
}

/// What products of queries and keys are multiplied by.
pub(in crate::gpu) fn scale(attention: &Attention<'_, Gpu>) -> f32 {
    if attention.score == Score::ScaledDot { 1.0 / (attention.keys.cols as f32).sqrt() } else { 1.0 }
}

/// The sizes of attention.
pub(in crate::gpu) struct Shape {
    pub batch: usize,
    pub tgt_len: usize,
    pub src_len: usize,
    /// Of a sentence in the weights.
    pub rows: usize,
}

/// The sizes, once they fit together; `context` or its gradient where there is one.
pub(in crate::gpu) fn shape(
    operation: &'static str,
    attention: &Attention<'_, Gpu>,
    alignment: &GpuTensor,
    first_row: usize,
    context: Option<&GpuTensor>,
) -> Result<Shape> {
    let check = |what, expected, found| Error::check(operation, what, expected, found);
    let Attention { score, window, query, keys, memory, vectors, position, .. } = attention;
    let (batch, src_len) = (attention.lengths.len, alignment.cols);
    let per_sentence = |rows: usize| rows.checked_div(batch).unwrap_or(0);
    let (tgt_len, rows) = (per_sentence(query.rows), per_sentence(alignment.rows));
    check("query rows", batch * tgt_len, query.rows)?;
    check("weights rows", batch * rows, alignment.rows)?;
    check("memory rows", batch * src_len, memory.rows)?;
    if first_row + tgt_len > rows {
        check("weights rows of a sentence", first_row + tgt_len, rows)?;
    }
    for (what, found) in [("sentences", batch), ("target positions", tgt_len)] {
        // A workgroup each: a dispatch has no more of them in one dimension.
        if found > 65535 {
            check(what, 65535, found)?;
        }
    }
    if *score == Score::Location {
        if src_len > query.cols {
            check("source positions", query.cols, src_len)?;
        }
    } else {
        check("keys rows", batch * src_len, keys.rows)?;
        check("query columns", keys.cols, query.cols)?;
    }
    if *score == Score::Concat {
        check("columns of v", keys.cols, vectors.map_or(0, |vectors| vectors.cols))?;
    }
    if *window == Window::LocalP {
        let (Some(position), Some(vectors)) = (position, vectors) else {
            let found = usize::from(position.is_some()) + usize::from(vectors.is_some());
            return Err(Error::Shape { operation, what: "position and v_p", expected: 2, found });
        };
        check("position rows", query.rows, position.rows)?;
        check("position columns", vectors.cols, position.cols)?;
    }
    if let Some(context) = context {
        check("context rows", query.rows, context.rows)?;
        check("context columns", memory.cols, context.cols)?;
    }
    Ok(Shape { batch, tgt_len, src_len, rows })
}
