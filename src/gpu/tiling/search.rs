//! How many dispatches a step of search has.

use crate::gpu::choices::Choices;
use crate::gpu::forms::{ExtensionForm, GreedyForm};
use crate::gpu::weights::bytes;

/// Symbols whose candidates a workgroup of `generator_extend.wgsl` has room for.
pub const TOGETHER_SYMBOLS: usize = 128;
/// Hypotheses of a sentence.
pub const TOGETHER_BEAM: usize = 8;

/// Where the logits of a search with so many hypotheses of a sentence are told apart; `sizes` are the generator's symbols and
/// inputs. One workgroup has those of a sentence where both are together, at most of [`TOGETHER_SYMBOLS`] and [`TOGETHER_BEAM`].
pub fn extension_form(
    choices: Choices,
    hardware: bool,
    [batch, beam]: [usize; 2],
    [symbols, inputs]: [usize; 2],
) -> ExtensionForm {
    /// Bytes of the generator that a workgroup reads in the time of a dispatch, which reads as many for a tile of symbols; and
    /// what all workgroups together read of a cache in that time.
    const NEAR: usize = 256 << 10;
    const SHARED: usize = 16 << 20;
    let bytes = bytes(choices.precision, symbols.div_ceil(4) * inputs);
    let worth = hardware && bytes <= NEAR && batch * bytes <= SHARED;
    let fits = symbols <= TOGETHER_SYMBOLS && beam <= TOGETHER_BEAM;
    match choices.extension {
        _ if !fits => ExtensionForm::Apart,
        Some(form) => form,
        None if worth => ExtensionForm::Together,
        None => ExtensionForm::Apart,
    }
}

/// How greedy search takes the steps of so many sentences, where a workgroup can hold the state of one; `bytes` are those of
/// all weights of the decoder.
pub fn greedy_form(choices: Choices, hardware: bool, batch: usize, bytes: usize) -> GreedyForm {
    /// Bytes of weights that one workgroup reads in less time than the dispatches of a step take. A workgroup of an H200
    /// reads a MiB in some 20 µs with 256 threads, in 6 with 1,024; five dispatches took it 25 µs at the least, and 70 with
    /// what a processor needs to ask for them.
    const NEAR: usize = 1 << 20;
    const NEAR_WIDE: usize = 4 << 20;
    /// What all workgroups together read of a cache in 25 µs.
    const SHARED: usize = 128 << 20;
    let near = if choices.wide { NEAR_WIDE } else { NEAR };
    let worth = hardware && bytes <= near && batch * bytes <= SHARED;
    choices.greedy.unwrap_or(if worth { GreedyForm::Resident } else { GreedyForm::Steps })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Precision;

    #[test]
    fn a_search_has_few_dispatches_where_its_weights_are_few() {
        let extension = |precision, sizes, generator| extension_form(Choices::best(precision), true, sizes, generator);
        assert_eq!(extension(Precision::F32, [1, 5], [72, 512]), ExtensionForm::Together);
        assert_eq!(extension(Precision::F32, [512, 5], [72, 512]), ExtensionForm::Apart);
        assert_eq!(extension(Precision::F32, [1, 1], [128, 513]), ExtensionForm::Apart);
        assert_eq!(extension(Precision::F16, [1, 1], [128, 513]), ExtensionForm::Together);
        for beyond in [[1, 129], [9, 128]] {
            let choices = Choices { extension: Some(ExtensionForm::Together), ..Choices::best(Precision::F32) };
            assert_eq!(extension_form(choices, true, [1, beyond[0]], [beyond[1], 8]), ExtensionForm::Apart);
        }
        let greedy = |wide, batch, kib: usize| {
            greedy_form(Choices { wide, ..Choices::best(Precision::F32) }, true, batch, kib << 10)
        };
        assert_eq!(greedy(true, 32, 4096), GreedyForm::Resident);
        assert_eq!(greedy(true, 33, 4096), GreedyForm::Steps);
        assert_eq!(greedy(true, 1, 4097), GreedyForm::Steps);
        assert_eq!(greedy(false, 128, 1024), GreedyForm::Resident);
        assert_eq!(greedy(false, 1, 1025), GreedyForm::Steps);
        assert_eq!(greedy_form(Choices::best(Precision::F32), false, 1, 1), GreedyForm::Steps);
    }
}
