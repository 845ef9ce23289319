//! Which of several ways a device is used.

use super::forms::{AttentionForm, ExtensionForm, Form, GreedyForm, ProductForm, RecurrenceForm, StateForm};
use crate::Result;
use crate::request::Precision;

/// Threads of a wide workgroup. WebGPU promises 256, hardware has 1,024.
pub const WIDE_THREADS: u32 = 1024;

/// Which of several ways a device is used. Asked for, it says what may be used; of an open device, what is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choices {
    /// Reductions by subgroup operations.
    pub subgroups: bool,
    /// `Params` as immediates, not in a uniform buffer.
    pub immediates: bool,
    /// Time is told by the device.
    pub timestamps: bool,
    /// Workgroups of 1,024 threads with 32 KiB of memory.
    pub wide: bool,
    /// How products are computed; `None` to decide for every product by its shape.
    pub product: Option<ProductForm>,
    /// How recurrent layers pass over sequences; `None` to decide for each.
    pub recurrence: Option<RecurrenceForm>,
    /// How attention is computed; `None` to decide by its shape and the device.
    pub attention: Option<AttentionForm>,
    /// How attentional states are computed; `None` to decide for each.
    pub state: Option<StateForm>,
    /// Where the logits of a search are told apart; `None` to decide by the vocabulary and the search.
    pub extension: Option<ExtensionForm>,
    /// How greedy search takes its steps; `None` to decide by the model and the batch.
    pub greedy: Option<GreedyForm>,
    /// How weights are stored.
    pub precision: Precision,
}

impl Choices {
    /// The best of what the adapter has.
    pub fn best(precision: Precision) -> Self {
        Self {
            subgroups: true,
            immediates: true,
            timestamps: true,
            wide: true,
            product: None,
            recurrence: None,
            attention: None,
            state: None,
            extension: None,
            greedy: None,
            precision,
        }
    }

    /// Every path through the kernels: the best, and each plain path that an adapter without a feature takes. Some are not for
    /// every adapter: [`Adapter::refusal`](super::Adapter::refusal) says which.
    pub fn every_path(precision: Precision) -> Vec<(String, Self)> {
        let best = Self::best(precision);
        let mut paths = vec![
            ("the adapter's best".to_owned(), best),
            ("without subgroups".to_owned(), Self { subgroups: false, ..best }),
            ("without immediates".to_owned(), Self { immediates: false, ..best }),
        ];
        // As many products as there are, whatever hardware would choose in their place: attention's too.
        let plain = Self {
            recurrence: Some(RecurrenceForm::Positions),
            state: Some(StateForm::Apart),
            extension: Some(ExtensionForm::Apart),
            greedy: Some(GreedyForm::Steps),
            ..best
        };
        let with = |form: ProductForm| {
            (
                format!("products {form}"),
                Self { product: Some(form), attention: Some(AttentionForm::Products), ..plain },
            )
        };
        let forms = ProductForm::ALL.iter().copied();
        paths.extend(forms.filter(|form| precision == Precision::F16 || !form.of_halves()).map(with));
        // One does not touch the others.
        let several = |recurrence: RecurrenceForm,
                       attention: AttentionForm,
                       state: StateForm,
                       extension: ExtensionForm| {
            let name = format!(
                "recurrent layers by {recurrence}, attention {attention}, attentional states {state}, extension {extension}"
            );
            let (recurrence, attention) = (Some(recurrence), Some(attention));
            let (state, extension) = (Some(state), Some(extension));
            (name, Self { recurrence, attention, state, extension, ..plain })
        };
        paths.extend([
            several(RecurrenceForm::Positions, AttentionForm::Far, StateForm::Apart, ExtensionForm::Apart),
            several(RecurrenceForm::Sequence, AttentionForm::Near, StateForm::Together, ExtensionForm::Together),
            several(RecurrenceForm::Sequence, AttentionForm::Split, StateForm::Apart, ExtensionForm::Together),
        ]);
        let resident = Self { greedy: Some(GreedyForm::Resident), ..best };
        paths.push(("greedy search resident".to_owned(), resident));
        let narrow = Self { wide: false, recurrence: Some(RecurrenceForm::Sequence), ..resident };
        let name = "recurrent layers by sequence, greedy search resident, without wide workgroups";
        paths.push((name.to_owned(), narrow));
        paths
    }

    /// The same, with the forms that the environment asks for.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownForm`](crate::Error::UnknownForm) if it asks for one that there is not.
    pub fn as_asked_for(self) -> Result<Self> {
        Ok(Self {
            product: ProductForm::asked_for()?,
            recurrence: RecurrenceForm::asked_for()?,
            attention: AttentionForm::asked_for()?,
            state: StateForm::asked_for()?,
            extension: ExtensionForm::asked_for()?,
            greedy: GreedyForm::asked_for()?,
            ..self
        })
    }

    /// Whether inputs of products with weights are rounded to 16 bits.
    pub fn multiplies_halves(self) -> bool {
        self.product.is_some_and(ProductForm::of_halves)
    }

    /// Threads of the largest workgroups.
    pub(super) fn threads(self) -> u32 {
        if self.wide { WIDE_THREADS } else { 256 }
    }

    pub(super) fn allows(self, feature: wgpu::Features) -> bool {
        match feature {
            wgpu::Features::SUBGROUP => self.subgroups,
            wgpu::Features::IMMEDIATES => self.immediates,
            _ => self.timestamps,
        }
    }
}
