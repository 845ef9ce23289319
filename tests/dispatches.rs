//! What the GPU is asked to do is counted, not guessed: these numbers decide how fast it is.

mod common;

use std::collections::BTreeSet;

use common::TestResult;
use common::gpu::{gpu, gpu_with};
use seq2seq::backend::{
    Activation, AttendedStep, Backend, Counters, Distribution, GateLayout, Rule, Search, SearchRules, Sequence, Share,
    Training, Update,
};
use seq2seq::batch::{Batch, PairBatch};
use seq2seq::decode::{GreedyOptions, Hypothesis, greedy};
use seq2seq::device::Precision;
use seq2seq::gpu::{
    AdapterKind, AttentionForm, Choices, ExtensionForm, Gpu, GpuIds, GpuTensor, GreedyForm, RecurrenceForm, StateForm,
};
use seq2seq::model::{
    AttentionConfig, AttentionOutput, Bridge, Cell, Config, DecoderConfig, EncoderConfig, Parameters, Score,
    SpecialTokens, Window,
};
use seq2seq::nn::training::{Learner, StepOptions};
use seq2seq::nn::{Seq2Seq, WeightRows};
use seq2seq::{Array, Storage};

fn config(cell: Cell, layers: usize, score: Score, window: Window, input_feeding: bool) -> Config {
    Config {
        format_version: 1,
        cell,
        encoder: EncoderConfig {
            vocab_size: 11,
            embedding_size: 5,
            hidden_size: 7,
            num_layers: layers,
            bidirectional: true,
        },
        decoder: DecoderConfig {
            vocab_size: 70,
            embedding_size: 6,
            hidden_size: 14,
            num_layers: layers,
            input_feeding,
        },
        bridge: Bridge::Copy,
        attention: AttentionConfig {
            score,
            window,
            half_width: Some(2),
            max_source_length: Some(16),
            output: AttentionOutput::default(),
        },
        special_tokens: SpecialTokens { pad: 0, bos: 1, eos: 2, unk: None },
        files: None,
    }
}

/// The forms that every model and device can have, whatever hardware would choose for such small ones.
fn plain() -> Choices {
    let (recurrence, attention) = (Some(RecurrenceForm::Positions), Some(AttentionForm::Far));
    let (state, extension) = (Some(StateForm::Apart), Some(ExtensionForm::Apart));
    Choices {
        recurrence,
        attention,
        state,
        extension,
        greedy: Some(GreedyForm::Steps),
        ..Choices::best(Precision::F32)
    }
}

/// Sources of lengths 9, 1 and 4.
fn source() -> TestResultOf<Batch> {
    Ok(Batch::new(&[vec![3; 9], vec![4], vec![5, 6, 7, 8]], 0, 11)?)
}

type TestResultOf<T> = Result<T, Box<dyn std::error::Error>>;

/// A model that never ends a sentence, so that the number of steps is known.
fn endless(gpu: &Gpu, config: &Config) -> TestResultOf<Seq2Seq<Gpu>> {
    inclined_to_end(gpu, config, 0.3, -1e4)
}

/// A model with weights in ±`scale`, and so large a bias for the end of a sentence.
fn inclined_to_end(gpu: &Gpu, config: &Config, scale: f32, end: f32) -> TestResultOf<Seq2Seq<Gpu>> {
    let random = Parameters::random(config, 7, scale)?;
    let mut tensors: std::collections::BTreeMap<_, _> =
        random.iter().map(|(name, array)| (name.to_owned(), array.clone())).collect();
    let bias = tensors.get_mut("generator.bias").ok_or("every model has a generator")?;
    bias.data[config.special_tokens.eos as usize] = end;
    Ok(Seq2Seq::new(gpu, config, &Parameters::new(config, tensors)?)?)
}

/// Whether so many passes were enough. Hardware begins before all is recorded, so it has more.
fn at_once(gpu: &Gpu, counters: Counters, passes: u64) -> bool {
    counters.passes == passes || gpu.adapter().kind != AdapterKind::Software && counters.passes > passes
}

fn counted<T>(gpu: &Gpu, work: impl FnOnce() -> TestResultOf<T>) -> TestResultOf<(T, Counters)> {
    let before = gpu.counters();
    let result = work()?;
    Ok((result, gpu.counters() - before))
}

#[test]
fn a_recurrent_layer_is_one_product_and_one_dispatch_a_position() -> TestResult {
    let name = "a_recurrent_layer_is_one_product_and_one_dispatch_a_position";
    let Some(gpu) = gpu_with(name, plain()) else { return Ok(()) };
    let source = source()?;
    for cell in [Cell::Tanh, Cell::Gru, Cell::Lstm] {
        for layers in [1, 2] {
            let model = endless(&gpu, &config(cell, layers, Score::Dot, Window::Global, false))?;
            let (_, encode) = counted(&gpu, || {
                let (memory, _) = model.encode(&gpu, &source)?;
                Ok(pollster::block_on(gpu.read(&memory.states))?)
            })?;
            // The lookup of the embeddings, for each layer both directions at once, then the values.
            let expected = 1 + layers * (1 + source.len()) + 1;
            assert_eq!(encode.dispatches, expected as u64, "{cell:?}, {layers} layers");
            assert!(at_once(&gpu, encode, 1), "{cell:?}, {layers} layers: {encode:?}");
        }
    }
    Ok(())
}

/// As few weights as a processor reads at once: states stay where they are for 256 positions.
#[test]
fn a_recurrent_layer_in_sequence_is_one_product_and_one_dispatch() -> TestResult {
    let name = "a_recurrent_layer_in_sequence_is_one_product_and_one_dispatch";
    // Few sentences have a workgroup each; of large states fewer threads share a unit.
    for (wide, length, hidden, batch, dispatches) in [
        (true, 9, 7, 3, 1),
        (true, 257, 33, 3, 2),
        (true, 5, 130, 35, 1),
        (true, 4, 250, 37, 1),
        (false, 9, 7, 3, 1),
        (false, 256, 7, 3, 1),
        (false, 600, 7, 2, 3),
        (false, 5, 130, 35, 1),
        (false, 4, 250, 37, 1),
    ] {
        let choices = Choices { wide, recurrence: Some(RecurrenceForm::Sequence), ..Choices::best(Precision::F32) };
        let Some(gpu) = gpu_with(name, choices) else { return Ok(()) };
        let sentence = |index: usize| if index == 1 { vec![3; length] } else { vec![5; 1 + index % 4] };
        let source = Batch::new(&(0..batch).map(sentence).collect::<Vec<_>>(), 0, 11)?;
        for cell in [Cell::Tanh, Cell::Gru, Cell::Lstm] {
            let mut config = config(cell, 1, Score::Dot, Window::Global, false);
            (config.encoder.hidden_size, config.decoder.hidden_size) = (hidden, 2 * hidden);
            let model = endless(&gpu, &config)?;
            let (memory, encode) = counted(&gpu, || {
                let (memory, _) = model.encode(&gpu, &source)?;
                Ok(pollster::block_on(gpu.read(&memory.states))?)
            })?;
            assert_eq!(encode.dispatches, 1 + 1 + dispatches + 1, "{cell:?} of {hidden}, {length} positions");
            // What is computed is what a dispatch a position computes.
            let positions = Choices { recurrence: Some(RecurrenceForm::Positions), ..choices };
            let Some(other) = gpu_with(name, positions) else { return Ok(()) };
            let model = endless(&other, &config)?;
            let (expected, _) = model.encode(&other, &source)?;
            let expected = pollster::block_on(other.read(&expected.states))?;
            let differences = memory.iter().zip(&expected).map(|(a, b)| (a - b).abs());
            let largest = differences.fold(0.0, f32::max);
            println!("{cell:?} of {hidden}, {length} positions: largest difference {largest:e}");
            assert!(largest < 5e-6 && expected.iter().any(|state| state.abs() > 0.01), "{cell:?}: {largest:e}");
        }
    }
    Ok(())
}

#[test]
fn a_decoder_step_is_at_most_seven_dispatches_and_one_for_coverage() -> TestResult {
    let name = "a_decoder_step_is_at_most_seven_dispatches_and_one_for_coverage";
    for state in [StateForm::Apart, StateForm::Together] {
        let choices = Choices { state: Some(state), ..plain() };
        let Some(gpu) = gpu_with(name, choices) else { return Ok(()) };
        decoder_steps_are_few_dispatches(&gpu, state)?;
    }
    Ok(())
}

fn decoder_steps_are_few_dispatches(gpu: &Gpu, form: StateForm) -> TestResult {
    let source = source()?;
    let scores = [Score::Dot, Score::ScaledDot, Score::General, Score::Concat, Score::Location];
    for score in scores {
        for window in [Window::Global, Window::LocalM, Window::LocalP] {
            for (layers, input_feeding) in [(1, true), (2, false)] {
                let config = config(Cell::Lstm, layers, score, window, input_feeding);
                let model = endless(gpu, &config)?;
                let (memory, initial) = model.encode(gpu, &source)?;
                let mut state = model.decoder().start(gpu, &memory, initial)?;
                let rules = SearchRules {
                    beam: 4,
                    n_best: 2,
                    coverage_penalty: 0.2,
                    ..SearchRules::greedy(&config.special_tokens)
                };
                let batch = source.batch();
                let mut search = Search::new(gpu, &rules, source.lengths(), &vec![9; batch], 1, 70)?;
                let mut weights = gpu.zeros(batch * rules.beam, source.len())?;
                let frontier = gpu.upload_ids(&[vec![1; batch], (0..batch as u32).collect()].concat())?;
                gpu.finish()?;
                let (_, step) = counted(gpu, || {
                    let rows = WeightRows { weights: &mut weights, first: 0 };
                    model.decoder().step(gpu, &memory, &frontier, 0, rows, &mut state)?;
                    gpu.extend(&rules, model.symbols(&state), 0, 0, &mut search)?;
                    Ok(gpu.finish()?)
                })?;
                let name = format!("{score:?}, {window:?}, {layers} layers, states {form}");
                // A step of each layer, attention, generator, extension; what is compared, where it is projected.
                let (concat, local_p) = (score == Score::Concat, window == Window::LocalP);
                let projected = [concat || score == Score::Location, local_p].map(u64::from);
                let apart = form == StateForm::Apart || concat || local_p;
                let expected = layers as u64 + 3 + projected.iter().sum::<u64>() + u64::from(apart);
                assert_eq!(step.dispatches, expected, "{name}");
                assert!(expected <= 7 + (layers as u64 - 1), "{name}");
                assert!(at_once(gpu, step, 1), "{name}: {step:?}");
                let (_, cover) = counted(gpu, || {
                    let attended = AttendedStep { weights: &weights, first_row: 0, width: 1, step: 0 };
                    gpu.cover(&rules, &attended, Share::WHOLE, &mut search)?;
                    Ok(gpu.finish()?)
                })?;
                assert_eq!(cover.dispatches, 1, "{name}: coverage");
            }
        }
    }
    Ok(())
}

#[test]
fn greedy_search_of_a_small_model_is_two_dispatches_for_32_steps() -> TestResult {
    /// Some sentences end with these, some do not.
    const SCALE: f32 = 0.7;
    const END: f32 = 1.0;
    let name = "greedy_search_of_a_small_model_is_two_dispatches_for_32_steps";
    let sentence = |index: usize| (0..1 + index * 5 % 23).map(|at| 3 + (at + index) as u32 % 8).collect::<Vec<_>>();
    let source = Batch::new(&(0..11).map(sentence).collect::<Vec<_>>(), 0, 11)?;
    let mut ended = BTreeSet::new();
    for wide in [true, false] {
        let form = |greedy| Choices { greedy: Some(greedy), wide, ..Choices::best(Precision::F32) };
        let Some(resident) = gpu_with(name, form(GreedyForm::Resident)) else { return Ok(()) };
        let Some(steps) = gpu_with(name, form(GreedyForm::Steps)) else { return Ok(()) };
        for (cell, layers, score, input_feeding) in [
            (Cell::Lstm, 1, Score::Dot, false),
            (Cell::Lstm, 2, Score::General, true),
            (Cell::Gru, 1, Score::ScaledDot, true),
            (Cell::Gru, 3, Score::Dot, false),
            (Cell::Tanh, 2, Score::General, true),
        ] {
            let config = config(cell, layers, score, Window::Global, input_feeding);
            // What a tanh cell is off by grows from step to step where its weights are large.
            let scale = if cell == Cell::Tanh { 0.4 } else { SCALE };
            let translate = |gpu: &Gpu, model: &Seq2Seq<Gpu>, max_length| {
                let options = GreedyOptions { max_length, alignment: true };
                counted(gpu, || Ok(pollster::block_on(greedy(gpu, model, &source, options))?))
            };
            let (_, short) = translate(&resident, &endless(&resident, &config)?, 16)?;
            let (_, long) = translate(&resident, &endless(&resident, &config)?, 40)?;
            assert_eq!(long.dispatches - short.dispatches, 2, "{cell:?}: dispatches of the steps from 33 to 40");

            let (found, _) = translate(&resident, &inclined_to_end(&resident, &config, scale, END)?, 75)?;
            let (expected, _) = translate(&steps, &inclined_to_end(&steps, &config, scale, END)?, 75)?;
            let mut largest = 0.0_f64;
            for (found, expected) in found.iter().zip(&expected) {
                assert_eq!(found.tokens, expected.tokens, "{cell:?} of {layers} layers, {score:?}");
                assert_eq!(found.finished, expected.finished);
                let difference = (found.log_prob - expected.log_prob).abs();
                largest = largest.max(difference / expected.log_prob.abs().max(1.0));
                let rows = |hypothesis: &Hypothesis| hypothesis.alignment.clone().map(|rows| rows.data);
                let pairs = rows(found).unwrap_or_default().into_iter().zip(rows(expected).unwrap_or_default());
                largest = pairs.map(|(a, b)| f64::from((a - b).abs())).fold(largest, f64::max);
            }
            ended.extend(expected.iter().map(|hypothesis| hypothesis.tokens.len()));
            println!("{cell:?} of {layers} layers, {score:?}, wide {wide}: largest difference {largest:e}");
            assert!(largest < 1e-5, "{cell:?} of {layers} layers, {score:?}: {largest:e}");
        }
    }
    assert!(ended.len() > 4, "sentences of {ended:?} symbols leave the batch at one step");
    Ok(())
}

#[test]
fn attention_over_a_whole_target_is_at_most_three_dispatches_and_two_more_as_products() -> TestResult {
    let name = "attention_over_a_whole_target_is_at_most_three_dispatches_and_two_more_as_products";
    let source = source()?;
    let target = Batch::new(&[vec![1, 9, 8, 7, 6], vec![1, 5], vec![1, 5, 5]], 0, 70)?;
    for score in [Score::Dot, Score::General, Score::Concat] {
        let mut dispatches = Vec::new();
        for form in [AttentionForm::Far, AttentionForm::Products] {
            let choices = Choices { attention: Some(form), ..plain() };
            let Some(gpu) = gpu_with(name, choices) else { return Ok(()) };
            let model = endless(&gpu, &config(Cell::Lstm, 1, score, Window::Global, false))?;
            let (_, forced) = counted(&gpu, || Ok(pollster::block_on(model.forced(&gpu, &source, &target))?))?;
            // Two lookups, two layers, the values, the attentional states, the logits and their log softmax besides.
            let others = 2 + (1 + source.len()) + (1 + target.len()) + 4;
            dispatches.push(forced.dispatches - others as u64);
        }
        println!("{score:?}: {dispatches:?} dispatches");
        assert!(dispatches[0] <= 3, "{score:?}: {dispatches:?} dispatches");
        let more = if score == Score::Concat { 0 } else { 2 };
        assert_eq!(dispatches[1], dispatches[0] + more, "{score:?}");
    }
    Ok(())
}

#[test]
fn a_translation_is_one_submit_for_eight_steps_and_creates_nothing_per_step() -> TestResult {
    let name = "a_translation_is_one_submit_for_eight_steps_and_creates_nothing_per_step";
    for (attention, state, dispatches) in [
        (AttentionForm::Near, StateForm::Together, 4),
        (AttentionForm::Near, StateForm::Apart, 5),
        (AttentionForm::Far, StateForm::Apart, 5),
        (AttentionForm::Split, StateForm::Apart, 6),
        (AttentionForm::Products, StateForm::Apart, 7),
    ] {
        let choices = Choices { attention: Some(attention), state: Some(state), ..plain() };
        let Some(gpu) = gpu_with(name, choices) else { return Ok(()) };
        let counters = a_translation_creates_nothing_per_step(&gpu, dispatches)?;
        println!("attention {attention}, states {state}, 32 steps: {counters:?}");
    }
    Ok(())
}

/// Each of whose steps is so many dispatches; what 32 steps take.
fn a_translation_creates_nothing_per_step(gpu: &Gpu, dispatches: u64) -> TestResultOf<Counters> {
    let source = source()?;
    let model = endless(gpu, &config(Cell::Lstm, 1, Score::General, Window::Global, true))?;
    let translate = |max_length| {
        counted(gpu, || {
            let options = GreedyOptions { max_length, alignment: false };
            Ok(pollster::block_on(greedy(gpu, &model, &source, options))?)
        })
    };
    translate(32)?;
    let (_, short) = translate(16)?;
    let (hypotheses, long) = translate(32)?;
    assert!(hypotheses.iter().all(|hypothesis| hypothesis.tokens.len() == 32), "none ends early");
    assert!(at_once(gpu, short, 2) && at_once(gpu, long, 4), "for 16 and for 32 steps: {short:?}, {long:?}");
    assert_eq!(long.dispatches - short.dispatches, 16 * dispatches, "dispatches of 16 more steps");
    assert_eq!(long.pipelines, 0, "pipelines");
    // A second translation of one shape finds all buffers in the pool; more steps need no more of anything.
    let (_, again) = translate(32)?;
    assert_eq!((again.buffers, again.bind_groups, again.pipelines), (0, 0, 0), "buffers, bind groups, pipelines");
    Ok(long)
}

/// A recurrent layer of 2 directions while it learns: its tensors, the numbers of no account.
struct Learnt {
    layout: GateLayout,
    lengths: GpuIds,
    batch: usize,
    steps: usize,
    sequence: Sequence<Gpu>,
    input: GpuTensor,
    weight_ih: GpuTensor,
    bias: GpuTensor,
    weight_hh: GpuTensor,
}

impl Learnt {
    fn new(gpu: &Gpu, cell: Cell, source: &Batch) -> TestResultOf<Self> {
        let layout = GateLayout { cell, hidden: 7, directions: 2 };
        Ok(Self {
            layout,
            lengths: gpu.upload_ids(source.lengths())?,
            batch: source.batch(),
            steps: source.len(),
            sequence: Sequence::zeros(gpu, layout, source.batch(), source.len())?,
            input: gpu.zeros(source.batch() * source.len(), 5)?,
            weight_ih: gpu.zeros(layout.cols(), 5)?,
            bias: gpu.zeros(1, layout.cols())?,
            weight_hh: gpu.zeros(layout.cols(), layout.hidden)?,
        })
    }

    fn forward(&mut self, gpu: &Gpu) -> TestResult {
        let Self { layout, lengths, steps, sequence, input, weight_ih, bias, weight_hh, .. } = self;
        gpu.matmul_nt(input, weight_ih, Some(bias), Activation::Identity, false, &mut sequence.gates)?;
        gpu.recurrent_forward(*layout, weight_hh, lengths, 0..*steps, sequence)?;
        Ok(gpu.finish()?)
    }

    /// Everything that backward asks of a layer: the steps, both weights with the biases, the input, the initial state.
    fn backward(&mut self, gpu: &Gpu) -> TestResult {
        let Self { layout, lengths, batch, steps, sequence, input, weight_ih, weight_hh, .. } = self;
        let (batch, units) = (*batch, layout.directions * layout.hidden);
        let (mut carry, mut d_initial) = (gpu.zeros(batch, units)?, gpu.zeros(batch, units)?);
        let d_output = gpu.zeros(batch * *steps, units)?;
        let (mut d_weight_ih, mut d_bias) = (gpu.zeros(layout.cols(), 5)?, gpu.zeros(1, layout.cols())?);
        let mut d_weight_hh = gpu.zeros(layout.cols(), layout.hidden)?;
        let mut d_input = gpu.zeros(batch * *steps, 5)?;
        gpu.recurrent_backward(*layout, weight_hh, lengths, 0..*steps, &d_output, None, sequence, &mut carry)?;
        gpu.recurrent_weight_backward(*layout, sequence, &mut d_weight_hh)?;
        let skipped = layout.skipped_of_input();
        gpu.matmul_tn(&sequence.gates, input, skipped, &mut d_weight_ih, Some(&mut d_bias))?;
        gpu.matmul_nn(&sequence.gates, weight_ih, false, &mut d_input)?;
        gpu.recurrent_initial_backward(*layout, weight_hh, lengths, sequence, &carry, &mut d_initial)?;
        Ok(gpu.finish()?)
    }
}

#[test]
fn a_recurrent_layer_backward_is_one_dispatch_a_position_and_four() -> TestResult {
    let Some(gpu) = gpu("a_recurrent_layer_backward_is_one_dispatch_a_position_and_four") else { return Ok(()) };
    let source = source()?;
    for cell in [Cell::Tanh, Cell::Gru, Cell::Lstm] {
        let mut layer = Learnt::new(&gpu, cell, &source)?;
        gpu.finish()?;
        let (_, forward) = counted(&gpu, || layer.forward(&gpu))?;
        assert_eq!(forward.dispatches, 1 + source.len() as u64, "{cell:?} forward");
        let (_, backward) = counted(&gpu, || layer.backward(&gpu))?;
        assert_eq!(backward.dispatches, 4 + source.len() as u64, "{cell:?} backward");
        assert!(at_once(&gpu, forward, 1) && at_once(&gpu, backward, 1), "{cell:?}: {forward:?}, {backward:?}");
    }
    Ok(())
}

#[test]
fn an_update_of_all_parameters_is_one_dispatch_and_their_norm_two() -> TestResult {
    let Some(gpu) = gpu("an_update_of_all_parameters_is_one_dispatch_and_their_norm_two") else { return Ok(()) };
    let shapes: Vec<[usize; 2]> = (1..40).map(|size| [size, 3 * size + 1]).collect();
    let arena = || gpu.arena(&shapes);
    let (mut values, mut gradients, mut moments) = (arena()?, arena()?, [arena()?, arena()?]);
    let mut norm = gpu.zeros(1, 1)?;
    gpu.finish()?;
    let rule = Rule::Adam { beta1: 0.9, beta2: 0.98, epsilon: 1e-9, weight_decay: 0.0, decoupled: false };
    let update = Update { rule, learning_rate: 1e-3, step: 1, clip: Some(5.0), average: 0.0 };
    let (_, normed) = counted(&gpu, || {
        gpu.gradient_norm(&gradients, &mut norm)?;
        Ok(gpu.finish()?)
    })?;
    let (_, updated) = counted(&gpu, || {
        gpu.update(&update, &norm, &mut values, &mut gradients, &mut moments, None)?;
        Ok(gpu.finish()?)
    })?;
    assert_eq!((normed.dispatches, updated.dispatches), (2, 1));
    Ok(())
}

#[test]
fn generator_and_extension_of_a_small_vocabulary_are_one_dispatch() -> TestResult {
    let name = "generator_and_extension_of_a_small_vocabulary_are_one_dispatch";
    let choices = Choices { extension: Some(ExtensionForm::Together), ..Choices::best(Precision::F32) };
    let Some(gpu) = gpu_with(name, choices) else { return Ok(()) };
    // A vocabulary or a beam that a workgroup has no room for, and penalties of coverage, are two dispatches still.
    for (symbols, beam, coverage_penalty, dispatches) in
        [(1, 1, 0.0, 1), (70, 1, 0.0, 1), (127, 8, 0.0, 1), (129, 3, 0.0, 2), (70, 9, 0.0, 2), (70, 3, 0.2, 2)]
    {
        let special = SpecialTokens { pad: 0, bos: 1, eos: 2, unk: None };
        let rules = SearchRules { beam, coverage_penalty, ..SearchRules::greedy(&special) };
        let weight = Array::new([symbols, 14], vec![0.1; symbols * 14]);
        let weights = gpu.linear_weights(&weight, None)?;
        let attentional = gpu.zeros(3 * beam, 14)?;
        let mut search = Search::new(&gpu, &rules, &[9, 1, 4], &[9; 3], 1, symbols)?;
        gpu.finish()?;
        let (_, extended) = counted(&gpu, || {
            let symbols = Distribution::Generator { weights: &weights, attentional: &attentional };
            gpu.extend(&rules, symbols, 1, 0, &mut search)?;
            Ok(gpu.finish()?)
        })?;
        assert_eq!(extended.dispatches, dispatches, "{symbols} symbols, beam {beam}, coverage {coverage_penalty}");
    }
    Ok(())
}

/// The dispatches of a step of training: one a position forward and one backward, and what does not grow with them.
#[test]
fn a_step_of_training_is_one_submission_and_two_dispatches_a_position() -> TestResult {
    let name = "a_step_of_training_is_one_submission_and_two_dispatches_a_position";
    let mut rests = Vec::new();
    for form in [AttentionForm::Far, AttentionForm::Products] {
        let Some(gpu) = gpu_with(name, Choices { attention: Some(form), ..plain() }) else { return Ok(()) };
        let [plain, dropout] = dispatches_beside_the_positions(&gpu)?;
        println!("attention {form}: 2 (S + T) + {plain}, with dropout {dropout}");
        rests.push([plain, dropout]);
    }
    assert_eq!(rests[1], rests[0].map(|rest| rest + 2), "as products");
    Ok(())
}

/// Of a step of training, without dropout and with it.
fn dispatches_beside_the_positions(gpu: &Gpu) -> TestResultOf<[u64; 2]> {
    let config = config(Cell::Lstm, 1, Score::Dot, Window::Global, false);
    let step = |source: usize, target: usize, dropout: f32| -> TestResultOf<Counters> {
        let mut learner = Learner::new(gpu, &config, &Parameters::random(&config, 1, 0.1)?, false)?;
        let symbols = |len: usize| (0..len as u32).map(|at| 3 + at % 7).collect::<Vec<_>>();
        let batch = PairBatch::new(&[(symbols(source), symbols(target - 1)), (symbols(1), symbols(0))], &config)?;
        let options = StepOptions { dropout, smoothing: 0.1, seed: 1, scale: 0.1 };
        let rule = Rule::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0, decoupled: false };
        let update = Update { rule, learning_rate: 0.1, step: 1, clip: Some(1.0), average: 0.0 };
        let work = || {
            learner.accumulate(gpu, &batch, &options)?;
            Ok(learner.update(gpu, &update)?)
        };
        Ok(counted(gpu, work)?.1)
    };
    let mut rests = [0; 2];
    for (kept, dropout) in rests.iter_mut().zip([0.0, 0.2]) {
        let (short, long) = (step(3, 4, dropout)?, step(8, 6, dropout)?);
        let rest = [(short, 3 + 4), (long, 8 + 6)].map(|(counters, positions)| counters.dispatches - 2 * positions);
        assert_eq!(rest[0], rest[1], "dropout {dropout}: what does not grow with the positions");
        assert!(rest[0] <= 45, "dropout {dropout}: {} beside two a position", rest[0]);
        *kept = rest[0];
        // One of the step, and one in which whoever counts waits for it.
        assert!(long.submits <= 2 || gpu.adapter().kind != AdapterKind::Software, "{} submissions", long.submits);
    }
    Ok(rests)
}
