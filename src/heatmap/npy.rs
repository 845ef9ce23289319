//! Arrays as NumPy's files.

use crate::Array;

/// The first bytes of a file, and the version of its format.
const MAGIC: &[u8] = b"\x93NUMPY\x01\x00";
/// Where the numbers may begin: at multiples of this.
const ALIGNMENT: usize = 64;

/// The array as a file of NumPy's format 1.0, which `numpy.load` reads: little-endian 32-bit floats, row by row.
///
/// The format: <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>
pub fn npy(array: &Array) -> Vec<u8> {
    // As Python writes a tuple: the comma after every size makes one of a single size.
    let shape: String = array.shape.iter().map(|size| format!("{size}, ")).collect();
    let shape = if array.shape.len() == 1 { shape.trim_end() } else { shape.trim_end_matches(", ") };
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({shape}), }}");
    let unpadded = MAGIC.len() + size_of::<u16>() + header.len() + 1;
    header.push_str(&" ".repeat(unpadded.next_multiple_of(ALIGNMENT) - unpadded));
    header.push('\n');

    // A header of 65,536 bytes would take thousands of axes.
    let mut bytes = MAGIC.to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(array.data.iter().flat_map(|number| number.to_le_bytes()));
    bytes
}

#[cfg(test)]
mod tests {
    use super::super::examples::array;
    use super::*;

    /// What NumPy 2.4 writes of an array of 32-bit floats, up to its numbers.
    fn numpy_header(shape: &str) -> Vec<u8> {
        let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
        [b"\x93NUMPY\x01\x00v\x00", format!("{header:<117}\n").as_bytes()].concat()
    }

    #[test]
    fn bytes_are_numpys() {
        // numpy.save of numpy.array([[0.25, 0.75, 0], [1, 0, -0.5]], dtype="<f4")
        let numbers = b"\x00\x00\x80>\x00\x00@?\x00\x00\x00\x00\x00\x00\x80?\x00\x00\x00\x00\x00\x00\x00\xbf";
        let expected = [numpy_header("(2, 3)").as_slice(), numbers].concat();
        assert_eq!(npy(&array(&[&[0.25, 0.75, 0.0], &[1.0, 0.0, -0.5]])), expected);
    }

    #[test]
    fn every_number_of_axes_is_a_tuple() {
        assert_eq!(npy(&Array::new([0, 2], vec![])), numpy_header("(0, 2)"));
        assert_eq!(npy(&Array::new([0], vec![])), numpy_header("(0,)"));
        assert_eq!(npy(&Array::new([1, 0, 3], vec![])), numpy_header("(1, 0, 3)"));
        let scalar = npy(&Array::new([], vec![f32::NAN]));
        assert_eq!(scalar, [numpy_header("()"), f32::NAN.to_le_bytes().to_vec()].concat());
    }
}
