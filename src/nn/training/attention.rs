//! Attention and attentional states, forward and backward, for all positions of a target or for one.

use super::encoder::Encoded;
use super::pass::Pass;
use crate::Result;
use crate::backend::{Activation, Attention, AttentionGradients, Positions, Training};
use crate::model::Score;

/// What queries are compared with.
#[derive(Debug)]
pub struct Keys<B: Training> {
    /// (batch · src_len, H), where queries are not compared with the memory itself.
    keys: Option<B::Tensor>,
}

/// What attention computed for some queries of every sentence.
#[derive(Debug)]
pub struct Attended<B: Training> {
    /// W_q h + b_q or W_l h (batch · queries, K), where the score has one.
    pub query: Option<B::Tensor>,
    /// W_p h (batch · queries, H), where the window has one.
    pub position: Option<B::Tensor>,
    /// c (batch · queries, M)
    pub context: B::Tensor,
    /// h̃ (batch · queries, H)
    pub attentional: B::Tensor,
}

/// Their gradients.
#[derive(Debug)]
pub struct AttendedGradients<B: Training> {
    pub d_query: Option<B::Tensor>,
    pub d_position: Option<B::Tensor>,
    pub d_context: B::Tensor,
    /// h (batch · queries, H)
    pub d_hidden: B::Tensor,
}

impl<B: Training> Attended<B> {
    /// Zeros for `rows` queries.
    pub fn zeros(pass: &Pass<'_, B>, rows: usize) -> Result<Self> {
        let hidden = pass.config.decoder.hidden_size;
        let optional = |wanted: bool, cols: usize| {
            if wanted { pass.backend.zeros(rows, cols).map(Some) } else { Ok(None) }
        };
        Ok(Self {
            query: optional(pass.query_projection().is_some(), pass.query_size())?,
            position: optional(pass.slots.position_proj.is_some(), hidden)?,
            context: pass.backend.zeros(rows, pass.config.memory_size())?,
            attentional: pass.backend.zeros(rows, hidden)?,
        })
    }
}

impl<B: Training> AttendedGradients<B> {
    /// Zeros for `rows` queries.
    pub fn zeros(pass: &Pass<'_, B>, rows: usize) -> Result<Self> {
        let Attended { query, position, context, attentional } = Attended::zeros(pass, rows)?;
        Ok(Self { d_query: query, d_position: position, d_context: context, d_hidden: attentional })
    }
}

impl<B: Training> Pass<'_, B> {
    /// The projection of queries: its weight and its bias.
    fn query_projection(&self) -> Option<(usize, Option<usize>)> {
        match (self.slots.query_proj, self.slots.location) {
            (Some([weight, bias]), _) => Some((weight, Some(bias))),
            (None, Some(weight)) => Some((weight, None)),
            (None, None) => None,
        }
    }

    /// K
    fn query_size(&self) -> usize {
        match self.config.attention.score {
            Score::Location => self.config.attention.max_source_length.unwrap_or(0),
            _ => self.config.decoder.hidden_size,
        }
    }

    /// What queries are compared with: W_aᵀ h̄ of `general`, W_m h̄ of `concat`.
    pub fn keys(&self, encoded: &Encoded<B>) -> Result<Keys<B>> {
        let zeros = || self.backend.zeros(encoded.batch * encoded.len, self.config.decoder.hidden_size);
        let keys = match (self.slots.linear_in, self.slots.memory_proj) {
            (Some(weight), _) => {
                let mut keys = zeros()?;
                self.backend.matmul_nn(encoded.memory(), self.value(weight), false, &mut keys)?;
                Some(keys)
            }
            (None, Some(weight)) => {
                let mut keys = zeros()?;
                let (memory, weight) = (encoded.memory(), self.value(weight));
                self.backend.matmul_nt(memory, weight, None, Activation::Identity, false, &mut keys)?;
                Some(keys)
            }
            (None, None) => None,
        };
        Ok(Keys { keys })
    }

    /// Attention's arguments for these queries.
    fn arguments<'a>(
        &'a self,
        encoded: &'a Encoded<B>,
        keys: &'a Keys<B>,
        hidden: &'a B::Tensor,
        attended: (&'a Option<B::Tensor>, &'a Option<B::Tensor>),
        positions: Positions,
    ) -> Attention<'a, B> {
        let (query, position) = attended;
        Attention {
            score: self.config.attention.score,
            window: self.config.attention.window,
            half_width: self.config.attention.half_width.unwrap_or(0),
            vectors: self.slots.vectors.map(|slot| self.value(slot)),
            query: query.as_ref().unwrap_or(hidden),
            position: position.as_ref(),
            keys: keys.keys.as_ref().unwrap_or(encoded.memory()),
            memory: encoded.memory(),
            lengths: &encoded.lengths,
            positions,
        }
    }

    /// Weights, context and attentional state of the queries `hidden`, which begin at target position `first`; the
    /// weights go to the same rows of each sentence.
    pub fn attend(
        &self,
        encoded: &Encoded<B>,
        keys: &Keys<B>,
        hidden: &B::Tensor,
        first: usize,
        weights: &mut B::Tensor,
        attended: &mut Attended<B>,
    ) -> Result<()> {
        let (backend, identity) = (self.backend, Activation::Identity);
        if let (Some((weight, bias)), Some(query)) = (self.query_projection(), &mut attended.query) {
            let bias = bias.map(|bias| self.value(bias));
            backend.matmul_nt(hidden, self.value(weight), bias, identity, false, query)?;
        }
        if let (Some(weight), Some(position)) = (self.slots.position_proj, &mut attended.position) {
            backend.matmul_nt(hidden, self.value(weight), None, identity, false, position)?;
        }
        let Attended { query, position, context, attentional } = attended;
        let arguments = self.arguments(encoded, keys, hidden, (query, position), Positions::From(first));
        backend.attention(&arguments, weights, first, context)?;
        backend.matmul_nt(context, self.value(self.slots.out_context), None, identity, false, attentional)?;
        let (weight, bias) = (self.value(self.slots.out_hidden), self.slots.out_bias.map(|bias| self.value(bias)));
        backend.matmul_nt(hidden, weight, bias, self.config.attention.output.activation, true, attentional)
    }

    /// From d_h̃ of the same queries, which becomes the gradient before its activation, to those of scores, context and h.
    #[expect(clippy::too_many_arguments, reason = "forward's, with their gradients")]
    pub fn attend_backward(
        &self,
        encoded: &Encoded<B>,
        keys: &Keys<B>,
        hidden: &B::Tensor,
        first: usize,
        weights: &B::Tensor,
        attended: &Attended<B>,
        d_attentional: &mut B::Tensor,
        d_scores: &mut B::Tensor,
        d: &mut AttendedGradients<B>,
    ) -> Result<()> {
        let backend = self.backend;
        backend.activation_backward(self.config.attention.output.activation, &attended.attentional, d_attentional)?;
        let AttendedGradients { d_query, d_position, d_context, d_hidden } = d;
        backend.matmul_nn(d_attentional, self.value(self.slots.out_context), false, d_context)?;
        backend.matmul_nn(d_attentional, self.value(self.slots.out_hidden), false, d_hidden)?;
        let arguments =
            self.arguments(encoded, keys, hidden, (&attended.query, &attended.position), Positions::From(first));
        let target = AttentionGradients {
            d_scores,
            d_query: d_query.as_mut().unwrap_or(d_hidden),
            d_position: d_position.as_mut(),
        };
        backend.attention_backward(&arguments, weights, first, d_context, target)?;
        if let (Some((weight, _)), Some(d_query)) = (self.query_projection(), d_query) {
            backend.matmul_nn(d_query, self.value(weight), true, d_hidden)?;
        }
        if let (Some(weight), Some(d_position)) = (self.slots.position_proj, d_position) {
            backend.matmul_nn(d_position, self.value(weight), true, d_hidden)?;
        }
        Ok(())
    }

    /// The gradients of the memory (batch · src_len, M) and of attention's parameters, from those of all queries.
    #[expect(clippy::too_many_arguments, reason = "all that forward computed, with its gradients")]
    pub fn attention_backward(
        &self,
        encoded: &Encoded<B>,
        keys: &Keys<B>,
        hidden: &B::Tensor,
        weights: &B::Tensor,
        attended: &Attended<B>,
        d_attentional: &B::Tensor,
        d_scores: &B::Tensor,
        d: &AttendedGradients<B>,
        gradients: &mut [B::Tensor],
    ) -> Result<B::Tensor> {
        let (backend, slots) = (self.backend, self.slots);
        backend.matmul_tn(d_attentional, &attended.context, None, &mut gradients[slots.out_context], None)?;
        match slots.out_bias {
            Some(bias) => self.linear_backward([slots.out_hidden, bias], d_attentional, hidden, gradients)?,
            None => backend.matmul_tn(d_attentional, hidden, None, &mut gradients[slots.out_hidden], None)?,
        }
        if let (Some((weight, bias)), Some(d_query)) = (self.query_projection(), &d.d_query) {
            match bias {
                Some(bias) => self.linear_backward([weight, bias], d_query, hidden, gradients)?,
                None => backend.matmul_tn(d_query, hidden, None, &mut gradients[weight], None)?,
            }
        }
        if let (Some(weight), Some(d_position)) = (slots.position_proj, &d.d_position) {
            backend.matmul_tn(d_position, hidden, None, &mut gradients[weight], None)?;
        }
        let rows = encoded.batch * encoded.len;
        let mut d_memory = backend.zeros(rows, self.config.memory_size())?;
        let hidden_size = self.config.decoder.hidden_size;
        let mut d_keys = match keys.keys {
            Some(_) => Some(backend.zeros(rows, hidden_size)?),
            None => None,
        };
        let arguments =
            self.arguments(encoded, keys, hidden, (&attended.query, &attended.position), Positions::From(0));
        let d_vectors = slots.vectors.map(|slot| &mut gradients[slot]);
        backend.attention_memory_backward(
            &arguments,
            weights,
            d_scores,
            &d.d_context,
            d_keys.as_mut(),
            &mut d_memory,
            d_vectors,
        )?;
        let memory = encoded.memory();
        match (&d_keys, slots.linear_in, slots.memory_proj) {
            (Some(d_keys), Some(weight), _) => {
                let value = self.value(weight);
                backend.matmul_nt(d_keys, value, None, Activation::Identity, true, &mut d_memory)?;
                backend.matmul_tn(memory, d_keys, None, &mut gradients[weight], None)?;
            }
            (Some(d_keys), None, Some(weight)) => {
                backend.matmul_nn(d_keys, self.value(weight), true, &mut d_memory)?;
                backend.matmul_tn(d_keys, memory, None, &mut gradients[weight], None)?;
            }
            _ => {}
        }
        Ok(d_memory)
    }
}
