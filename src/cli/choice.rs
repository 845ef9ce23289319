//! Arguments whose values are an enum's of the library: their names, and what each of them means.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use seq2seq::bench::{Kind, Size};
use seq2seq::device::Precision;
use seq2seq::english::phones::Phones;
use seq2seq::gpu::translate::Language;
use seq2seq::model::{Bridge, Cell, Score, WeightFormat, Window};
use seq2seq::train::{Metric, Optimizer, Schedule};

/// What can be chosen by name.
pub trait Choice: Copy + Send + Sync + 'static {
    /// Every value: its names, the first of which help shows, and what it means.
    const ALL: &'static [(Self, &'static [&'static str], &'static str)];
}

/// The parser of an argument that is a choice.
pub fn choice<T: Choice>() -> impl TypedValueParser<Value = T> {
    let value = |&(_, names, help): &(T, &[&'static str], &'static str)| {
        PossibleValue::new(names[0]).aliases(names[1..].iter().copied()).help(help)
    };
    PossibleValuesParser::new(T::ALL.iter().map(value)).try_map(|name| named(&name).ok_or("no such value"))
}

/// The choice of that name.
pub fn named<T: Choice>(name: &str) -> Option<T> {
    T::ALL.iter().find(|(_, names, _)| names.contains(&name)).map(|&(value, ..)| value)
}

macro_rules! choices {
    ($($type:ident { $($variant:ident = $($name:literal)|+: $help:literal,)* })*) => {
        $(impl Choice for $type {
            const ALL: &'static [(Self, &'static [&'static str], &'static str)] =
                &[$((Self::$variant, &[$($name),+], $help)),*];
        })*
    };
}

choices! {
    Phones {
        Arpabet = "arpabet": "As the Carnegie Mellon Pronouncing Dictionary has them: HH AH0 L OW1",
        Ipa = "ipa": "International Phonetic Alphabet, stress before the syllable's onset: h ə ˈl oʊ",
        IpaVowel = "ipa-vowel": "The same, stress before the vowel, as espeak-ng has it: h ə l ˈoʊ",
        XSampa = "xsampa": "X-SAMPA: h @ \"l oU",
    }
    Precision {
        F32 = "f32": "32 bits",
        F16 = "f16": "16 bits: half the memory and bandwidth",
    }
    WeightFormat {
        F32 = "f32": "32 bits: exactly what was read or trained",
        F16 = "f16": "16 bits: half the size, each weight rounded",
    }
    Cell {
        Tanh = "tanh": "h' = tanh(W_ih x + b_ih + W_hh h + b_hh) (Elman 1990)",
        Gru = "gru": "Gated recurrent unit; gates r, z, n with the reset gate after the product (Cho et al. 2014)",
        Lstm = "lstm": "Long short-term memory; gates i, f, g, o (Hochreiter and Schmidhuber 1997)",
    }
    Bridge {
        Copy = "copy": "[forward; backward] as they are; needs equal layer counts and M = H",
        Zeros = "zeros": "Zeros",
        LINEAR = "linear": "tanh(W [forward; backward] + b)",
    }
    Score {
        Dot = "dot": "h_tᵀ h̄_s; needs M = H",
        ScaledDot = "scaled_dot" | "scaled-dot": "h_tᵀ h̄_s / √M; needs M = H",
        General = "general": "(W_a h_t)ᵀ h̄_s",
        Concat = "concat": "vᵀ tanh(W_q h_t + b_q + W_m h̄_s) (Bahdanau et al. 2015)",
        Location = "location": "(W_l h_t)_s",
    }
    Window {
        Global = "global": "All",
        LocalM = "local_m" | "local-m": "|s − t| ≤ D",
        LocalP = "local_p" | "local-p": "|s − p_t| ≤ D around a predicted p_t, with a Gaussian of σ = D / 2",
    }
    Optimizer {
        Adam = "adam": "Adam; weight decay is part of the gradient",
        AdamW = "adamw": "Adam with weight decay apart from the gradient",
        Sgd = "sgd": "Stochastic gradient descent with momentum",
    }
    Schedule {
        Constant = "constant": "Not at all",
        Linear = "linear": "In a straight line, to 0 at the end",
        InverseSqrt = "inverse-sqrt": "With one over the square root of the step",
        Plateau = "plateau": "By a factor, whenever validation gets no better",
    }
    Metric {
        Loss = "loss": "The smaller mean loss of a target symbol",
        Wer = "wer": "The smaller word error rate: sources whose translation is none of the accepted ones",
        Ser = "ser" | "per" | "cer": "The smaller symbol error rate: edits over symbols",
        Bleu = "bleu": "The larger BLEU",
        Chrf = "chrf": "The larger chrF",
    }
    Language {
        Wgsl = "wgsl": "WebGPU's; overrides are left to be set",
        Spirv = "spirv": "Vulkan's, version 1.3",
        Msl = "msl": "Metal's, version 2.1; 2.4 with subgroups",
        Hlsl = "hlsl": "Direct3D 12's, shader model 6.0",
        Glsl = "glsl": "OpenGL ES's, version 3.1; what uses subgroups cannot be said in it",
    }
    Kind {
        Operation = "ops": "Single operations",
        Translation = "translate": "Whole translations, greedy and by beam search",
        Training = "train": "Steps of training",
        Pronunciation = "pronounce": "Words of English, on the CPU",
    }
    Size {
        Small = "small": "What a software adapter can do in a minute",
        Large = "large": "These too: what a real GPU is for",
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::*;

    fn agree<T: Choice + Serialize>() {
        for (value, names, _) in T::ALL {
            assert_eq!(serde_json::to_value(value).expect("a name"), names[0]);
        }
    }

    #[test]
    fn names_are_those_of_files() {
        agree::<Precision>();
        agree::<Cell>();
        agree::<Bridge>();
        agree::<Score>();
        agree::<Window>();
        agree::<Optimizer>();
        agree::<Schedule>();
        agree::<Metric>();
        agree::<Size>();
    }
}
