//! From text to text: a model on a device, with the tokenizers around it.

mod limits;
mod options;
mod scoring;
mod translation;
mod words;

pub use options::TranslateOptions;
pub use scoring::Scored;
pub use translation::{Origin, Target, Translation};
pub use words::{Word, words};

use std::cmp::Reverse;
use std::time::Duration;

use crate::backend::Backend;
use crate::batch::Batch;
use crate::clock::Instant;
use crate::cpu::Cpu;
use crate::decode::{Hypothesis, MaxLength, STEPS_AT_ONCE, SearchOptions, search};
use crate::device::{Device, Precision};
use crate::gpu::Gpu;
use crate::memory::in_parts;
use crate::model::{Config, Model};
use crate::nn::Seq2Seq;
use crate::text::{Dictionary, Encoding, Tokenizer};
use crate::{Error, Result};
use limits::{Capacity, Limits};

/// A model that is ready to translate, on whichever device.
///
/// ```
/// use seq2seq::device::{Device, DeviceRequest, Precision};
/// use seq2seq::model::Model;
/// use seq2seq::{TranslateOptions, Translator};
///
/// # fn main() -> seq2seq::Result<()> {
/// let device = Device::open_blocking(&DeviceRequest::Cpu, Precision::F32)?;
/// let translator = Translator::new(Model::load("models/g2p-en")?, device)?;
/// let options = TranslateOptions { beam: 5, ..Default::default() };
/// for translation in translator.translate_blocking(&["attention"], &options)? {
///     assert_eq!(translation?.best.text, "AH0 T EH1 N SH AH0 N");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Translator {
    /// Of every model.
    configs: Vec<Config>,
    source_tokenizer: Tokenizer,
    target_tokenizer: Tokenizer,
    /// Looked up first, its sources as the source tokenizer spells them.
    dictionary: Dictionary,
    placed: Placed,
}

/// Steps of a translation that only warms the device up, how many times as small the next one is, and after how long there is no
/// next one: a GPU that is software would take a minute.
const WARM_STEPS: usize = 8;
const COOLER: usize = 2;
const LONG_ENOUGH: Duration = Duration::from_secs(1);

/// The models' weights beside the backend that holds them.
#[derive(Debug)]
enum Placed {
    Cpu(Box<Loaded<Cpu<f32>>>),
    Gpu(Box<Loaded<Gpu>>),
}

#[derive(Debug)]
struct Loaded<B: Backend> {
    backend: B,
    models: Vec<Seq2Seq<B>>,
}

impl<B: Backend> Loaded<B> {
    fn new(backend: B, models: &[Model]) -> Result<Self> {
        let models = models.iter().map(|model| Seq2Seq::new(&backend, &model.config, &model.parameters));
        Ok(Self { models: models.collect::<Result<_>>()?, backend })
    }

    async fn search(&self, source: &Batch, options: &SearchOptions) -> Result<Vec<Vec<Hypothesis>>> {
        search(&self.backend, &self.models, source, options).await
    }

    fn capacity(&self, vocab_size: usize, beam: usize) -> Capacity {
        let steps = self.backend.steps_per_read();
        Capacity {
            max_elements: self.backend.max_elements(),
            steps: if beam == 1 { STEPS_AT_ONCE.max(steps) } else { steps },
            candidate_cols: self.backend.candidate_cols(vocab_size, beam),
        }
    }
}

/// Sources as ids, ready to be translated: what can be done beside the device.
///
/// They can be taken apart, and put together with others that the same translator has prepared with the same options.
#[derive(Debug)]
pub struct Prepared {
    sources: Vec<PreparedSource>,
}

/// One of them.
#[derive(Debug)]
pub struct PreparedSource(Result<Source>);

/// A source, as it is translated.
#[derive(Debug)]
enum Source {
    /// By the model.
    Encoded(Encoding),
    /// By the dictionary.
    Known(Translation),
}

impl PreparedSource {
    /// How many symbols the device will read: none of what a dictionary knows, or of what cannot be translated.
    pub fn symbols(&self) -> usize {
        match &self.0 {
            Ok(Source::Encoded(encoding)) => encoding.ids.len(),
            Ok(Source::Known(_)) | Err(_) => 0,
        }
    }
}

impl IntoIterator for Prepared {
    type Item = PreparedSource;
    type IntoIter = std::vec::IntoIter<PreparedSource>;

    fn into_iter(self) -> Self::IntoIter {
        self.sources.into_iter()
    }
}

impl FromIterator<PreparedSource> for Prepared {
    fn from_iter<I: IntoIterator<Item = PreparedSource>>(sources: I) -> Self {
        Self { sources: sources.into_iter().collect() }
    }
}

impl Translator {
    /// Copies the model to the device.
    pub fn new(model: Model, device: Device) -> Result<Self> {
        Self::ensemble(vec![model], device)
    }

    /// Copies several models to the device: the probability of a symbol is the mean of theirs.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] if there is no model, if one has no tokenizers, or if their tokenizers differ; [`Error::Tensor`]
    /// for a weight that the device cannot hold, if it keeps weights in 16 bits.
    pub fn ensemble(models: Vec<Model>, device: Device) -> Result<Self> {
        let source_tokenizer = shared_tokenizer(&models, "source_tokenizer", |model| model.source_tokenizer.as_ref())?;
        let target_tokenizer = shared_tokenizer(&models, "target_tokenizer", |model| model.target_tokenizer.as_ref())?;
        if let Device::Gpu(backend) = &device
            && backend.choices().precision == Precision::F16
        {
            models.iter().try_for_each(|model| model.parameters.check_half())?;
        }
        let placed = match device {
            Device::Cpu(backend) => Placed::Cpu(Box::new(Loaded::new(backend, &models)?)),
            Device::Gpu(backend) => Placed::Gpu(Box::new(Loaded::new(backend, &models)?)),
        };
        Ok(Self {
            configs: models.into_iter().map(|model| model.config).collect(),
            source_tokenizer,
            target_tokenizer,
            dictionary: Dictionary::default(),
            placed,
        })
    }

    /// Looks sources up in a dictionary first, and asks the model for those that it lacks. Sources are compared as the
    /// model's tokenizer spells them.
    ///
    /// ```
    /// # use seq2seq::device::{Device, DeviceRequest, Precision};
    /// # use seq2seq::model::Model;
    /// # use seq2seq::text::Dictionary;
    /// # use seq2seq::{TranslateOptions, Translator};
    /// # fn main() -> seq2seq::Result<()> {
    /// # let device = Device::open_blocking(&DeviceRequest::Cpu, Precision::F32)?;
    /// let dictionary: Dictionary = [("wgpu", "W EH B G P UW")].into_iter().collect();
    /// let translator = Translator::new(Model::load("models/g2p-en")?, device)?.with_dictionary(dictionary);
    /// let words = translator.translate_words_blocking("Attention, WGPU!", &TranslateOptions::default())?;
    /// let texts: Vec<_> = words.into_iter().map(|word| word.translation.map(|found| found.best.text)).collect();
    /// assert!(matches!(&texts[..], [Ok(a), Ok(b)] if a == "AH0 T EH1 N SH AH0 N" && b == "W EH B G P UW"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_dictionary(self, dictionary: Dictionary) -> Self {
        let dictionary = dictionary.respelt(|source| self.source_tokenizer.normalize(source));
        Self { dictionary, ..self }
    }

    /// Translates every source; the answers stand in the order of the sources.
    ///
    /// What is wrong with one source ([`Error::UnknownSymbol`], [`Error::EmptySource`], [`Error::SourceTooLong`]) is
    /// its own answer and stops no other. What is wrong with the device or the options fails the call.
    pub async fn translate<S: AsRef<str>>(
        &self,
        sources: &[S],
        options: &TranslateOptions,
    ) -> Result<Vec<Result<Translation>>> {
        self.translate_prepared(self.prepare(sources, options)?, options).await
    }

    /// [`translate`](Self::translate), waiting for the device.
    pub fn translate_blocking<S: AsRef<str>>(
        &self,
        sources: &[S],
        options: &TranslateOptions,
    ) -> Result<Vec<Result<Translation>>> {
        pollster::block_on(self.translate(sources, options))
    }

    /// Looks sources up, or makes ids of them: what can be done on another thread while the device is busy.
    ///
    /// # Errors
    ///
    /// What is wrong with the options.
    pub fn prepare<S: AsRef<str>>(&self, sources: &[S], options: &TranslateOptions) -> Result<Prepared> {
        self.prepare_with(sources, options, Dictionary::default())
    }

    /// [`prepare`](Self::prepare), with what is known of these sources alone: it is looked up before the translator's own
    /// dictionary, and spelt as that is.
    ///
    /// # Errors
    ///
    /// What is wrong with the options.
    pub fn prepare_with<S: AsRef<str>>(
        &self,
        sources: &[S],
        options: &TranslateOptions,
        known: Dictionary,
    ) -> Result<Prepared> {
        options.check(&self.configs[0].special_tokens)?;
        let limits = self.limits(options);
        let known = known.respelt(|source| self.source_tokenizer.normalize(source));
        let source = |source: &S| match self.look_up(source.as_ref(), &known, options) {
            Some(known) => Ok(Source::Known(known)),
            None => self.encode(source.as_ref(), &limits).map(Source::Encoded),
        };
        Ok(sources.iter().map(|text| PreparedSource(source(text))).collect())
    }

    /// Translates what was prepared with the same options.
    ///
    /// # Errors
    ///
    /// What is wrong with the device.
    pub async fn translate_prepared(
        &self,
        prepared: Prepared,
        options: &TranslateOptions,
    ) -> Result<Vec<Result<Translation>>> {
        let limits = self.limits(options);
        let mut answers: Vec<(usize, Result<Translation>)> = Vec::with_capacity(prepared.sources.len());
        let mut sentences: Vec<(usize, Encoding)> = Vec::with_capacity(prepared.sources.len());
        for (at, PreparedSource(source)) in prepared.into_iter().enumerate() {
            match source {
                Ok(Source::Encoded(encoding)) => sentences.push((at, encoding)),
                Ok(Source::Known(translation)) => answers.push((at, Ok(translation))),
                Err(error) => answers.push((at, Err(error))),
            }
        }

        // Sentences of one length together need no padding. The longest come first: what fits them fits all.
        sentences.sort_by_key(|(_, encoding)| Reverse(encoding.ids.len()));
        let mut sentences = sentences.into_iter().peekable();
        while let Some((_, longest)) = sentences.peek() {
            let size = limits.batch_size(longest.ids.len());
            let batch: Vec<(usize, Encoding)> = sentences.by_ref().take(size).collect();
            let ids: Vec<&[u32]> = batch.iter().map(|(_, encoding)| encoding.ids.as_slice()).collect();
            let found = in_parts(&ids, async |part| self.search(part, options).await).await?;
            let found = batch.into_iter().zip(found);
            answers.extend(found.map(|((at, encoding), found)| (at, self.translation(encoding, found, options))));
        }

        answers.sort_by_key(|&(at, _)| at);
        Ok(answers.into_iter().map(|(_, answer)| answer).collect())
    }

    /// [`translate_prepared`](Self::translate_prepared), waiting for the device.
    pub fn translate_prepared_blocking(
        &self,
        prepared: Prepared,
        options: &TranslateOptions,
    ) -> Result<Vec<Result<Translation>>> {
        pollster::block_on(self.translate_prepared(prepared, options))
    }

    /// Translates made-up sources, from a batch as large as the options allow down to one symbol, but for a second or so: what the device makes when
    /// it first needs it, such as memory, threads and pipelines, is there afterwards.
    ///
    /// # Errors
    ///
    /// Those of [`translate_prepared`](Self::translate_prepared).
    pub async fn warm_up(&self, options: &TranslateOptions) -> Result<()> {
        let Config { encoder, special_tokens, .. } = &self.configs[0];
        let symbol = (0..encoder.vocab_size as u32).rev().find(|&id| id != special_tokens.pad).unwrap_or_default();
        let longest = options.max_source_length.min(options.batch_symbols.div_ceil(options.batch_size.max(1))).max(1);
        let mut sizes = (self.limits(options).batch_size(longest), longest);
        let options = TranslateOptions { max_length: MaxLength::Symbols(WARM_STEPS), ..options.clone() };
        let begin = Instant::now();
        loop {
            let (batch, length) = sizes;
            let source = vec![symbol; length];
            in_parts(&vec![source.as_slice(); batch], async |part| self.search(part, &options).await).await?;
            sizes = match sizes {
                (1, 1) => return Ok(()),
                _ if begin.elapsed() > LONG_ENOUGH => return Ok(()),
                (batch, 1) => (batch.div_ceil(COOLER), 1),
                (batch, length) => (batch, length.div_ceil(COOLER)),
            };
        }
    }

    /// [`warm_up`](Self::warm_up), waiting for the device.
    pub fn warm_up_blocking(&self, options: &TranslateOptions) -> Result<()> {
        pollster::block_on(self.warm_up(options))
    }

    /// The symbols of a target text, as the model's target tokenizer divides and spells them.
    ///
    /// # Errors
    ///
    /// See [`Tokenizer::symbols`].
    pub fn target_symbols(&self, target: &str) -> Result<Vec<String>> {
        self.target_tokenizer.symbols(target)
    }

    fn limits(&self, options: &TranslateOptions) -> Limits {
        Limits::new(self.configs.iter(), self.capacity(options.beam), options)
    }

    fn capacity(&self, beam: usize) -> Capacity {
        let vocab_size = self.configs[0].decoder.vocab_size;
        match &self.placed {
            Placed::Cpu(loaded) => loaded.capacity(vocab_size, beam),
            Placed::Gpu(loaded) => loaded.capacity(vocab_size, beam),
        }
    }

    /// What the first of two dictionaries that knows a source has for it, the translator's own being the second.
    fn look_up(&self, source: &str, first: &Dictionary, options: &TranslateOptions) -> Option<Translation> {
        if first.is_empty() && self.dictionary.is_empty() {
            return None;
        }
        let spelt = self.source_tokenizer.normalize(source);
        let known = [first, &self.dictionary].map(|dictionary| dictionary.get(&spelt));
        let known = known.into_iter().find(|known| !known.is_empty())?;
        let mut targets = known.iter().take(options.n_best).map(|text| Target {
            // What the model could not have written is a symbol all the same.
            symbols: self.target_tokenizer.symbols(text).unwrap_or_else(|_| vec![text.clone()]),
            text: text.clone(),
            log_prob: 0.0,
            score: 0.0,
            finished: true,
            alignment: None,
        });
        let best = targets.next()?;
        let source = self.source_tokenizer.symbols(source).unwrap_or_else(|_| vec![source.to_owned()]);
        Some(Translation { source, from: Origin::Dictionary, best, others: targets.collect() })
    }

    fn encode(&self, source: &str, limits: &Limits) -> Result<Encoding> {
        let encoding = self.source_tokenizer.encode(source)?;
        limits.check(encoding.ids.len())?;
        Ok(encoding)
    }

    async fn search(&self, sources: &[&[u32]], options: &TranslateOptions) -> Result<Vec<Vec<Hypothesis>>> {
        let Config { encoder, special_tokens, .. } = &self.configs[0];
        let batch = Batch::new(sources, special_tokens.pad, encoder.vocab_size)?;
        let options = options.search(special_tokens, self.target_tokenizer.own_unk());
        match &self.placed {
            Placed::Cpu(loaded) => loaded.search(&batch, &options).await,
            Placed::Gpu(loaded) => loaded.search(&batch, &options).await,
        }
    }

    fn translation(&self, source: Encoding, found: Vec<Hypothesis>, options: &TranslateOptions) -> Result<Translation> {
        let possible = found.into_iter().filter(|hypothesis| hypothesis.log_prob > f64::NEG_INFINITY);
        let mut targets = possible.map(|hypothesis| self.target(&source, hypothesis, options));
        let best = targets.next().ok_or(Error::NoTarget)?;
        let others = targets.collect();
        Ok(Translation { source: source.tokens, from: Origin::Model, best, others })
    }

    fn target(&self, source: &Encoding, hypothesis: Hypothesis, options: &TranslateOptions) -> Target {
        let Hypothesis { tokens, finished, log_prob, score, alignment } = hypothesis;
        let mut symbols: Vec<String> = tokens.iter().map(|&token| self.target_tokenizer.spelling(token)).collect();
        if let (true, Some(unk), Some(alignment)) =
            (options.replace_unknown, self.target_tokenizer.own_unk(), &alignment)
        {
            for (t, symbol) in symbols.iter_mut().enumerate().filter(|(t, _)| tokens[*t] == unk) {
                *symbol = self.replacement(&source.tokens, alignment.row(t));
            }
        }
        let text = self.target_tokenizer.decode_spelt(&tokens, &symbols);
        let alignment = alignment.filter(|_| options.alignment);
        Target { symbols, text, log_prob, score, finished, alignment }
    }

    /// What stands for a symbol that the vocabulary lacks: the source symbol that most attention went to, or what the
    /// dictionary has for it.
    fn replacement(&self, source: &[String], weights: &[f32]) -> String {
        let heavier = |a: usize, b: usize| if weights[b] > weights[a] { b } else { a };
        let symbol = (0..weights.len()).reduce(heavier).map_or("", |most| &source[most]);
        let known = self.dictionary.get(&self.source_tokenizer.normalize(symbol)).first();
        known.map_or(symbol, String::as_str).to_owned()
    }
}

/// The tokenizer of one side that all models have.
fn shared_tokenizer(models: &[Model], key: &str, side: impl Fn(&Model) -> Option<&Tokenizer>) -> Result<Tokenizer> {
    let wrong = |expected: String, found: String| Error::Config { key: key.to_owned(), expected, found };
    let mut shared: Option<&Tokenizer> = None;
    for model in models {
        let none = || wrong(format!("a model with a {key}.json, to translate text"), "none".to_owned());
        let tokenizer = side(model).ok_or_else(none)?;
        match shared {
            Some(first) if !first.is_same_as(tokenizer) => {
                let (first, other) = (first.path().display(), tokenizer.path().display());
                return Err(wrong(format!("what {first} has"), format!("another in {other}")));
            }
            Some(_) => {}
            None => shared = Some(tokenizer),
        }
    }
    shared.cloned().ok_or_else(|| wrong("a model".to_owned(), "none".to_owned()))
}
