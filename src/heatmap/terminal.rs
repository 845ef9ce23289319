//! An alignment as shaded blocks, readable without colour.

use unicode_width::UnicodeWidthStr;

use super::{Figure, label};

/// The smallest weight of each shade, darkest first. What is lighter stays blank.
const SHADES: [(f32, char); 4] = [(0.75, '█'), (0.5, '▓'), (0.25, '▒'), (0.05, '░')];

/// Columns of a terminal that a label may take; longer ones are cut.
const MAX_LABEL_WIDTH: usize = 16;

/// The alignment as lines of text: one of source symbols, then one for each target symbol.
///
/// ```text
///     s  h  o  w
/// SH ████
/// OW     ████▒▒
/// ```
///
/// A shade begins at a weight of 0.05 (`░`), 0.25 (`▒`), 0.5 (`▓`) and 0.75 (`█`). A cell is as wide as its label
/// and one blank, so that the cells of letters are nearly square.
pub fn terminal(figure: &Figure<'_>) -> String {
    let source: Vec<String> = figure.source.iter().map(|symbol| label(symbol, MAX_LABEL_WIDTH)).collect();
    let target: Vec<String> = figure.target.iter().map(|symbol| label(symbol, MAX_LABEL_WIDTH)).collect();
    let gutter = target.iter().map(|symbol| symbol.width()).max().unwrap_or(0);
    let widths: Vec<usize> = source.iter().map(|symbol| symbol.width().max(1) + 1).collect();

    let mut text = String::new();
    let header = source.iter().zip(&widths).map(|(symbol, &width)| pad(symbol, width));
    push_line(&mut text, &pad("", gutter), header);
    for (row, symbol) in target.iter().enumerate() {
        let cells = widths.iter().enumerate().map(|(col, &width)| {
            let shade = shade(figure.weight(row, col));
            std::iter::repeat_n(shade, width).collect()
        });
        push_line(&mut text, &pad(symbol, gutter), cells);
    }
    text
}

/// Appends a line of cells behind its label, without blanks at its end.
fn push_line(text: &mut String, label: &str, cells: impl Iterator<Item = String>) {
    let line: String = [label.to_owned(), " ".to_owned()].into_iter().chain(cells).collect();
    text.push_str(line.trim_end());
    text.push('\n');
}

fn shade(weight: f32) -> char {
    SHADES.iter().find(|(smallest, _)| weight >= *smallest).map_or(' ', |&(_, shade)| shade)
}

/// The label with blanks up to `width` columns of a terminal.
fn pad(label: &str, width: usize) -> String {
    format!("{label}{}", " ".repeat(width.saturating_sub(label.width())))
}

#[cfg(test)]
mod tests {
    use super::super::examples::{array, symbols};
    use super::*;
    use crate::Array;

    fn draw(source: &[String], target: &[String], alignment: &Array) -> String {
        terminal(&Figure::new(source, target, alignment).expect("a figure"))
    }

    #[test]
    fn every_shade_begins_at_its_weight() {
        let alignment = array(&[&[0.0499, 0.05, 0.25, 0.5, 0.75, 1.0]]);
        assert_eq!(draw(&symbols("a b c d e f"), &symbols("X"), &alignment), "  a b c d e f\nX   ░░▒▒▓▓████\n");
    }

    #[test]
    fn rows_are_target_symbols_and_labels_line_up() {
        let alignment = array(&[&[0.9, 0.1, 0.0], &[0.0, 0.3, 0.6]]);
        let text = draw(&symbols("a bcd e"), &symbols("SH N"), &alignment);
        assert_eq!(text, "   a bcd e\nSH ██░░░░\nN    ▒▒▒▒▓▓\n");
    }

    #[test]
    fn wide_and_combining_symbols_keep_their_columns() {
        // 東 takes two columns, the combining acute none of its own.
        let text = draw(&symbols("東 e\u{301} \u{301}"), &symbols("x"), &array(&[&[1.0, 0.5, 1.0]]));
        assert_eq!(text, "  東 e\u{301} \u{301}\nx ███▓▓██\n");
    }

    #[test]
    fn long_symbols_are_cut() {
        let text = draw(&symbols(&"ab".repeat(40)), &symbols("x"), &array(&[&[1.0]]));
        assert_eq!(text, format!("  {}a…\nx {}\n", "ab".repeat(7), "█".repeat(17)));
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        let source = ["\u{1b}[2J".to_owned(), "\n".to_owned(), " ".to_owned()];
        let text = draw(&source, &symbols("x"), &array(&[&[1.0, 0.0, f32::NAN]]));
        assert_eq!(text, "  \u{FFFD}[2J \u{FFFD} ␣\nx █████\n");
    }

    #[test]
    fn an_empty_target_is_a_header() {
        assert_eq!(draw(&symbols("a b"), &[], &Array::new([0, 2], Vec::new())), " a b\n");
    }

    #[test]
    fn labels_that_do_not_fit_are_refused() {
        let alignment = array(&[&[1.0, 0.0]]);
        assert!(Figure::new(&symbols("a b c"), &symbols("x"), &alignment).is_err());
        assert!(Figure::new(&symbols("a b"), &symbols("x y"), &alignment).is_err());
    }
}
