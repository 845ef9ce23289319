//! How workgroups share attention, and when the attentional state is computed with it.

use crate::config::Window;
use crate::gpu::choices::Choices;
use crate::gpu::forms::{AttentionForm, StateForm};
use crate::gpu::weights::bytes;

/// Queries that keep a device busy, about, a workgroup of 128 threads each: eight for each processor of a large one.
const BUSY_QUERIES: usize = 1024;

/// Where attention keeps the scores of a whole source. Workgroup memory is nearer than a cache where there is such a
/// thing.
pub fn attention_form(forced: Option<AttentionForm>, hardware: bool) -> AttentionForm {
    let kept = forced.filter(|form| matches!(form, AttentionForm::Near | AttentionForm::Far));
    kept.unwrap_or(if hardware { AttentionForm::Near } else { AttentionForm::Far })
}

/// How the sources of attention are divided among workgroups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceTiling {
    /// Source positions of a workgroup.
    pub chunk: usize,
    /// Workgroups of a query: at most 1,024, as `attention_join.wgsl` says.
    pub chunks: usize,
}

impl SourceTiling {
    /// Source positions that a workgroup scores at a time.
    const STEP: usize = 32;

    /// That of the sources of so many queries, whose memory has so many columns; `None` where a workgroup has a query's whole
    /// source: where the queries alone keep the device busy, sources are short, or windows leave little of them.
    pub fn choose(
        choices: Choices,
        hardware: bool,
        window: Window,
        [queries, src_len, columns]: [usize; 3],
    ) -> Option<Self> {
        /// Numbers of the memory that a workgroup reads in the time of two dispatches more, which join chunks and may have
        /// been saved before: its loads wait one behind the other, and an H200 took 0.39 µs for 512.
        const WORTH: usize = 8192;
        /// Where it is asked for, small sources have several chunks too.
        const FORCED: usize = 16;
        let forced = choices.attention == Some(AttentionForm::Split);
        let (step, most) = if forced { (FORCED, BUSY_QUERIES) } else { (Self::STEP, BUSY_QUERIES / queries.max(1)) };
        let chunk = src_len.div_ceil(most.max(1)).max(1).next_multiple_of(step);
        let chunks = src_len.div_ceil(chunk).max(1);
        let saved = src_len.saturating_sub(chunk) * columns;
        let worth = choices.attention.is_none() && hardware && window == Window::Global && saved > WORTH;
        (forced || worth).then_some(Self { chunk, chunks })
    }
}

/// How workgroups share attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttentionTiling {
    /// A workgroup has a query's whole source.
    Whole,
    /// Several have a query's source.
    Divided(SourceTiling),
    /// The queries of a sentence are rows of matrices, and so are the positions of its source.
    Products,
}

/// The sizes of attention: so many queries of so many sentences, over so many source positions.
#[derive(Clone, Copy, Debug)]
pub struct Attended {
    /// Sentences.
    pub batch: usize,
    /// Queries of each.
    pub tgt_len: usize,
    /// Positions of each.
    pub src_len: usize,
    /// Columns of a key, and of the memory.
    pub columns: [usize; 2],
}

impl AttentionTiling {
    /// That of attention with this window, whose scores may be products of queries and keys.
    pub fn choose(choices: Choices, hardware: bool, window: Window, of_products: bool, sizes: Attended) -> Self {
        /// Queries of a sentence that are worth reading its source together.
        const QUERIES: usize = 8;
        /// Numbers that workgroups with a query each read of a cache in the time of two dispatches more.
        const WORTH: usize = 8 << 20;
        let Attended { batch, tgt_len, src_len, columns: [key_size, memory_size] } = sizes;
        let numbers = batch * tgt_len * src_len * (key_size + memory_size);
        let worth = hardware && tgt_len >= QUERIES && numbers >= WORTH;
        let products = choices.attention.map_or(worth, |form| form == AttentionForm::Products);
        if products && of_products && window == Window::Global && src_len > 0 {
            return Self::Products;
        }
        SourceTiling::choose(choices, hardware, window, [batch * tgt_len, src_len, memory_size])
            .map_or(Self::Whole, Self::Divided)
    }

    /// The form that this is, on a device of that kind.
    pub fn form(self, forced: Option<AttentionForm>, hardware: bool) -> AttentionForm {
        match self {
            Self::Whole => attention_form(forced, hardware),
            Self::Divided(_) => AttentionForm::Split,
            Self::Products => AttentionForm::Products,
        }
    }
}

/// How attentional states of so many queries are computed, whose W has so many quads.
pub fn state_form(choices: Choices, hardware: bool, queries: usize, quads: usize) -> StateForm {
    /// Bytes of W that a workgroup reads in less time than another dispatch takes. A processor of an H200 streamed 44 to
    /// 70 GB/s from a cache, so that these take it 1 to 1.5 µs; with half the threads it may take twice that. A dispatch
    /// begins 2 to 2.5 µs behind the one before, and then has to read W too.
    const NEAR: usize = 64 << 10;
    // More queries wait for each other, and each reads W again: a product shares what it reads among rows.
    let worth = hardware && queries <= BUSY_QUERIES && bytes(choices.precision, quads) <= NEAR;
    choices.state.unwrap_or(if worth { StateForm::Together } else { StateForm::Apart })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Precision;

    #[test]
    fn sources_are_divided_where_queries_are_few() {
        let chosen =
            |attention: Option<AttentionForm>, hardware: bool, window: Window, [queries, src_len]: [usize; 2]| {
                let choices = Choices { attention, ..Choices::best(Precision::F32) };
                SourceTiling::choose(choices, hardware, window, [queries, src_len, 512])
                    .map(|tiling| [tiling.chunk, tiling.chunks])
            };
        let best = |sizes| chosen(None, true, Window::Global, sizes);
        assert_eq!(best([64, 1000]), Some([64, 16]));
        assert_eq!(best([1, 1000]), Some([32, 32]));
        assert_eq!(best([1, 100_000]), Some([128, 782]));
        assert_eq!(best([512, 50]), Some([32, 2]));
        for whole in [[1, 32], [1, 48], [513, 1000], [2048, 1000], [0, 0]] {
            assert_eq!(best(whole), None, "{whole:?}");
        }
        assert_eq!(chosen(None, false, Window::Global, [1, 1000]), None);
        let narrow = |src_len| {
            SourceTiling::choose(Choices::best(Precision::F32), true, Window::Global, [1, src_len, 64]).is_some()
        };
        assert!(!narrow(160) && narrow(161), "of 64 columns more positions are worth it");
        assert_eq!(chosen(None, true, Window::LocalM, [1, 1000]), None);
        assert_eq!(chosen(Some(AttentionForm::Near), true, Window::Global, [1, 1000]), None);
        let forced = |sizes| chosen(Some(AttentionForm::Split), false, Window::LocalP, sizes);
        assert_eq!(forced([2048, 71]), Some([16, 5]));
        assert_eq!(forced([1, 9]), Some([16, 1]));
        assert_eq!(forced([1, 20_000]), Some([32, 625]));
        assert_eq!(forced([1, 0]), Some([16, 1]));
    }

    #[test]
    fn many_queries_read_a_source_together() {
        let chosen = |attention, hardware, window, of_products, [batch, tgt_len, src_len]: [usize; 3]| {
            let choices = Choices { attention, ..Choices::best(Precision::F32) };
            let sizes = Attended { batch, tgt_len, src_len, columns: [512, 256] };
            AttentionTiling::choose(choices, hardware, window, of_products, sizes)
        };
        let best = |sizes| chosen(None, true, Window::Global, true, sizes);
        assert_eq!(best([64, 32, 32]), AttentionTiling::Products);
        assert_eq!(best([64, 8, 22]), AttentionTiling::Products);
        assert_eq!(best([64, 8, 21]), AttentionTiling::Whole);
        assert_eq!(best([512, 7, 32]), AttentionTiling::Whole);
        for other in [
            chosen(None, false, Window::Global, true, [64, 32, 32]),
            chosen(None, true, Window::LocalM, true, [64, 32, 32]),
            chosen(None, true, Window::Global, false, [64, 32, 32]),
            chosen(Some(AttentionForm::Near), true, Window::Global, true, [64, 32, 32]),
            chosen(Some(AttentionForm::Products), true, Window::Global, true, [64, 32, 0]),
        ] {
            assert_eq!(other, AttentionTiling::Whole);
        }
        let forced = |window| chosen(Some(AttentionForm::Products), false, window, true, [1, 1, 1]);
        assert_eq!(forced(Window::Global), AttentionTiling::Products);
        assert_eq!(forced(Window::LocalP), AttentionTiling::Whole);
        let divided = chosen(None, true, Window::Global, true, [1, 2, 1000]);
        assert_eq!(divided, AttentionTiling::Divided(SourceTiling { chunk: 32, chunks: 32 }));
    }

    #[test]
    fn a_state_is_computed_with_attention_where_its_weights_are_few() {
        let chosen = |precision, hardware, queries, units: usize| {
            state_form(Choices::best(precision), hardware, queries, units * units / 4)
        };
        assert_eq!(chosen(Precision::F32, true, 320, 128), StateForm::Together);
        assert_eq!(chosen(Precision::F32, true, 320, 132), StateForm::Apart);
        assert_eq!(chosen(Precision::F16, true, 1, 180), StateForm::Together);
        assert_eq!(chosen(Precision::F32, true, 1025, 128), StateForm::Apart);
        assert_eq!(chosen(Precision::F32, false, 1, 4), StateForm::Apart);
        let forced = Choices { state: Some(StateForm::Together), ..Choices::best(Precision::F32) };
        assert_eq!(state_form(forced, false, 5000, 1 << 20), StateForm::Together);
    }
}
