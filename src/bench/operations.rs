//! Single operations at the sizes of real models.

use super::timing::{measure, measure_on_device};
use super::{Instruments, Row, Size};
use crate::Result;
use crate::backend::{Activation, LengthPenalty, Positions, Training};
use crate::device::Precision;
use crate::model::{Cell, Score, Window};
use crate::verify::cases::{
    AttentionCase, Case, EmbeddingCase, ExtendCase, Fed, Gates, LinearCase, Logits, Part, RecurrentLayerCase,
    RecurrentStepCase, RowsCase, RowsOperation,
};

/// A case and the name that the PyTorch benchmark has for it.
#[derive(Clone, Debug)]
pub struct NamedCase {
    /// The name.
    pub name: String,
    /// The case.
    pub case: Case,
}

/// The operations to measure, small ones first.
pub fn cases(size: Size) -> Vec<NamedCase> {
    let mut cases = small();
    if size == Size::Large {
        cases.extend(large());
    }
    cases
}

fn small() -> Vec<NamedCase> {
    let mut cases = vec![
        embedding(64 * 50, 10_000, 512),
        linear(1, 512, 512),
        linear(64, 512, 512),
        linear(512, 256, 43),
        log_softmax(64, 10_000),
        extend(1, 1, 256, 43),
        extend(64, 1, 512, 43),
        extend(64, 5, 512, 43),
        step(Cell::Lstm, 1, 512),
        step(Cell::Lstm, 64, 512),
        attention(64, 1, 50, 512),
        attention(512, 1, 30, 256),
    ];
    for cell in [Cell::Lstm, Cell::Gru, Cell::Tanh] {
        cases.extend([layer(cell, 1, 50, 512), layer(cell, 32, 30, 256)]);
    }
    cases
}

fn large() -> Vec<NamedCase> {
    let mut cases = vec![
        matmul(1024),
        linear(64, 512, 32_000),
        log_softmax(64, 32_000),
        extend(64, 1, 512, 10_000),
        extend(64, 5, 512, 10_000),
        attention(64, 32, 32, 512),
        attention(16, 128, 128, 1024),
        attention(64, 50, 50, 512),
        attention(64, 1, 1000, 512),
    ];
    cases.extend([Cell::Lstm, Cell::Gru, Cell::Tanh].map(|cell| layer(cell, 64, 50, 512)));
    cases
}

fn embedding(ids: usize, vocab_size: usize, embedding_size: usize) -> NamedCase {
    let name = format!("embedding {ids} of {vocab_size}x{embedding_size}");
    NamedCase { name, case: EmbeddingCase { vocab_size, embedding_size, ids }.into() }
}

fn linear(rows: usize, inputs: usize, outputs: usize) -> NamedCase {
    let case = LinearCase { rows, inputs, outputs, bias: true, activation: Activation::Identity, accumulate: false };
    NamedCase { name: format!("linear {rows}x{inputs}x{outputs}"), case: case.into() }
}

fn matmul(size: usize) -> NamedCase {
    let activation = Activation::Identity;
    let case = LinearCase { rows: size, inputs: size, outputs: size, bias: false, activation, accumulate: false };
    NamedCase { name: format!("matmul {size}^3"), case: case.into() }
}

fn log_softmax(rows: usize, vocab_size: usize) -> NamedCase {
    let case = RowsCase { operation: RowsOperation::LogSoftmax, rows, vocab_size, logits: Logits::Ordinary };
    NamedCase { name: format!("log_softmax {rows}x{vocab_size}"), case: case.into() }
}

/// The second of two steps is what costs: the first is of one hypothesis a sentence.
fn extend(batch: usize, beam: usize, hidden: usize, vocab_size: usize) -> NamedCase {
    let case = ExtendCase {
        batch,
        hidden,
        vocab_size,
        beam,
        n_best: 1,
        length_penalty: LengthPenalty::None,
        steps: if beam == 1 { 1 } else { 2 },
        limit: 9,
        eos: -50.0,
        twins: false,
        mixed: false,
        covered: false,
    };
    NamedCase { name: format!("extend B{batch} K{beam} H{hidden} V{vocab_size}"), case: case.into() }
}

fn step(cell: Cell, batch: usize, size: usize) -> NamedCase {
    let gates = Gates::Ordinary;
    let case = RecurrentStepCase { cell, fed: Fed::Rows(size), feed: 0, hidden: size, earlier: batch, batch, gates };
    NamedCase { name: format!("{} step B{batch} H{size}", torch_name(cell)), case: case.into() }
}

fn layer(cell: Cell, batch: usize, len: usize, size: usize) -> NamedCase {
    let case = RecurrentLayerCase {
        cell,
        directions: 1,
        fed: Fed::Rows(size),
        hidden: size,
        batch,
        len,
        ragged: false,
        initial: false,
        gates: Gates::Ordinary,
    };
    NamedCase { name: format!("{} 1 layers B{batch} T{len} H{size}", torch_name(cell)), case: case.into() }
}

fn attention(batch: usize, tgt_len: usize, src_len: usize, size: usize) -> NamedCase {
    let case = AttentionCase {
        part: Part::Whole,
        score: Score::Dot,
        window: Window::Global,
        half_width: 0,
        batch,
        src_len,
        ragged: false,
        tgt_len,
        key_size: size,
        memory_size: size,
        hidden: size,
        positions: Positions::From(0),
        rows: tgt_len,
        first_row: 0,
        extreme: false,
    };
    NamedCase { name: format!("attention {batch}x{tgt_len}x{src_len}x{size}"), case: case.into() }
}

/// The cell's class in torch.nn.
fn torch_name(cell: Cell) -> &'static str {
    match cell {
        Cell::Tanh => "RNN",
        Cell::Gru => "GRU",
        Cell::Lstm => "LSTM",
    }
}

/// Measures one case for `seconds`, and as long again by the device's own clock where it has one.
pub async fn run<B: Training>(
    backend: &B,
    instruments: Instruments<'_>,
    precision: Precision,
    named: &NamedCase,
    seconds: f64,
) -> Result<Row> {
    let mut ready = named.case.prepare(backend, &named.case.inputs(precision))?;
    let (timing, counters) = measure(backend, seconds, async || ready.run(backend).await).await?;
    let (device_s, kernels) = measure_on_device(instruments, seconds, async || ready.run(backend).await).await?;
    let time = device_s.unwrap_or(timing.median_s);
    let (work, peaks) = (named.case.work(), instruments.peaks);
    let bytes = work.bytes(precision);
    let flops = (work.flops > 0.0).then_some(work.flops);
    Ok(Row {
        case: named.name.clone(),
        operation: named.case.name(),
        timing,
        device_s,
        rate: Some(flops.unwrap_or(bytes) / timing.median_s / 1e9),
        unit: if flops.is_some() { "GFLOP/s" } else { "GB/s" },
        bytes: Some(bytes),
        share_of_bandwidth: peaks.map(|peaks| bytes / time / peaks.copy_bytes_per_s),
        flops,
        share_of_flops: flops.zip(peaks).map(|(flops, peaks)| flops / time / peaks.flops),
        counters,
        cpu_median_s: None,
        kernels,
    })
}
