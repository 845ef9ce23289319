//! Training on small tasks: that it learns, that runs reproduce and go on, that what goes wrong leaves all as it was.

mod common;

use std::cell::Cell;
use std::path::Path;

use common::TestResult;
use safetensors::SafeTensors;
use seq2seq::backend::Training;
use seq2seq::batch::Batch;
use seq2seq::cpu::Cpu;
use seq2seq::decode::{GreedyOptions, greedy};
use seq2seq::model::{
    AttentionConfig, AttentionOutput, Bridge, Config, DecoderConfig, EncoderConfig, Model, Score, Window,
};
use seq2seq::nn::Seq2Seq;
use seq2seq::text::pairs::Pair;
use seq2seq::text::vocabulary::{TokenKind, build, special_tokens};
use seq2seq::train::{
    Began, Ended, Event, Folder, Metric, Observer, Optimizer, Schedule, Start, Summary, Task, TrainOptions, train,
};
use seq2seq::{Error, Result, block_on};

/// Words of four letters, beside the same letters from the end.
fn reversals(count: usize) -> Vec<Pair> {
    let letters = ["a", "b", "c", "d"];
    let pair = |number: usize| {
        let length = 2 + number % 3;
        let word: Vec<&str> = (0..length).map(|at| letters[((number / 3) >> (2 * at)) % 4]).collect();
        let back: Vec<&str> = word.iter().rev().copied().collect();
        Pair { source: word.concat(), target: back.join(" "), line: number + 1 }
    };
    (0..count).map(pair).collect()
}

fn task(pairs: &[Pair], validation: &[Pair]) -> Result<Task> {
    let sources: Vec<&str> = pairs.iter().map(|pair| pair.source.as_str()).collect();
    let targets: Vec<&str> = pairs.iter().map(|pair| pair.target.as_str()).collect();
    let (source, target) = (build(&TokenKind::Char, &sources)?, build(&TokenKind::Word, &targets)?);
    let config = Config {
        format_version: 1,
        cell: seq2seq::model::Cell::Lstm,
        encoder: EncoderConfig {
            vocab_size: source.vocab_size(),
            embedding_size: 12,
            hidden_size: 12,
            num_layers: 1,
            bidirectional: true,
        },
        decoder: DecoderConfig {
            vocab_size: target.vocab_size(),
            embedding_size: 12,
            hidden_size: 24,
            num_layers: 1,
            input_feeding: false,
        },
        bridge: Bridge::Copy,
        attention: AttentionConfig {
            score: Score::Dot,
            window: Window::Global,
            half_width: None,
            max_source_length: None,
            output: AttentionOutput::default(),
        },
        special_tokens: special_tokens(&source, &target)?,
        files: None,
    };
    Task::new(config, source, target, pairs, validation, 100)
}

fn small_task() -> Result<Task> {
    let pairs = reversals(60);
    task(&pairs, &pairs[..12])
}

fn options() -> TrainOptions {
    TrainOptions {
        epochs: None,
        steps: Some(25),
        batch_size: 8,
        dropout: 0.1,
        learning_rate: 0.01,
        validate_every: Some(10),
        ..Default::default()
    }
}

fn run(folder: &Path, options: &TrainOptions, start: Start, observer: &mut dyn Observer) -> Result<Summary> {
    run_on(&Cpu::<f32>::new(), folder, options, start, observer)
}

fn run_on<B: Training>(
    backend: &B,
    folder: &Path,
    options: &TrainOptions,
    start: Start,
    observer: &mut dyn Observer,
) -> Result<Summary> {
    block_on(train(backend, &small_task()?, options, &Folder::new(folder), start, observer))
}

/// Asks to stop when it has been asked so often whether to, or dies at an event.
struct Impatient {
    asked: Cell<u32>,
    patience: u32,
    dies_at_checkpoint: Option<u64>,
}

impl Impatient {
    fn stops_after(patience: u32) -> Self {
        Self { asked: Cell::new(0), patience, dies_at_checkpoint: None }
    }

    fn dies_at_checkpoint(step: u64) -> Self {
        Self { asked: Cell::new(0), patience: u32::MAX, dies_at_checkpoint: Some(step) }
    }
}

impl Observer for Impatient {
    fn event(&mut self, event: &Event) -> Result<()> {
        match event {
            Event::Checkpoint { step } if Some(*step) == self.dies_at_checkpoint => {
                Err(Error::io("test")(std::io::Error::other("killed")))
            }
            _ => Ok(()),
        }
    }

    fn should_stop(&self) -> bool {
        self.asked.set(self.asked.get() + 1);
        self.asked.get() > self.patience
    }
}

/// All files of a run that hold weights.
fn weights(folder: &Path) -> [Vec<u8>; 3] {
    ["model.safetensors", "last/model.safetensors", "checkpoint/checkpoint.safetensors"]
        .map(|name| std::fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}")))
}

#[test]
fn a_small_task_is_learnt_by_heart() -> TestResult {
    let folder = tempfile::tempdir()?;
    let pairs = reversals(48);
    let task = task(&pairs, &pairs)?;
    let options = TrainOptions {
        epochs: Some(80),
        batch_size: 8,
        dropout: 0.0,
        learning_rate: 0.01,
        validate_every: Some(60),
        ..Default::default()
    };
    let summary =
        block_on(train(&Cpu::<f32>::new(), &task, &options, &Folder::new(folder.path()), Start::Anew, &mut ()))?;
    assert_eq!((summary.ended, summary.step), (Ended::Finished, 80 * 6));
    let best = summary.best.expect("a best model");
    assert!(best.value == 0.0 && best.loss < 0.1, "{best:?}");
    assert!(summary.history.training.len() >= 40 && summary.history.validations.len() == 8);

    // The folder is a model like any other.
    let model = Model::load(folder.path())?;
    let cpu = Cpu::<f32>::new();
    let source = model.source_tokenizer.as_ref().expect("a tokenizer").encode(&pairs[5].source)?;
    let batch = Batch::new(&[source.ids], 0, model.config.encoder.vocab_size)?;
    let seq2seq = Seq2Seq::new(&cpu, &model.config, &model.parameters)?;
    let found = block_on(greedy(&cpu, &seq2seq, &batch, GreedyOptions { max_length: 10, alignment: false }))?;
    assert_eq!(model.target_tokenizer.expect("a tokenizer").decode(&found[0].tokens), pairs[5].target);
    Ok(())
}

#[test]
fn one_seed_is_one_run() -> TestResult {
    let folders = [tempfile::tempdir()?, tempfile::tempdir()?, tempfile::tempdir()?];
    let seeds = [1, 1, 2];
    for (folder, seed) in folders.iter().zip(seeds) {
        run(folder.path(), &TrainOptions { seed, ..options() }, Start::Anew, &mut ())?;
    }
    let [first, second, other] = folders.map(|folder| weights(folder.path()));
    assert!(first == second, "two runs with one seed");
    assert!(first[1] != other[1], "two seeds");
    Ok(())
}

/// Every way to train that keeps something from step to step.
fn variants() -> Vec<(&'static str, TrainOptions)> {
    vec![
        ("plain", options()),
        ("average", TrainOptions { average: Some(0.9), accumulate: 2, ..options() }),
        ("epochs", TrainOptions { epochs: Some(4), steps: None, validate_every: None, ..options() }),
        ("checkpoints", TrainOptions { checkpoint_every: Some(4), batch_tokens: Some(40), ..options() }),
        (
            "plateau",
            TrainOptions {
                optimizer: Optimizer::Sgd,
                schedule: Schedule::Plateau,
                validate_every: Some(3),
                decay_patience: 1,
                label_smoothing: 0.1,
                ..options()
            },
        ),
        ("adamw", TrainOptions { optimizer: Optimizer::AdamW, weight_decay: 0.1, warmup: 5, ..options() }),
    ]
}

#[test]
fn a_run_that_was_interrupted_ends_as_one_that_was_not() -> TestResult {
    for (name, options) in variants() {
        let whole = tempfile::tempdir()?;
        let expected = run(whole.path(), &options, Start::Anew, &mut ())?;
        // In the first steps, and in the middle of validations, as they ask more often than once.
        for patience in [1, 7, 12, 13, 14, 21] {
            let folder = tempfile::tempdir()?;
            let mut sessions = 0;
            let summary = loop {
                sessions += 1;
                let mut observer = Impatient::stops_after(patience);
                let summary = run(folder.path(), &options, Start::Resume, &mut observer)?;
                if summary.ended != Ended::Interrupted || sessions > 40 {
                    break summary;
                }
                if patience < 5 && sessions == 3 {
                    break run(folder.path(), &options, Start::Resume, &mut ())?;
                }
            };
            assert!(sessions > 1, "{name}: it was interrupted");
            assert_eq!(summary.ended, Ended::Finished, "{name}, {patience}");
            assert_eq!((summary.step, &summary.best), (expected.step, &expected.best), "{name}, {patience}");
            let [best, last, _] = weights(folder.path());
            let [expected_best, expected_last, _] = weights(whole.path());
            assert!(best == expected_best, "{name}, {patience}: the best model");
            assert!(last == expected_last, "{name}, {patience}: the last model");
        }
    }
    Ok(())
}

#[test]
fn a_run_that_was_killed_goes_on_from_its_last_checkpoint() -> TestResult {
    let options = TrainOptions { checkpoint_every: Some(4), ..options() };
    let (whole, killed) = (tempfile::tempdir()?, tempfile::tempdir()?);
    run(whole.path(), &options, Start::Anew, &mut ())?;
    let died = run(killed.path(), &options, Start::Anew, &mut Impatient::dies_at_checkpoint(12));
    assert!(matches!(died, Err(Error::Io { .. })));
    // What a process leaves that is killed while it writes.
    let half = killed.path().join("checkpoint/.checkpoint.safetensors.seq2seq-wgpu-1-0.tmp");
    std::fs::write(&half, "half a file")?;
    run(killed.path(), &options, Start::Resume, &mut ())?;
    assert!(!half.exists(), "it is cleared away");
    let [best, last, checkpoint] = weights(killed.path());
    assert!([best, last, checkpoint] == weights(whole.path()));
    Ok(())
}

#[test]
fn a_gpu_goes_on_as_well() -> TestResult {
    let Some(gpu) = common::gpu::gpu("a_gpu_goes_on_as_well") else { return Ok(()) };
    let options = TrainOptions { steps: Some(12), validate_every: Some(6), average: Some(0.9), ..options() };
    let (whole, parts) = (tempfile::tempdir()?, tempfile::tempdir()?);
    run_on(&gpu, whole.path(), &options, Start::Anew, &mut ())?;
    let interrupted = run_on(&gpu, parts.path(), &options, Start::Anew, &mut Impatient::stops_after(4))?;
    assert_eq!((interrupted.ended, interrupted.step), (Ended::Interrupted, 4));
    run_on(&gpu, parts.path(), &options, Start::Resume, &mut ())?;
    let ([best, last, _], expected) = (weights(parts.path()), weights(whole.path()));
    assert!([best, last] == expected[..2]);
    Ok(())
}

#[test]
fn to_resume_without_a_checkpoint_is_to_begin() -> TestResult {
    let (anew, resumed) = (tempfile::tempdir()?, tempfile::tempdir()?);
    run(anew.path(), &options(), Start::Anew, &mut ())?;
    run(resumed.path(), &options(), Start::Resume, &mut ())?;
    assert!(weights(anew.path()) == weights(resumed.path()));
    Ok(())
}

#[test]
fn a_finished_run_has_nothing_to_go_on_with() -> TestResult {
    let folder = tempfile::tempdir()?;
    run(folder.path(), &options(), Start::Anew, &mut ())?;
    let before = weights(folder.path());
    let summary = run(folder.path(), &options(), Start::Resume, &mut ())?;
    assert_eq!((summary.ended, summary.step), (Ended::Finished, 25));
    assert!(weights(folder.path()) == before);
    // Without a schedule that depends on its end, a run can be made longer.
    let constant = TrainOptions { schedule: Schedule::Constant, ..options() };
    let (longer, whole) = (tempfile::tempdir()?, tempfile::tempdir()?);
    run(longer.path(), &TrainOptions { steps: Some(20), ..constant.clone() }, Start::Anew, &mut ())?;
    run(longer.path(), &TrainOptions { steps: Some(30), ..constant.clone() }, Start::Resume, &mut ())?;
    run(whole.path(), &TrainOptions { steps: Some(30), ..constant }, Start::Anew, &mut ())?;
    assert!(weights(longer.path())[1] == weights(whole.path())[1]);
    Ok(())
}

#[test]
fn other_options_or_data_are_named() -> TestResult {
    let folder = tempfile::tempdir()?;
    run(folder.path(), &options(), Start::Anew, &mut ())?;
    let before = weights(folder.path());
    for (key, options) in [
        ("learning_rate", TrainOptions { learning_rate: 0.02, ..options() }),
        ("seed", TrainOptions { seed: 2, ..options() }),
        ("optimizer", TrainOptions { optimizer: Optimizer::AdamW, ..options() }),
        ("average", TrainOptions { average: Some(0.5), ..options() }),
        ("steps", TrainOptions { steps: Some(26), ..options() }),
    ] {
        match run(folder.path(), &options, Start::Resume, &mut ()) {
            Err(Error::Config { key: found, .. }) => assert_eq!(found, key),
            other => panic!("{key}: {other:?}"),
        }
    }
    let pairs = reversals(61);
    let other = task(&pairs, &pairs[..12])?;
    let resumed =
        block_on(train(&Cpu::<f32>::new(), &other, &options(), &Folder::new(folder.path()), Start::Resume, &mut ()));
    assert!(matches!(&resumed, Err(Error::Config { key, .. }) if key == "pairs"), "{resumed:?}");
    assert!(weights(folder.path()) == before, "nothing was touched");
    Ok(())
}

#[test]
fn training_that_diverges_leaves_its_last_checkpoint() -> TestResult {
    let folder = tempfile::tempdir()?;
    let constant = TrainOptions { schedule: Schedule::Constant, ..options() };
    run(folder.path(), &constant, Start::Anew, &mut ())?;
    // Weights that are finite, but whose sums are not.
    let path = Folder::new(folder.path()).checkpoint();
    let mut bytes = std::fs::read(&path)?;
    let weight = SafeTensors::deserialize(&bytes)?.tensor("value.generator.weight")?.data().as_ptr_range();
    let start = weight.start.addr() - bytes.as_ptr().addr();
    let length = weight.end.addr() - weight.start.addr();
    bytes[start..start + length].as_chunks_mut().0.fill(3e38_f32.to_le_bytes());
    // As the first version wrote it, without a checksum, whose place in the header may be blank.
    let find = |text: &str| bytes.windows(text.len()).position(|window| window == text.as_bytes());
    let (state, version) =
        (find(r#""state":"#).expect("a state") + 8, find(r#"\"version\":2"#).expect("a version") + 12);
    bytes[state..state + 17].fill(b' ');
    bytes[state + 17] = b'"';
    bytes[version] = b'1';
    std::fs::write(&path, bytes)?;

    let before = weights(folder.path());
    let died = run(folder.path(), &TrainOptions { steps: Some(60), ..constant }, Start::Resume, &mut ());
    let Err(error @ Error::Diverged { step: 30, .. }) = died else { panic!("{died:?}") };
    assert!(error.to_string().contains("loss is "), "{error}");
    assert!(weights(folder.path()) == before);
    Ok(())
}

#[test]
fn early_stopping_waits_for_its_patience() -> TestResult {
    let folder = tempfile::tempdir()?;
    // So small a rate improves nothing but, by rounding, the loss.
    let options = TrainOptions {
        steps: Some(1000),
        learning_rate: 1e-30,
        metric: Metric::Bleu,
        validate_every: Some(1),
        patience: Some(3),
        ..options()
    };
    let summary = run(folder.path(), &options, Start::Anew, &mut ())?;
    assert_eq!((summary.ended, summary.step), (Ended::OutOfPatience, 4));
    assert_eq!(run(folder.path(), &options, Start::Resume, &mut ())?.ended, Ended::OutOfPatience);
    Ok(())
}

#[test]
fn events_tell_all_of_it() -> TestResult {
    struct Events(Vec<Event>);
    impl Observer for Events {
        fn event(&mut self, event: &Event) -> Result<()> {
            self.0.push(event.clone());
            Ok(())
        }
    }
    let folder = tempfile::tempdir()?;
    let mut events = Events(Vec::new());
    run(folder.path(), &options(), Start::Anew, &mut events)?;
    let Some(Event::Began(Began { total_steps: Some(25), steps_per_epoch: 8, training_pairs: 60, .. })) =
        events.0.first()
    else {
        panic!("{:?}", events.0.first());
    };
    let steps: Vec<u64> = events
        .0
        .iter()
        .filter_map(|event| if let Event::Step(step) = event { Some(step.step) } else { None })
        .collect();
    assert_eq!(steps, [10, 20, 25]);
    let validated = events.0.iter().filter(|event| matches!(event, Event::Validated { .. })).count();
    assert_eq!(validated, 3);
    assert!(matches!(events.0.last(), Some(Event::Checkpoint { step: 25 })));
    let line = serde_json::to_value(&events.0[1])?;
    assert_eq!((&line["event"], &line["step"]), (&"step".into(), &10.into()));
    Ok(())
}

#[test]
fn pairs_without_ids_are_left_out_and_counted() -> TestResult {
    let mut pairs = reversals(10);
    let strange = Pair { source: "ж".to_owned(), target: "a".to_owned(), line: 11 };
    pairs.push(strange);
    let source = build(&TokenKind::File(common::g2p().join("source_tokenizer.json")), &["a"])?;
    let target = build(&TokenKind::Word, &["a b c d"])?;
    let mut config = small_task()?.config().clone();
    config.encoder.vocab_size = source.vocab_size();
    config.decoder.vocab_size = target.vocab_size();
    config.special_tokens = special_tokens(&source, &target)?;
    let task = Task::new(config.clone(), source.clone(), target.clone(), &pairs, &pairs, 100)?;
    let left_out = task.left_out[0].as_ref().expect("one");
    assert_eq!((left_out.count, left_out.first.0), (1, 11));
    let none = Task::new(config, source, target, &pairs[10..], &pairs, 100);
    assert!(matches!(&none, Err(Error::Config { key, .. }) if key == "pairs"), "{none:?}");
    Ok(())
}
