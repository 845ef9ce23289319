//! Beam search against every sequence there is, on every backend.

mod common;

use std::collections::BTreeMap;

use common::TestResult;
use common::gpu::gpu;
use seq2seq::backend::{LengthPenalty, MAX_BEAM, SearchRules};
use seq2seq::batch::Batch;
use seq2seq::cpu::Cpu;
use seq2seq::decode::{Hypothesis, MaxLength, SearchOptions, search};
use seq2seq::model::{
    AttentionConfig, AttentionOutput, Bridge, Cell, Config, DecoderConfig, EncoderConfig, Parameters, Score,
    SpecialTokens, Window,
};
use seq2seq::nn::Seq2Seq;
use seq2seq::{Array, Backend, Float, block_on};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Three words of letters, one of a single one.
const SOURCES: [&[u32]; 3] = [&[3, 4, 5, 6, 3], &[5], &[6, 6, 4]];

fn config(vocab_size: usize, input_feeding: bool) -> Config {
    Config {
        format_version: 1,
        cell: if input_feeding { Cell::Gru } else { Cell::Lstm },
        encoder: EncoderConfig { vocab_size: 7, embedding_size: 5, hidden_size: 6, num_layers: 2, bidirectional: true },
        decoder: DecoderConfig { vocab_size, embedding_size: 3, hidden_size: 13, num_layers: 2, input_feeding },
        bridge: Bridge::LINEAR,
        attention: AttentionConfig {
            score: Score::General,
            window: if input_feeding { Window::LocalM } else { Window::Global },
            half_width: Some(1),
            max_source_length: None,
            output: AttentionOutput::default(),
        },
        special_tokens: SpecialTokens { pad: 0, bos: 1, eos: 2, unk: None },
        files: None,
    }
}

fn parameters(config: &Config, seed: u64) -> Result<Parameters> {
    Ok(Parameters::random(config, seed, 0.9)?)
}

fn batch(sources: &[&[u32]]) -> Result<Batch> {
    Ok(Batch::new(sources, 0, 7)?)
}

fn rules(beam: usize, n_best: usize) -> SearchRules {
    let special = SpecialTokens { pad: 0, bos: 1, eos: 2, unk: None };
    SearchRules { beam, n_best, ..SearchRules::greedy(&special) }
}

/// Runs a test on the CPU in 64 and in 32 bits, and on the GPU, which may be off by so much; it returns the largest error.
macro_rules! on_every_backend {
    ($name:ident, $test:ident) => {
        #[test]
        fn $name() -> TestResult {
            let (double, single) = ($test(&Cpu::<f64>::new(), 1e-8)?, $test(&Cpu::<f32>::new(), 1e-5)?);
            println!("largest errors: CPU in 64 bits {double:.1e}, in 32 bits {single:.1e}");
            if let Some(gpu) = gpu(stringify!($name)) {
                println!("GPU {:.1e}", $test(&gpu, 1e-5)?);
            }
            Ok(())
        }
    };
}

/// ln p of every symbol, and the attention weights, of every prefix (targets without bos) of one source.
fn forced<B: Backend>(
    backend: &B,
    models: &[Seq2Seq<B>],
    source: &[u32],
    targets: &[Vec<u32>],
) -> Result<Vec<(Array<f64>, Array<f64>)>> {
    let with_bos: Vec<Vec<u32>> = targets.iter().map(|target| [&[1], &target[..]].concat()).collect();
    let target = Batch::new(&with_bos, 0, models[0].config().decoder.vocab_size)?;
    let sources = batch(&vec![source; targets.len()])?;
    let mean = |arrays: &[Array<B::Float>], through: fn(f64) -> f64, back: fn(f64) -> f64| {
        let each = |at: usize| arrays.iter().map(|array| through(array.data[at].to_f64())).sum::<f64>();
        let data = (0..arrays[0].data.len()).map(|at| back(each(at) / arrays.len() as f64)).collect();
        Array::new(arrays[0].shape.clone(), data)
    };
    let all: Vec<_> = models
        .iter()
        .map(|model| block_on(model.forced(backend, &sources, &target)))
        .collect::<seq2seq::Result<_>>()?;
    let log_probs: Vec<_> = all.iter().map(|forced| forced.log_probs.clone()).collect();
    let weights: Vec<_> = all.iter().map(|forced| forced.attention_weights.clone()).collect();
    let log_probs = mean(&log_probs, f64::exp, f64::ln);
    let weights = mean(&weights, |weight| weight, |weight| weight);
    let part = |array: &Array<f64>, sentence: usize| {
        let (rows, cols) = (target.len(), array.cols());
        Array::new([rows, cols], array.data[sentence * rows * cols..][..rows * cols].to_vec())
    };
    Ok((0..targets.len()).map(|sentence| (part(&log_probs, sentence), part(&weights, sentence))).collect())
}

/// What the model itself says of a hypothesis: Σ ln p, score and alignment.
fn own_score(
    rules: &SearchRules,
    tokens: &[u32],
    finished: bool,
    (log_probs, weights): &(Array<f64>, Array<f64>),
    length: usize,
) -> (f64, f64, Vec<f64>) {
    let symbols: Vec<u32> = tokens.iter().copied().chain(finished.then_some(2)).collect();
    let log_prob: f64 = symbols.iter().enumerate().map(|(t, &symbol)| log_probs.row(t)[symbol as usize]).sum();
    let alignment: Vec<f64> = (0..tokens.len()).flat_map(|t| &weights.row(t)[..length]).copied().collect();
    let covered = |s: usize| alignment.iter().skip(s).step_by(length).sum::<f64>().clamp(1e-10, 1.0).ln();
    let coverage: f64 = (0..length).map(covered).sum();
    let penalty = if rules.coverage_penalty > 0.0 { rules.coverage_penalty * coverage } else { 0.0 };
    (log_prob, log_prob / rules.length_penalty.of(symbols.len()) + penalty, alignment)
}

/// Every sequence of at most `limit` symbols that eos ends, and every one of `limit` without it, the best first.
fn exhaustive<B: Backend>(
    backend: &B,
    models: &[Seq2Seq<B>],
    source: &[u32],
    limit: usize,
    rules: &SearchRules,
) -> Result<Vec<(f64, Vec<u32>)>> {
    let vocab_size = models[0].config().decoder.vocab_size as u32;
    let mut all: Vec<Vec<u32>> = vec![Vec::new()];
    let mut last = all.clone();
    for _ in 0..limit {
        let symbols = (0..vocab_size).filter(|&symbol| symbol != 2 && !(rules.text_only && symbol < 2));
        last = symbols.flat_map(|symbol| last.iter().map(move |prefix| [&prefix[..], &[symbol]].concat())).collect();
        all.extend(last.clone());
    }
    let mut scored: Vec<(f64, Vec<u32>)> = forced(backend, models, source, &all)?
        .iter()
        .zip(&all)
        .map(|(forced, tokens)| {
            (own_score(rules, tokens, tokens.len() < limit, forced, source.len()).1, tokens.clone())
        })
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    Ok(scored)
}

/// Rules of every kind, for a beam that holds every extension of the tree.
fn every_rule(n_best: usize) -> Vec<SearchRules> {
    let plain = rules(320, n_best);
    vec![
        plain.clone(),
        SearchRules { length_penalty: LengthPenalty::Power(1.0), ..plain.clone() },
        SearchRules { length_penalty: LengthPenalty::Wu(0.8), ..plain.clone() },
        SearchRules { coverage_penalty: 0.3, length_penalty: LengthPenalty::Wu(0.5), ..plain.clone() },
        SearchRules { coverage_penalty: 0.1, text_only: true, ..plain },
    ]
}

/// With a beam as wide as the tree (5 symbols, 4 steps) the n best are those of all sequences.
fn against_every_sequence<B: Backend>(backend: &B, tolerance: f64) -> Result<f64> {
    const LIMIT: usize = 4;
    let mut largest = 0.0_f64;
    for (input_feeding, seeds) in [(false, &[7][..]), (true, &[8]), (false, &[7, 9, 4])] {
        let config = config(5, input_feeding);
        let models = seeds
            .iter()
            .map(|&seed| Ok(Seq2Seq::new(backend, &config, &parameters(&config, seed)?)?))
            .collect::<Result<Vec<_>>>()?;
        for n_best in [1, 12] {
            for rules in every_rule(n_best) {
                let options =
                    SearchOptions { rules: rules.clone(), max_length: MaxLength::Symbols(LIMIT), alignment: false };
                let found = block_on(search(backend, &models, &batch(&SOURCES)?, &options))?;
                for (source, found) in SOURCES.iter().zip(&found) {
                    let all = exhaustive(backend, &models, source, LIMIT, &rules)?;
                    assert_eq!(found.len(), n_best);
                    for (place, (hypothesis, (score, tokens))) in found.iter().zip(&all).enumerate() {
                        let error = difference(hypothesis.score, *score);
                        largest = largest.max(error);
                        assert!(error <= tolerance * 10.0, "{rules:?}, place {place}: {hypothesis:?}, {score}");
                        // Two that rounding cannot tell apart may change places.
                        let near = all.iter().filter(|(other, _)| difference(*other, *score) <= tolerance * 10.0);
                        let found_tokens = &hypothesis.tokens;
                        assert!(near.clone().any(|(_, tokens)| tokens == found_tokens), "{found_tokens:?}, {tokens:?}");
                        assert_eq!(hypothesis.finished, found_tokens.len() < LIMIT);
                    }
                }
            }
        }
    }
    Ok(largest)
}

on_every_backend!(a_beam_as_wide_as_the_tree_finds_the_best_of_all_sequences, against_every_sequence);

/// How far two numbers are apart: relative to what is large, absolute for what is small.
fn difference(a: f64, b: f64) -> f64 {
    (a - b).abs() / a.abs().max(1.0)
}

fn random_sources(count: usize) -> Vec<Vec<u32>> {
    (0..count).map(|at| (0..1 + at * 7 % 9).map(|s| 3 + ((at * 5 + s * 3) % 4) as u32).collect()).collect()
}

fn check_own_scores<B: Backend>(
    backend: &B,
    models: &[Seq2Seq<B>],
    options: &SearchOptions,
    sources: &[Vec<u32>],
    found: &[Vec<Hypothesis>],
    tolerance: f64,
) -> Result<f64> {
    let mut largest = 0.0_f64;
    for (source, found) in sources.iter().zip(found) {
        assert!((1..=options.rules.n_best).contains(&found.len()));
        assert!(found.is_sorted_by(|a, b| a.score >= b.score), "the best come first");
        let limit = options.max_length.of(source.len());
        let targets: Vec<Vec<u32>> = found.iter().map(|hypothesis| hypothesis.tokens.clone()).collect();
        for (forced, hypothesis) in forced(backend, models, source, &targets)?.iter().zip(found) {
            let (log_prob, score, alignment) =
                own_score(&options.rules, &hypothesis.tokens, hypothesis.finished, forced, source.len());
            let symbols = hypothesis.tokens.len() + usize::from(hypothesis.finished);
            assert!(if hypothesis.finished { symbols <= limit } else { symbols == limit });
            let found = hypothesis.alignment.as_ref().ok_or("an alignment was asked for")?;
            assert_eq!(found.shape, [hypothesis.tokens.len(), source.len()]);
            let weights = found.data.iter().zip(&alignment).map(|(a, b)| (f64::from(*a) - b).abs());
            let errors = [difference(hypothesis.log_prob, log_prob), difference(hypothesis.score, score)];
            for error in weights.chain(errors) {
                assert!(error <= tolerance, "{error:e}");
                largest = largest.max(error);
            }
        }
    }
    Ok(largest)
}

/// Whatever is found, the model gives it the log probability, the score and the alignment that the search reports.
fn against_own_scores<B: Backend>(backend: &B, tolerance: f64) -> Result<f64> {
    let sources = random_sources(19);
    let slices: Vec<&[u32]> = sources.iter().map(Vec::as_slice).collect();
    let mut largest = 0.0_f64;
    for (vocab_size, input_feeding, seeds) in [(11, false, &[1][..]), (70, true, &[2]), (11, true, &[5, 6])] {
        let config = config(vocab_size, input_feeding);
        let models = seeds
            .iter()
            .map(|&seed| Ok(Seq2Seq::new(backend, &config, &parameters(&config, seed)?)?))
            .collect::<Result<Vec<_>>>()?;
        for (rules, max_length) in [
            (rules(1, 1), MaxLength::Symbols(19)),
            (rules(5, 5), MaxLength::TimesSource(2.5)),
            (SearchRules { length_penalty: LengthPenalty::Power(1.0), ..rules(6, 2) }, MaxLength::Symbols(21)),
            (SearchRules { coverage_penalty: 0.4, ..rules(3, 3) }, MaxLength::TimesSource(1.0)),
            (SearchRules { coverage_penalty: 0.2, text_only: true, ..rules(4, 2) }, MaxLength::Symbols(10)),
        ] {
            let options = SearchOptions { rules, max_length, alignment: true };
            let found = block_on(search(backend, &models, &batch(&slices)?, &options))?;
            // Weights come back in 32 bits, whatever the backend computes in.
            let tolerance = (tolerance * 10.0).max(1e-6);
            largest = largest.max(check_own_scores(backend, &models, &options, &sources, &found, tolerance)?);
        }
    }
    Ok(largest)
}

on_every_backend!(what_is_found_is_as_likely_as_the_model_says, against_own_scores);

/// Sentences leave the batch as their searches end: what is found of the others does not depend on them.
fn alone_and_together<B: Backend>(backend: &B, tolerance: f64) -> Result<f64> {
    let config = config(11, true);
    let models = [Seq2Seq::new(backend, &config, &parameters(&config, 3)?)?];
    let sources = random_sources(23);
    let slices: Vec<&[u32]> = sources.iter().map(Vec::as_slice).collect();
    let rules = SearchRules { coverage_penalty: 0.2, length_penalty: LengthPenalty::Wu(0.6), ..rules(4, 3) };
    let options = SearchOptions { rules, max_length: MaxLength::TimesSource(3.0), alignment: true };
    let together = block_on(search(backend, &models, &batch(&slices)?, &options))?;
    let mut largest = 0.0_f64;
    for (source, together) in slices.iter().zip(&together) {
        let alone = block_on(search(backend, &models, &batch(&[source])?, &options))?;
        assert_eq!(alone[0].len(), together.len());
        for (alone, together) in alone[0].iter().zip(together) {
            assert_eq!((&alone.tokens, alone.finished), (&together.tokens, together.finished));
            let error = difference(alone.score, together.score);
            assert!(error <= tolerance * 10.0, "{error:e}");
            largest = largest.max(error);
        }
    }
    Ok(largest)
}

on_every_backend!(a_sentence_alone_and_among_others_is_the_same, alone_and_together);

/// A beam of one is the most probable symbol at every step, whatever the rules of comparison.
fn one_is_greedy<B: Backend>(backend: &B, _: f64) -> Result<f64> {
    let sources = random_sources(13);
    for (vocab_size, input_feeding) in [(11, false), (131, true)] {
        let config = config(vocab_size, input_feeding);
        let models = [Seq2Seq::new(backend, &config, &parameters(&config, 12)?)?];
        let slices: Vec<&[u32]> = sources.iter().map(Vec::as_slice).collect();
        for length_penalty in [LengthPenalty::None, LengthPenalty::Power(1.0)] {
            for coverage_penalty in [0.0, 0.5] {
                let rules = SearchRules { length_penalty, coverage_penalty, ..rules(1, 1) };
                let options = SearchOptions { rules, max_length: MaxLength::Symbols(9), alignment: false };
                let found = block_on(search(backend, &models, &batch(&slices)?, &options))?;
                for (source, found) in slices.iter().zip(&found) {
                    let mut tokens: Vec<u32> = Vec::new();
                    let mut finished = false;
                    while tokens.len() < 9 && !finished {
                        let (log_probs, _) = forced(backend, &models, source, &[tokens.clone()])?.remove(0);
                        let row = log_probs.row(tokens.len());
                        let best = (0..row.len()).reduce(|a, b| if row[b] > row[a] { b } else { a }).unwrap_or(0);
                        finished = best == 2;
                        tokens.extend((!finished).then_some(best as u32));
                    }
                    assert_eq!((&found[0].tokens, found[0].finished, found.len()), (&tokens, finished, 1));
                }
            }
        }
    }
    Ok(0.0)
}

on_every_backend!(a_beam_of_one_is_greedy, one_is_greedy);

/// The model with some of its generator's parameters replaced.
fn with_generator(config: &Config, seed: u64, change: impl Fn(&mut Array, &mut Array)) -> Result<Parameters> {
    let random = parameters(config, seed)?;
    let mut tensors: BTreeMap<_, _> = random.iter().map(|(name, array)| (name.to_owned(), array.clone())).collect();
    let mut take = |name: &str| tensors.remove(name).ok_or("every model has a generator");
    let (mut weight, mut bias) = (take("generator.weight")?, take("generator.bias")?);
    change(&mut weight, &mut bias);
    tensors.insert("generator.weight".to_owned(), weight);
    tensors.insert("generator.bias".to_owned(), bias);
    Ok(Parameters::new(config, tensors)?)
}

/// Where all symbols are equally probable, the lowest are found: eos, then what begins with the lowest of the others.
fn of_equals_the_lower<B: Backend>(backend: &B, _: f64) -> Result<f64> {
    for vocab_size in [6, 131] {
        let config = config(vocab_size, false);
        let parameters = with_generator(&config, 1, |weight, bias| {
            weight.data.fill(0.0);
            bias.data.fill(0.0);
        })?;
        let models = [Seq2Seq::new(backend, &config, &parameters)?];
        let options = SearchOptions { rules: rules(4, 4), max_length: MaxLength::Symbols(3), alignment: false };
        let found = block_on(search(backend, &models, &batch(&SOURCES)?, &options))?;
        for found in &found {
            let tokens: Vec<&[u32]> = found.iter().map(|hypothesis| &hypothesis.tokens[..]).collect();
            // 0, 1, eos and 3 are kept; then of 0 the first four, of which one is eos; of 0 0 again.
            assert_eq!(tokens, [&[][..], &[0], &[0, 0], &[0, 0, 0]], "vocabulary {vocab_size}");
            let finished: Vec<bool> = found.iter().map(|hypothesis| hypothesis.finished).collect();
            assert_eq!(finished, [true, true, true, false]);
        }
    }
    Ok(0.0)
}

on_every_backend!(ties_go_to_the_lower_symbol, of_equals_the_lower);

/// A model that never ends a sentence: every hypothesis is cut at the limit, the best first. And a beam that is wider
/// than the vocabulary.
fn endless<B: Backend>(backend: &B, tolerance: f64) -> Result<f64> {
    let config = config(5, true);
    let parameters = with_generator(&config, 6, |_, bias| bias.data[2] = -1e4)?;
    let models = [Seq2Seq::new(backend, &config, &parameters)?];
    let mut largest = 0.0_f64;
    for (beam, limit) in [(1, 1), (3, 17), (MAX_BEAM, 5)] {
        let rules = SearchRules { length_penalty: LengthPenalty::Power(1.0), ..rules(beam, beam) };
        let options = SearchOptions { rules, max_length: MaxLength::Symbols(limit), alignment: true };
        let found = block_on(search(backend, &models, &batch(&SOURCES)?, &options))?;
        for found in &found {
            assert_eq!(found.len(), beam);
            // Every extension of a wide beam is kept, the ends with a log probability of −10⁴ too.
            let cut = found.iter().take_while(|hypothesis| !hypothesis.finished);
            assert!(cut.clone().all(|hypothesis| hypothesis.tokens.len() == limit));
            assert!(cut.clone().count() >= beam.min(4_usize.pow(limit as u32)).min(100), "{}", cut.count());
        }
        let sources = SOURCES.map(<[u32]>::to_vec);
        // What is not probable at all has a log probability of −10⁴.
        largest = largest.max(check_own_scores(backend, &models, &options, &sources, &found, tolerance * 1e3)?);
    }
    Ok(largest)
}

on_every_backend!(a_model_that_never_ends_is_cut_off, endless);

#[test]
fn no_symbols_at_all() -> TestResult {
    let cpu = Cpu::<f32>::new();
    let config = config(5, false);
    let models = [Seq2Seq::new(&cpu, &config, &parameters(&config, 1)?)?];
    let options = SearchOptions { rules: rules(3, 2), max_length: MaxLength::Symbols(0), alignment: true };
    let found = block_on(search(&cpu, &models, &batch(&SOURCES)?, &options))?;
    for (found, source) in found.iter().zip(SOURCES) {
        let [only] = &found[..] else { return Err(format!("{found:?}").into()) };
        assert!(only.tokens.is_empty() && !only.finished && only.log_prob == 0.0);
        assert_eq!(only.alignment.as_ref().map(|alignment| alignment.shape.clone()), Some(vec![0, source.len()]));
    }
    let options = SearchOptions { max_length: MaxLength::Symbols(4), ..options };
    assert!(block_on(search(&cpu, &models, &batch(&[])?, &options))?.is_empty());
    Ok(())
}

#[test]
fn models_that_do_not_fit_together_are_named() -> TestResult {
    let cpu = Cpu::<f32>::new();
    let model = |vocab_size| -> Result<_> {
        let config = config(vocab_size, false);
        Ok(Seq2Seq::new(&cpu, &config, &parameters(&config, 1)?)?)
    };
    let options = SearchOptions { rules: rules(3, 2), max_length: MaxLength::Symbols(4), alignment: true };
    let error = block_on(search(&cpu, &[model(5)?, model(6)?], &batch(&SOURCES)?, &options)).expect_err("an error");
    let text = error.to_string();
    assert!(text.contains("vocabularies of 7 and 5") && text.contains("vocabularies of 7 and 6"), "{text}");
    assert!(block_on(search(&cpu, &[], &batch(&SOURCES)?, &options)).is_err());
    Ok(())
}

/// A search that takes another way is found: the best of all sequences is not that of a narrow beam.
#[test]
fn a_narrow_beam_misses_what_the_tree_has() -> TestResult {
    let cpu = Cpu::<f64>::new();
    let config = config(5, false);
    let mut missed = 0;
    for seed in 0..20 {
        let models = [Seq2Seq::new(&cpu, &config, &parameters(&config, seed)?)?];
        let rules = SearchRules { length_penalty: LengthPenalty::Power(1.0), ..rules(2, 1) };
        let options = SearchOptions { rules: rules.clone(), max_length: MaxLength::Symbols(4), alignment: false };
        let found = block_on(search(&cpu, &models, &batch(&SOURCES)?, &options))?;
        for (source, found) in SOURCES.iter().zip(&found) {
            let best = exhaustive(&cpu, &models, source, 4, &rules)?.remove(0);
            missed += usize::from(found[0].tokens != best.1);
        }
    }
    assert!(missed > 0, "the comparison with all sequences would not notice a beam that is too narrow");
    Ok(())
}
