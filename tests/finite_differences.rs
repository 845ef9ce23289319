//! Every operation's gradients against differences of its own results, on the CPU in 64 bits.
//!
//! L = Σ of the results times fixed numbers; the derivative of L by an element is (L(x + ε) − L(x − ε)) / 2ε. Every
//! element of small inputs is changed; the largest error is part of every failure.

use seq2seq::Storage;
use seq2seq::backend::{
    Activation, Attention, AttentionGradients, Dropout, GateLayout, GeneratorGradients, LossOptions, Occurrences,
    Positions, Sequence, State, Training,
};
use seq2seq::batch::{Batch, NO_TARGET, PairBatch};
use seq2seq::cpu::{Cpu, Matrix};
use seq2seq::model::{Cell, Config, Parameters, Score, Window};
use seq2seq::nn::training::{Learner, StepOptions};
use seq2seq::{Array, Backend, Result, block_on};

type M = Matrix<f64>;

const CPU: fn() -> Cpu<f64> = Cpu::new;
const EPSILON: f64 = 1e-6;
/// The error of a central difference: ε² times a third derivative, and rounding divided by ε.
const TOLERANCE: f64 = 1e-7;

/// Numbers that depend on nothing but their stream.
fn numbers(stream: u64, count: usize) -> Vec<f64> {
    let mut state = stream.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64 * 2.0 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

fn matrix(rows: usize, cols: usize, data: &[f64]) -> Result<M> {
    let mut matrix = CPU().zeros(rows, cols)?;
    CPU().write(&mut matrix, data)?;
    Ok(matrix)
}

fn read(matrix: &M) -> Vec<f64> {
    block_on(CPU().read(matrix)).expect("a CPU can always be read")
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// An input with its name, and whether an element takes part.
struct Input {
    name: &'static str,
    data: Vec<f64>,
    free: fn(usize) -> bool,
}

fn input(name: &'static str, stream: u64, count: usize) -> Input {
    Input { name, data: numbers(stream, count), free: |_| true }
}

/// Compares `gradients` with differences of `loss`, both functions of the inputs' elements.
fn check(
    case: &str,
    mut inputs: Vec<Input>,
    loss: impl Fn(&[&[f64]]) -> Result<f64>,
    gradients: impl Fn(&[&[f64]]) -> Result<Vec<Vec<f64>>>,
) -> Result<()> {
    let views = |inputs: &[Input]| -> Vec<Vec<f64>> { inputs.iter().map(|input| input.data.clone()).collect() };
    let slices = |data: &[Vec<f64>]| -> Result<f64> { loss(&data.iter().map(Vec::as_slice).collect::<Vec<_>>()) };
    let data = views(&inputs);
    let found = gradients(&data.iter().map(Vec::as_slice).collect::<Vec<_>>())?;
    assert_eq!(found.len(), inputs.len(), "{case}");
    let mut moved = false;
    for which in 0..inputs.len() {
        assert_eq!(found[which].len(), inputs[which].data.len(), "{case}: {}", inputs[which].name);
        let scale = found[which].iter().fold(1.0_f64, |largest, d| largest.max(d.abs()));
        for (index, &gradient) in found[which].iter().enumerate() {
            if !(inputs[which].free)(index) {
                continue;
            }
            let here = inputs[which].data[index];
            let mut at = |value: f64| {
                inputs[which].data[index] = value;
                slices(&views(&inputs))
            };
            let slope = (at(here + EPSILON)? - at(here - EPSILON)?) / (2.0 * EPSILON);
            inputs[which].data[index] = here;
            let (name, error) = (inputs[which].name, (slope - gradient).abs() / scale);
            assert!(error <= TOLERANCE, "{case}: d_{name}[{index}] is {gradient}, not {slope}");
            moved |= slope != 0.0;
        }
    }
    assert!(moved, "{case}: nothing depends on anything");
    Ok(())
}

#[test]
fn a_check_finds_a_gradient_that_is_wrong() {
    let wrong = std::panic::catch_unwind(|| {
        check(
            "square",
            vec![input("x", 1, 3)],
            |x| Ok(dot(x[0], x[0])),
            |x| Ok(vec![x[0].iter().enumerate().map(|(i, x)| 2.0 * x * if i == 1 { 1.01 } else { 1.0 }).collect()]),
        )
    });
    assert!(wrong.is_err());
}

#[test]
fn linear_layers() -> Result<()> {
    let (rows, inner, cols) = (5, 7, 6);
    let weights = numbers(9, rows * cols);
    [Activation::Identity, Activation::Tanh, Activation::Relu].into_iter().try_for_each(|activation| {
        let forward = |x: &[&[f64]]| -> Result<M> {
            let mut y = matrix(rows, cols, x[3])?;
            let (a, b, bias) = (matrix(rows, inner, x[0])?, matrix(cols, inner, x[1])?, matrix(1, cols, x[2])?);
            CPU().matmul_nt(&a, &b, Some(&bias), activation, true, &mut y)?;
            Ok(y)
        };
        let inputs = vec![
            input("x", 1, rows * inner),
            input("w", 2, cols * inner),
            input("b", 3, cols),
            input("before", 4, rows * cols),
        ];
        check(
            "activation(x Wᵀ + b + y)",
            inputs,
            |x| Ok(dot(&read(&forward(x)?), &weights)),
            |x| {
                let mut d_y = matrix(rows, cols, &weights)?;
                CPU().activation_backward(activation, &forward(x)?, &mut d_y)?;
                let (mut d_x, mut d_w, mut d_b) =
                    (CPU().zeros(rows, inner)?, CPU().zeros(cols, inner)?, CPU().zeros(1, cols)?);
                CPU().matmul_nn(&d_y, &matrix(cols, inner, x[1])?, false, &mut d_x)?;
                CPU().matmul_tn(&d_y, &matrix(rows, inner, x[0])?, None, &mut d_w, Some(&mut d_b))?;
                Ok(vec![read(&d_x), read(&d_w), read(&d_b), read(&d_y)])
            },
        )
    })
}

#[test]
fn embeddings_and_dropout() -> Result<()> {
    let batch = Batch::new(&[vec![2, 1, 2, 4], vec![3], vec![4, 2]], 0, 5)?;
    let (rows, cols) = (batch.batch() * batch.len(), 3);
    // What stands behind a sentence has no part in anything.
    let mut weights = numbers(8, rows * cols);
    for (sentence, &length) in batch.lengths().iter().enumerate() {
        let padding = (sentence * batch.len() + length as usize) * cols..(sentence + 1) * batch.len() * cols;
        weights[padding].fill(0.0);
    }
    for rate in [0.0, 0.4] {
        let dropout = Dropout { rate, seed: 17 };
        let forward = |x: &[&[f64]]| -> Result<f64> {
            let mut out = CPU().zeros(rows, cols)?;
            CPU().embedding(&matrix(5, cols, x[0])?, &CPU().upload_ids(batch.ids())?, &mut out)?;
            CPU().dropout(dropout, &mut out)?;
            Ok(dot(&read(&out), &weights))
        };
        check(&format!("embedding, dropout {rate}"), vec![input("table", 1, 5 * cols)], forward, |_| {
            let (mut d_out, mut d_table) = (matrix(rows, cols, &weights)?, CPU().zeros(5, cols)?);
            CPU().dropout(dropout, &mut d_out)?;
            CPU().embedding_backward(&Occurrences::new(&CPU(), &batch)?, &d_out, &mut d_table)?;
            Ok(vec![read(&d_table)])
        })?;
    }
    Ok(())
}

#[test]
fn recurrent_layers() -> Result<()> {
    for cell in [Cell::Tanh, Cell::Gru, Cell::Lstm] {
        for directions in [1, 2] {
            for hidden in [3, 8] {
                recurrent_layer(GateLayout { cell, hidden, directions })?;
            }
        }
    }
    Ok(())
}

fn recurrent_layer(layout: GateLayout) -> Result<()> {
    let (lengths, len) = (vec![2, 1, 4, 3], 4);
    let (batch, units) = (lengths.len(), layout.directions * layout.hidden);
    let rows = batch * len;
    let (of_output, of_hidden, of_cell) =
        (numbers(11, rows * units), numbers(12, batch * units), numbers(13, batch * units));
    let has_cell = layout.cell.has_cell();
    let state = |hidden: &[f64], cell: &[f64]| -> Result<State<Cpu<f64>>> {
        let cell = if has_cell { Some(matrix(batch, units, cell)?) } else { None };
        Ok(State { hidden: matrix(batch, units, hidden)?, cell })
    };
    let kept = |weight: &[f64]| -> Result<M> {
        let skipped = layout.skipped_of_hidden();
        let mut weight = weight.to_vec();
        for (row, weights) in weight.chunks_exact_mut(layout.hidden).enumerate() {
            let padding = row % layout.padded() >= layout.hidden;
            if padding || skipped.is_some_and(|skipped| skipped.contains(row)) {
                weights.fill(0.0);
            }
        }
        matrix(layout.cols(), layout.hidden, &weight)
    };
    let forward = |x: &[&[f64]]| -> Result<Sequence<Cpu<f64>>> {
        let mut sequence = Sequence::zeros(&CPU(), layout, batch, len)?;
        CPU().write(&mut sequence.gates, x[0])?;
        CPU().recurrent_begin(layout, &lengths, &state(x[2], x[3])?, &mut sequence)?;
        // In two parts, as input feeding has it.
        CPU().recurrent_forward(layout, &kept(x[1])?, &lengths, 0..1, &mut sequence)?;
        CPU().recurrent_forward(layout, &kept(x[1])?, &lengths, 1..len, &mut sequence)?;
        Ok(sequence)
    };
    let loss = |x: &[&[f64]]| -> Result<f64> {
        let sequence = forward(x)?;
        let of_cell = sequence.last.cell.as_ref().map_or(0.0, |cell| dot(&read(cell), &of_cell));
        Ok(dot(&read(&sequence.output), &of_output) + dot(&read(&sequence.last.hidden), &of_hidden) + of_cell)
    };
    let inputs = vec![
        input("sums", 1, rows * layout.cols()),
        input("weight_hh", 2, layout.cols() * layout.hidden),
        input("initial", 3, batch * units),
        input("initial_cell", 4, if has_cell { batch * units } else { 0 }),
    ];
    check(&format!("{layout:?}"), inputs, loss, |x| {
        let mut sequence = forward(x)?;
        let weight = kept(x[1])?;
        let d_last = matrix(batch, units, &of_hidden)?;
        let mut carry = if has_cell { matrix(batch, units, &of_cell)? } else { CPU().zeros(batch, units)? };
        let d_output = matrix(rows, units, &of_output)?;
        for steps in [1..len, 0..1] {
            let d_last = Some(&d_last);
            CPU().recurrent_backward(layout, &weight, &lengths, steps, &d_output, d_last, &mut sequence, &mut carry)?;
        }
        let mut d_initial = CPU().zeros(batch, units)?;
        CPU().recurrent_initial_backward(layout, &weight, &lengths, &sequence, &carry, &mut d_initial)?;
        let mut d_weight = CPU().zeros(layout.cols(), layout.hidden)?;
        CPU().recurrent_weight_backward(layout, &sequence, &mut d_weight)?;
        // Weights that are no weights were changed in vain above.
        let mut d_weight = read(&d_weight);
        for (row, d) in d_weight.chunks_exact_mut(layout.hidden).enumerate() {
            if row % layout.padded() >= layout.hidden {
                d.fill(0.0);
            }
        }
        Ok(vec![read(&sequence.gates), d_weight, read(&d_initial), if has_cell { read(&carry) } else { Vec::new() }])
    })
}

#[test]
fn attention() -> Result<()> {
    for score in [Score::Dot, Score::ScaledDot, Score::General, Score::Concat, Score::Location] {
        for window in [Window::Global, Window::LocalM, Window::LocalP] {
            for half_width in [0, 2] {
                // Nothing but a centre that happens to be a whole number is in such a window.
                if (window, half_width) == (Window::LocalP, 0) {
                    continue;
                }
                attention_of(score, window, half_width)?;
            }
        }
    }
    Ok(())
}

fn attention_of(score: Score, window: Window, half_width: usize) -> Result<()> {
    let (lengths, src_len, tgt_len) = (vec![5, 1, 3], 5, 4);
    let (batch, size) = (lengths.len(), 6);
    let of_context = numbers(21, batch * tgt_len * size);
    let own_keys = matches!(score, Score::General | Score::Concat);
    struct Given {
        query: M,
        keys: M,
        memory: M,
        vectors: M,
        position: M,
    }
    let given = |x: &[&[f64]]| -> Result<Given> {
        let memory = matrix(batch * src_len, size, x[2])?;
        Ok(Given {
            query: matrix(batch * tgt_len, size, x[0])?,
            keys: if own_keys { matrix(batch * src_len, size, x[1])? } else { memory.clone() },
            memory,
            vectors: matrix(2, size, x[3])?,
            position: matrix(batch * tgt_len, size, x[4])?,
        })
    };
    fn arguments<'a>(
        given: &'a Given,
        lengths: &'a Vec<u32>,
        score: Score,
        window: Window,
        half_width: usize,
    ) -> Attention<'a, Cpu<f64>> {
        Attention {
            score,
            window,
            half_width,
            vectors: Some(&given.vectors),
            query: &given.query,
            position: Some(&given.position),
            keys: &given.keys,
            memory: &given.memory,
            lengths,
            positions: Positions::From(0),
        }
    }
    let forward = |given: &Given| -> Result<(M, M)> {
        let (mut weights, mut context) = (CPU().zeros(batch * tgt_len, src_len)?, CPU().zeros(batch * tgt_len, size)?);
        CPU().attention(&arguments(given, &lengths, score, window, half_width), &mut weights, 0, &mut context)?;
        Ok((weights, context))
    };
    let local_p = window == Window::LocalP;
    let inputs = vec![
        input("query", 1, batch * tgt_len * size),
        input("keys", 2, if own_keys { batch * src_len * size } else { 0 }),
        input("memory", 3, batch * src_len * size),
        input("vectors", 4, 2 * size),
        input("position", 5, batch * tgt_len * size),
    ];
    check(
        &format!("{score:?}, {window:?}, half width {half_width}"),
        inputs,
        |x| Ok(dot(&read(&forward(&given(x)?)?.1), &of_context)),
        |x| {
            let given = given(x)?;
            let (weights, _) = forward(&given)?;
            let arguments = arguments(&given, &lengths, score, window, half_width);
            let zeros = |like: usize| CPU().zeros(like, size);
            let mut d_scores = CPU().zeros(batch * tgt_len, src_len + 1)?;
            let (mut d_query, mut d_position) = (zeros(batch * tgt_len)?, zeros(batch * tgt_len)?);
            let d_context = matrix(batch * tgt_len, size, &of_context)?;
            let gradients = AttentionGradients {
                d_scores: &mut d_scores,
                d_query: &mut d_query,
                d_position: local_p.then_some(&mut d_position),
            };
            CPU().attention_backward(&arguments, &weights, 0, &d_context, gradients)?;
            let (mut d_keys, mut d_memory, mut d_vectors) =
                (zeros(batch * src_len)?, zeros(batch * src_len)?, zeros(2)?);
            let (keys, vectors) = (own_keys.then_some(&mut d_keys), Some(&mut d_vectors));
            CPU().attention_memory_backward(
                &arguments,
                &weights,
                &d_scores,
                &d_context,
                keys,
                &mut d_memory,
                vectors,
            )?;
            let d_keys = if own_keys { read(&d_keys) } else { Vec::new() };
            Ok(vec![read(&d_query), d_keys, read(&d_memory), read(&d_vectors), read(&d_position)])
        },
    )
}

#[test]
fn generator_with_loss() -> Result<()> {
    let (rows, size, vocab) = (6, 5, 7);
    let targets = vec![3, NO_TARGET, 0, 6, 6, 2];
    for smoothing in [0.0, 0.1] {
        let options = LossOptions { smoothing, scale: 0.25 };
        let run = |x: &[&[f64]], gradients: Option<GeneratorGradients<'_, Cpu<f64>>>| -> Result<f64> {
            let (h, w, b) = (matrix(rows, size, x[0])?, matrix(vocab, size, x[1])?, matrix(1, vocab, x[2])?);
            let mut loss = CPU().zeros(1, 1)?;
            CPU().generator_loss(&h, &w, &b, &targets, options, &mut loss, gradients)?;
            Ok(0.25 * read(&loss)[0])
        };
        let inputs = vec![input("h", 1, rows * size), input("w", 2, vocab * size), input("b", 3, vocab)];
        check(
            &format!("cross entropy, smoothing {smoothing}"),
            inputs,
            |x| run(x, None),
            |x| {
                let (mut d_h, mut d_w, mut d_b) =
                    (CPU().zeros(rows, size)?, CPU().zeros(vocab, size)?, CPU().zeros(1, vocab)?);
                run(x, Some(GeneratorGradients { d_attentional: &mut d_h, d_weight: &mut d_w, d_bias: &mut d_b }))?;
                Ok(vec![read(&d_h), read(&d_w), read(&d_b)])
            },
        )?;
    }
    Ok(())
}

/// Whole models: every kind of cell, score, window, bridge and feeding, with dropout and smoothing on.
#[test]
fn models() -> Result<()> {
    let tanh = r#"{"activation": "tanh", "bias": false}"#;
    for (cell, score, window, bridge, feeding, layers, bidirectional, output) in [
        ("lstm", "dot", "global", r#""copy""#, false, 2, true, tanh),
        ("lstm", "concat", "local_p", r#""linear""#, true, 2, true, tanh),
        ("lstm", "location", "local_m", r#""zeros""#, true, 1, false, tanh),
        ("gru", "general", "local_p", r#""copy""#, true, 2, true, tanh),
        ("gru", "scaled_dot", "global", r#""linear""#, false, 2, false, tanh),
        ("gru", "concat", "local_m", r#""zeros""#, false, 1, true, tanh),
        ("tanh", "general", "global", r#""linear""#, true, 2, true, tanh),
        ("tanh", "location", "local_p", r#""copy""#, false, 1, true, tanh),
        (
            "lstm",
            "concat",
            "global",
            r#"{"reads": "all", "activation": "relu"}"#,
            true,
            2,
            true,
            r#"{"activation": "identity", "bias": true}"#,
        ),
        (
            "lstm",
            "general",
            "global",
            r#"{"reads": "top", "activation": "identity", "cell": "hidden"}"#,
            false,
            2,
            true,
            r#"{"activation": "relu"}"#,
        ),
        ("gru", "general", "global", r#"{"reads": "all", "activation": "tanh"}"#, false, 2, false, r#"{"bias": true}"#),
        ("lstm", "general", "global", r#"{"activation": "identity", "cell": "hidden"}"#, true, 2, true, tanh),
    ] {
        let encoder = if bidirectional { 3 } else { 6 };
        let json = format!(
            r#"{{"format_version": 1, "cell": "{cell}",
            "encoder": {{"vocab_size": 7, "embedding_size": 5, "hidden_size": {encoder}, "num_layers": {layers}, "bidirectional": {bidirectional}}},
            "decoder": {{"vocab_size": 9, "embedding_size": 4, "hidden_size": 6, "num_layers": {layers}, "input_feeding": {feeding}}},
            "bridge": {bridge},
            "attention": {{"score": "{score}", "window": "{window}", "half_width": 2, "max_source_length": 8, "output": {output}}},
            "special_tokens": {{"pad": 0, "bos": 1, "eos": 2, "unk": 3}}}}"#
        );
        let config = Config::from_json(json.as_bytes(), "config.json")?;
        model(&config).map_err(|error| seq2seq::Error::format("a model", format!("{json}: {error}")))?;
    }
    Ok(())
}

fn model(config: &Config) -> Result<()> {
    // Steps of a power of two, so that parameters of 32 bits take them without rounding.
    const STEP: f32 = 1.0 / 8192.0;
    let random = Parameters::random(config, 3, 0.7)?;
    let round = |x: f32| (x * 1024.0).round() / 1024.0;
    let parameters: std::collections::BTreeMap<String, Array> = random
        .iter()
        .map(|(name, array)| {
            (name.to_owned(), Array::new(array.shape.clone(), array.data.iter().copied().map(round).collect()))
        })
        .collect();
    let pairs = [(vec![4, 5, 6, 4], vec![7, 8]), (vec![6], vec![3, 4, 5, 6]), (vec![5, 5], vec![])];
    let batch = PairBatch::new(&pairs, config)?;
    let options = StepOptions { dropout: 0.3, smoothing: 0.1, seed: 5, scale: 1.0 };
    let run = |parameters: &std::collections::BTreeMap<String, Array>| -> Result<(f64, Learner<Cpu<f64>>)> {
        let parameters = Parameters::new(config, parameters.clone())?;
        let mut learner = Learner::new(&CPU(), config, &parameters, false)?;
        learner.accumulate(&CPU(), &batch, &options)?;
        Ok((block_on(learner.progress(&CPU()))?.loss, learner))
    };
    let found = block_on(run(&parameters)?.1.gradients(&CPU()))?;
    for (name, gradient) in &found {
        let scale = gradient.data.iter().fold(1e-2_f64, |largest, d| largest.max(d.abs()));
        let count = gradient.data.len();
        for index in [0, count / 3, 2 * count / 3, count - 1] {
            let at = |step: f32| -> Result<f64> {
                let mut changed = parameters.clone();
                changed.get_mut(name).expect("a parameter").data[index] += step;
                Ok(run(&changed)?.0)
            };
            // Two differences, so that the error is of fourth order: Richardson's extrapolation.
            let near = (at(STEP)? - at(-STEP)?) / (2.0 * f64::from(STEP));
            let far = (at(2.0 * STEP)? - at(-2.0 * STEP)?) / (4.0 * f64::from(STEP));
            let slope = (4.0 * near - far) / 3.0;
            let error = (slope - gradient.data[index]).abs() / scale;
            assert!(error < 1e-7, "d_{name}[{index}] is {}, not {slope} (off by {error:e})", gradient.data[index]);
        }
    }
    Ok(())
}
