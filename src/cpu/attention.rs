//! Attention in one operation: scores, softmax and context of some queries of a sentence while its memory is at hand.
//!
//! A number's sum is added in the same order for one query as for many, so that teacher forcing and decoding agree.

#![expect(clippy::needless_range_loop, reason = "rows, columns and panels are counted, as in the equations")]

use std::ops::Range;

use pulp::{NullaryFnOnce, Simd, WithSimd};

use super::accumulate::{Ahead, Columns, Four, Tile};
use super::instructions::Instructions;
use super::memory::Scratch;
use super::panels::Rows;
use super::parallel;
use super::processor::Cpu;
use super::rows::{exponentials, maximum, softmax};
use super::scores::{Allowed, Sizes, TanhDot, scale};
use super::simd::Lanes;
use super::simd::lanes;
use super::tensor::Matrix;
use super::tile::{SUMS, Shape};
use crate::backend::{Attention, HiddenPart};
use crate::config::Score;
use crate::{Error, Result};

/// Multiplications that are worth another thread.
const WORTH: usize = 500_000;

/// Queries of a sentence that read its memory together.
const GROUP: usize = 64;

/// Bytes of a sentence's memory that are not read a second time if that can be helped.
const FAR: usize = 1 << 20;

/// Positions of such a memory between two corrections of the softmax.
const SWEEP: usize = 24;

impl<T: Lanes> Cpu<T> {
    /// See [`attention`](crate::Backend::attention).
    pub(in crate::cpu) fn attention(
        &self,
        attention: &Attention<'_, Cpu<T>>,
        weights: &mut Matrix<T>,
        first_row: usize,
        context: &mut Matrix<T>,
    ) -> Result<()> {
        let instructions = self.instructions();
        const OPERATION: &str = "attention";
        let sizes = Sizes::check(OPERATION, attention, weights.cols)?;
        let Sizes { batch, tgt_len, src_len } = sizes;
        let rows = weights.rows / batch.max(1);
        Error::check(OPERATION, "weight rows", batch * rows, weights.rows)?;
        Error::check(OPERATION, "weight rows of a sentence", rows.max(first_row + tgt_len), rows)?;
        Error::check(OPERATION, "context rows", batch * tgt_len, context.rows)?;
        Error::check(OPERATION, "context columns", attention.memory.cols, context.cols)?;
        if batch * tgt_len * src_len * context.cols == 0 {
            return Ok(());
        }
        let work = batch * tgt_len * src_len * (attention.query.cols + context.cols);
        let threads = parallel::threads().min(work / WORTH + 1);
        let cols = context.cols;
        // Few sentences: their queries are divided too.
        let per_sentence = threads.div_ceil(batch).min(tgt_len);
        let sentences =
            weights.data.chunks_exact_mut(rows * src_len).zip(context.data.chunks_exact_mut(tgt_len * cols));
        let mut parts: Vec<Part<'_, T>> = Vec::with_capacity(batch * per_sentence);
        for (sentence, (weights, context)) in sentences.enumerate() {
            let runs = parallel::runs(tgt_len, per_sentence);
            let weights = parallel::cut(&mut weights[first_row * src_len..], runs.clone(), src_len);
            let context = parallel::cut(context, runs.clone(), cols);
            parts.extend(runs.zip(weights).zip(context).map(|((queries, weights), context)| Part {
                instructions,
                attention,
                sizes,
                sentence,
                queries,
                weights,
                context,
            }));
        }
        let runs = parallel::runs(parts.len(), threads);
        let shares: Vec<_> = parallel::cut(&mut parts, runs, 1).collect();
        parallel::for_each(shares, |share| {
            let mut workspace = Workspace {
                weights: Rows::new(Shape::of::<T>(instructions)),
                columns: Scratch::default(),
                sums: Scratch::default(),
            };
            for part in share {
                instructions.dispatch(Run { part, workspace: &mut workspace });
            }
        });
        Ok(())
    }

    /// See [`attentional_state`](crate::Backend::attentional_state).
    pub(in crate::cpu) fn attentional_state(
        &self,
        attention: &Attention<'_, Cpu<T>>,
        hidden: &HiddenPart<'_, Cpu<T>>,
        weights: &mut Matrix<T>,
        first_row: usize,
        attentional: &mut Matrix<T>,
    ) -> Result<()> {
        self.attention(attention, weights, first_row, attentional)?;
        self.linear(hidden.weights, hidden.states, hidden.activation, true, attentional)
    }
}

/// Some queries of one sentence.
struct Part<'a, T: Lanes> {
    instructions: Instructions,
    attention: &'a Attention<'a, Cpu<T>>,
    sizes: Sizes,
    sentence: usize,
    queries: Range<usize>,
    /// (queries, src_len)
    weights: &'a mut [T],
    /// (queries, memory_size)
    context: &'a mut [T],
}

/// Memory that a thread uses for one part after the other.
struct Workspace<T: Lanes> {
    /// The weights of a group, for the product.
    weights: Rows<T>,
    /// Some columns of the memory (positions, columns).
    columns: Scratch<T>,
    /// Their sums for every query of a group (queries, columns).
    sums: Scratch<T>,
}

struct Run<'a, 'b, T: Lanes> {
    part: &'b mut Part<'a, T>,
    workspace: &'b mut Workspace<T>,
}

impl<T: Lanes> WithSimd for Run<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let count = self.part.queries.len();
        for group in parallel::runs(count, count.div_ceil(GROUP)) {
            self.part.group(simd, group, self.workspace);
        }
    }
}

impl<T: Lanes> Part<'_, T> {
    /// Queries that read the memory together.
    #[inline(always)]
    fn group<S: Simd>(&mut self, simd: S, group: Range<usize>, workspace: &mut Workspace<T>) {
        let src_len = self.sizes.src_len;
        let allowed = |query: usize| {
            Allowed::new(self.instructions, self.attention, self.sizes, self.sentence, self.queries.start + query)
        };
        let allowed: Vec<Allowed<T>> = group.clone().map(allowed).collect();
        let windows = allowed.iter().map(|allowed| allowed.positions.clone()).filter(|window| !window.is_empty());
        let window = windows.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end)).unwrap_or(0..0);
        let weights = &mut self.weights[group.start * src_len..group.end * src_len];
        if let [allowed] = &allowed[..] {
            let bytes = window.len() * self.attention.memory.cols * size_of::<T>();
            if bytes > FAR && !allowed.has_gaussian() {
                return self.sweep(simd, group.start, window);
            }
        }
        for (weights, allowed) in weights.chunks_exact_mut(src_len).zip(&allowed) {
            weights[..allowed.positions.start].fill(T::ZERO);
            weights[allowed.positions.end..].fill(T::ZERO);
        }
        self.scores(simd, group.clone(), window.clone());
        let weights = &mut self.weights[group.start * src_len..group.end * src_len];
        for (weights, allowed) in weights.chunks_exact_mut(src_len).zip(&allowed) {
            // What other queries of the group attend to was scored too.
            let positions = allowed.positions.clone();
            weights[window.start..positions.start.max(window.start)].fill(T::ZERO);
            weights[positions.end.min(window.end)..window.end].fill(T::ZERO);
            softmax(simd, &mut weights[positions.clone()]);
            if allowed.has_gaussian() {
                for s in positions {
                    weights[s] *= allowed.gaussian(s);
                }
            }
        }
        let cols = self.attention.memory.cols;
        if group.len() == 1 {
            let weights = &self.weights[group.start * src_len..][window.clone()];
            let context = &mut self.context[group.start * cols..][..cols];
            context.fill(T::ZERO);
            weigh(simd, weights, rows(self.attention.memory, self.sentence * src_len, &window), context);
        } else {
            self.contexts(simd, group, window, workspace);
        }
    }

    /// score(h_t, h̄_s) of a group's queries and a window's positions, into the weights.
    #[inline(always)]
    fn scores<S: Simd>(&mut self, simd: S, group: Range<usize>, window: Range<usize>) {
        let (attention, src_len) = (self.attention, self.sizes.src_len);
        let first = self.sentence * self.sizes.tgt_len + self.queries.start + group.start;
        let weights = &mut self.weights[group.start * src_len..group.end * src_len];
        match (attention.score, attention.vectors) {
            (Score::Dot | Score::ScaledDot | Score::General, _) => {
                let dots = Dots {
                    queries: rows(attention.query, first, &(0..group.len())),
                    keys: rows(attention.keys, self.sentence * src_len, &window),
                    size: attention.query.cols,
                    scale: scale(attention),
                    out: &mut weights[window.start..],
                    stride: src_len,
                };
                if S::REGISTER_COUNT >= 32 { dots.run::<S, 4, 6, 4>(simd) } else { dots.run::<S, 2, 6, 4>(simd) }
            }
            (Score::Concat, vectors) => {
                let v = vectors.map_or(&[][..], |vectors| vectors.row(0));
                for (query, weights) in weights.chunks_exact_mut(src_len).enumerate() {
                    let query = attention.query.row(first + query);
                    for s in window.clone() {
                        let key = attention.keys.row(self.sentence * src_len + s);
                        weights[s] = TanhDot { a: query, b: Some(key), v }.with_simd(simd);
                    }
                }
            }
            (Score::Location, _) => {
                for (query, weights) in weights.chunks_exact_mut(src_len).enumerate() {
                    let scores = &attention.query.row(first + query)[window.clone()];
                    weights[window.clone()].copy_from_slice(scores);
                }
            }
        }
    }

    /// c_t = Σ_s a_t(s) h̄_s of a group, some columns of the memory after the other.
    #[inline(always)]
    fn contexts<S: Simd>(&mut self, simd: S, group: Range<usize>, window: Range<usize>, workspace: &mut Workspace<T>) {
        let (src_len, cols) = (self.sizes.src_len, self.attention.memory.cols);
        let width = SUMS * lanes::<T, S>();
        let memory = rows(self.attention.memory, self.sentence * src_len, &window);
        let weights = &self.weights[group.start * src_len..group.end * src_len];
        workspace.weights.pack(group.len(), window.len(), |row| &weights[row * src_len..][window.clone()]);
        let columns = workspace.columns.room(window.len() * width);
        let sums = workspace.sums.room(group.len() * width);
        let context = &mut self.context[group.start * cols..group.end * cols];
        // Meanwhile come the queries of the next group.
        let query = &self.attention.query;
        let end = (self.sentence * self.sizes.tgt_len + self.queries.start + group.end) * query.cols;
        let next = query.data.get(end..end + group.len() * query.cols).unwrap_or_default();
        let ahead =
            Ahead::new(bytemuck::cast_slice(next), workspace.weights.blocks() * window.len() * cols.div_ceil(width));
        let mut done = 0;
        for col in (0..cols).step_by(width) {
            let here = col..(col + width).min(cols);
            for (packed, row) in columns.chunks_exact_mut(width).zip(memory.chunks_exact(cols)) {
                copy(simd, &row[here.clone()], packed);
            }
            sums.fill(T::ZERO);
            for block in 0..workspace.weights.blocks() {
                let rows = workspace.weights.block(block);
                let sums = &mut sums[rows.start * width..rows.end * width];
                let mut tile = Tile {
                    sums: T::registers_mut::<S>(sums).as_chunks_mut().0,
                    x: workspace.weights.numbers(rows),
                    weights: columns,
                    ahead: ahead.after(done),
                };
                Four::add(simd, &mut tile);
                done += window.len();
            }
            for (sums, row) in sums.chunks_exact(width).zip(context.chunks_exact_mut(cols)) {
                copy(simd, sums, &mut row[here.clone()]);
            }
        }
    }

    /// One query over a long source, whose memory is read once: the softmax is corrected as larger scores appear
    /// (Milakov and Gimelshein 2018).
    #[inline(always)]
    fn sweep<S: Simd>(&mut self, simd: S, query: usize, window: Range<usize>) {
        let (src_len, cols) = (self.sizes.src_len, self.attention.memory.cols);
        let (mut largest, mut sum) = (T::NEG_INFINITY, T::ZERO);
        self.context[query * cols..][..cols].fill(T::ZERO);
        let mut exponentials_here = [T::ZERO; SWEEP];
        for start in window.clone().step_by(SWEEP) {
            let here = start..(start + SWEEP).min(window.end);
            self.scores(simd, query..query + 1, here.clone());
            let scores = &self.weights[query * src_len..][here.clone()];
            let context = &mut self.context[query * cols..][..cols];
            let larger = maximum(simd, scores);
            if larger > largest {
                let correction = (largest - larger).exp();
                sum *= correction;
                scale_row(simd, context, correction);
                largest = larger;
            }
            let weights = &mut exponentials_here[..here.len()];
            weights.copy_from_slice(scores);
            sum += exponentials(simd, weights, largest);
            weigh(simd, weights, rows(self.attention.memory, self.sentence * src_len, &here), context);
        }
        let weights = &mut self.weights[query * src_len..][..src_len];
        weights[..window.start].fill(T::ZERO);
        weights[window.end..].fill(T::ZERO);
        exponentials(simd, &mut weights[window.clone()], largest);
        scale_row(simd, &mut weights[window], T::ONE / sum);
        scale_row(simd, &mut self.context[query * cols..][..cols], T::ONE / sum);
    }
}

/// Rows `first` + `range` of a matrix.
#[inline(always)]
fn rows<'a, T: Lanes>(matrix: &'a Matrix<T>, first: usize, range: &Range<usize>) -> &'a [T] {
    &matrix.data[(first + range.start) * matrix.cols..(first + range.end) * matrix.cols]
}

/// The products of queries and keys, times `scale`.
struct Dots<'a, T> {
    /// (queries, size)
    queries: &'a [T],
    /// (keys, size)
    keys: &'a [T],
    size: usize,
    scale: T,
    /// The products of each query, `stride` numbers behind those of the last.
    out: &'a mut [T],
    stride: usize,
}

impl<T: Lanes> Dots<'_, T> {
    /// `Q` queries and `K` keys at a time, or two keys less where that comes out even.
    #[inline(always)]
    fn run<S: Simd, const Q: usize, const K: usize, const LESS: usize>(mut self, simd: S) {
        let size = self.size.max(1);
        let (queries, keys) = (self.queries.len() / size, self.keys.len() / size);
        // The keys of a tile stay in the nearest cache while all queries pass by.
        let mut key = 0;
        while key < keys {
            let left = keys - key;
            key += if left == K || left >= K + LESS {
                self.pass::<S, Q, K>(simd, queries, key)
            } else if left >= LESS {
                self.pass::<S, Q, LESS>(simd, queries, key)
            } else {
                self.pass::<S, Q, 1>(simd, queries, key)
            };
        }
    }

    /// `K` keys from `key` on, and all queries.
    #[inline(always)]
    fn pass<S: Simd, const Q: usize, const K: usize>(&mut self, simd: S, queries: usize, key: usize) -> usize {
        let mut query = 0;
        while query + Q <= queries {
            self.tile::<S, Q, K>(simd, query, key);
            query += Q;
        }
        while query < queries {
            self.tile::<S, 1, K>(simd, query, key);
            query += 1;
        }
        K
    }

    #[inline(always)]
    fn tile<S: Simd, const Q: usize, const K: usize>(&mut self, simd: S, query: usize, key: usize) {
        let size = self.size;
        let (queries, keys) = (&self.queries[query * size..][..Q * size], &self.keys[key * size..][..K * size]);
        let mut sums = [[T::splat(simd, T::ZERO); K]; Q];
        dot_tile(simd, queries, keys, &mut sums);
        for q in 0..Q {
            let out = &mut self.out[(query + q) * self.stride + key..][..K];
            for k in 0..K {
                out[k] = T::reduce_sum(simd, sums[q][k]) * self.scale;
            }
        }
    }
}

/// The products of `Q` queries and `K` keys, a register of each at a time, before the registers are summed up. Never
/// inlined, so that nothing takes registers from the sums.
#[inline(never)]
fn dot_tile<S: Simd, T: Lanes, const Q: usize, const K: usize>(
    simd: S,
    queries: &[T],
    keys: &[T],
    sums: &mut [[T::Register<S>; K]; Q],
) {
    simd.vectorize(&mut DotTile { simd, queries, keys, sums });
}

struct DotTile<'a, S: Simd, T: Lanes, const Q: usize, const K: usize> {
    simd: S,
    queries: &'a [T],
    keys: &'a [T],
    sums: &'a mut [[T::Register<S>; K]; Q],
}

impl<S: Simd, T: Lanes, const Q: usize, const K: usize> NullaryFnOnce for &mut DotTile<'_, S, T, Q, K> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let &mut DotTile { simd, queries, keys, .. } = self;
        let size = queries.len() / Q;
        let full = size / lanes::<T, S>();
        let mut query_rows = [&[][..]; Q];
        for index in 0..Q {
            query_rows[index] = &T::registers::<S>(&queries[index * size..][..size])[..full];
        }
        let mut key_rows = [&[][..]; K];
        for index in 0..K {
            key_rows[index] = &T::registers::<S>(&keys[index * size..][..size])[..full];
        }
        let mut sums = *self.sums;
        for at in 0..full {
            let mut x = [T::splat(simd, T::ZERO); Q];
            for query in 0..Q {
                x[query] = query_rows[query][at];
            }
            for key in 0..K {
                let y = key_rows[key][at];
                for query in 0..Q {
                    sums[query][key] = T::times_plus(simd, x[query], y, sums[query][key]);
                }
            }
        }
        *self.sums = sums;
        // Added to memory: sums that a loop counts through would be kept there above, too.
        let rest = full * lanes::<T, S>();
        if rest < size {
            for query in 0..Q {
                let x = T::load(simd, &queries[query * size..][..size][rest..]);
                for key in 0..K {
                    let y = T::load(simd, &keys[key * size..][..size][rest..]);
                    self.sums[query][key] = T::times_plus(simd, x, y, self.sums[query][key]);
                }
            }
        }
    }
}

/// context += Σ_s weights\[s\] · memory\[s\]
#[inline(always)]
fn weigh<S: Simd, T: Lanes>(simd: S, weights: &[T], memory: &[T], context: &mut [T]) {
    // As many sums as hide the time that an addition takes.
    const REGISTERS: usize = 8;
    let cols = context.len();
    let width = REGISTERS * lanes::<T, S>();
    let mut col = 0;
    while col + width <= cols {
        let out = &mut context[col..][..width];
        let mut sums = [T::splat(simd, T::ZERO); REGISTERS];
        sums.copy_from_slice(&T::registers::<S>(out)[..REGISTERS]);
        for (&weight, row) in weights.iter().zip(memory.chunks_exact(cols)) {
            let weight = T::splat(simd, weight);
            let row = &T::registers::<S>(&row[col..][..width])[..REGISTERS];
            for index in 0..REGISTERS {
                sums[index] = T::times_plus(simd, weight, row[index], sums[index]);
            }
        }
        for index in 0..REGISTERS {
            T::store(simd, &mut out[index * lanes::<T, S>()..], sums[index]);
        }
        col += width;
    }
    // What is left: single registers, the last of which may be part of one.
    while col < cols {
        let mut sum = T::load(simd, &context[col..]);
        for (&weight, row) in weights.iter().zip(memory.chunks_exact(cols)) {
            sum = T::times_plus(simd, T::splat(simd, weight), T::load(simd, &row[col..]), sum);
        }
        T::store(simd, &mut context[col..], sum);
        col += lanes::<T, S>();
    }
}

/// Copies four registers, or as much of them as there is in one and room in the other.
#[inline(always)]
fn copy<S: Simd, T: Lanes>(simd: S, from: &[T], to: &mut [T]) {
    match (T::registers::<S>(from).first_chunk::<SUMS>(), T::registers_mut::<S>(to).first_chunk_mut::<SUMS>()) {
        (Some(from), Some(to)) => *to = *from,
        _ => {
            for (from, to) in from.chunks(lanes::<T, S>()).zip(to.chunks_mut(lanes::<T, S>())) {
                T::store(simd, to, T::load(simd, from));
            }
        }
    }
}

/// Every number of the row times `factor`.
#[inline(always)]
fn scale_row<S: Simd, T: Lanes>(simd: S, row: &mut [T], factor: T) {
    let factor = T::splat(simd, factor);
    for part in row.chunks_mut(lanes::<T, S>()) {
        let scaled = T::times(simd, T::load(simd, part), factor);
        T::store(simd, part, scaled);
    }
}
