//! Which recurrent layers pass over a sequence in one dispatch.

use crate::gpu::choices::Choices;
use crate::gpu::forms::RecurrenceForm;
use crate::gpu::weights::bytes;

/// How a recurrent layer passes over sequences in one dispatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SequenceTiling {
    /// Sentences of a workgroup.
    pub rows: u32,
    /// Threads that share a quad of gates.
    pub slices: u32,
}

impl SequenceTiling {
    /// Units of a direction that a workgroup has room for.
    const MOST_UNITS: usize = 256;

    /// Sentences, each direction for itself, beside which it does not matter that each reads the weights alone.
    const FEW: usize = 64;

    /// That of a layer with so many units and quads of gates in a direction. `None` if a dispatch a position is faster, or one
    /// workgroup cannot hold the states.
    pub fn choose(
        choices: Choices,
        hardware: bool,
        [batch, directions]: [usize; 2],
        [hidden, quads]: [usize; 2],
    ) -> Option<Self> {
        /// Bytes of recurrent weights that a workgroup reads as fast as the device goes from one dispatch to the next and
        /// reads them together. An H200 took 15 to 24 µs for a position of 1 MiB with one workgroup of 256 threads, 6.2
        /// with 1,024, and 6.8 with a dispatch.
        const NEAR: usize = 256 << 10;
        const NEAR_WIDE: usize = 1 << 20;
        /// What all workgroups together read of a cache in that time.
        const SHARED: usize = 32 << 20;
        let near = if choices.wide { NEAR_WIDE } else { NEAR };
        let rows = if batch * directions <= Self::FEW { 1 } else { 4 };
        let bytes = bytes(choices.precision, hidden * quads);
        let worth = match choices.recurrence {
            Some(form) => form == RecurrenceForm::Sequence,
            None => hardware && bytes <= near && batch.div_ceil(rows) * directions * bytes <= SHARED,
        };
        let slices = (choices.threads() / (quads as u32).next_power_of_two()).clamp(1, 16);
        let fits = (1..=Self::MOST_UNITS).contains(&hidden);
        (worth && fits).then_some(Self { rows: rows as u32, slices })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Precision;

    fn chosen(wide: bool, recurrence: Option<RecurrenceForm>, sentences: usize, sizes: [usize; 2]) -> Option<[u32; 2]> {
        let choices = Choices { wide, recurrence, ..Choices::best(Precision::F32) };
        let tiling = SequenceTiling::choose(choices, true, [sentences, 1], sizes)?;
        Some([tiling.rows, tiling.slices])
    }

    #[test]
    fn a_sequence_is_for_few_weights() {
        assert_eq!(chosen(false, None, 1, [128, 128]), Some([1, 2]));
        assert_eq!(chosen(false, None, 128, [100, 100]), Some([4, 2]));
        assert_eq!(chosen(false, None, 128, [256, 64]), Some([4, 4]));
        assert_eq!(chosen(false, None, 65, [7, 2]), Some([4, 16]));
        assert_eq!(chosen(false, None, 1, [129, 129]), None);
        assert_eq!(chosen(true, None, 1, [256, 256]), Some([1, 4]));
        assert_eq!(chosen(true, None, 128, [256, 256]), Some([4, 4]));
        assert_eq!(chosen(true, None, 129, [256, 256]), None);
        let forced = Some(RecurrenceForm::Sequence);
        assert_eq!(chosen(false, forced, 1, [256, 256]), Some([1, 1]));
        assert_eq!(chosen(false, forced, 1, [257, 257]), None);
        assert_eq!(chosen(false, Some(RecurrenceForm::Positions), 1, [7, 7]), None);
        assert_eq!(SequenceTiling::choose(Choices::best(Precision::F32), false, [1, 1], [7, 7]), None);
    }
}
