//! Two results, element by element.

use serde::Serialize;

use super::tolerance::{FLOOR, Tolerance};
use crate::Array;

/// How far one tensor is from what was expected.
#[derive(Clone, Debug, Serialize)]
#[must_use = "a comparison that nobody reads checks nothing"]
pub struct Comparison {
    /// The tensor's name.
    pub tensor: String,
    /// How many elements were compared.
    pub elements: usize,
    /// The largest |got − want|.
    pub largest_absolute: f64,
    /// The largest error as [`tolerance`](super::tolerance) defines it.
    pub largest_relative: f64,
    /// The largest error that would have passed.
    pub tolerance: f64,
    /// The element with the largest error.
    pub worst: Option<Worst>,
    /// What is wrong beside single elements: another shape, nothing to compare.
    pub fault: Option<String>,
    /// Whether every element is within the tolerance.
    pub passed: bool,
}

/// One element of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Worst {
    /// Its place, one number an axis.
    pub index: Vec<usize>,
    /// What was computed.
    pub got: f64,
    /// What was expected.
    pub want: f64,
}

impl Comparison {
    /// Compares numbers. Infinities must be equal; a NaN on either side fails.
    ///
    /// `rows`, where given, says which rows (all axes but the last) mean something; the others are not looked at.
    pub fn of_numbers(
        tensor: &str,
        got: &Array<f64>,
        want: &Array<f64>,
        rows: Option<&[bool]>,
        tolerance: Tolerance,
    ) -> Self {
        // The largest finite |want|: an infinity says nothing of how large the others are.
        let scale =
            want.data.iter().filter(|want| want.is_finite()).fold(0.0, |scale: f64, want| scale.max(want.abs()));
        Self::of(tensor, got, want, rows, tolerance.error(), |got, want| {
            if got == want {
                return (0.0, 0.0);
            }
            let absolute = (got - want).abs();
            if absolute.is_finite() { (absolute, absolute / (want.abs() + FLOOR * scale)) } else { FAILED }
        })
    }

    /// Compares ids, which must be equal.
    pub fn of_ids(tensor: &str, got: &Array<u32>, want: &Array<u32>, rows: Option<&[bool]>) -> Self {
        Self::of(tensor, got, want, rows, 0.0, |got, want| if got == want { (0.0, 0.0) } else { FAILED })
    }

    /// A tensor that cannot be compared, which is a failure.
    pub fn fault(tensor: &str, fault: String) -> Self {
        Self {
            tensor: tensor.to_owned(),
            elements: 0,
            largest_absolute: 0.0,
            largest_relative: 0.0,
            tolerance: 0.0,
            worst: None,
            fault: Some(fault),
            passed: false,
        }
    }

    fn of<T: Copy + Into<f64>>(
        tensor: &str,
        got: &Array<T>,
        want: &Array<T>,
        rows: Option<&[bool]>,
        tolerance: f64,
        error: impl Fn(f64, f64) -> (f64, f64),
    ) -> Self {
        if got.shape != want.shape || got.data.len() != want.data.len() {
            return Self::fault(tensor, format!("expected shape {:?}, found {:?}", want.shape, got.shape));
        }
        let mut comparison = Self { tolerance, fault: None, ..Self::fault(tensor, String::new()) };
        let cols = want.cols().max(1);
        for (flat, (&got, &expected)) in got.data.iter().zip(&want.data).enumerate() {
            if rows.is_some_and(|rows| rows.get(flat / cols) == Some(&false)) {
                continue;
            }
            let (got, expected) = (got.into(), expected.into());
            let (absolute, relative) = error(got, expected);
            comparison.elements += 1;
            comparison.largest_absolute = comparison.largest_absolute.max(absolute);
            if comparison.worst.is_none() || relative > comparison.largest_relative {
                comparison.largest_relative = relative;
                comparison.worst = Some(Worst { index: unravel(&want.shape, flat), got, want: expected });
            }
        }
        if comparison.elements == 0 {
            comparison.fault = Some("there is nothing to compare".to_owned());
        }
        comparison.passed = comparison.fault.is_none() && comparison.largest_relative <= tolerance;
        comparison
    }
}

/// The errors of an element that no tolerance lets pass.
const FAILED: (f64, f64) = (f64::INFINITY, f64::INFINITY);

/// One number an axis for element `flat` of a row-major array.
fn unravel(shape: &[usize], mut flat: usize) -> Vec<usize> {
    let mut index: Vec<usize> = shape
        .iter()
        .rev()
        .map(|&size| {
            let place = flat % size;
            flat /= size;
            place
        })
        .collect();
    index.reverse();
    index
}

#[cfg(test)]
mod tests {
    use super::*;

    fn want() -> Array<f64> {
        Array::new([2, 3], vec![0.5, -2.0, 0.001, 1.5, 0.0, 0.25])
    }

    fn compare(got: &Array<f64>, tolerance: Tolerance) -> Comparison {
        Comparison::of_numbers("x", got, &want(), None, tolerance)
    }

    #[test]
    fn equal_tensors_pass() {
        let comparison = compare(&want(), Tolerance::F64);
        assert!(comparison.passed && comparison.largest_relative == 0.0 && comparison.elements == 6);
    }

    #[test]
    fn one_element_off_by_a_hundredth_fails() {
        for index in [0, 1, 2, 3, 5] {
            let mut got = want();
            got.data[index] *= 1.01;
            let comparison = compare(&got, Tolerance::F32);
            assert!(!comparison.passed, "element {index}");
            assert_eq!(comparison.worst.map(|worst| worst.index), Some(vec![index / 3, index % 3]));
        }
    }

    #[test]
    fn nan_fails_wherever_it_stands() {
        for nan_in_want in [false, true] {
            let (mut got, mut wanted) = (want(), want());
            got.data[4] = f64::NAN;
            if nan_in_want {
                wanted.data[4] = f64::NAN;
            }
            assert!(!Comparison::of_numbers("x", &got, &wanted, None, Tolerance::LOOSEST).passed);
        }
    }

    #[test]
    fn infinities_must_be_equal() {
        let infinite = Array::new([3], vec![1.0, f64::NEG_INFINITY, 2.0]);
        let pass = |got: f64| {
            let got = Array::new([3], vec![1.0, got, 2.0]);
            Comparison::of_numbers("x", &got, &infinite, None, Tolerance::LOOSEST).passed
        };
        assert!(pass(f64::NEG_INFINITY) && !pass(f64::INFINITY) && !pass(-1e30) && !pass(f64::NAN));
    }

    #[test]
    fn zeros_must_be_zeros() {
        let zeros = Array::new([2], vec![0.0, 0.0]);
        let got = Array::new([2], vec![0.0, 1e-30]);
        assert!(!Comparison::of_numbers("x", &got, &zeros, None, Tolerance::LOOSEST).passed);
    }

    #[test]
    fn another_shape_fails() {
        let got = Array::new([3, 2], want().data);
        assert!(compare(&got, Tolerance::LOOSEST).fault.is_some_and(|fault| fault.contains("[2, 3]")));
        let short = Array::new([1, 3], want().data[..3].to_vec());
        assert!(!compare(&short, Tolerance::LOOSEST).passed);
    }

    #[test]
    fn rows_without_meaning_are_left_out() {
        let mut got = want();
        got.data[4] = f64::NAN;
        let compare = |rows: &[bool]| Comparison::of_numbers("x", &got, &want(), Some(rows), Tolerance::F64);
        assert!(compare(&[true, false]).passed);
        assert!(!compare(&[true, true]).passed);
        assert!(!compare(&[false, false]).passed, "nothing compared is not a pass");
    }

    #[test]
    fn ids_must_be_equal() {
        let (a, b) = (Array::new([3], vec![1, 2, 3]), Array::new([3], vec![1, 2, 4]));
        assert!(Comparison::of_ids("ids", &a, &a, None).passed);
        assert!(!Comparison::of_ids("ids", &a, &b, None).passed);
    }
}
