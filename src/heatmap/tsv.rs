//! An alignment as a table of tab-separated values.

use super::Figure;

/// The alignment as tab-separated values, for spreadsheets and scripts: the first line has the source symbols, each
/// further line a target symbol and its weights, which read back as the same numbers.
///
/// A tab, a line end or a backslash in a symbol is written `\\t`, `\\n`, `\\r` or `\\\\`.
pub fn tsv(figure: &Figure<'_>) -> String {
    let mut text = String::new();
    for symbol in figure.source {
        text.push('\t');
        text.push_str(&escaped(symbol));
    }
    text.push('\n');
    for (row, symbol) in figure.target.iter().enumerate() {
        text.push_str(&escaped(symbol));
        for weight in figure.alignment.row(row) {
            text.push_str(&format!("\t{weight}"));
        }
        text.push('\n');
    }
    text
}

fn escaped(symbol: &str) -> String {
    let mut text = String::with_capacity(symbol.len());
    for c in symbol.chars() {
        match c {
            '\t' => text.push_str("\\t"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\\' => text.push_str("\\\\"),
            _ => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::examples::{array, symbols};
    use super::*;
    use crate::Array;

    #[test]
    fn labels_stand_around_the_weights() {
        let alignment = array(&[&[0.25, 0.75], &[f32::NAN, 0.1]]);
        let (source, target) = (symbols("a 東"), symbols("X سلام"));
        let figure = Figure::new(&source, &target, &alignment).expect("a figure");
        assert_eq!(tsv(&figure), "\ta\t東\nX\t0.25\t0.75\nسلام\tNaN\t0.1\n");
    }

    #[test]
    fn separators_in_symbols_are_escaped() {
        let source = ["\t".to_owned(), "\r\n".to_owned(), "\\t".to_owned()];
        let figure_of = array(&[&[1.0, 0.0, 0.0]]);
        let target = symbols("x");
        let text = tsv(&Figure::new(&source, &target, &figure_of).expect("a figure"));
        assert_eq!(text, "\t\\t\t\\r\\n\t\\\\t\nx\t1\t0\t0\n");
    }

    #[test]
    fn every_weight_reads_back() {
        let weights = [f32::MIN_POSITIVE, 0.1, 1.0 / 3.0, 1.0 - f32::EPSILON, 1e-45];
        let alignment = array(&[&weights]);
        let (source, target) = (symbols("a b c d e"), symbols("X"));
        let text = tsv(&Figure::new(&source, &target, &alignment).expect("a figure"));
        let row = text.lines().nth(1).expect("a row");
        let read: Vec<f32> = row.split('\t').skip(1).map(|weight| weight.parse().expect("a number")).collect();
        assert_eq!(read, weights);
    }

    #[test]
    fn without_target_symbols_there_is_a_header() {
        let empty = Array::new([0, 1], Vec::new());
        let source = symbols("a");
        assert_eq!(tsv(&Figure::new(&source, &[], &empty).expect("a figure")), "\ta\n");
        assert_eq!(tsv(&Figure::new(&[], &[], &empty).expect("a figure")), "\n");
    }
}
