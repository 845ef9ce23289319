//! The whole model: encoder, bridge, decoder with attention, generator.

use super::greedy::greedy_weights;
use super::{BridgeLayer, Decoder, DecoderState, Encoder, Memory, WeightRows};
use crate::backend::{Activation, Backend, Distribution, Positions, State};
use crate::batch::Batch;
use crate::model::{Config, Parameters};
use crate::{Array, Float, Result};

/// An RNN encoder–decoder with attention on one device.
#[derive(Debug)]
pub struct Seq2Seq<B: Backend> {
    config: Config,
    encoder: Encoder<B>,
    bridge: BridgeLayer<B>,
    decoder: Decoder<B>,
    /// W_s (vocab, H), b_s
    generator: B::Linear,
    /// Decoder and generator once more, for a device that takes several greedy steps at a time.
    pub(super) greedy: Option<B::Greedy>,
}

/// All that the model computes for given targets (teacher forcing), on the host.
#[derive(Clone, Debug)]
pub struct Forced<T> {
    /// h̄ (batch, src_len, M)
    pub memory: Array<T>,
    /// h_t (batch, tgt_len, H)
    pub query: Array<T>,
    /// a_t (batch, tgt_len, src_len)
    pub attention_weights: Array<T>,
    /// h̃_t (batch, tgt_len, H)
    pub attentional: Array<T>,
    /// W_s h̃_t + b_s (batch, tgt_len, vocab)
    pub logits: Array<T>,
    /// ln p of every token (batch, tgt_len, vocab)
    pub log_probs: Array<T>,
}

impl<T: Float> Forced<T> {
    /// c_t = Σ_s a_t(s) h̄_s (batch, tgt_len, M): Luong et al. 2015, section 3.1. A device goes from weights to
    /// attentional states without it, see [`AttentionLayer::values`](super::AttentionLayer::values).
    pub fn context(&self) -> Array<T> {
        let [batch, tgt_len, src_len] = [0, 1, 2].map(|axis| self.attention_weights.shape[axis]);
        let memory_size = self.memory.cols();
        let mut context = vec![T::ZERO; batch * tgt_len * memory_size];
        for (query, context) in context.chunks_exact_mut(memory_size).enumerate() {
            for (position, &weight) in self.attention_weights.row(query).iter().enumerate() {
                for (context, &state) in context.iter_mut().zip(self.memory.row(query / tgt_len * src_len + position)) {
                    *context += weight * state;
                }
            }
        }
        Array::new([batch, tgt_len, memory_size], context)
    }
}

impl<B: Backend> Seq2Seq<B> {
    /// Prepares all weights for the backend.
    pub fn new(backend: &B, config: &Config, parameters: &Parameters) -> Result<Self> {
        let weight = parameters.get("generator.weight")?;
        let bias = parameters.get("generator.bias")?;
        Ok(Self {
            config: config.clone(),
            encoder: Encoder::new(backend, config, parameters)?,
            bridge: BridgeLayer::new(backend, config, parameters)?,
            decoder: Decoder::new(backend, config, parameters)?,
            generator: backend.linear_weights(weight, Some(bias))?,
            greedy: greedy_weights(backend, config, parameters)?,
        })
    }

    /// The architecture.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The memory of a batch of sources, and the decoder's first state.
    pub fn encode(&self, backend: &B, source: &Batch) -> Result<(Memory<B>, Vec<State<B>>)> {
        let (batch, src_len) = (source.batch(), source.len());
        let ids = backend.upload_ids(source.ids())?;
        let lengths = backend.upload_ids(source.lengths())?;
        let (states, last) = self.encoder.forward(backend, &ids, &lengths, batch, src_len)?;
        let initial = self.bridge.forward(backend, last, batch)?;
        let keys = self.decoder.attention.keys(backend, &states, batch * src_len)?;
        let values = self.decoder.attention.values(backend, &states, batch * src_len)?;
        let (memory_size, hidden_size) = (self.config.memory_size(), self.config.decoder.hidden_size);
        Ok((Memory { batch, src_len, lengths, states, keys, values, memory_size, hidden_size }, initial))
    }

    /// What turns memory and symbols into attentional states.
    pub fn decoder(&self) -> &Decoder<B> {
        &self.decoder
    }

    /// How probable each symbol is after the last step.
    pub fn symbols<'a>(&'a self, state: &'a DecoderState<B>) -> Distribution<'a, B> {
        Distribution::Generator { weights: &self.generator, attentional: &state.attentional }
    }

    /// W_s h̃_t + b_s of the last step, into `logits` (rows, vocab).
    pub fn logits(&self, backend: &B, state: &DecoderState<B>, logits: &mut B::Tensor) -> Result<()> {
        backend.linear(&self.generator, &state.attentional, Activation::Identity, false, logits)
    }

    /// All that the model computes for a given target, whose rows begin with bos.
    pub async fn forced(&self, backend: &B, source: &Batch, target: &Batch) -> Result<Forced<B::Float>> {
        let (memory, initial) = self.encode(backend, source)?;
        if self.config.decoder.input_feeding {
            self.forced_stepwise(backend, &memory, initial, target).await
        } else {
            self.forced_at_once(backend, &memory, &initial, target).await
        }
    }

    /// Without input feeding the recurrent layers run over the whole target, then attention over all their outputs.
    async fn forced_at_once(
        &self,
        backend: &B,
        memory: &Memory<B>,
        initial: &[State<B>],
        target: &Batch,
    ) -> Result<Forced<B::Float>> {
        let (batch, tgt_len) = (target.batch(), target.len());
        let ids = backend.upload_ids(target.ids())?;
        let lengths = backend.upload_ids(target.lengths())?;
        let query = self.decoder.queries(backend, initial, &ids, &lengths, batch, tgt_len)?;
        let mut step = self.decoder.attention.step(backend, memory, tgt_len)?;
        let mut weights = backend.zeros(batch * tgt_len, memory.src_len)?;
        let rows = WeightRows { weights: &mut weights, first: 0 };
        self.decoder.attention.forward(backend, memory, &query, Positions::From(0), rows, &mut step)?;
        let mut logits = backend.zeros(batch * tgt_len, self.config.decoder.vocab_size)?;
        backend.linear(&self.generator, &step.attentional, Activation::Identity, false, &mut logits)?;
        let mut log_probs = backend.zeros(batch * tgt_len, self.config.decoder.vocab_size)?;
        backend.log_softmax(&logits, &mut log_probs)?;
        let read = async |tensor, cols: usize| -> Result<_> {
            Ok(Array::new([batch, tgt_len, cols], backend.read(tensor).await?))
        };
        let hidden = self.config.decoder.hidden_size;
        Ok(Forced {
            memory: self.read_memory(backend, memory).await?,
            query: read(&query, hidden).await?,
            attention_weights: read(&weights, memory.src_len).await?,
            attentional: read(&step.attentional, hidden).await?,
            logits: read(&logits, self.config.decoder.vocab_size).await?,
            log_probs: read(&log_probs, self.config.decoder.vocab_size).await?,
        })
    }

    /// With input feeding every step waits for the attentional state of the one before.
    async fn forced_stepwise(
        &self,
        backend: &B,
        memory: &Memory<B>,
        initial: Vec<State<B>>,
        target: &Batch,
    ) -> Result<Forced<B::Float>> {
        let (batch, tgt_len) = (target.batch(), target.len());
        let mut state = self.decoder.start(backend, memory, initial)?;
        let mut weights = backend.zeros(batch * tgt_len, memory.src_len)?;
        let mut logits = backend.zeros(batch, self.config.decoder.vocab_size)?;
        let mut log_probs = backend.zeros(batch, self.config.decoder.vocab_size)?;
        let mut steps: [Vec<Vec<B::Float>>; 4] = Default::default();
        for position in 0..tgt_len {
            let column = (0..batch).map(|row| target.ids()[row * tgt_len + position]);
            let frontier = backend.upload_ids(&column.chain(0..batch as u32).collect::<Vec<_>>())?;
            let rows = WeightRows { weights: &mut weights, first: position };
            self.decoder.step(backend, memory, &frontier, position, rows, &mut state)?;
            self.logits(backend, &state, &mut logits)?;
            backend.log_softmax(&logits, &mut log_probs)?;
            let tensors = [state.query(), &state.attentional, &logits, &log_probs];
            for (steps, tensor) in steps.iter_mut().zip(tensors) {
                steps.push(backend.read(tensor).await?);
            }
        }
        let weights = backend.read(&weights).await?;
        let [query, attentional, logits, log_probs] = steps.map(|steps| by_sentence(&steps, batch));
        Ok(Forced {
            memory: self.read_memory(backend, memory).await?,
            query,
            attention_weights: Array::new([batch, tgt_len, memory.src_len], weights),
            attentional,
            logits,
            log_probs,
        })
    }

    async fn read_memory(&self, backend: &B, memory: &Memory<B>) -> Result<Array<B::Float>> {
        let shape = [memory.batch, memory.src_len, self.config.memory_size()];
        Ok(Array::new(shape, backend.read(&memory.states).await?))
    }
}

/// (tgt_len) matrices of (batch, cols) as one array (batch, tgt_len, cols).
fn by_sentence<T: Copy>(steps: &[Vec<T>], batch: usize) -> Array<T> {
    let cols = steps.first().map_or(0, |step| step.len() / batch);
    let data = (0..batch).flat_map(|row| steps.iter().flat_map(move |step| &step[row * cols..][..cols])).copied();
    Array::new([batch, steps.len(), cols], data.collect())
}
