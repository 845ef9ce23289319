//! Beam search on the device; the host asks now and then which sentences are done, and they leave the batch.

use super::trellis::{Part, Trellis};
use super::{Hypothesis, MaxLength};
use crate::backend::{AttendedStep, Backend, Coverage, Distribution, Search, SearchRules, Share, Status};
use crate::batch::Batch;
use crate::nn::{DecoderState, Memory, Seq2Seq, WeightRows};
use crate::{Array, Error, Float, Result};

/// How to search.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchOptions {
    /// Which hypotheses are kept, and how they are compared.
    pub rules: SearchRules,
    /// The most symbols of a translation, eos included.
    pub max_length: MaxLength,
    /// Whether to keep the attention weights.
    pub alignment: bool,
}

/// How to decode greedily.
#[derive(Clone, Copy, Debug)]
pub struct GreedyOptions {
    /// The most tokens of a translation, eos included.
    pub max_length: usize,
    /// Whether to keep the attention weights.
    pub alignment: bool,
}

/// The most probable symbol at every step: a beam of one.
pub async fn greedy<B: Backend>(
    backend: &B,
    model: &Seq2Seq<B>,
    source: &Batch,
    options: GreedyOptions,
) -> Result<Vec<Hypothesis>> {
    let GreedyOptions { max_length, alignment } = options;
    let rules = SearchRules::greedy(&model.config().special_tokens);
    let options = SearchOptions { rules, max_length: MaxLength::Symbols(max_length), alignment };
    let found = search(backend, std::slice::from_ref(model), source, &options).await?;
    Ok(found.into_iter().flatten().collect())
}

/// The best translations of every source, by their scores: from 1 to `n_best` of them.
///
/// A hypothesis that has come to the limit without an end is compared with those that have one. Several models are an
/// ensemble: the probability of a symbol is the mean of theirs, and so are the attention weights. Within a limit of no
/// symbols there is one hypothesis, without any.
///
/// # Errors
///
/// [`Error::Config`] for rules that are not possible and for models that do not fit together, beside what the device
/// reports.
pub async fn search<B: Backend>(
    backend: &B,
    models: &[Seq2Seq<B>],
    source: &Batch,
    options: &SearchOptions,
) -> Result<Vec<Vec<Hypothesis>>> {
    options.rules.check()?;
    check_ensemble(models)?;
    if source.lengths().iter().all(|&length| options.max_length.of(length as usize) == 0) {
        return Ok(source.lengths().iter().map(|&length| vec![nothing(length, options.alignment)]).collect());
    }
    let mut run = Run::begin(backend, models, source, options)?;
    while !run.sentences.is_empty() {
        let steps = run.steps()?;
        let ended = run.read(steps).await?;
        run.leave(&ended)?;
    }
    Ok(run.found)
}

/// A hypothesis without symbols.
fn nothing(length: u32, alignment: bool) -> Hypothesis {
    let alignment = alignment.then(|| Array::new([0, length as usize], Vec::new()));
    Hypothesis { tokens: Vec::new(), finished: false, log_prob: 0.0, score: 0.0, alignment }
}

/// Checks that the models read the same sources and write the same targets.
fn check_ensemble<B: Backend>(models: &[Seq2Seq<B>]) -> Result<()> {
    let wrong = |key: &str, expected: String, found: String| Error::Config { key: key.to_owned(), expected, found };
    let Some((first, others)) = models.split_first() else {
        return Err(wrong("models", "at least one".to_owned(), "none".to_owned()));
    };
    let sizes = |model: &Seq2Seq<B>| {
        let config = model.config();
        let special = &config.special_tokens;
        format!(
            "vocabularies of {} and {}, pad {}, bos {}, eos {}",
            config.encoder.vocab_size, config.decoder.vocab_size, special.pad, special.bos, special.eos
        )
    };
    match others.iter().find(|other| sizes(other) != sizes(first)) {
        Some(other) => Err(wrong("models", format!("{}, as the first has", sizes(first)), sizes(other))),
        None => Ok(()),
    }
}

/// A model of the ensemble, and where it stands.
struct Member<'a, B: Backend> {
    model: &'a Seq2Seq<B>,
    memory: Memory<B>,
    state: DecoderState<B>,
    /// Attention weights of the steps since the last reading (sentences · steps · K, src_len); of the last step only
    /// where they are not kept.
    weights: B::Tensor,
}

/// The probabilities of an ensemble.
struct Mixture<B: Backend> {
    /// Of one model (rows, vocab).
    logits: B::Tensor,
    /// Of all (rows, vocab).
    probabilities: B::Tensor,
}

/// A search that is under way.
struct Run<'a, B: Backend> {
    backend: &'a B,
    options: &'a SearchOptions,
    source: &'a Batch,
    /// Those whose search has not ended, in ascending order: what the device holds.
    sentences: Vec<usize>,
    members: Vec<Member<'a, B>>,
    mixture: Option<Mixture<B>>,
    /// Where the device takes several steps at a time.
    greedy: Option<B::GreedyState>,
    search: Search<B>,
    /// What the first step reads, of one hypothesis a sentence.
    first_frontier: B::Ids,
    /// Steps that are asked for before one reads how things stand.
    steps_per_read: usize,
    /// Steps done.
    step: usize,
    trellis: Trellis,
    found: Vec<Vec<Hypothesis>>,
}

impl<'a, B: Backend> Run<'a, B> {
    fn begin(backend: &'a B, models: &'a [Seq2Seq<B>], source: &'a Batch, options: &'a SearchOptions) -> Result<Self> {
        let (rules, batch) = (&options.rules, source.batch());
        let limits: Vec<usize> = (0..batch).map(|sentence| limit(options, source, sentence)).collect();
        let longest = limits.iter().copied().max().unwrap_or(0);
        let (mut greedy, mut steps) = (None, backend.steps_per_read());
        let member = |model: &'a Seq2Seq<B>| {
            let (memory, initial) = model.encode(backend, source)?;
            if models.len() == 1 {
                greedy = model.greedy_state(backend, rules, &memory, &initial)?;
            }
            if greedy.is_some() {
                steps = STEPS_AT_ONCE.min(longest);
            }
            let state = model.decoder().start(backend, &memory, initial)?;
            let weights = backend.zeros(batch * kept_steps(steps, options) * rules.beam, source.len())?;
            Ok(Member { model, memory, state, weights })
        };
        let members = models.iter().map(member).collect::<Result<Vec<_>>>()?;
        let first_frontier: Vec<u32> = std::iter::repeat_n(rules.special.bos, batch).chain(0..batch as u32).collect();
        let vocab_size = models[0].config().decoder.vocab_size;
        let mut run = Self {
            backend,
            options,
            source,
            search: Search::new(backend, rules, source.lengths(), &limits, steps, vocab_size)?,
            first_frontier: backend.upload_ids(&first_frontier)?,
            sentences: (0..batch).collect(),
            members,
            mixture: None,
            greedy,
            steps_per_read: steps,
            step: 0,
            trellis: Trellis::new(rules.beam, steps),
            found: vec![Vec::new(); batch],
        };
        run.mixture = run.mixture(batch)?;
        Ok(run)
    }

    /// Room for the probabilities of `rows` hypotheses, where there is more than one model.
    fn mixture(&self, rows: usize) -> Result<Option<Mixture<B>>> {
        let vocab_size = self.members[0].model.config().decoder.vocab_size;
        let room = || self.backend.zeros(rows, vocab_size);
        Ok(if self.members.len() > 1 { Some(Mixture { logits: room()?, probabilities: room()? }) } else { None })
    }

    /// The longest limit of those that are still searched.
    fn limit(&self) -> usize {
        self.sentences.iter().map(|&sentence| limit(self.options, self.source, sentence)).max().unwrap_or(0)
    }

    /// Asks for as many steps as are worth it before asking how things stand; how many those were.
    fn steps(&mut self) -> Result<usize> {
        let steps = self.steps_per_read.min(self.limit() - self.step);
        let Self { backend, members, greedy: Some(state), search, step, .. } = self else {
            for row in 0..steps {
                self.take_step(row)?;
            }
            return Ok(steps);
        };
        let Member { model, memory, weights, .. } = &mut members[0];
        let first_frontier = (*step == 0).then_some(&self.first_frontier);
        let rules = &self.options.rules;
        model.greedy_steps(backend, rules, memory, first_frontier, [*step, steps], weights, state, search)?;
        *step += steps;
        Ok(steps)
    }

    fn take_step(&mut self, row: usize) -> Result<()> {
        let Self { backend, members, search, step, .. } = self;
        let (rules, count) = (&self.options.rules, members.len());
        let (frontier, width) = if *step == 0 { (&self.first_frontier, 1) } else { (&search.frontier, rules.beam) };
        let first_row = if self.options.alignment { row * rules.beam } else { 0 };
        for (index, member) in members.iter_mut().enumerate() {
            let Member { model, memory, state, weights } = member;
            let rows = WeightRows { weights, first: first_row };
            model.decoder().step(backend, memory, frontier, *step, rows, state)?;
            if let Some(Mixture { logits, probabilities }) = &mut self.mixture {
                model.logits(backend, state, logits)?;
                backend.mix(logits, Share::of(index, count), probabilities)?;
            }
        }
        let symbols = match &self.mixture {
            Some(mixture) => Distribution::Probabilities(&mixture.probabilities),
            None => members[0].model.symbols(&members[0].state),
        };
        backend.extend(rules, symbols, *step, row, search)?;
        if search.coverage.is_some() {
            for (index, member) in members.iter().enumerate() {
                let attended = AttendedStep { weights: &member.weights, first_row, width, step: *step };
                backend.cover(rules, &attended, Share::of(index, count), search)?;
            }
        }
        *step += 1;
        if *step == 1 && rules.beam > 1 {
            self.resize()?;
        }
        Ok(())
    }

    /// From the next step on every sentence that is left has K hypotheses.
    fn resize(&mut self) -> Result<()> {
        let Self { backend, members, .. } = self;
        let beam = self.options.rules.beam;
        for Member { model, memory, state, .. } in members.iter_mut() {
            model.decoder().resize(backend, memory, beam, state)?;
        }
        self.mixture = self.mixture(self.members[0].memory.batch * beam)?;
        Ok(())
    }

    /// Reads the last `steps` steps, and collects what was found of the sentences whose search has ended; what must be
    /// known of the others.
    async fn read(&mut self, steps: usize) -> Result<Snapshot> {
        let Self { backend, members, search, options, .. } = self;
        let (beam, slots) = (options.rules.beam, self.sentences.len());
        let mut tensors = vec![&search.log_prob, &search.finished];
        tensors.extend(search.coverage.iter().map(|coverage| &coverage.penalty));
        if options.alignment {
            tensors.extend(members.iter().map(|member| &member.weights));
        }
        let ids = [&search.frontier, &search.status, &search.trellis];
        let (mut numbers, ids) = backend.read_all(&tensors, &ids).await?;
        let [frontier, status, mut links]: [Vec<u32>; 3] = ids.try_into().unwrap_or_default();
        let weights = options.alignment.then(|| {
            let weights = mean(&numbers.split_off(numbers.len() - members.len()));
            Array::new([slots, self.steps_per_read, beam, self.source.len()], weights)
        });
        let mut numbers = numbers.into_iter().map(|numbers| numbers.into_iter().map(Float::to_f64).collect());
        let mut next = || -> Vec<f64> { numbers.next().unwrap_or_default() };
        let snapshot = Snapshot { frontier, status, log_prob: next(), finished: next(), penalty: next() };
        links.truncate(steps * 2 * slots * beam);
        self.trellis.push(Part { sentences: self.sentences.clone(), links, weights });
        for slot in 0..slots {
            // One that has not left the batch was collected before.
            if snapshot.ended(slot, slots) > 0 && self.found[self.sentences[slot]].is_empty() {
                self.found[self.sentences[slot]] = self.collect(&snapshot, slot);
            }
        }
        Ok(snapshot)
    }

    /// The hypotheses of a sentence whose search has ended.
    fn collect(&self, snapshot: &Snapshot, slot: usize) -> Vec<Hypothesis> {
        let rules = &self.options.rules;
        let (slots, sentence) = (self.sentences.len(), self.sentences[slot]);
        let length = self.source.lengths()[sentence] as usize;
        let hypothesis = |steps: usize, row: usize, finished: bool, log_prob: f64, score: f64| {
            let (tokens, alignment) = self.trellis.path(sentence, steps, row, length);
            Hypothesis { tokens, finished, log_prob, score, alignment }
        };
        let finished = &snapshot.finished[slot * rules.n_best * 4..];
        let count = snapshot.status(Status::Finished, slot, slots);
        let mut found: Vec<Hypothesis> = finished
            .chunks_exact(4)
            .take(count)
            .map(|entry| hypothesis(entry[2] as usize, entry[3] as usize, true, entry[1], entry[0]))
            .collect();

        let steps = snapshot.ended(slot, slots);
        if steps == limit(self.options, self.source, sentence) {
            let length_penalty = rules.length_penalty.of(steps);
            found.extend((0..snapshot.status(Status::Live, slot, slots)).map(|row| {
                let log_prob = snapshot.log_prob[slot * rules.beam + row];
                let penalty = snapshot.penalty.get(slot * rules.beam + row).unwrap_or(&0.0);
                hypothesis(steps, row, false, log_prob, log_prob / length_penalty + penalty)
            }));
            found.sort_by(|a, b| b.score.total_cmp(&a.score));
            found.truncate(rules.n_best);
        }
        if found.is_empty() {
            // No symbol could be chosen: the model's numbers have left the range of 32 bits.
            found.push(hypothesis(0, 0, false, f64::NEG_INFINITY, f64::NEG_INFINITY));
        }
        found
    }

    /// Sentences whose search has ended leave the batch, once they are worth making room.
    fn leave(&mut self, snapshot: &Snapshot) -> Result<()> {
        let slots = self.sentences.len();
        let stay: Vec<usize> = (0..slots).filter(|&slot| snapshot.ended(slot, slots) == 0).collect();
        if stay.is_empty() {
            self.sentences.clear();
            return Ok(());
        }
        if (slots - stay.len()) * WORTH_LEAVING < slots {
            return Ok(());
        }
        let (backend, rules) = (self.backend, &self.options.rules);
        let sentences: Vec<usize> = stay.iter().map(|&slot| self.sentences[slot]).collect();
        let lengths: Vec<u32> = sentences.iter().map(|&sentence| self.source.lengths()[sentence]).collect();
        for member in &mut self.members {
            member.memory = member.memory.keep(backend, &stay, &lengths)?;
            let rows = stay.len() * kept_steps(self.steps_per_read, self.options) * rules.beam;
            member.weights = backend.zeros(rows, self.source.len())?;
        }
        self.search = self.keep_search(snapshot, &stay, &lengths)?;
        self.sentences = sentences;
        // Those who take several steps at once have states of their own.
        if self.greedy.is_none() { self.resize() } else { Ok(()) }
    }

    /// The search of some of the sentences alone, in ascending order; `lengths` are those of their sources.
    fn keep_search(&self, snapshot: &Snapshot, stay: &[usize], lengths: &[u32]) -> Result<Search<B>> {
        let Self { backend, search, sentences, .. } = self;
        let (rules, src_len) = (&self.options.rules, self.source.len());
        // What belongs to a sentence stands in so many rows.
        let rows = |each: usize| stay.iter().flat_map(move |&slot| slot * each..(slot + 1) * each);
        let keep = |tensor: &B::Tensor, each: usize, cols: usize| -> Result<B::Tensor> {
            let ids: Vec<u32> = rows(each).map(|row| row as u32).collect();
            let mut kept = backend.zeros(ids.len(), cols)?;
            backend.embedding(tensor, &backend.upload_ids(&ids)?, &mut kept)?;
            Ok(kept)
        };
        let keep_ids = |ids: &[u32], each: usize| {
            let parts = ids.chunks_exact(sentences.len() * each);
            backend.upload_ids(&parts.flat_map(|part| rows(each).map(|row| part[row])).collect::<Vec<_>>())
        };
        let (beam, vocab_size) = (rules.beam, self.members[0].model.config().decoder.vocab_size);
        let coverage = match &search.coverage {
            Some(Coverage { sums, penalty, .. }) => Some(Coverage {
                sums: keep(sums, beam, src_len)?,
                previous: backend.zeros(stay.len() * beam, src_len)?,
                penalty: keep(penalty, beam, 1)?,
                lengths: backend.upload_ids(lengths)?,
            }),
            None => None,
        };
        Ok(Search {
            frontier: keep_ids(&snapshot.frontier, beam)?,
            log_prob: keep(&search.log_prob, beam, 1)?,
            status: keep_ids(&snapshot.status, 1)?,
            limits: keep(&search.limits, 1, 2)?,
            finished: keep(&search.finished, rules.n_best, 4)?,
            trellis: backend.upload_ids(&vec![0; self.steps_per_read * 2 * stay.len() * beam])?,
            coverage,
            candidates: backend.zeros(stay.len() * beam, backend.candidate_cols(vocab_size, beam))?,
        })
    }
}

/// A share of the sentences that is worth making room for: one of so many.
const WORTH_LEAVING: usize = 8;

/// The limit of a sentence.
fn limit(options: &SearchOptions, source: &Batch, sentence: usize) -> usize {
    options.max_length.of(source.lengths()[sentence] as usize)
}

/// Greedy steps that are asked for at once of a device that takes several at a time: it stops where a sentence ends, and most
/// end before.
pub const STEPS_AT_ONCE: usize = 32;

/// Steps whose attention weights are kept until they are read.
fn kept_steps(steps_per_read: usize, options: &SearchOptions) -> usize {
    if options.alignment { steps_per_read } else { 1 }
}

/// Where a search stands, on the host; the numbers are laid out as in [`Search`].
struct Snapshot {
    frontier: Vec<u32>,
    status: Vec<u32>,
    log_prob: Vec<f64>,
    finished: Vec<f64>,
    penalty: Vec<f64>,
}

impl Snapshot {
    fn status(&self, which: Status, slot: usize, slots: usize) -> usize {
        self.status[which as usize * slots + slot] as usize
    }

    /// After how many steps the search of a sentence has ended; 0 if it has not.
    fn ended(&self, slot: usize, slots: usize) -> usize {
        self.status(Status::Ended, slot, slots)
    }
}

/// The mean of several models' numbers.
fn mean<T: Float>(models: &[Vec<T>]) -> Vec<f32> {
    let mut means = vec![0.0; models.first().map_or(0, Vec::len)];
    for numbers in models {
        for (mean, number) in means.iter_mut().zip(numbers) {
            *mean += number.to_f64() / models.len() as f64;
        }
    }
    means.into_iter().map(|mean: f64| mean as f32).collect()
}
