//! Which form a computation has, by its shape and the kind of the device, and how workgroups cover it.

use super::adapters::{Adapter, WIDE_WORKGROUPS};
use super::choices::Choices;
use super::forms::{AttentionForm, ExtensionForm, GreedyForm, ProductForm, RecurrenceForm, StateForm};
use super::weights::bytes;
use crate::Result;
use crate::config::Window;
use crate::request::Precision;

/// Threads that keep a device busy, about: fewer are worth splitting products for.
const BUSY_THREADS: usize = 1 << 16;

/// Queries that keep a device busy, about, a workgroup of 128 threads each: eight for each processor of a large one.
const BUSY_QUERIES: usize = 1024;

/// How a product is computed, and how workgroups cover its rows × quads of outputs.
#[derive(Clone, Copy, Debug)]
pub struct Tiling {
    /// How it is computed.
    pub form: ProductForm,
    /// Workgroups along outputs and rows, and products side by side.
    pub workgroups: [u32; 3],
}

/// Products of the same shape, side by side.
#[derive(Clone, Copy, Debug)]
pub struct Products {
    /// Of x and of y.
    pub rows: usize,
    /// Of outputs.
    pub quads: usize,
    /// Quads of inputs.
    pub inputs: usize,
    /// How many products.
    pub count: usize,
}

impl Products {
    /// One alone.
    pub fn one(rows: usize, quads: usize, inputs: usize) -> Self {
        Self { rows, quads, inputs, count: 1 }
    }

    /// Whether so many threads for each block of outputs keep the device busy.
    fn are_busy(self, slices: u32) -> bool {
        self.block_rows() * self.quads * self.count * slices as usize >= BUSY_THREADS
    }

    /// Rows of blocks of outputs.
    fn block_rows(self) -> usize {
        self.rows.div_ceil(4)
    }
}

impl Tiling {
    fn new(form: ProductForm, products: Products) -> Self {
        // What a workgroup covers, as `shared/fetched.wgsl` and `shared/registers.wgsl` say.
        let [rows_each, quads_each] = match form {
            ProductForm::Registers { slices } => {
                let columns = Self::columns(slices);
                [1024 / (slices as usize * columns), columns]
            }
            ProductForm::Staged | ProductForm::Cooperative | ProductForm::CooperativePlain => [64, 32],
        };
        let Products { rows, quads, count, .. } = products;
        Self {
            form,
            workgroups: [quads.div_ceil(quads_each), rows.div_ceil(rows_each), count].map(|count| count as u32),
        }
    }

    /// Quads side by side in a workgroup, where so many threads share a block in registers.
    const fn columns(slices: u32) -> usize {
        match slices {
            32 | 64 => 4,
            8 => 8,
            _ => 16,
        }
    }

    /// The form of products, by their shape and the kind of the device, unless it is `forced`.
    pub fn choose(forced: Option<ProductForm>, hardware: bool, products: Products) -> Self {
        Self::staged(forced, hardware, products).unwrap_or_else(|| Self::choose_registers(forced, hardware, products))
    }

    /// The same for kernels that have no staged form: steps of recurrent layers, whose rows are a batch.
    ///
    /// Threads share a block where there are few, as far as each has some of the inputs, but at least 16 the blocks of four
    /// rows alone. On hardware the workgroups of 8, 32 and 64 slices have about as many rows as columns, if there are so
    /// many: each reads its own, so all of them together read the least. In software it matters more that neighbours read
    /// what lies side by side.
    pub fn choose_registers(forced: Option<ProductForm>, hardware: bool, products: Products) -> Self {
        if let Some(forced @ ProductForm::Registers { .. }) = forced {
            return Self::new(forced, products);
        }
        if !hardware {
            return Self::registers_in_tiles(None, false, products);
        }
        let Products { inputs, .. } = products;
        let blocks = products.block_rows();
        let fits = |slices: &u32| *slices as usize <= inputs;
        // Half as many rows as a workgroup has.
        let fills = |slices: u32| blocks * slices as usize * Self::columns(slices) >= 128;
        let shared = match blocks {
            0 | 1 => Some(if fits(&64) { 64 } else { 16 }),
            _ => [1, 4, 8].into_iter().find(|slices| fits(slices) && fills(*slices) && products.are_busy(*slices)),
        };
        let slices = shared.or_else(|| [32, 8, 4].into_iter().find(fits)).unwrap_or(1);
        Self::new(ProductForm::Registers { slices }, products)
    }

    /// The same where outputs are told apart by tiles of sixteen quads: of the generator.
    pub fn choose_of_tiles(forced: Option<ProductForm>, hardware: bool, products: Products) -> Self {
        Self::staged(forced, hardware, products).unwrap_or_else(|| Self::registers_in_tiles(forced, hardware, products))
    }

    /// In registers, sixteen quads side by side.
    fn registers_in_tiles(forced: Option<ProductForm>, hardware: bool, products: Products) -> Self {
        let fills = |slices: &u32| products.block_rows() * *slices as usize >= 16;
        let slices = match forced {
            Some(ProductForm::Registers { slices }) => [16, 4, 1].into_iter().find(|&most| most <= slices),
            _ => [1, 4, 16].into_iter().find(|slices| fills(slices) && (!hardware || products.are_busy(*slices))),
        };
        Self::new(ProductForm::Registers { slices: slices.unwrap_or(16) }, products)
    }

    /// That of products through workgroup memory, where it is the fastest unless another form is `forced`.
    ///
    /// Its workgroups, which are large, have to keep the device busy and must not be empty for the most part; few rows are
    /// worth sharing every block of outputs among more threads. Matrices of halves are never chosen: no card has run them
    /// yet.
    fn staged(forced: Option<ProductForm>, hardware: bool, products: Products) -> Option<Self> {
        /// Blocks of outputs of a workgroup.
        const STAGED_BLOCKS: usize = 16 * 32;
        if let Some(forced) = forced {
            let registers = matches!(forced, ProductForm::Registers { .. });
            return (!registers).then(|| Self::new(forced, products));
        }
        let staged = Self::new(ProductForm::Staged, products);
        let blocks = staged.workgroups.iter().map(|&count| count as usize).product::<usize>() * STAGED_BLOCKS;
        // What workgroups have beyond the rows and quads that there are costs as much as these.
        let fills = |size: usize, each: usize| size * 8 >= size.next_multiple_of(each) * 5;
        let filled = fills(products.rows, 64) && fills(products.quads, 32);
        (hardware && filled && blocks >= BUSY_THREADS).then_some(staged)
    }
}

/// How a recurrent layer passes over sequences in one dispatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SequenceTiling {
    /// Sentences of a workgroup.
    pub rows: u32,
    /// Threads that share a quad of gates.
    pub slices: u32,
}

impl SequenceTiling {
    /// Units of a direction that a workgroup has room for.
    const MOST_UNITS: usize = 256;

    /// Sentences, each direction for itself, beside which it does not matter that each reads the weights alone.
    const FEW: usize = 64;

    /// That of a layer with so many units and quads of gates in a direction. `None` if a dispatch a position is faster, or one
    /// workgroup cannot hold the states.
    pub fn choose(
        choices: Choices,
        hardware: bool,
        [batch, directions]: [usize; 2],
        [hidden, quads]: [usize; 2],
    ) -> Option<Self> {
        /// Bytes of recurrent weights that a workgroup reads as fast as the device goes from one dispatch to the next and
        /// reads them together. An H200 took 15 to 24 µs for a position of 1 MiB with one workgroup of 256 threads, 6.2
        /// with 1,024, and 6.8 with a dispatch.
        const NEAR: usize = 256 << 10;
        const NEAR_WIDE: usize = 1 << 20;
        /// What all workgroups together read of a cache in that time.
        const SHARED: usize = 32 << 20;
        let near = if choices.wide { NEAR_WIDE } else { NEAR };
        let rows = if batch * directions <= Self::FEW { 1 } else { 4 };
        let bytes = bytes(choices.precision, hidden * quads);
        let worth = match choices.recurrence {
            Some(form) => form == RecurrenceForm::Sequence,
            None => hardware && bytes <= near && batch.div_ceil(rows) * directions * bytes <= SHARED,
        };
        let slices = (choices.threads() / (quads as u32).next_power_of_two()).clamp(1, 16);
        let fits = (1..=Self::MOST_UNITS).contains(&hidden);
        (worth && fits).then_some(Self { rows: rows as u32, slices })
    }
}

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
    fn form(self, forced: Option<AttentionForm>, hardware: bool) -> AttentionForm {
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

/// Symbols whose candidates a workgroup of `generator_extend.wgsl` has room for.
pub const TOGETHER_SYMBOLS: usize = 128;
/// Hypotheses of a sentence.
pub const TOGETHER_BEAM: usize = 8;

/// Where the logits of a search with so many hypotheses of a sentence are told apart; `sizes` are the generator's symbols and
/// inputs. One workgroup has those of a sentence where both are together, at most of [`TOGETHER_SYMBOLS`] and [`TOGETHER_BEAM`].
pub fn extension_form(
    choices: Choices,
    hardware: bool,
    [batch, beam]: [usize; 2],
    [symbols, inputs]: [usize; 2],
) -> ExtensionForm {
    /// Bytes of the generator that a workgroup reads in the time of a dispatch, which reads as many for a tile of symbols; and
    /// what all workgroups together read of a cache in that time.
    const NEAR: usize = 256 << 10;
    const SHARED: usize = 16 << 20;
    let bytes = bytes(choices.precision, symbols.div_ceil(4) * inputs);
    let worth = hardware && bytes <= NEAR && batch * bytes <= SHARED;
    let fits = symbols <= TOGETHER_SYMBOLS && beam <= TOGETHER_BEAM;
    match choices.extension {
        _ if !fits => ExtensionForm::Apart,
        Some(form) => form,
        None if worth => ExtensionForm::Together,
        None => ExtensionForm::Apart,
    }
}

/// How greedy search takes the steps of so many sentences, where a workgroup can hold the state of one; `bytes` are those of
/// all weights of the decoder.
pub fn greedy_form(choices: Choices, hardware: bool, batch: usize, bytes: usize) -> GreedyForm {
    /// Bytes of weights that one workgroup reads in less time than the dispatches of a step take. A workgroup of an H200
    /// reads a MiB in some 20 µs with 256 threads, in 6 with 1,024; five dispatches took it 25 µs at the least, and 70 with
    /// what a processor needs to ask for them.
    const NEAR: usize = 1 << 20;
    const NEAR_WIDE: usize = 4 << 20;
    /// What all workgroups together read of a cache in 25 µs.
    const SHARED: usize = 128 << 20;
    let near = if choices.wide { NEAR_WIDE } else { NEAR };
    let worth = hardware && bytes <= near && batch * bytes <= SHARED;
    choices.greedy.unwrap_or(if worth { GreedyForm::Resident } else { GreedyForm::Steps })
}

/// The form that some shapes have, and which: for people who measure.
pub fn examples(choices: Choices, hardware: bool) -> Vec<(String, String)> {
    /// Rows and outputs of products.
    const PRODUCTS: [[usize; 2]; 4] = [[1, 2048], [64, 512], [64, 2048], [2048, 2048]];
    /// Units of an LSTM's direction.
    const LAYERS: [usize; 3] = [128, 256, 512];
    /// Sentences, queries of each, and positions of its source.
    const ATTENTION: [[usize; 3]; 4] = [[1, 5, 30], [64, 1, 1000], [2048, 1, 30], [64, 32, 32]];
    /// Units of an attentional state.
    const STATES: [usize; 2] = [128, 512];
    /// Symbols and inputs of generators.
    const EXTENSIONS: [[usize; 2]; 2] = [[72, 512], [10_000, 512]];
    /// KiB of weights, and sentences.
    const GREEDY: [[usize; 2]; 3] = [[1300, 1], [1300, 64], [1300, 512]];
    let product = |[rows, outputs]: [usize; 2]| {
        let tiling = Tiling::choose(choices.product, hardware, Products::one(rows, outputs / 4, 128));
        (format!("product of {rows} rows, 512 inputs and {outputs} outputs"), tiling.form.to_string())
    };
    let layer = |hidden: usize| {
        let sequence = SequenceTiling::choose(choices, hardware, [1, 1], [hidden, hidden]);
        let form = if sequence.is_some() { RecurrenceForm::Sequence } else { RecurrenceForm::Positions };
        (format!("LSTM layer of {hidden} units"), form.to_string())
    };
    let attending = |[batch, tgt_len, src_len]: [usize; 3], units: usize| {
        let sizes = Attended { batch, tgt_len, src_len, columns: [units; 2] };
        AttentionTiling::choose(choices, hardware, Window::Global, true, sizes)
    };
    let attention = |sizes: [usize; 3]| {
        let form = attending(sizes, 512).form(choices.attention, hardware);
        let [batch, tgt_len, src_len] = sizes;
        (format!("attention of {batch} × {tgt_len} queries over {src_len} positions of 512"), form.to_string())
    };
    let state = |units: usize| {
        let whole = attending([64, 1, 30], units) == AttentionTiling::Whole;
        let form = if whole { state_form(choices, hardware, 64, units * units / 4) } else { StateForm::Apart };
        (format!("attentional state of {units} units, 30 positions"), form.to_string())
    };
    let extension = |[symbols, inputs]: [usize; 2]| {
        let form = extension_form(choices, hardware, [1, 5], [symbols, inputs]);
        (format!("generator of {symbols} symbols from {inputs} units and extension"), form.to_string())
    };
    let greedy = |[kib, batch]: [usize; 2]| {
        let form = greedy_form(choices, hardware, batch, kib << 10);
        (format!("greedy search, batch {batch}, a decoder of {kib} KiB"), form.to_string())
    };
    let (products, layers) = (PRODUCTS.into_iter().map(product), LAYERS.into_iter().map(layer));
    let (attention, states) = (ATTENTION.into_iter().map(attention), STATES.into_iter().map(state));
    let (extensions, greedy) = (EXTENSIONS.into_iter().map(extension), GREEDY.into_iter().map(greedy));
    products.chain(layers).chain(attention).chain(states).chain(extensions).chain(greedy).collect()
}

impl Adapter {
    /// Shapes of computations, and the form that each has on this adapter unless the environment asks for another.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownForm`](crate::Error::UnknownForm) if it asks for one that there is not.
    pub fn forms(&self) -> Result<Vec<(String, String)>> {
        let choices = Choices { wide: self.has(WIDE_WORKGROUPS), ..Choices::best(Precision::F32).as_asked_for()? };
        Ok(match self.refusal(choices) {
            None => examples(choices, self.kind.is_hardware()),
            Some(refusal) => vec![("none".to_owned(), refusal)],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_share_blocks_where_there_are_few() {
        let registers = |hardware: bool, [rows, quads, inputs, count]: [usize; 4]| {
            let tiling = Tiling::choose_registers(None, hardware, Products { rows, quads, inputs, count });
            let ProductForm::Registers { slices } = tiling.form else {
                panic!("{:?} is not in registers", tiling.form)
            };
            (slices, tiling.workgroups)
        };
        assert_eq!(registers(true, [1, 512, 128, 1]), (64, [128, 1, 1]));
        assert_eq!(registers(true, [4, 9, 64, 1]), (64, [3, 1, 1]));
        assert_eq!(registers(true, [4, 9, 63, 1]), (16, [1, 1, 1]));
        assert_eq!(registers(true, [5, 512, 128, 1]), (32, [128, 1, 1]));
        assert_eq!(registers(true, [64, 128, 128, 1]), (32, [32, 8, 1]));
        assert_eq!(registers(true, [64, 512, 128, 1]), (8, [64, 4, 1]));
        assert_eq!(registers(true, [64, 512, 128, 2]), (4, [32, 4, 2]));
        assert_eq!(registers(true, [512, 512, 128, 1]), (1, [32, 8, 1]));
        assert_eq!(registers(true, [10, 128, 8, 64]), (4, [8, 1, 64]));
        assert_eq!(registers(true, [8, 64, 2, 512]), (1, [4, 1, 512]));
        assert_eq!(registers(true, [50, 8, 128, 128]), (8, [1, 4, 128]));
        assert_eq!(registers(true, [0, 8, 0, 1]), (16, [1, 0, 1]));
        assert_eq!(registers(false, [1, 512, 128, 1]), (16, [32, 1, 1]));
        assert_eq!(registers(false, [64, 512, 128, 1]), (1, [32, 1, 1]));
        let chosen = |[rows, quads, count]: [usize; 3]| {
            Tiling::choose(None, true, Products { rows, quads, inputs: 128, count }).form
        };
        assert_eq!(chosen([50, 128, 64]), ProductForm::Staged);
        assert_eq!(chosen([50, 8, 128]), ProductForm::Registers { slices: 8 });
        let of_tiles = |forced: Option<ProductForm>, rows: usize| {
            Tiling::choose_of_tiles(forced, true, Products::one(rows, 2500, 128)).form
        };
        assert_eq!(of_tiles(None, 1), ProductForm::Registers { slices: 16 });
        assert_eq!(of_tiles(None, 512), ProductForm::Staged);
        for (forced, slices) in [(1, 1), (8, 4), (64, 16)] {
            let forced = Some(ProductForm::Registers { slices: forced });
            assert_eq!(of_tiles(forced, 512), ProductForm::Registers { slices });
        }
    }

    fn chosen(wide: bool, recurrence: Option<RecurrenceForm>, sentences: usize, sizes: [usize; 2]) -> Option<[u32; 2]> {
        let choices = Choices { wide, recurrence, ..Choices::best(Precision::F32) };
        let tiling = SequenceTiling::choose(choices, true, [sentences, 1], sizes)?;
        Some([tiling.rows, tiling.slices])
    }

    #[test]
    fn a_sequence_is_for_few_weights() {
        assert_eq!(chosen(false, None, 1, [128, 128]), Some([1, 2]));
        assert_eq!(chosen(false, None, 128, [100, 100]), Some([4, 2]));
        assert_eq!(chosen(false, None, 128, [256, 64]), Some([4, 4]));
        assert_eq!(chosen(false, None, 65, [7, 2]), Some([4, 16]));
        assert_eq!(chosen(false, None, 1, [129, 129]), None);
        assert_eq!(chosen(true, None, 1, [256, 256]), Some([1, 4]));
        assert_eq!(chosen(true, None, 128, [256, 256]), Some([4, 4]));
        assert_eq!(chosen(true, None, 129, [256, 256]), None);
        let forced = Some(RecurrenceForm::Sequence);
        assert_eq!(chosen(false, forced, 1, [256, 256]), Some([1, 1]));
        assert_eq!(chosen(false, forced, 1, [257, 257]), None);
        assert_eq!(chosen(false, Some(RecurrenceForm::Positions), 1, [7, 7]), None);
        assert_eq!(SequenceTiling::choose(Choices::best(Precision::F32), false, [1, 1], [7, 7]), None);
    }

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

    #[test]
    fn a_search_has_few_dispatches_where_its_weights_are_few() {
        let extension = |precision, sizes, generator| extension_form(Choices::best(precision), true, sizes, generator);
        assert_eq!(extension(Precision::F32, [1, 5], [72, 512]), ExtensionForm::Together);
        assert_eq!(extension(Precision::F32, [512, 5], [72, 512]), ExtensionForm::Apart);
        assert_eq!(extension(Precision::F32, [1, 1], [128, 513]), ExtensionForm::Apart);
        assert_eq!(extension(Precision::F16, [1, 1], [128, 513]), ExtensionForm::Together);
        for beyond in [[1, 129], [9, 128]] {
            let choices = Choices { extension: Some(ExtensionForm::Together), ..Choices::best(Precision::F32) };
            assert_eq!(extension_form(choices, true, [1, beyond[0]], [beyond[1], 8]), ExtensionForm::Apart);
        }
        let greedy = |wide, batch, kib: usize| {
            greedy_form(Choices { wide, ..Choices::best(Precision::F32) }, true, batch, kib << 10)
        };
        assert_eq!(greedy(true, 32, 4096), GreedyForm::Resident);
        assert_eq!(greedy(true, 33, 4096), GreedyForm::Steps);
        assert_eq!(greedy(true, 1, 4097), GreedyForm::Steps);
        assert_eq!(greedy(false, 128, 1024), GreedyForm::Resident);
        assert_eq!(greedy(false, 1, 1025), GreedyForm::Steps);
        assert_eq!(greedy_form(Choices::best(Precision::F32), false, 1, 1), GreedyForm::Steps);
    }
}
