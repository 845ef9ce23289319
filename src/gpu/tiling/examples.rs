//! The forms of some shapes, for people who measure.

use super::{Attended, AttentionTiling, Products, SequenceTiling, Tiling, extension_form, greedy_form, state_form};
use crate::Result;
use crate::config::Window;
use crate::gpu::adapters::{Adapter, WIDE_WORKGROUPS};
use crate::gpu::choices::Choices;
use crate::gpu::forms::{RecurrenceForm, StateForm};
use crate::request::Precision;

/// The form that some shapes have, and which: for people who measure.
pub fn examples(choices: Choices, hardware: bool) -> Vec<(String, String)> {
    /// Rows and outputs of products.
    const PRODUCTS: [[usize; 2]; 4] = [[1, 2048], [64, 512], [64, 2048], [2048, 2048]];
    /// Units of an LSTM's direction.
    const LAYERS: [usize; 3] = [128, 256, 512];
    /// Sentences, queries of each, and positions of its source.
    const ATTENTION: [[usize; 3]; 4] = [[1, 5, 30], [64, 1, 1000], [2048, 1, 30], [64, 32, 32]];
    /// Units of an attentional state.
    const STATES: [usize; 2] = [128, 512];
    /// Symbols and inputs of generators.
    const EXTENSIONS: [[usize; 2]; 2] = [[72, 512], [10_000, 512]];
    /// KiB of weights, and sentences.
    const GREEDY: [[usize; 2]; 3] = [[1300, 1], [1300, 64], [1300, 512]];
    let product = |[rows, outputs]: [usize; 2]| {
        let tiling = Tiling::choose(choices.product, hardware, Products::one(rows, outputs / 4, 128));
        (format!("product of {rows} rows, 512 inputs and {outputs} outputs"), tiling.form.to_string())
    };
    let layer = |hidden: usize| {
        let sequence = SequenceTiling::choose(choices, hardware, [1, 1], [hidden, hidden]);
        let form = if sequence.is_some() { RecurrenceForm::Sequence } else { RecurrenceForm::Positions };
        (format!("LSTM layer of {hidden} units"), form.to_string())
    };
    let attending = |[batch, tgt_len, src_len]: [usize; 3], units: usize| {
        let sizes = Attended { batch, tgt_len, src_len, columns: [units; 2] };
        AttentionTiling::choose(choices, hardware, Window::Global, true, sizes)
    };
    let attention = |sizes: [usize; 3]| {
        let form = attending(sizes, 512).form(choices.attention, hardware);
        let [batch, tgt_len, src_len] = sizes;
        (format!("attention of {batch} × {tgt_len} queries over {src_len} positions of 512"), form.to_string())
    };
    let state = |units: usize| {
        let whole = attending([64, 1, 30], units) == AttentionTiling::Whole;
        let form = if whole { state_form(choices, hardware, 64, units * units / 4) } else { StateForm::Apart };
        (format!("attentional state of {units} units, 30 positions"), form.to_string())
    };
    let extension = |[symbols, inputs]: [usize; 2]| {
        let form = extension_form(choices, hardware, [1, 5], [symbols, inputs]);
        (format!("generator of {symbols} symbols from {inputs} units and extension"), form.to_string())
    };
    let greedy = |[kib, batch]: [usize; 2]| {
        let form = greedy_form(choices, hardware, batch, kib << 10);
        (format!("greedy search, batch {batch}, a decoder of {kib} KiB"), form.to_string())
    };
    let (products, layers) = (PRODUCTS.into_iter().map(product), LAYERS.into_iter().map(layer));
    let (attention, states) = (ATTENTION.into_iter().map(attention), STATES.into_iter().map(state));
    let (extensions, greedy) = (EXTENSIONS.into_iter().map(extension), GREEDY.into_iter().map(greedy));
    products.chain(layers).chain(attention).chain(states).chain(extensions).chain(greedy).collect()
}

impl Adapter {
    /// Shapes of computations, and the form that each has on this adapter unless the environment asks for another.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownForm`](crate::Error::UnknownForm) if it asks for one that there is not.
    pub fn forms(&self) -> Result<Vec<(String, String)>> {
        let choices = Choices { wide: self.has(WIDE_WORKGROUPS), ..Choices::best(Precision::F32).as_asked_for()? };
        Ok(match self.refusal(choices) {
            None => examples(choices, self.kind.is_hardware()),
            Some(refusal) => vec![("none".to_owned(), refusal)],
        })
    }
}
