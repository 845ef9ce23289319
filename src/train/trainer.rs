//! The loop: steps, reports, validations, checkpoints, and when it ends.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::batches::{Batcher, Feed, Step, dropout_seed};
use super::checkpoint::{Checkpoint, State};
use super::schedule::LearningRate;
use super::task::flatten;
use super::validation::{Measured, Validation};
use super::{Began, Best, Event, Folder, History, Observer, Stepped, Task, TrainOptions, Validated};
use crate::backend::{Training, Update};
use crate::clock::Instant;
use crate::model::{Parameters, WeightFormat};
use crate::nn::training::{Learner, OptimizerState, StepOptions};
use crate::{Error, Result};

/// Steps from one report to the next: the host waits for the device only then.
const REPORT_EVERY: u64 = 10;

/// What a run begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With initial parameters; a checkpoint that is there is lost.
    Anew,
    /// Where the checkpoint stands; anew if there is none.
    Resume,
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// All epochs or steps are done.
    Finished,
    /// Validation got no better for too long.
    OutOfPatience,
    /// The observer asked to stop.
    Interrupted,
}

/// A run that ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Why.
    pub ended: Ended,
    /// Steps that were done.
    pub step: u64,
    /// The best model.
    pub best: Option<Best>,
    /// How it went.
    pub history: History,
}

/// Learns the task, leaving models and checkpoints in the folder.
///
/// # Errors
///
/// [`Error::Config`] for an option out of its range, or one that is not what the checkpoint was made with;
/// [`Error::Diverged`] if a loss, a gradient or a parameter is not finite; [`Error::Io`] for a file that cannot be
/// written; what the device and the observer report. After any of them, the last checkpoint and the best model so far
/// are as they were.
pub async fn train<B: Training>(
    backend: &B,
    task: &Task,
    options: &TrainOptions,
    folder: &Folder,
    start: Start,
    observer: &mut dyn Observer,
) -> Result<Summary> {
    options.check()?;
    let identity = identity(task, options)?;
    let path = folder.checkpoint();
    let checkpoint = if start == Start::Resume && folder.has_checkpoint() {
        let check = |state: &State| state.check(&identity, options, &path);
        Some(Checkpoint::load(&task.config, &path, check)?)
    } else {
        None
    };
    folder.prepare()?;
    let average = options.average.is_some();
    let (learner, state) = match checkpoint {
        Some(Checkpoint { mut state, parameters, optimizer }) => {
            let mut learner = Learner::new(backend, &task.config, &parameters, average)?;
            learner.restore(backend, &parameters, &optimizer)?;
            state.identity = identity;
            (learner, state)
        }
        None => {
            let parameters = match &task.initial {
                Some(parameters) => parameters.clone(),
                None => Parameters::initial(&task.config, u64::from(options.seed), options.forget_bias)?,
            };
            let learner = Learner::new(backend, &task.config, &parameters, average)?;
            // Only now: what there is no memory for takes nothing away.
            folder.forget()?;
            (learner, State::new(identity))
        }
    };
    let batcher = Batcher::new(task.training.lengths(), options);
    let steps_per_epoch = batcher.steps();
    let total = options.total_steps(steps_per_epoch);
    let feed = Feed::new(Arc::clone(&task.training), batcher, task.config.clone(), state.epoch, state.step_in_epoch)?;
    let trainer = Trainer {
        saved_at: (state.step > 0).then_some(state.step),
        backend,
        task,
        options,
        folder,
        observer,
        learner,
        state,
        feed,
        validation: Validation::new(task, options),
        learning_rate: LearningRate::new(options, total),
        steps_per_epoch,
        total,
        unread: Unread::new(),
    };
    trainer.run().await
}

/// What the result depends on, by name.
fn identity(task: &Task, options: &TrainOptions) -> Result<BTreeMap<String, String>> {
    let mut identity = task.identity()?;
    let options = serde_json::to_value(options).map_err(|error| Error::format("train.toml", error))?;
    flatten(&mut identity, "", &options);
    Ok(identity)
}

struct Trainer<'a, B: Training> {
    backend: &'a B,
    task: &'a Task,
    options: &'a TrainOptions,
    folder: &'a Folder,
    observer: &'a mut dyn Observer,
    learner: Learner<B>,
    state: State,
    feed: Feed,
    validation: Validation,
    learning_rate: LearningRate,
    steps_per_epoch: u64,
    total: Option<u64>,
    unread: Unread,
    /// The step of the checkpoint that is on the disk.
    saved_at: Option<u64>,
}

/// Steps that the device was asked for and the host knows nothing of yet.
struct Unread {
    tokens: u64,
    since: Instant,
}

impl Unread {
    fn new() -> Self {
        Self { tokens: 0, since: Instant::now() }
    }
}

impl<B: Training> Trainer<'_, B> {
    async fn run(mut self) -> Result<Summary> {
        self.observer.event(&Event::Began(Began {
            step: self.state.step,
            epoch: self.state.epoch,
            total_steps: self.total,
            steps_per_epoch: self.steps_per_epoch,
            parameters: self.learner.parameters(self.backend).await?.count(),
            training_pairs: self.task.training.len(),
            validation_pairs: self.task.validation.len(),
        }))?;
        self.unread = Unread::new();
        let ended = loop {
            // Asked before a validation, so that one that was interrupted is made up for when the run goes on.
            if self.observer.should_stop() {
                break Ended::Interrupted;
            }
            if self.is_to_validate() && !self.validate().await? {
                break Ended::Interrupted;
            }
            if let Some(ended) = self.ended() {
                break ended;
            }
            let step = self.feed.next()?;
            self.learn(&step)?;
            if self.state.step.is_multiple_of(REPORT_EVERY) {
                self.report().await?;
            }
            if self.options.checkpoint_every.is_some_and(|every| self.state.step.is_multiple_of(every)) {
                self.save().await?;
            }
        };
        self.save().await?;
        Ok(Summary { ended, step: self.state.step, best: self.state.best, history: self.state.history })
    }

    fn ended(&self) -> Option<Ended> {
        if self.options.patience.is_some_and(|patience| self.state.stale >= patience) {
            return Some(Ended::OutOfPatience);
        }
        self.total.is_some_and(|total| self.state.step >= total).then_some(Ended::Finished)
    }

    /// After each epoch or every so many steps, and at the end.
    fn is_to_validate(&self) -> bool {
        let due = match self.options.validate_every {
            Some(every) => self.state.step.is_multiple_of(every),
            None => self.state.step_in_epoch == 0,
        };
        (due || self.ended().is_some()) && self.state.step > self.state.validated_at
    }

    /// One step of the optimizer. Nothing waits for the device.
    fn learn(&mut self, step: &Step) -> Result<()> {
        let Self { backend, options, state, .. } = self;
        for (at, batch) in step.batches.iter().enumerate() {
            let options = StepOptions {
                dropout: options.dropout as f32,
                smoothing: options.label_smoothing as f32,
                seed: dropout_seed(options.seed, state.step, at),
                scale: 1.0 / step.tokens as f32,
            };
            self.learner.accumulate(backend, batch, &options)?;
        }
        let update = Update {
            rule: options.rule(),
            learning_rate: self.learning_rate.at(state.step + 1, state.plateau.decays),
            step: state.step + 1,
            clip: options.clip.map(|clip| clip as f32),
            average: options.average.unwrap_or_default() as f32,
        };
        self.learner.update(backend, &update)?;
        state.step += 1;
        state.step_in_epoch += 1;
        if state.step_in_epoch == self.steps_per_epoch {
            (state.epoch, state.step_in_epoch) = (state.epoch + 1, 0);
        }
        self.unread.tokens += step.tokens as u64;
        Ok(())
    }

    /// The epoch that the last step was of, counted from 1.
    fn epoch(&self) -> u64 {
        self.state.epoch + u64::from(self.state.step_in_epoch > 0)
    }

    fn last_learning_rate(&self) -> f64 {
        f64::from(self.learning_rate.at(self.state.step.max(1), self.state.plateau.decays))
    }

    /// Waits for the device, and looks at what became of the loss.
    async fn report(&mut self) -> Result<()> {
        if self.unread.tokens == 0 {
            return Ok(());
        }
        let progress = self.learner.progress(self.backend).await?;
        self.finite("the training loss", progress.loss)?;
        self.finite("the norm of the gradients", progress.gradient_norm)?;
        let Unread { tokens, since } = std::mem::replace(&mut self.unread, Unread::new());
        let step = self.state.step;
        self.state.loss += progress.loss;
        self.state.tokens += tokens;
        let loss = progress.loss / tokens as f64;
        self.state.history.push(step / REPORT_EVERY, step, loss);
        self.observer.event(&Event::Step(Stepped {
            epoch: self.epoch(),
            step,
            loss,
            gradient_norm: progress.gradient_norm,
            learning_rate: self.last_learning_rate(),
            tokens_per_second: tokens as f64 / since.elapsed().as_secs_f64().max(1e-9),
        }))
    }

    /// Validates, and keeps the model if it is the best; false if the observer asked to stop before that was done.
    async fn validate(&mut self) -> Result<bool> {
        self.report().await?;
        let parameters = self.parameters().await?;
        let &mut Self { backend, task, options, .. } = self;
        let measured = self.validation.measure(backend, &self.learner, &parameters, task, &*self.observer).await?;
        let Some(Measured { loss, scores }) = measured else { return Ok(false) };
        self.finite("the validation loss", loss)?;

        let mut validated = Validated {
            epoch: self.epoch(),
            step: self.state.step,
            training_loss: self.state.loss / self.state.tokens.max(1) as f64,
            loss,
            wer: scores.word_error_rate,
            ser: scores.symbol_error_rate,
            bleu: scores.bleu,
            chrf: scores.chrf,
            learning_rate: self.last_learning_rate(),
            improved: false,
        };
        let metric = options.metric;
        let value = validated.value(metric);
        validated.improved = self.state.best.as_ref().is_none_or(|best| best.is_surpassed(value, loss));
        let best = match self.state.best.take() {
            Some(best) if !validated.improved => best,
            _ => Best { step: self.state.step, metric, value, loss },
        };
        if validated.improved {
            // Before the checkpoint: one that says there was a better model has that model beside it.
            task.model(parameters)?.save(self.folder.best(), WeightFormat::F32)?;
        }
        let state = &mut self.state;
        state.best = Some(best.clone());
        state.stale = if validated.improved { 0 } else { state.stale + 1 };
        state.plateau.validated(validated.improved, options.decay_patience);
        (state.loss, state.tokens, state.validated_at) = (0.0, 0, state.step);
        state.history.validations.push(validated.clone());
        self.observer.event(&Event::Validated { validated, best })?;
        self.saved_at = None; // what was saved at this step was not validated
        if self.options.checkpoint_every.is_none() {
            self.save().await?;
        }
        self.unread = Unread::new();
        Ok(true)
    }

    /// Writes the last model and the checkpoint, once it is known that the loss and all of them are finite.
    async fn save(&mut self) -> Result<()> {
        self.report().await?;
        if self.state.step == 0 || self.saved_at == Some(self.state.step) {
            return Ok(());
        }
        let parameters = self.learner.parameters(self.backend).await;
        let optimizer: OptimizerState = self.learner.optimizer_state(self.backend).await?;
        let checkpoint = Checkpoint {
            state: self.state.clone(),
            parameters: parameters.map_err(|error| self.diverged(error))?,
            optimizer,
        };
        let last = self.task.model(self.parameters().await?)?;
        last.save(self.folder.last(), WeightFormat::F32)?;
        checkpoint.save(&self.folder.checkpoint()).map_err(|error| self.diverged(error))?;
        self.saved_at = Some(self.state.step);
        self.unread.since = Instant::now();
        self.observer.event(&Event::Checkpoint { step: self.state.step })
    }

    /// The parameters of the model: their average, where there is one.
    async fn parameters(&self) -> Result<Parameters> {
        let found = match self.options.average {
            Some(_) => self.learner.averaged(self.backend).await.transpose(),
            None => None,
        };
        let found = match found {
            Some(found) => found,
            None => self.learner.parameters(self.backend).await,
        };
        found.map_err(|error| self.diverged(error))
    }

    fn finite(&self, what: &str, value: f64) -> Result<()> {
        if value.is_finite() {
            return Ok(());
        }
        Err(Error::Diverged { step: self.state.step, what: format!("{what} is {value}") })
    }

    /// A tensor of the run's own that is refused is one that is not finite.
    fn diverged(&self, error: Error) -> Error {
        match error {
            Error::Tensor { name, found, .. } => {
                Error::Diverged { step: self.state.step, what: format!("{name} is {found}") }
            }
            other => other,
        }
    }
}
