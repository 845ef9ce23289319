//! The forms that a computation has on a GPU, by name.

use std::fmt::{self, Display};

use crate::{Error, Result};

/// One of several ways to compute the same.
pub trait Form: Copy + Display + 'static {
    /// The environment variable that chooses one, for measuring.
    const VARIABLE: &'static str;
    /// Every form.
    const ALL: &'static [Self];

    /// The one that the environment asks for.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownForm`] if there is none of that name.
    fn asked_for() -> Result<Option<Self>> {
        std::env::var(Self::VARIABLE).ok().map(|name| Self::named(&name)).transpose()
    }

    /// The form of that name.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownForm`] if there is none.
    fn named(name: &str) -> Result<Self> {
        let known = || Self::ALL.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let unknown = || Error::UnknownForm { variable: Self::VARIABLE, name: name.to_owned(), known: known() };
        Self::ALL.iter().copied().find(|form| form.to_string() == name).ok_or_else(unknown)
    }
}

/// Names the forms of a computation, all of them, and the variable that chooses one.
macro_rules! form {
    ($form:ident by $variable:literal: $($value:ident $name:literal),*) => {
        impl Form for $form {
            const VARIABLE: &'static str = $variable;
            const ALL: &'static [Self] = &[$(Self::$value),*];
        }

        impl Display for $form {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(match self {
                    $(Self::$value => $name,)*
                })
            }
        }
    };
}

/// How the outputs of a product are shared out among threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProductForm {
    /// In registers: a block of outputs is computed by 1, 4, 8, 16, 32 or 64 threads, each with a slice of the inputs.
    Registers {
        /// How many.
        slices: u32,
    },
    /// Inputs and weights pass through workgroup memory: for many rows, on hardware.
    Staged,
    /// Weights in half precision, and inputs rounded to it, are multiplied by the hardware's matrices, and summed up in 32
    /// bits. It was never run on a card, so it is only for those who ask for it.
    Cooperative,
    /// The same by threads alone, on adapters that compute with halves: to check what stands around the matrices.
    CooperativePlain,
}

impl ProductForm {
    /// Whether it is for weights in half precision alone, and rounds inputs to that.
    pub fn of_halves(self) -> bool {
        matches!(self, Self::Cooperative | Self::CooperativePlain)
    }
}

impl Form for ProductForm {
    const VARIABLE: &'static str = "SEQ2SEQ_PRODUCT";
    const ALL: &'static [Self] = &[
        Self::Registers { slices: 1 },
        Self::Registers { slices: 4 },
        Self::Registers { slices: 8 },
        Self::Registers { slices: 16 },
        Self::Registers { slices: 32 },
        Self::Registers { slices: 64 },
        Self::Staged,
        Self::Cooperative,
        Self::CooperativePlain,
    ];
}

impl Display for ProductForm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registers { slices } => write!(formatter, "registers-{slices}"),
            Self::Staged => formatter.write_str("staged"),
            Self::Cooperative => formatter.write_str("cooperative"),
            Self::CooperativePlain => formatter.write_str("cooperative-plain"),
        }
    }
}

/// How a recurrent layer passes over sequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecurrenceForm {
    /// A dispatch a position, each of the whole device.
    Positions,
    /// Many positions in a dispatch: workgroups keep the states of their sentences. For few weights, on hardware.
    Sequence,
}

form!(RecurrenceForm by "SEQ2SEQ_RECURRENCE": Positions "positions", Sequence "sequence");

/// Where attention keeps the scores of a query until it has their sum, and how much of the source a workgroup has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttentionForm {
    /// In workgroup memory, as far as they fit: on hardware.
    Near,
    /// In the row of the weights that they become.
    Far,
    /// In workgroup memory, those of a chunk of the source; another dispatch joins the chunks. For few queries and long
    /// sources, on hardware.
    Split,
    /// In the rows of the weights, of all queries of a sentence at once: scores and contexts are products of matrices. For
    /// many queries of a sentence, on hardware.
    Products,
}

form!(AttentionForm by "SEQ2SEQ_ATTENTION": Near "near", Far "far", Split "split", Products "products");

/// How an attentional state is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateForm {
    /// By a product behind attention.
    Apart,
    /// By the dispatch of attention, with its scores near, where that can be. For few weights, on hardware.
    Together,
}

form!(StateForm by "SEQ2SEQ_STATE": Apart "apart", Together "together");

/// Where the logits of a step of a search are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExtensionForm {
    /// The generator keeps the best of them for a dispatch that extends the hypotheses.
    Apart,
    /// In the dispatch that extends the hypotheses: for small vocabularies and beams, on hardware.
    Together,
}

form!(ExtensionForm by "SEQ2SEQ_EXTENSION": Apart "apart", Together "together");

/// How greedy search takes its steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GreedyForm {
    /// Several dispatches a step, each of the whole device.
    Steps,
    /// Several steps in a dispatch: workgroups keep the states of their sentences. For small models, on hardware.
    Resident,
}

form!(GreedyForm by "SEQ2SEQ_GREEDY": Steps "steps", Resident "resident");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_found_by_their_names() {
        assert_eq!(ProductForm::named("registers-4").ok(), Some(ProductForm::Registers { slices: 4 }));
        assert_eq!(ProductForm::named("cooperative").ok(), Some(ProductForm::Cooperative));
        assert_eq!(RecurrenceForm::named("sequence").ok(), Some(RecurrenceForm::Sequence));
        let error = RecurrenceForm::named("Sequence").expect_err("another name").to_string();
        assert_eq!(error, "SEQ2SEQ_RECURRENCE is \"Sequence\": expected one of positions, sequence");
    }
}
