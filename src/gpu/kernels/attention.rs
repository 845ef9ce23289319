//! `shaders/attention.wgsl`: scores, softmax and context of each query, at once; and what its three parts share.

use std::sync::Arc;

use crate::backend::Attention;
use crate::config::{Score, Window};
use crate::gpu::memory::Memory;
use crate::gpu::tiling::{Attended, AttentionTiling, Products, SourceTiling};
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
    chunk: u32,
    chunks: u32,
}

impl Gpu {
    /// One dispatch; or one for the chunks of all sources, and one that joins them; or the three parts, two of them products.
    pub(in crate::gpu) fn attention(
        &self,
        attention: &Attention<'_, Self>,
        weights: &GpuTensor,
        first_row: usize,
        context: &GpuTensor,
    ) -> Result<()> {
        let Some(queries) = Queries::new(attention, weights, first_row, Some(context))? else { return Ok(()) };
        match self.attention_tiling(&queries) {
            AttentionTiling::Whole => self.record_queries(DECLARED, &queries, queries.whole(), &context.memory),
            AttentionTiling::Divided(tiling) => {
                let parts = self.record_attention_chunks(&queries, tiling)?;
                self.record_attention_join(&queries, tiling, &parts, context)
            }
            AttentionTiling::Products => self.record_attention_products(&queries, context),
        }
    }

    /// How workgroups share it.
    pub(super) fn attention_tiling(&self, queries: &Queries<'_>) -> AttentionTiling {
        let Shape { batch, tgt_len, src_len, .. } = queries.shape;
        let Attention { score, window, keys, memory, .. } = queries.attention;
        let sizes = Attended { batch, tgt_len, src_len, columns: [keys.cols, memory.cols] };
        AttentionTiling::choose(self.choices(), self.is_hardware(), *window, score.number() == PRODUCT, sizes)
    }

    fn record_attention_products(&self, queries: &Queries<'_>, context: &GpuTensor) -> Result<()> {
        let Shape { batch, tgt_len, .. } = queries.shape;
        let (keys, alignment) = (queries.attention.keys.quads(), queries.alignment.quads());
        let tiling = |quads, inputs| self.tiling(Products { rows: tgt_len, quads, inputs, count: batch });
        self.record_attention_scores_product(queries, tiling(alignment, keys))?;
        let softmax = super::attention_softmax::DECLARED;
        self.record_queries(softmax, queries, queries.whole(), &self.unused[1])?;
        self.record_attention_context_product(queries, tiling(context.quads(), alignment), context)
    }

    /// Records `declared`, one of the three parts of attention.
    pub(super) fn record_attention_part(
        &self,
        declared: Declared,
        attention: &Attention<'_, Self>,
        alignment: &GpuTensor,
        context: Option<&GpuTensor>,
    ) -> Result<()> {
        let Some(queries) = Queries::new(attention, alignment, 0, context)? else { return Ok(()) };
        let context = context.map_or(&self.unused[1], |context| &context.memory);
        self.record_queries(declared, &queries, queries.whole(), context)
    }

    /// Records `declared`, which shares `Params` and bindings with attention.
    pub(super) fn record_queries(
        &self,
        declared: Declared,
        queries: &Queries<'_>,
        tiling: SourceTiling,
        context: &Arc<Memory>,
    ) -> Result<()> {
        let Attention { position, vectors, .. } = queries.attention;
        let compared = [position, vectors].map(|tensor| tensor.map_or(&self.unused[0], |tensor| &tensor.memory));
        let buffers = queries.buffers(compared, context);
        self.record(declared, queries.params(tiling), &queries.constants(), buffers, queries.workgroups(tiling.chunks))
    }
}

/// What every kernel of attention is told: attention itself, where its weights go, and sizes that fit together.
pub(super) struct Queries<'a> {
    pub attention: &'a Attention<'a, Gpu>,
    pub alignment: &'a GpuTensor,
    pub first_row: usize,
    pub shape: Shape,
}

impl<'a> Queries<'a> {
    /// `None` where there are none.
    pub fn new(
        attention: &'a Attention<'_, Gpu>,
        alignment: &'a GpuTensor,
        first_row: usize,
        context: Option<&GpuTensor>,
    ) -> Result<Option<Self>> {
        let shape = shape("attention", attention, alignment, first_row, context)?;
        let any = shape.batch * shape.tgt_len > 0;
        Ok(any.then_some(Self { attention, alignment, first_row, shape }))
    }

    /// Whole sources, a workgroup each.
    pub fn whole(&self) -> SourceTiling {
        SourceTiling { chunk: self.shape.src_len, chunks: 1 }
    }

    /// So many for each query.
    pub fn workgroups(&self, each: usize) -> [u32; 3] {
        [self.shape.tgt_len, self.shape.batch, each].map(|count| count as u32)
    }

    pub fn constants(&self) -> [(&'static str, u32); 2] {
        [("SCORE", self.attention.score.number()), ("WINDOW", self.attention.window.number())]
    }

    /// All but two are the same for every kernel.
    pub fn buffers(&self, [at_0, at_5]: [&Arc<Memory>; 2], context: &Arc<Memory>) -> Vec<Arc<Memory>> {
        let Attention { query, keys, memory, lengths, .. } = self.attention;
        let [query, keys, memory] = [query, keys, memory].map(|tensor| &tensor.memory);
        let (lengths, alignment) = (&lengths.memory, &self.alignment.memory);
        [at_0, query, keys, memory, lengths, at_5, alignment, context].map(Clone::clone).into()
    }

    pub fn params(&self, tiling: SourceTiling) -> AttentionParams {
        let Self { attention, alignment, first_row, shape: Shape { tgt_len, src_len, rows, .. } } = self;
        AttentionParams {
            tgt_len: *tgt_len as u32,
            src_len: *src_len as u32,
            rows: *rows as u32,
            first_row: *first_row as u32,
            first_position: attention.positions.of(0) as u32,
            position_step: (attention.positions.of(1) - attention.positions.of(0)) as u32,
            alignment_pitch: 4 * alignment.quads() as u32,
            key_quads: attention.keys.quads() as u32,
            query_pitch: attention.query.quads() as u32,
            memory_quads: attention.memory.quads() as u32,
            hidden_quads: attention.vectors.map_or(0, |vectors| vectors.quads() as u32),
            half_width: attention.half_width as f32,
            scale: attention.score.scale(attention.keys.cols),
            chunk: tiling.chunk as u32,
            chunks: tiling.chunks as u32,
        }
    }
}

/// h_tᵀ key_s · scale, as `shared/score.wgsl` numbers it.
const PRODUCT: u32 = 0;

impl Score {
    /// What products of queries and keys of so many columns are multiplied by.
    pub(in crate::gpu) fn scale(self, columns: usize) -> f32 {
        if self == Self::ScaledDot { 1.0 / (columns as f32).sqrt() } else { 1.0 }
    }

    /// The score as `shared/score.wgsl` numbers it.
    pub(in crate::gpu) fn number(self) -> u32 {
        match self {
            Self::Dot | Self::ScaledDot | Self::General => PRODUCT,
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

/// The sizes of attention.
#[derive(Clone, Copy)]
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
