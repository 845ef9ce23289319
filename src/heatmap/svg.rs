//! Alignments as an SVG document.

use std::fmt::Write as _;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::escaped::Escaped;
use super::script::isolated;
use super::{Figure, cut, label as label_of};

const CELL: f64 = 30.0;
const MARGIN: f64 = 24.0;
const GAP: f64 = 10.0; // between labels and cells
const TITLE: f64 = 44.0; // height of a figure's title
const SPACING: f64 = 36.0; // between figures
const COLUMN: f64 = 8.8; // one terminal column of a label
const TITLE_COLUMN: f64 = 10.4; // one terminal column of a title
const MAX_LABEL_WIDTH: usize = 24; // terminal columns
const MAX_TITLE_WIDTH: usize = 60; // terminal columns of either text
/// What is lighter than this would not be seen, and is left out.
const LIGHTEST: f32 = 0.004;

const STYLE: &str = "\
.page { fill: #ffffff } .plot { fill: #f4f6fa } .grid { stroke: #ffffff; stroke-width: 2 } .cell { fill: #173f8a }
text { font-family: ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace; font-size: 14px; fill: #3c4658 }
.title { font-size: 17px; font-weight: 600; fill: #10182b } .arrow { fill: #8a94a8; font-weight: 400 }";

/// The figures below each other as one SVG document of their own size, for a light background.
///
/// Each has its texts as title; the opacity of a cell is its weight, which a browser shows under the pointer.
pub fn svg(figures: &[Figure<'_>]) -> String {
    let layouts: Vec<Layout> = figures.iter().map(Layout::of).collect();
    let width = layouts.iter().map(|layout| layout.width).fold(0.0, f64::max) + 2.0 * MARGIN;
    let gaps = SPACING * layouts.len().saturating_sub(1) as f64;
    let height = layouts.iter().map(|layout| layout.height).sum::<f64>() + gaps + 2.0 * MARGIN;

    let mut out = Document::default();
    out.line(format_args!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0}" height="{height:.0}" viewBox="0 0 {width:.0} {height:.0}">"#
    ));
    out.line(format_args!("<style>{STYLE}</style>"));
    out.line(format_args!(r#"<rect class="page" width="100%" height="100%"/>"#));
    let mut top = MARGIN;
    for (figure, layout) in figures.iter().zip(&layouts) {
        out.line(format_args!(r#"<g transform="translate({MARGIN} {top:.1})">"#));
        draw(&mut out, figure, layout);
        out.line(format_args!("</g>"));
        top += layout.height + SPACING;
    }
    out.line(format_args!("</svg>"));
    out.text
}

/// Where the parts of a figure go, from its upper left corner.
struct Layout {
    left: f64, // of the cells
    top: f64,  // of the cells
    plot_width: f64,
    plot_height: f64,
    width: f64,
    height: f64,
    /// Labels wider than their cells stand upright.
    upright: bool,
}

impl Layout {
    fn of(figure: &Figure<'_>) -> Self {
        let widest =
            |symbols: &[String]| symbols.iter().map(|symbol| label(symbol).width()).max().unwrap_or(0) as f64 * COLUMN;
        let upright = widest(figure.source) > CELL - 4.0;
        let label_height = if upright { widest(figure.source) } else { 14.0 };
        let left = widest(figure.target) + GAP;
        let top = TITLE + label_height + GAP;
        let plot_width = CELL * figure.source.len() as f64;
        let plot_height = CELL * figure.target.len() as f64;
        let (source, target) = title(figure);
        let title_width = TITLE_COLUMN * (source.width() + target.width() + 3) as f64;
        let width = (left + plot_width).max(title_width);
        Self { left, top, plot_width, plot_height, width, height: top + plot_height, upright }
    }
}

/// The two texts of a title. Single characters are written together, as they are in a word.
fn title(figure: &Figure<'_>) -> (String, String) {
    // Combining marks take no column, and make a character no longer.
    let is_single = |symbol: &String| symbol.chars().filter(|c| c.width() != Some(0)).count() <= 1;
    let text = |symbols: &[String]| {
        let labels: Vec<String> = symbols.iter().map(|symbol| label_of(symbol, MAX_LABEL_WIDTH)).collect();
        isolated(cut(labels.join(if symbols.iter().all(is_single) { "" } else { " " }), MAX_TITLE_WIDTH))
    };
    (text(figure.source), text(figure.target))
}

fn label(symbol: &str) -> String {
    isolated(label_of(symbol, MAX_LABEL_WIDTH))
}

fn draw(out: &mut Document, figure: &Figure<'_>, layout: &Layout) {
    let &Layout { left, top, plot_width, plot_height, .. } = layout;
    let (source, target) = title(figure);
    out.line(format_args!(
        r#"<text class="title" y="17">{} <tspan class="arrow">→</tspan> {}</text>"#,
        Escaped(&source),
        Escaped(&target)
    ));
    out.line(format_args!(
        r#"<rect class="plot" x="{left:.1}" y="{top:.1}" width="{plot_width}" height="{plot_height}"/>"#
    ));
    for (col, symbol) in figure.source.iter().enumerate() {
        let symbol = label(symbol);
        let (x, y) = (left + CELL * (col as f64 + 0.5), top - GAP);
        if layout.upright {
            let x = x + 5.0; // from the baseline to the middle of the letters
            out.line(format_args!(
                r#"<text transform="translate({x:.1} {y:.1}) rotate(-90)">{}</text>"#,
                Escaped(&symbol)
            ));
        } else {
            out.line(format_args!(r#"<text x="{x:.1}" y="{y:.1}" text-anchor="middle">{}</text>"#, Escaped(&symbol)));
        }
    }
    for (row, symbol) in figure.target.iter().enumerate() {
        let y = top + CELL * row as f64;
        let (label_x, label_y) = (left - GAP, y + CELL / 2.0 + 5.0);
        out.line(format_args!(
            r#"<text x="{label_x:.1}" y="{label_y:.1}" text-anchor="end">{}</text>"#,
            Escaped(&label(symbol))
        ));
        for col in 0..figure.source.len() {
            let weight = figure.weight(row, col);
            if weight >= LIGHTEST {
                let x = left + CELL * col as f64;
                out.line(format_args!(
                    r#"<rect class="cell" x="{x:.1}" y="{y:.1}" width="{CELL}" height="{CELL}" fill-opacity="{weight:.3}"><title>{} ← {}: {weight:.3}</title></rect>"#,
                    Escaped(&label(symbol)),
                    Escaped(&label(&figure.source[col]))
                ));
            }
        }
    }
    grid(out, figure, layout);
}

/// White lines between the cells, over them: two strokes for each row and column, not two for each cell.
fn grid(out: &mut Document, figure: &Figure<'_>, layout: &Layout) {
    let &Layout { left, top, plot_width, plot_height, .. } = layout;
    let mut path = String::new();
    for col in 1..figure.source.len() {
        path += &format!("M{:.1} {top:.1}v{plot_height}", left + CELL * col as f64);
    }
    for row in 1..figure.target.len() {
        path += &format!("M{left:.1} {:.1}h{plot_width}", top + CELL * row as f64);
    }
    if !path.is_empty() {
        out.line(format_args!(r#"<path class="grid" d="{path}"/>"#));
    }
}

/// A document that grows by lines.
#[derive(Default)]
struct Document {
    text: String,
}

impl Document {
    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail, and no Display here does.
        let _ = writeln!(self.text, "{line}");
    }
}

#[cfg(test)]
mod tests {
    use super::super::examples::{array, symbols};
    use super::*;
    use crate::Array;

    #[test]
    fn cells_have_their_weight_as_opacity() {
        let (source, target) = (symbols("a b"), symbols("X YY"));
        let alignment = array(&[&[0.25, 0.75], &[0.0, 1.0]]);
        let document = svg(&[Figure::new(&source, &target, &alignment).expect("a figure")]);
        for expected in [
            r#"fill-opacity="0.250"><title>X ← a: 0.250<"#,
            r#"fill-opacity="0.750"><title>X ← b: 0.750<"#,
            r#"fill-opacity="1.000"><title>YY ← b: 1.000<"#,
            r#">ab <tspan class="arrow">→</tspan> X YY</text>"#,
        ] {
            assert!(document.contains(expected), "{expected} is not in\n{document}");
        }
        assert!(!document.contains("YY ← a"), "a weight of 0 needs no cell");
    }

    #[test]
    fn symbols_are_escaped() {
        let source = ["<&>".to_owned(), "\u{0}\u{1b}".to_owned()];
        let target = ["]]>".to_owned()];
        let document = svg(&[Figure::new(&source, &target, &array(&[&[0.5, 0.5]])).expect("a figure")]);
        assert!(document.contains("&lt;&amp;&gt;") && document.contains("]]&gt;"));
        assert!(!document.contains(|c: char| c.is_control() && c != '\n'));
    }

    #[test]
    fn scripts_from_right_to_left_leave_the_order_of_a_title() {
        let (source, target) = (symbols("ש ל ו ם"), symbols("س ل ا م"));
        let alignment = Array::new([4, 4], vec![0.25; 16]);
        let document = svg(&[Figure::new(&source, &target, &alignment).expect("a figure")]);
        let title = "\u{2068}שלום\u{2069} <tspan class=\"arrow\">→</tspan> \u{2068}سلام\u{2069}</text>";
        assert!(document.contains(title), "letters are written together, words apart:\n{document}");
    }

    #[test]
    fn figures_stand_below_each_other() {
        let (source, target) = (symbols("a b"), symbols("X"));
        let alignment = array(&[&[0.5, 0.5]]);
        let figure = Figure::new(&source, &target, &alignment).expect("a figure");
        let height = |document: &str| -> f64 {
            let rest = document.split("height=\"").nth(1).expect("a height");
            rest.split('"').next().expect("its end").parse().expect("a number")
        };
        let (one, two) = (svg(&[figure]), svg(&[figure, figure]));
        assert!(height(&two) > 2.0 * height(&one) - 2.0 * MARGIN);
        assert_eq!(two.matches("<g ").count(), 2);
    }

    #[test]
    fn nothing_to_draw_is_a_document_too() {
        assert!(svg(&[]).starts_with("<svg "));
        let empty = Array::new([0, 1], Vec::new());
        let source = symbols("a");
        assert!(svg(&[Figure::new(&source, &[], &empty).expect("a figure")]).ends_with("</svg>\n"));
    }
}
