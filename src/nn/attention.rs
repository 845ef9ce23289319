//! Attention between the decoder's hidden state and the memory: Luong et al. 2015, eqs. 5–10.

use super::Memory;
use crate::backend::{Activation, Attention, Backend, HiddenPart, Positions};
use crate::model::{AttentionConfig, Config, Parameters, Score, Window};
use crate::{Array, Result};

/// The parameters of score, window and attentional state.
#[derive(Debug)]
pub struct AttentionLayer<B: Backend> {
    config: AttentionConfig,
    hidden_size: usize,
    /// `general`: W_aᵀ (H, M). `concat`: W_m (H, M).
    key_proj: Option<B::Linear>,
    /// `concat`: W_q, b_q (H, H). `location`: W_l (max_source_length, H).
    query_proj: Option<B::Linear>,
    query_size: usize,
    /// `local_p`: W_p (H, H)
    position_proj: Option<B::Linear>,
    /// v of `concat` and v_p of `local_p` (2, H)
    vectors: Option<B::Tensor>,
    /// The columns of W_c for the context (H, M)
    context_proj: B::Linear,
    /// The columns of W_c for the hidden state (H, H), and b_c where there is one.
    hidden_proj: B::Linear,
}

/// The tensors that attention writes for a batch of queries, allocated once and used by every step.
#[derive(Debug)]
pub struct AttentionStep<B: Backend> {
    /// W_c [c_t; 0], then h̃_t (batch · tgt_len, H)
    pub attentional: B::Tensor,
    query: Option<B::Tensor>,
    position: Option<B::Tensor>,
}

/// Where attention weights go: several steps' may be gathered in one tensor.
#[derive(Debug)]
pub struct WeightRows<'a, B: Backend> {
    /// a_t (batch · rows, src_len)
    pub weights: &'a mut B::Tensor,
    /// The row of the first query among those of its sentence.
    pub first: usize,
}

impl<B: Backend> AttentionLayer<B> {
    /// Prepares attention's weights.
    pub fn new(backend: &B, config: &Config, parameters: &Parameters) -> Result<Self> {
        let (hidden, memory) = (config.decoder.hidden_size, config.memory_size());
        let get = |part: &str| parameters.get(&format!("attention.{part}"));
        let linear = |part: &str, bias: Option<&Array>| backend.linear_weights(get(&format!("{part}.weight"))?, bias);
        let (mut key_proj, mut query_proj) = (None, None);
        let (mut v, mut position_v) = (None, None);
        let mut query_size = hidden;
        match config.attention.score {
            Score::Dot | Score::ScaledDot => {}
            Score::General => {
                // (W_a h)ᵀ h̄ = hᵀ (W_aᵀ h̄): the memory is projected once, not the query at every step.
                key_proj = Some(backend.linear_weights(&transpose(get("linear_in.weight")?), None)?);
            }
            Score::Concat => {
                key_proj = Some(linear("memory_proj", None)?);
                query_proj = Some(linear("query_proj", Some(get("query_proj.bias")?))?);
                v = Some(get("v")?);
            }
            Score::Location => {
                query_size = get("location.weight")?.rows();
                query_proj = Some(linear("location", None)?);
            }
        }
        let mut position_proj = None;
        if config.attention.window == Window::LocalP {
            position_proj = Some(linear("position_proj", None)?);
            position_v = Some(get("position_v")?);
        }
        let vectors = if v.is_some() || position_v.is_some() {
            let zeros = vec![0.0; hidden];
            let rows = [v, position_v].map(|vector| vector.map_or(&zeros[..], |vector| &vector.data));
            Some(backend.upload(&Array::new([2, hidden], rows.concat()))?)
        } else {
            None
        };
        let linear_out = get("linear_out.weight")?;
        let out_bias = if config.attention.output.bias { Some(get("linear_out.bias")?) } else { None };
        Ok(Self {
            config: config.attention.clone(),
            hidden_size: hidden,
            key_proj,
            query_proj,
            query_size,
            position_proj,
            vectors,
            context_proj: backend.linear_weights(&linear_out.columns(0..memory), None)?,
            hidden_proj: backend.linear_weights(&linear_out.columns(memory..memory + hidden), out_bias)?,
        })
    }

    /// What queries are compared with (batch · src_len, K), where it is not the memory itself.
    pub fn keys(&self, backend: &B, memory: &B::Tensor, rows: usize) -> Result<Option<B::Tensor>> {
        let Some(key_proj) = &self.key_proj else { return Ok(None) };
        let mut keys = backend.scratch(rows, self.hidden_size)?;
        backend.linear(key_proj, memory, Activation::Identity, false, &mut keys)?;
        Ok(Some(keys))
    }

    /// The memory as attentional states take it up (batch · src_len, H): W_c [c_t; h_t] = Σ_s a_t(s) (W_cc h̄_s) + W_ch
    /// h_t.
    ///
    /// With them W_cc is multiplied once a source position instead of once a hypothesis and step, and what attention
    /// sums up is a part of the attentional state already; the context itself is never known.
    pub fn values(&self, backend: &B, memory: &B::Tensor, rows: usize) -> Result<B::Tensor> {
        let mut values = backend.scratch(rows, self.hidden_size)?;
        backend.linear(&self.context_proj, memory, Activation::Identity, false, &mut values)?;
        Ok(values)
    }

    /// Room for `queries` queries a sentence.
    pub fn step(&self, backend: &B, memory: &Memory<B>, queries: usize) -> Result<AttentionStep<B>> {
        let (batch, hidden) = (memory.batch, self.hidden_size);
        let optional = |wanted: bool, cols: usize| {
            if wanted { backend.scratch(batch * queries, cols).map(Some) } else { Ok(None) }
        };
        Ok(AttentionStep {
            attentional: backend.scratch(batch * queries, hidden)?,
            query: optional(self.query_proj.is_some(), self.query_size)?,
            position: optional(self.position_proj.is_some(), hidden)?,
        })
    }

    /// Weights and attentional state h̃_t = activation(W_c [c_t; h_t] + b_c) of the queries h_t (batch · tgt_len, H).
    pub fn forward(
        &self,
        backend: &B,
        memory: &Memory<B>,
        hidden: &B::Tensor,
        positions: Positions,
        rows: WeightRows<'_, B>,
        step: &mut AttentionStep<B>,
    ) -> Result<()> {
        if let (Some(weights), Some(query)) = (&self.query_proj, &mut step.query) {
            backend.linear(weights, hidden, Activation::Identity, false, query)?;
        }
        if let (Some(weights), Some(position)) = (&self.position_proj, &mut step.position) {
            backend.linear(weights, hidden, Activation::Identity, false, position)?;
        }
        let attention = Attention {
            score: self.config.score,
            window: self.config.window,
            half_width: self.config.half_width.unwrap_or(0),
            vectors: self.vectors.as_ref(),
            query: step.query.as_ref().unwrap_or(hidden),
            position: step.position.as_ref(),
            keys: memory.keys.as_ref().unwrap_or(&memory.states),
            memory: &memory.values,
            lengths: &memory.lengths,
            positions,
        };
        let activation = self.config.output.activation;
        let hidden = HiddenPart { weights: &self.hidden_proj, states: hidden, activation };
        backend.attentional_state(&attention, &hidden, rows.weights, rows.first, &mut step.attentional)
    }
}

/// The transpose of a matrix.
fn transpose(matrix: &Array) -> Array {
    let (rows, cols) = (matrix.rows(), matrix.cols());
    let data = (0..cols).flat_map(|col| (0..rows).map(move |row| matrix.data[row * cols + col])).collect();
    Array::new([cols, rows], data)
}
