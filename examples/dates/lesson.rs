//! A corpus of dates, a model that learns it, and how many of the dates that it never saw it gets right.

use std::path::Path;

use seq2seq::device::{Device, DeviceRequest, Precision};
use seq2seq::model::{Config, Model};
use seq2seq::text::pairs::Pair;
use seq2seq::text::vocabulary::{TokenKind, build, build_normalized, special_tokens};
use seq2seq::train::{Folder, Observer, Start, Task, TrainOptions, train};
use seq2seq::{Result, TranslateOptions, Translator, block_on};

use super::corpus::corpus;

/// How much to learn, and with how large a model.
#[derive(Clone, Copy, Debug)]
pub struct Lesson {
    /// Pairs to learn from, to validate with, and to test with at the end.
    pub train: usize,
    pub valid: usize,
    pub test: usize,
    pub epochs: u64,
    pub embedding_size: usize,
    /// Of the decoder, and of both directions of the encoder together.
    pub hidden_size: usize,
}

impl Lesson {
    /// Over 99 % right.
    pub const LARGE: Self =
        Self { train: 12_000, valid: 500, test: 1_000, epochs: 6, embedding_size: 32, hidden_size: 96 };

    /// Trains on the device, leaving the model in `folder`; the best model and its exact matches on the test pairs.
    pub fn learn(
        &self,
        request: &DeviceRequest,
        folder: &Path,
        observer: &mut dyn Observer,
    ) -> Result<(Translator, f64)> {
        let pairs = corpus(self.train + self.valid + self.test, 1984);
        let (training, others) = pairs.split_at(self.train);
        let (validation, test) = others.split_at(self.valid);
        let task = self.task(training, validation)?;
        let options = TrainOptions {
            epochs: Some(self.epochs),
            batch_size: 32,
            learning_rate: 0.004,
            dropout: 0.0,
            ..TrainOptions::default()
        };
        let open = || Device::open_blocking(request, Precision::F32);
        let models = Folder::new(folder);
        block_on(async {
            match open()? {
                Device::Cpu(cpu) => train(&cpu, &task, &options, &models, Start::Anew, observer).await,
                Device::Gpu(gpu) => train(&gpu, &task, &options, &models, Start::Anew, observer).await,
            }
        })?;

        let translator = Translator::new(Model::load(folder)?, open()?)?;
        let sources: Vec<&str> = test.iter().map(|pair| pair.source.as_str()).collect();
        let translations = translator.translate_blocking(&sources, &TranslateOptions::default())?;
        let answers = translations.into_iter().zip(test);
        let right =
            answers.filter(|(answer, pair)| answer.as_ref().is_ok_and(|answer| answer.best.text == pair.target));
        let exact = right.count() as f64 / test.len() as f64;
        Ok((translator, exact))
    }

    fn task(&self, training: &[Pair], validation: &[Pair]) -> Result<Task> {
        let texts = |text: fn(&Pair) -> &str| -> Vec<&str> { training.iter().map(text).collect() };
        let source = build_normalized(&TokenKind::Char, &"nfkc+lower".parse()?, &texts(|pair| &pair.source))?;
        let target = build(&TokenKind::Char, &texts(|pair| &pair.target))?;
        let config = serde_json::json!({
            "format_version": 1,
            "cell": "lstm",
            "encoder": {
                "vocab_size": source.vocab_size(),
                "embedding_size": self.embedding_size,
                "hidden_size": self.hidden_size / 2,
                "num_layers": 1,
                "bidirectional": true,
            },
            "decoder": {
                "vocab_size": target.vocab_size(),
                "embedding_size": self.embedding_size,
                "hidden_size": self.hidden_size,
                "num_layers": 1,
                "input_feeding": false,
            },
            "bridge": "copy",
            "attention": { "score": "dot", "window": "global" },
            "special_tokens": special_tokens(&source, &target)?,
        });
        let config = Config::from_json(config.to_string().as_bytes(), "config.json")?;
        Task::new(config, source, target, training, validation, usize::MAX)
    }
}
