//! From text to text: a model on a device, with the tokenizers around it.

mod likelihood;
mod limits;
mod translation;

pub use likelihood::Likelihood;
pub use translation::Translation;

use std::cmp::Reverse;

use crate::backend::Backend;
use crate::cpu::Cpu;
use crate::decode::{GreedyOptions, Hypothesis, greedy};
use crate::device::Device;
use crate::gpu::Gpu;
use crate::model::{Config, Model};
use crate::nn::Seq2Seq;
use crate::text::{Batch, Encoding, Tokenizer};
use crate::{Error, Result};
use limits::Limits;

/// A model that is ready to translate, on whichever device.
///
/// ```
/// use seq2seq::device::{Device, DeviceRequest, Precision};
/// use seq2seq::model::Model;
/// use seq2seq::{TranslateOptions, Translator};
///
/// # fn main() -> seq2seq::Result<()> {
/// let device = Device::open_blocking(&DeviceRequest::Cpu, Precision::F32)?;
/// let translator = Translator::new(Model::embedded()?, device)?;
/// for translation in translator.translate_blocking(&["attention"], &TranslateOptions::default())? {
///     assert_eq!(translation?.text, "AH T EH N SH AH N");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Translator {
    config: Config,
    source_tokenizer: Tokenizer,
    target_tokenizer: Tokenizer,
    placed: Placed,
}

/// How to translate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TranslateOptions {
    /// The most symbols of a translation, its invisible end included.
    pub max_length: usize,
    /// The most symbols of a source.
    pub max_source_length: usize,
    /// The most sentences that are translated at once.
    pub batch_size: usize,
    /// Whether to keep the attention weights.
    pub alignment: bool,
}

impl Default for TranslateOptions {
    fn default() -> Self {
        Self { max_length: 200, max_source_length: 1000, batch_size: 64, alignment: false }
    }
}

/// The model's weights beside the backend that holds them.
#[derive(Debug)]
enum Placed {
    Cpu(Box<Loaded<Cpu<f32>>>),
    Gpu(Box<Loaded<Gpu>>),
}

#[derive(Debug)]
struct Loaded<B: Backend> {
    backend: B,
    model: Seq2Seq<B>,
}

impl<B: Backend> Loaded<B> {
    fn new(backend: B, model: &Model) -> Result<Self> {
        let model = Seq2Seq::new(&backend, &model.config, &model.parameters)?;
        Ok(Self { backend, model })
    }

    async fn greedy(&self, source: &Batch, options: GreedyOptions) -> Result<Vec<Hypothesis>> {
        greedy(&self.backend, &self.model, source, options).await
    }
}

impl Translator {
    /// Copies the model to the device.
    pub fn new(model: Model, device: Device) -> Result<Self> {
        let placed = match device {
            Device::Cpu(backend) => Placed::Cpu(Box::new(Loaded::new(backend, &model)?)),
            Device::Gpu(backend) => Placed::Gpu(Box::new(Loaded::new(backend, &model)?)),
        };
        let Model { config, source_tokenizer, target_tokenizer, .. } = model;
        let tokenizer = |tokenizer: Option<Tokenizer>, key: &str| {
            let expected = format!("a model with a {key}.json, to translate text");
            tokenizer.ok_or_else(|| Error::Config { key: key.to_owned(), expected, found: "none".to_owned() })
        };
        Ok(Self {
            config,
            source_tokenizer: tokenizer(source_tokenizer, "source_tokenizer")?,
            target_tokenizer: tokenizer(target_tokenizer, "target_tokenizer")?,
            placed,
        })
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
        options.check()?;
        let limits = Limits::new(&self.config, self.max_elements(), options);
        let mut answers: Vec<(usize, Result<Translation>)> = Vec::with_capacity(sources.len());
        let mut sentences: Vec<(usize, Encoding)> = Vec::with_capacity(sources.len());
        for (at, source) in sources.iter().enumerate() {
            match self.encode(source.as_ref(), &limits) {
                Ok(encoding) => sentences.push((at, encoding)),
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
            let hypotheses = in_parts(&ids, async |part| self.decode(part, options).await).await?;
            let found = batch.into_iter().zip(hypotheses);
            answers.extend(found.map(|((at, encoding), hypothesis)| (at, Ok(self.translation(encoding, hypothesis)))));
        }

        answers.sort_by_key(|&(at, _)| at);
        Ok(answers.into_iter().map(|(_, answer)| answer).collect())
    }

    /// [`translate`](Self::translate), waiting for the device.
    pub fn translate_blocking<S: AsRef<str>>(
        &self,
        sources: &[S],
        options: &TranslateOptions,
    ) -> Result<Vec<Result<Translation>>> {
        pollster::block_on(self.translate(sources, options))
    }

    /// The symbols of a target text, as the model's target tokenizer divides and spells them.
    ///
    /// # Errors
    ///
    /// See [`Tokenizer::symbols`].
    pub fn target_symbols(&self, target: &str) -> Result<Vec<String>> {
        self.target_tokenizer.symbols(target)
    }

    fn max_elements(&self) -> usize {
        match &self.placed {
            Placed::Cpu(loaded) => loaded.backend.max_elements(),
            Placed::Gpu(loaded) => loaded.backend.max_elements(),
        }
    }

    fn encode(&self, source: &str, limits: &Limits) -> Result<Encoding> {
        let encoding = self.source_tokenizer.encode(source)?;
        limits.check(encoding.ids.len())?;
        Ok(encoding)
    }

    async fn decode(&self, sources: &[&[u32]], options: &TranslateOptions) -> Result<Vec<Hypothesis>> {
        let batch = Batch::new(sources, self.config.special_tokens.pad, self.config.encoder.vocab_size)?;
        let options = GreedyOptions { max_length: options.max_length, alignment: options.alignment };
        match &self.placed {
            Placed::Cpu(loaded) => loaded.greedy(&batch, options).await,
            Placed::Gpu(loaded) => loaded.greedy(&batch, options).await,
        }
    }

    fn translation(&self, source: Encoding, hypothesis: Hypothesis) -> Translation {
        let Hypothesis { tokens, finished, log_prob, alignment, .. } = hypothesis;
        let symbol = |&token: &u32| self.target_tokenizer.token(token).unwrap_or_else(|| "\u{fffd}".to_owned());
        Translation {
            text: self.target_tokenizer.decode(&tokens),
            target: tokens.iter().map(symbol).collect(),
            source: source.tokens,
            log_prob,
            finished,
            alignment,
        }
    }
}

/// A batch for which the device has too little memory is computed in halves.
async fn in_parts<S, T>(batch: &[S], compute: impl AsyncFn(&[S]) -> Result<Vec<T>>) -> Result<Vec<T>> {
    let mut found = Vec::with_capacity(batch.len());
    let mut waiting = vec![batch];
    while let Some(part) = waiting.pop() {
        match compute(part).await {
            Err(Error::OutOfMemory { .. }) if part.len() > 1 => {
                let (first, second) = part.split_at(part.len() / 2);
                waiting.extend([second, first]);
            }
            results => found.extend(results?),
        }
    }
    Ok(found)
}

impl TranslateOptions {
    fn check(&self) -> Result<()> {
        let Self { max_length, max_source_length, batch_size, alignment: _ } = self;
        let sizes = [("max_length", max_length), ("max_source_length", max_source_length), ("batch_size", batch_size)];
        match sizes.into_iter().find(|(_, size)| **size == 0) {
            None => Ok(()),
            Some((key, _)) => {
                Err(Error::Config { key: key.to_owned(), expected: "at least 1".to_owned(), found: "0".to_owned() })
            }
        }
    }
}
