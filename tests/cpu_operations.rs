//! Every operation of the CPU against plain loops in double precision.
//!
//! No dimension equals another or is a multiple of a register, lengths are ragged with a 1 among them.
use seq2seq::Storage;

use seq2seq::backend::{
    Activation, Attention, Backend, Direction, Distribution, Input, LengthPenalty, Positions, RecurrentParameters,
    Search, SearchRules, State, Status,
};
use seq2seq::cpu::{Cpu, Instructions, Lanes, Matrix};
use seq2seq::model::{Cell, Score, SpecialTokens, Window};
use seq2seq::{Array, Error};

/// Numbers in [−1, 1) that look random and are the same every time.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((self.0 >> 40) as f32) / (1 << 23) as f32 - 1.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (((self.next() + 1.0) / 2.0) * limit as f32) as usize % limit
    }

    fn array(&mut self, rows: usize, cols: usize, scale: f32) -> Array {
        Array::new([rows, cols], (0..rows * cols).map(|_| self.next() * scale).collect())
    }
}

type Rows = Vec<Vec<f64>>;

fn rows(array: &Array) -> Rows {
    (0..array.rows()).map(|row| array.row(row).iter().map(|&x| f64::from(x)).collect()).collect()
}

fn read<T: Lanes>(backend: &Cpu<T>, tensor: &Matrix<T>) -> Vec<f64> {
    pollster::block_on(backend.read(tensor)).expect("read").iter().map(|x| x.to_f64()).collect()
}

/// W x + b
fn affine(weight: &Array, bias: &[f32], x: &[f64]) -> Vec<f64> {
    (0..weight.rows())
        .map(|row| {
            let sum: f64 = weight.row(row).iter().zip(x).map(|(&w, &x)| f64::from(w) * x).sum();
            sum + f64::from(bias[row])
        })
        .collect()
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

#[track_caller]
fn close(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let error = (found - expected).abs() / expected.abs().max(1.0);
        assert!(error <= tolerance, "{what}[{index}]: {found}, expected {expected}");
    }
}

/// The error that a type may show: rounding, a few hundred times over.
fn tolerance<T: Lanes>() -> f64 {
    if size_of::<T>() == 4 { 2e-6 } else { 1e-12 }
}

/// One layer's parameters.
struct Layer {
    cell: Cell,
    hidden: usize,
    table: Array,
    directions: Vec<[Array; 4]>,
}

impl Layer {
    fn new(numbers: &mut Numbers, cell: Cell, directions: usize, sizes: [usize; 4], scale: f32) -> Self {
        let [vocab, input, feed, hidden] = sizes;
        let rows = cell.gates() * hidden;
        let directions = (0..directions)
            .map(|_| {
                [
                    numbers.array(rows, input + feed, scale),
                    numbers.array(rows, hidden, scale),
                    numbers.array(1, rows, scale),
                    numbers.array(1, rows, scale),
                ]
            })
            .collect();
        Self { cell, hidden, table: numbers.array(vocab, input, 1.0), directions }
    }

    fn prepare<T: Lanes>(&self, backend: &Cpu<T>, with_table: bool, feed_size: usize) -> <Cpu<T> as Storage>::Recurrent
    where
        Cpu<T>: Backend<Float = T, Tensor = Matrix<T>, Ids = Vec<u32>>,
    {
        let directions = self
            .directions
            .iter()
            .map(|[weight_ih, weight_hh, bias_ih, bias_hh]| Direction { weight_ih, weight_hh, bias_ih, bias_hh })
            .collect();
        let embedding = with_table.then_some(&self.table);
        let parameters = RecurrentParameters { cell: self.cell, directions, embedding, feed_size };
        backend.recurrent_weights(&parameters).expect("weights")
    }

    /// One step as the equations have it.
    fn step(&self, direction: usize, x: &[f64], h: &[f64], c: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let [w_ih, w_hh, b_ih, b_hh] = &self.directions[direction];
        let (from_x, from_h) = (affine(w_ih, &b_ih.data, x), affine(w_hh, &b_hh.data, h));
        let n = self.hidden;
        let sum = |gate: usize, unit: usize| from_x[gate * n + unit] + from_h[gate * n + unit];
        let mut next = (Vec::new(), Vec::new());
        for unit in 0..n {
            match self.cell {
                Cell::Tanh => next.0.push(sum(0, unit).tanh()),
                Cell::Gru => {
                    let (r, z) = (sigmoid(sum(0, unit)), sigmoid(sum(1, unit)));
                    let new = (from_x[2 * n + unit] + r * from_h[2 * n + unit]).tanh();
                    next.0.push((1.0 - z) * new + z * h[unit]);
                }
                Cell::Lstm => {
                    let c = sigmoid(sum(1, unit)) * c[unit] + sigmoid(sum(0, unit)) * sum(2, unit).tanh();
                    next.0.push(sigmoid(sum(3, unit)) * c.tanh());
                    next.1.push(c);
                }
            }
        }
        next
    }
}

fn state<T: Lanes>(backend: &Cpu<T>, cell: Cell, hidden: &Array, cells: &Array) -> State<Cpu<T>> {
    State {
        hidden: backend.upload(hidden).expect("upload"),
        cell: cell.has_cell().then(|| backend.upload(cells).expect("upload")),
    }
}

/// The CPU with each of the instruction sets that this processor has.
fn everywhere<T: Lanes>() -> impl Iterator<Item = Cpu<T>> {
    Instructions::available().into_iter().map(Cpu::with)
}

const CELLS: [Cell; 3] = [Cell::Tanh, Cell::Gru, Cell::Lstm];

#[test]
fn linear_is_a_product() {
    fn check<T: Lanes>()
    where
        Cpu<T>: Backend<Float = T, Tensor = Matrix<T>, Ids = Vec<u32>>,
    {
        for backend in everywhere::<T>() {
            let mut numbers = Numbers(1);
            for (count, inputs, outputs) in
                [(1, 8, 7), (13, 56, 83), (61, 70, 5), (150, 135, 131), (9001, 3, 67), (2, 700, 523)]
            {
                let weight = numbers.array(outputs, inputs, 1.0);
                let bias = numbers.array(1, outputs, 1.0);
                let (x, before) = (numbers.array(count, inputs, 1.0), numbers.array(count, outputs, 1.0));
                let weights = backend.linear_weights(&weight, Some(&bias)).expect("weights");
                let input = backend.upload(&x).expect("upload");
                for (activation, accumulate) in [
                    (Activation::Identity, false),
                    (Activation::Tanh, false),
                    (Activation::Identity, true),
                    (Activation::Tanh, true),
                    (Activation::Relu, false),
                    (Activation::Relu, true),
                ] {
                    let mut out = backend.upload(&before).expect("upload");
                    backend.linear(&weights, &input, activation, accumulate, &mut out).expect("linear");
                    let expected: Vec<f64> = (0..count)
                        .flat_map(|row| {
                            let x: Vec<f64> = x.row(row).iter().map(|&x| x.into()).collect();
                            affine(&weight, &bias.data, &x)
                        })
                        .zip(&before.data)
                        .map(|(y, &before)| if accumulate { y + f64::from(before) } else { y })
                        .map(|y| match activation {
                            Activation::Identity => y,
                            Activation::Tanh => y.tanh(),
                            Activation::Relu => y.max(0.0),
                        })
                        .collect();
                    close("linear", &read(&backend, &out), &expected, 20.0 * tolerance::<T>());
                }
            }
        }
    }
    check::<f32>();
    check::<f64>();
}

#[test]
fn a_step_is_the_cells_equations() {
    fn check<T: Lanes>(batch: usize, sizes: [usize; 4], scale: f32)
    where
        Cpu<T>: Backend<Float = T, Tensor = Matrix<T>, Ids = Vec<u32>>,
    {
        for backend in everywhere::<T>() {
            let mut numbers = Numbers(2);
            let [vocab, input_size, feed_size, hidden] = sizes;
            for cell in CELLS {
                let layer = Layer::new(&mut numbers, cell, 1, sizes, scale);
                let ids: Vec<u32> = (0..batch).map(|_| numbers.below(vocab) as u32).collect();
                let input = Array::new(
                    [batch, input_size],
                    ids.iter().flat_map(|&id| layer.table.row(id as usize)).copied().collect(),
                );
                // The rows before are as many as those after, or fewer, or more; each continues one of them.
                let earlier = batch / 2 + numbers.below(batch) + 1;
                let continued: Vec<u32> = (0..batch).map(|_| numbers.below(earlier) as u32).collect();
                let frontier = [&ids[..], &continued].concat();
                let feed = numbers.array(earlier, feed_size, 1.0);
                let (h, c) = (numbers.array(earlier, hidden, 1.0), numbers.array(earlier, hidden, 1.0));
                let (feed_rows, h_rows, c_rows) = (rows(&feed), rows(&h), rows(&c));
                let expected: (Rows, Rows) = (0..batch)
                    .map(|row| {
                        let from = continued[row] as usize;
                        let x = [&rows(&input)[row][..], &feed_rows[from]].concat();
                        layer.step(0, &x, &h_rows[from], &c_rows[from])
                    })
                    .unzip();
                let uploaded = (backend.upload(&input).expect("upload"), backend.upload(&feed).expect("upload"));
                for with_ids in [false, true] {
                    let weights = layer.prepare(&backend, with_ids, feed_size);
                    let previous = state(&backend, cell, &h, &c);
                    let mut next = State::zeros(&backend, cell, batch, hidden).expect("zeros");
                    let below = (!with_ids).then_some(&uploaded.0);
                    let feed = (feed_size > 0).then_some(&uploaded.1);
                    backend.recurrent_step(&weights, &frontier, below, feed, &previous, &mut next).expect("step");
                    let tolerance = tolerance::<T>() * 5.0;
                    close("hidden", &read(&backend, &next.hidden), &expected.0.concat(), tolerance);
                    if let Some(cells) = &next.cell {
                        close("cell", &read(&backend, cells), &expected.1.concat(), tolerance);
                    }
                }
            }
        }
    }
    for (batch, sizes) in [(1, [11, 5, 0, 3]), (1, [700, 9, 21, 37]), (7, [11, 20, 3, 67]), (75, [600, 33, 70, 131])] {
        check::<f32>(batch, sizes, 0.3);
        check::<f64>(batch, sizes, 0.3);
    }
    // A vocabulary too large to keep what its symbols add.
    check::<f64>(7, [530_000, 5, 2, 3], 0.3);
    // Gates that saturate.
    check::<f64>(5, [11, 5, 2, 19], 1e4);
}

#[test]
fn saturated_gates_are_numbers() {
    for backend in everywhere::<f32>() {
        let mut numbers = Numbers(3);
        for cell in CELLS {
            let layer = Layer::new(&mut numbers, cell, 1, [3, 5, 0, 19], 1e4);
            let weights = layer.prepare(&backend, false, 0);
            let input = backend.upload(&numbers.array(4, 5, 1e4)).expect("upload");
            let mut next = State::zeros(&backend, cell, 4, 19).expect("zeros");
            let previous = State::zeros(&backend, cell, 4, 19).expect("zeros");
            let frontier = vec![0, 0, 0, 0, 0, 1, 2, 3];
            backend.recurrent_step(&weights, &frontier, Some(&input), None, &previous, &mut next).expect("step");
            assert!(read(&backend, &next.hidden).iter().all(|h| h.abs() <= 1.0));
        }
    }
}

#[test]
fn a_layer_is_its_steps() {
    fn check<T: Lanes>(lengths: &[u32], directions: usize, sizes: [usize; 4])
    where
        Cpu<T>: Backend<Float = T, Tensor = Matrix<T>, Ids = Vec<u32>>,
    {
        for backend in everywhere::<T>() {
            let mut numbers = Numbers(4);
            let [vocab, input_size, _, hidden] = sizes;
            let (batch, len) = (lengths.len(), 3 + lengths.iter().max().map_or(0, |&longest| longest as usize));
            for cell in CELLS {
                let layer = Layer::new(&mut numbers, cell, directions, sizes, 0.3);
                let ids: Vec<u32> = (0..batch * len).map(|_| numbers.below(vocab) as u32).collect();
                let input = Array::new(
                    [batch * len, input_size],
                    ids.iter().flat_map(|&id| layer.table.row(id as usize)).copied().collect(),
                );
                let cols = directions * hidden;
                let (h, c) = (numbers.array(batch, cols, 1.0), numbers.array(batch, cols, 1.0));
                for (with_initial, with_ids) in [(false, true), (true, true), (true, false)] {
                    let mut output = vec![vec![0.0; cols]; batch * len];
                    let mut last = (vec![vec![0.0; cols]; batch], vec![vec![0.0; cols]; batch]);
                    for (b, direction) in (0..batch).flat_map(|b| (0..directions).map(move |direction| (b, direction)))
                    {
                        let columns = direction * hidden..(direction + 1) * hidden;
                        let mut state = (vec![0.0; hidden], vec![0.0; hidden]);
                        if with_initial {
                            state = (rows(&h)[b][columns.clone()].to_vec(), rows(&c)[b][columns.clone()].to_vec());
                        }
                        let length = lengths[b] as usize;
                        for step in 0..length {
                            let position = if direction == 0 { step } else { length - 1 - step };
                            let x: Vec<f64> = input.row(b * len + position).iter().map(|&x| x.into()).collect();
                            state = layer.step(direction, &x, &state.0, &state.1);
                            output[b * len + position][columns.clone()].copy_from_slice(&state.0);
                        }
                        last.0[b][columns.clone()].copy_from_slice(&state.0);
                        if cell.has_cell() {
                            last.1[b][columns].copy_from_slice(&state.1);
                        }
                    }
                    let weights = layer.prepare(&backend, with_ids, 0);
                    let uploaded = backend.upload(&input).expect("upload");
                    let initial = state(&backend, cell, &h, &c);
                    let mut found = backend.upload(&numbers.array(batch * len, cols, 1.0)).expect("upload");
                    let mut found_last = State::zeros(&backend, cell, batch, cols).expect("zeros");
                    let input = if with_ids { Input::Ids(&ids) } else { Input::Rows(&uploaded) };
                    let initial = with_initial.then_some(&initial);
                    let lengths = lengths.to_vec();
                    backend
                        .recurrent_layer(&weights, input, &lengths, initial, &mut found, &mut found_last)
                        .expect("layer");
                    let tolerance = tolerance::<T>() * 10.0;
                    close("output", &read(&backend, &found), &output.concat(), tolerance);
                    close("hidden", &read(&backend, &found_last.hidden), &last.0.concat(), tolerance);
                    if let Some(cells) = &found_last.cell {
                        close("cell", &read(&backend, cells), &last.1.concat(), tolerance);
                    }
                }
            }
        }
    }
    for directions in [1, 2] {
        check::<f32>(&[4], directions, [11, 5, 0, 3]);
        check::<f64>(&[9], directions, [900, 7, 0, 37]);
        check::<f64>(&[4, 1, 7, 2, 7, 3, 5], directions, [11, 20, 0, 67]);
        let lengths: Vec<u32> = (0..61).map(|b| 1 + b * 7 % 5).collect();
        check::<f32>(&lengths, directions, [600, 33, 0, 43]);
        check::<f64>(&lengths, directions, [11, 33, 0, 43]);
    }
    // Units divided among threads, whose last is part of a panel.
    check::<f32>(&[3, 1], 1, [600, 40, 0, 451]);
    check::<f64>(&[5, 9, 1, 2], 1, [600, 40, 0, 451]);
    check::<f64>(&[4, 1], 2, [530_000, 5, 0, 3]);
    check::<f64>(&[9; 40], 1, [600, 71, 0, 323]);
}

#[test]
fn a_sentence_does_not_depend_on_its_batch() {
    for backend in everywhere::<f32>() {
        let mut numbers = Numbers(5);
        let (batch, len, hidden) = (53, 6, 137);
        for cell in CELLS {
            let layer = Layer::new(&mut numbers, cell, 2, [11, 20, 0, hidden], 0.3);
            let weights = layer.prepare(&backend, true, 0);
            let ids: Vec<u32> = (0..batch * len).map(|_| numbers.below(11) as u32).collect();
            let lengths: Vec<u32> = (0..batch).map(|b| 1 + (b * 5 % len) as u32).collect();
            let run = |ids: &[u32], lengths: &[u32]| {
                let mut output = backend.zeros(ids.len(), 2 * hidden).expect("zeros");
                let mut last = State::zeros(&backend, cell, lengths.len(), 2 * hidden).expect("zeros");
                let (ids, lengths) = (ids.to_vec(), lengths.to_vec());
                backend
                    .recurrent_layer(&weights, Input::Ids(&ids), &lengths, None, &mut output, &mut last)
                    .expect("layer");
                read(&backend, &output)
            };
            let together = run(&ids, &lengths);
            assert_eq!(together, run(&ids, &lengths), "twice the same");
            for b in 0..batch {
                let alone = run(&ids[b * len..][..len], &lengths[b..=b]);
                assert_eq!(alone, together[b * len * 2 * hidden..][..len * 2 * hidden], "{cell:?}, sentence {b}");
            }
        }
    }
}

/// All that attention reads, on the host.
struct Case {
    score: Score,
    window: Window,
    half_width: usize,
    lengths: Vec<u32>,
    src_len: usize,
    tgt_len: usize,
    /// v and v_p
    vectors: Array,
    query: Array,
    position: Array,
    keys: Array,
    memory: Array,
    positions: Positions,
}

impl Case {
    fn new(score: Score, window: Window, lengths: &[u32], tgt_len: usize, key_size: usize, memory_size: usize) -> Self {
        let mut numbers = Numbers(6);
        let (batch, src_len) = (lengths.len(), lengths.iter().max().map_or(0, |&longest| longest as usize) + 2);
        let query_size = if score == Score::Location { src_len + 3 } else { key_size };
        Self {
            score,
            window,
            half_width: 2,
            lengths: lengths.to_vec(),
            src_len,
            tgt_len,
            vectors: numbers.array(2, key_size, 1.0),
            query: numbers.array(batch * tgt_len, query_size, 1.0),
            position: numbers.array(batch * tgt_len, key_size, 1.0),
            keys: numbers.array(batch * src_len, key_size, 1.0),
            memory: numbers.array(batch * src_len, memory_size, 1.0),
            positions: Positions::From(3),
        }
    }

    /// Weights and contexts, as the equations have them.
    fn expected(&self) -> (Rows, Rows) {
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let tanh = |row: &[f64]| row.iter().map(|x| x.tanh()).collect::<Vec<_>>();
        let (query, position) = (rows(&self.query), rows(&self.position));
        let (keys, memory) = (rows(&self.keys), rows(&self.memory));
        let [v, position_v] = [0, 1].map(|row| rows(&self.vectors)[row].clone());
        let mut result = (Vec::new(), Vec::new());
        for row in 0..query.len() {
            let (b, t) = (row / self.tgt_len, self.positions.of(row % self.tgt_len));
            let length = self.lengths[b] as usize;
            let p = length as f64 * sigmoid(dot(&position_v, &tanh(&position[row])));
            let allowed = |s: usize| {
                s < length
                    && match self.window {
                        Window::Global => true,
                        Window::LocalM => s.abs_diff(t) <= self.half_width,
                        Window::LocalP => (s as f64 - p).abs() <= self.half_width as f64,
                    }
            };
            let exponentials: Vec<f64> = (0..self.src_len)
                .map(|s| {
                    let key = &keys[b * self.src_len + s];
                    let score = match self.score {
                        Score::Dot | Score::General => dot(&query[row], key),
                        Score::ScaledDot => dot(&query[row], key) / (key.len() as f64).sqrt(),
                        Score::Concat => {
                            let sum: Vec<f64> = query[row].iter().zip(key).map(|(q, k)| q + k).collect();
                            dot(&v, &tanh(&sum))
                        }
                        Score::Location => query[row][s],
                    };
                    if allowed(s) { score.exp() } else { 0.0 }
                })
                .collect();
            let sum: f64 = exponentials.iter().sum();
            let sigma = self.half_width as f64 / 2.0;
            let weights: Vec<f64> = exponentials
                .iter()
                .enumerate()
                .map(|(s, exponential)| {
                    let gaussian = (-(s as f64 - p).powi(2) / (2.0 * sigma * sigma)).exp();
                    let weight = if sum > 0.0 { exponential / sum } else { 0.0 };
                    if self.window == Window::LocalP { weight * gaussian } else { weight }
                })
                .collect();
            let context = (0..self.memory.cols())
                .map(|col| (0..self.src_len).map(|s| weights[s] * memory[b * self.src_len + s][col]).sum())
                .collect();
            result.0.push(weights);
            result.1.push(context);
        }
        result
    }

    fn check<T: Lanes>(&self)
    where
        Cpu<T>: Backend<Float = T, Tensor = Matrix<T>, Ids = Vec<u32>>,
    {
        for backend in everywhere::<T>() {
            let upload = |array: &Array| backend.upload(array).expect("upload");
            let vectors = upload(&self.vectors);
            let [query, position, keys, memory] = [&self.query, &self.position, &self.keys, &self.memory].map(upload);
            let attention = Attention {
                score: self.score,
                window: self.window,
                half_width: self.half_width,
                vectors: Some(&vectors),
                query: &query,
                position: Some(&position),
                keys: &keys,
                memory: &memory,
                lengths: &self.lengths,
                positions: self.positions,
            };
            let (batch, tgt_len, src_len) = (self.lengths.len(), self.tgt_len, self.src_len);
            let (expected_weights, expected_context) = self.expected();
            let what = format!("{:?} {:?} {batch}×{tgt_len}×{src_len}", self.score, self.window);
            let tolerance = 20.0 * tolerance::<T>();

            let mut weights = backend.zeros(batch * tgt_len, src_len).expect("zeros");
            let mut context = backend.zeros(batch * tgt_len, self.memory.cols()).expect("zeros");
            backend.attention_scores(&attention, &mut weights).expect("scores");
            backend.attention_softmax(&attention, &mut weights).expect("softmax");
            backend.attention_context(&attention, &weights, &mut context).expect("context");
            close(&what, &read(&backend, &weights), &expected_weights.concat(), tolerance);
            close(&what, &read(&backend, &context), &expected_context.concat(), tolerance);

            // Rows 2 … 2 + tgt_len of tgt_len + 3.
            let rows = tgt_len + 3;
            let mut weights = backend.zeros(batch * rows, src_len).expect("zeros");
            backend.attention(&attention, &mut weights, 2, &mut context).expect("attention");
            let weights = read(&backend, &weights);
            for (b, expected) in expected_weights.chunks(tgt_len).enumerate() {
                let of_sentence = &weights[b * rows * src_len..][..rows * src_len];
                assert!(of_sentence[..2 * src_len].iter().all(|&weight| weight == 0.0), "{what}");
                close(&what, &of_sentence[2 * src_len..][..tgt_len * src_len], &expected.concat(), tolerance);
            }
            close(&what, &read(&backend, &context), &expected_context.concat(), tolerance);
        }
    }
}

#[test]
fn attention_is_its_equations() {
    let scores = [Score::Dot, Score::ScaledDot, Score::General, Score::Concat, Score::Location];
    for score in scores {
        for window in [Window::Global, Window::LocalM, Window::LocalP] {
            for (lengths, tgt_len, key_size, memory_size) in [
                (&[5][..], 1, 3, 7),
                (&[3, 1, 9, 4], 1, 37, 150),
                (&[3, 1, 13, 4], 11, 83, 21),
                (&[1, 40, 23], 7, 19, 333),
            ] {
                let case = Case::new(score, window, lengths, tgt_len, key_size, memory_size);
                case.check::<f32>();
                case.check::<f64>();
            }
        }
    }
}

#[test]
fn attention_over_many_sentences_on_many_threads() {
    let lengths: Vec<u32> = (0..45).map(|b| 1 + b * 11 % 31).collect();
    Case::new(Score::Dot, Window::Global, &lengths, 1, 171, 171).check::<f32>();
    Case::new(Score::Dot, Window::Global, &lengths, 19, 71, 71).check::<f32>();
    Case::new(Score::Dot, Window::Global, &[70], 131, 171, 171).check::<f32>();
    Case::new(Score::Dot, Window::LocalM, &[70, 3], 131, 71, 71).check::<f64>();
    // Sources too long to be read twice.
    for window in [Window::Global, Window::LocalM, Window::LocalP] {
        Case::new(Score::General, window, &[400, 1, 611], 1, 71, 1100).check::<f32>();
        Case::new(Score::Dot, window, &[400, 1, 611], 1, 1100, 1100).check::<f64>();
    }
}

#[test]
fn an_empty_window_gives_zeros() {
    // Sentences shorter than the target's position: no source position is within two of it.
    let mut case = Case::new(Score::Dot, Window::LocalM, &[2, 1, 9], 5, 7, 11);
    case.positions = Positions::From(100);
    let (weights, context) = case.expected();
    assert!(weights.concat().iter().chain(&context.concat()).all(|&x| x == 0.0));
    case.check::<f32>();
    case.check::<f64>();
}

#[test]
fn a_window_of_half_width_zero_is_a_number() {
    for backend in everywhere::<f64>() {
        let (zeros, vectors) = (backend.zeros(1, 3).expect("zeros"), backend.zeros(2, 3).expect("zeros"));
        let memory = backend.upload(&Numbers(1).array(4, 3, 1.0)).expect("upload");
        let lengths = vec![4];
        let attention = Attention {
            score: Score::Dot,
            window: Window::LocalP,
            half_width: 0,
            vectors: Some(&vectors),
            query: &zeros,
            position: Some(&zeros),
            keys: &memory,
            memory: &memory,
            lengths: &lengths,
            positions: Positions::From(0),
        };
        let mut weights = backend.zeros(1, 4).expect("zeros");
        let mut context = backend.zeros(1, 3).expect("zeros");
        backend.attention(&attention, &mut weights, 0, &mut context).expect("attention");
        assert_eq!(read(&backend, &weights), [0.0, 0.0, 1.0, 0.0]);
    }
}

/// A sentence's search, as the contract has it, over sorted lists.
#[derive(Clone, Default)]
struct PlainSearch {
    /// Σ ln p
    live: Vec<f64>,
    /// Score, Σ ln p, step, hypothesis; the best first.
    finished: Vec<[f64; 4]>,
    /// Symbols and back-pointers of the last step.
    links: Vec<(u32, u32)>,
    ended: usize,
}

impl PlainSearch {
    fn extend(&mut self, rules: &SearchRules, limit: usize, step: usize, log_probs: &[Vec<f64>]) {
        let mut extensions: Vec<(f64, usize, usize)> = Vec::new();
        for (hypothesis, (so_far, row)) in self.live.iter().zip(log_probs).enumerate() {
            extensions.extend(row.iter().enumerate().map(|(symbol, log_prob)| (so_far + log_prob, hypothesis, symbol)));
        }
        extensions.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        extensions.truncate(rules.beam);
        (self.live, self.links) = (Vec::new(), Vec::new());
        for (log_prob, hypothesis, symbol) in extensions {
            if symbol as u32 == rules.special.eos {
                let score = log_prob / rules.length_penalty.of(step + 1);
                self.finished.push([score, log_prob, step as f64, hypothesis as f64]);
            } else {
                self.live.push(log_prob);
                self.links.push((symbol as u32, hypothesis as u32));
            }
        }
        self.finished.sort_by(|a, b| b[0].total_cmp(&a[0]));
        self.finished.truncate(rules.n_best);
        let highest = self.live.first().map(|log_prob| log_prob / rules.length_penalty.of(limit));
        let won = self.finished.len() == rules.n_best
            && highest.is_none_or(|highest| highest <= self.finished[rules.n_best - 1][0]);
        if self.live.is_empty() || step + 1 == limit || won {
            self.ended = step + 1;
        }
    }
}

#[test]
fn extend_keeps_the_best_extensions() {
    fn check<T: Lanes>(batch: usize, vocab: usize, hidden: usize, rules: &SearchRules)
    where
        Cpu<T>: Backend<Float = T, Tensor = Matrix<T>, Ids = Vec<u32>>,
    {
        for backend in everywhere::<T>() {
            let mut numbers = Numbers(7);
            let weight = numbers.array(vocab, hidden, 1.0);
            let bias = numbers.array(1, vocab, 1.0);
            let generator = backend.linear_weights(&weight, Some(&bias)).expect("weights");
            let limits: Vec<usize> = (0..batch).map(|sentence| 3 + sentence % 3).collect();
            let mut search = Search::new(&backend, rules, &vec![1; batch], &limits, 4, vocab).expect("a search");
            let mut plain = vec![PlainSearch { live: vec![0.0], ..Default::default() }; batch];
            let beam = rules.beam;
            for step in 0..4 {
                let width = if step == 0 { 1 } else { beam };
                let attentional = numbers.array(batch * width, hidden, 1.0);
                let log_probs: Rows = rows(&attentional)
                    .iter()
                    .map(|x| {
                        let logits = affine(&weight, &bias.data, x);
                        let normalizer = logits.iter().map(|x| x.exp()).sum::<f64>().ln();
                        logits.iter().map(|logit| logit - normalizer).collect()
                    })
                    .collect();
                for (sentence, (plain, log_probs)) in plain.iter_mut().zip(log_probs.chunks(width)).enumerate() {
                    if plain.ended == 0 {
                        plain.extend(rules, limits[sentence], step, log_probs);
                    }
                }
                let attentional = backend.upload(&attentional).expect("upload");
                let symbols = Distribution::Generator { weights: &generator, attentional: &attentional };
                backend.extend(rules, symbols, step, step, &mut search).expect("extend");
                let status = |which: Status| &search.status[which as usize * batch..][..batch];
                let log_prob = read(&backend, &search.log_prob);
                let finished = read(&backend, &search.finished);
                for (sentence, plain) in plain.iter().enumerate() {
                    assert_eq!(
                        status(Status::Ended)[sentence] as usize,
                        plain.ended,
                        "step {step}, sentence {sentence}"
                    );
                    let live = status(Status::Live)[sentence] as usize;
                    close("log_prob", &log_prob[sentence * beam..][..live], &plain.live, 50.0 * tolerance::<T>());
                    let count = status(Status::Finished)[sentence] as usize;
                    let finished = &finished[sentence * rules.n_best * 4..][..count * 4];
                    close("finished", finished, &plain.finished.concat(), 50.0 * tolerance::<T>());
                    if plain.ended == 0 || plain.ended == step + 1 {
                        let at = |part: usize, row: usize| {
                            search.trellis[((step * 2 + part) * batch + sentence) * beam + row]
                        };
                        let links: Vec<_> = (0..live).map(|row| (at(0, row), at(1, row))).collect();
                        assert_eq!(links, plain.links);
                        let row = |part: usize, row: usize| search.frontier[(part * batch + sentence) * beam + row];
                        let frontier: Vec<_> =
                            (0..live).map(|k| (row(0, k), row(1, k) - (sentence * width) as u32)).collect();
                        assert_eq!(frontier, plain.links);
                    }
                }
            }
            let attentional = backend.zeros(batch * beam, hidden).expect("zeros");
            let symbols = Distribution::Generator { weights: &generator, attentional: &attentional };
            assert!(backend.extend(rules, symbols, 4, 4, &mut search).is_err(), "beyond the trellis");
        }
    }
    let greedy = SearchRules::greedy(&SpecialTokens { pad: 0, bos: 1, eos: 2, unk: None });
    for (batch, vocab, hidden) in [(1, 5, 3), (9, 43, 31), (70, 700, 37), (3, 5003, 61)] {
        for (beam, n_best, length_penalty) in [
            (1, 1, LengthPenalty::None),
            (3, 1, LengthPenalty::None),
            (5, 5, LengthPenalty::Power(1.0)),
            (11, 2, LengthPenalty::Wu(0.7)),
        ] {
            let rules = SearchRules { beam, n_best, length_penalty, ..greedy.clone() };
            check::<f32>(batch, vocab, hidden, &rules);
            check::<f64>(batch, vocab, hidden, &rules);
        }
    }
}

#[test]
fn rows_of_logits() {
    fn check<T: Lanes>(count: usize, cols: usize)
    where
        Cpu<T>: Backend<Float = T, Tensor = Matrix<T>, Ids = Vec<u32>>,
    {
        for backend in everywhere::<T>() {
            let mut logits = Numbers(8).array(count, cols, 30.0);
            if cols > 4 {
                // The first of equals.
                (logits.data[cols - 1], logits.data[3]) = (50.0, 50.0);
            }
            let uploaded = backend.upload(&logits).expect("upload");
            let (mut out, mut best) = (backend.zeros(count, cols).expect("zeros"), vec![7; count]);
            backend.log_softmax(&uploaded, &mut out).expect("log_softmax");
            backend.argmax(&uploaded, &mut best).expect("argmax");
            let mut expected = Vec::new();
            for (row, &best) in rows(&logits).iter().zip(&best) {
                let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let sum = row.iter().map(|x| (x - largest).exp()).sum::<f64>().ln();
                expected.extend(row.iter().map(|x| x - largest - sum));
                assert_eq!(row.iter().position(|&x| x == largest), Some(best as usize));
            }
            close("log_softmax", &read(&backend, &out), &expected, 5.0 * tolerance::<T>());
        }
    }
    for (count, cols) in [(1, 1), (3, 7), (5, 43), (61, 1003)] {
        check::<f32>(count, cols);
        check::<f64>(count, cols);
    }
}

#[test]
fn what_does_not_fit_is_an_error() {
    for backend in everywhere::<f32>() {
        let weights = backend.linear_weights(&Numbers(9).array(5, 7, 1.0), None).expect("weights");
        let x = backend.zeros(2, 8).expect("zeros");
        let mut out = backend.zeros(2, 5).expect("zeros");
        let error = backend.linear(&weights, &x, Activation::Identity, false, &mut out).expect_err("columns");
        assert!(matches!(error, Error::Shape { operation: "linear", expected: 7, found: 8, .. }), "{error}");

        // A source longer than the location score's longest.
        let (query, memory, lengths) =
            (backend.zeros(1, 4).expect("zeros"), backend.zeros(6, 3).expect("zeros"), vec![6]);
        let attention = Attention {
            score: Score::Location,
            window: Window::Global,
            half_width: 0,
            vectors: None,
            query: &query,
            position: None,
            keys: &memory,
            memory: &memory,
            lengths: &lengths,
            positions: Positions::From(0),
        };
        let (mut weights, mut context) = (backend.zeros(1, 6).expect("zeros"), backend.zeros(1, 3).expect("zeros"));
        let error = backend.attention(&attention, &mut weights, 0, &mut context).expect_err("too long");
        assert!(matches!(error, Error::Shape { expected: 4, found: 6, .. }), "{error}");
    }
}
