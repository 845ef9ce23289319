//! An alignment as blocks of a terminal: shades, readable without colour, or 24-bit colours.

use super::script::{columns, isolated};
use super::{Figure, label};

/// The smallest weight of each shade, darkest first. What is lighter stays blank.
const SHADES: [(f32, char); 4] = [(0.75, '█'), (0.5, '▓'), (0.25, '▒'), (0.05, '░')];

/// Columns of a terminal that a label may take; longer ones are cut.
const MAX_LABEL_WIDTH: usize = 16;

/// Red, green and blue of weight 0 and of weight 1: paper and ink of the SVG.
const PAPER: [f32; 3] = [244.0, 246.0, 250.0];
const INK: [f32; 3] = [23.0, 63.0, 138.0];

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
    let shaded = |weight, width| std::iter::repeat_n(shade(weight), width).collect();
    lines(figure, shaded).iter().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// The alignment as [`terminal`] has it, in colours instead of shades: from near white to dark blue, whatever the
/// terminal's own background is.
///
/// For terminals with 24-bit colours (`COLORTERM=truecolor`). Each line ends with the colours it began with.
pub fn terminal_colour(figure: &Figure<'_>) -> String {
    let coloured = |weight: f32, width| {
        let [red, green, blue] =
            std::array::from_fn(|part| (PAPER[part] + weight * (INK[part] - PAPER[part])).round() as u8);
        format!("\u{1b}[48;2;{red};{green};{blue}m{}\u{1b}[0m", " ".repeat(width))
    };
    lines(figure, coloured).iter().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// A line of labels, then one for each target symbol, whose cells `cell` draws from their weight and width.
fn lines(figure: &Figure<'_>, cell: impl Fn(f32, usize) -> String) -> Vec<String> {
    let labels = |symbols: &[String]| -> Vec<String> {
        symbols.iter().map(|symbol| isolated(label(symbol, MAX_LABEL_WIDTH))).collect()
    };
    let (source, target) = (labels(figure.source), labels(figure.target));
    let gutter = target.iter().map(|symbol| columns(symbol)).max().unwrap_or(0);
    let widths: Vec<usize> = source.iter().map(|symbol| columns(symbol).max(1) + 1).collect();

    let header: String = source.iter().zip(&widths).map(|(symbol, &width)| pad(symbol, width)).collect();
    let mut lines = vec![format!("{} {header}", pad("", gutter))];
    for (row, symbol) in target.iter().enumerate() {
        let cells: String =
            widths.iter().enumerate().map(|(col, &width)| cell(figure.weight(row, col), width)).collect();
        lines.push(format!("{} {cells}", pad(symbol, gutter)));
    }
    lines
}

fn shade(weight: f32) -> char {
    SHADES.iter().find(|(smallest, _)| weight >= *smallest).map_or(' ', |&(_, shade)| shade)
}

/// The label with blanks up to `width` columns of a terminal.
fn pad(label: &str, width: usize) -> String {
    format!("{label}{}", " ".repeat(width.saturating_sub(columns(label))))
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
    fn controls_of_direction_do_not_reach_the_terminal() {
        let source = ["\u{202e}abc".to_owned(), "\u{2069}".to_owned()];
        let text = draw(&source, &symbols("x"), &array(&[&[1.0, 0.0]]));
        assert_eq!(text, "  \u{FFFD}abc \u{FFFD}\nx █████\n");
    }

    #[test]
    fn symbols_from_right_to_left_keep_their_columns() {
        let text = draw(&symbols("سلام b"), &symbols("ש y"), &array(&[&[1.0, 0.0], &[0.0, 0.5]]));
        assert_eq!(text, "  \u{2068}سلام\u{2069} b\n\u{2068}ש\u{2069} █████\ny      ▓▓\n");
    }

    #[test]
    fn colours_go_from_paper_to_ink() {
        let alignment = array(&[&[0.0, 0.5, 1.0], &[f32::NAN, -1.0, 7.0]]);
        let (source, target) = (symbols("a 東 c"), symbols("X YZ"));
        let text = terminal_colour(&Figure::new(&source, &target, &alignment).expect("a figure"));
        let paint = |colour: &str, width| format!("\u{1b}[48;2;{colour}m{}\u{1b}[0m", " ".repeat(width));
        let (paper, ink) = ("244;246;250", "23;63;138");
        let first = [paint(paper, 2), paint("134;155;194", 3), paint(ink, 2)].concat();
        let second = [paint(paper, 2), paint(paper, 3), paint(ink, 2)].concat();
        assert_eq!(text, format!("   a 東 c\nX  {first}\nYZ {second}\n"));
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
