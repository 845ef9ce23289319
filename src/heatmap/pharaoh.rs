//! Hard alignments: for each target symbol the one source symbol that the decoder looked at most.

use crate::Array;

/// Pairs of a source and a target position, from 0: for each row of `alignment` (target, source) the column of its
/// largest weight, the first of several such. A row without any weight, or of NaN alone, has none.
pub fn hard_alignment(alignment: &Array) -> Vec<(usize, usize)> {
    let strongest = |target: usize| {
        let mut strongest: Option<(usize, f32)> = None;
        for (source, &weight) in alignment.row(target).iter().enumerate() {
            // NaN is larger than nothing.
            if weight > strongest.map_or(0.0, |(_, largest)| largest) {
                strongest = Some((source, weight));
            }
        }
        strongest.map(|(source, _)| (source, target))
    };
    (0..alignment.rows()).filter_map(strongest).collect()
}

/// The [`hard_alignment`] in Pharaoh's format, one sentence a line: `0-0 2-1` is source symbol 0 for target symbol 0
/// and source symbol 2 for target symbol 1. Without the end of the line.
pub fn pharaoh(alignment: &Array) -> String {
    let pairs: Vec<String> =
        hard_alignment(alignment).iter().map(|(source, target)| format!("{source}-{target}")).collect();
    pairs.join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::examples::array;
    use super::*;

    #[test]
    fn pairs_are_source_then_target() {
        assert_eq!(pharaoh(&array(&[&[0.9, 0.1, 0.0], &[0.0, 0.2, 0.8]])), "0-0 2-1");
    }

    #[test]
    fn the_first_of_equal_weights_counts() {
        assert_eq!(pharaoh(&array(&[&[0.2, 0.4, 0.4], &[0.5, 0.5, 0.0]])), "1-0 0-1");
    }

    #[test]
    fn rows_without_weight_have_no_pair() {
        let alignment = array(&[&[0.0, 0.0], &[f32::NAN, 0.3], &[f32::NAN, f32::NAN], &[0.0, 1e-30]]);
        assert_eq!(hard_alignment(&alignment), [(1, 1), (1, 3)]);
    }

    #[test]
    fn what_is_empty_has_no_pairs() {
        assert_eq!(pharaoh(&Array::new([0, 3], vec![])), "");
        assert_eq!(pharaoh(&Array::new([3, 0], vec![])), "");
        assert_eq!(pharaoh(&array(&[&[1.0]])), "0-0");
    }
}
