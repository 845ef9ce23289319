//! Alignments as pictures, as a page to browse, and as files to compute with.
//!
//! | for | call |
//! |---|---|
//! | a terminal | [`terminal`], and [`terminal_colour`] where it has colours |
//! | a document | [`svg`], or [`png`] where SVG is not taken |
//! | a browser | [`Report`]: every sentence of a file, its hypotheses and their alignments |
//! | NumPy, a spreadsheet, other aligners | [`npy`], [`tsv`], [`pharaoh`] |
//!
//! Target symbols go down, source symbols across; the darker a cell, the more the decoder looked there.

mod escaped;
#[cfg(feature = "png")]
mod fonts;
mod npy;
mod pharaoh;
#[cfg(feature = "png")]
mod png;
mod report;
mod script;
mod svg;
mod terminal;
mod tsv;

pub use npy::npy;
pub use pharaoh::{hard_alignment, pharaoh};
#[cfg(feature = "png")]
pub use png::{Png, png};
pub use report::{Report, ReportEntry, ReportHypothesis, hypotheses_html};
pub use svg::svg;
pub use terminal::{terminal, terminal_colour};
pub use tsv::tsv;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::{Array, Error, Result};

/// An alignment with the symbols that label it: what a picture shows.
#[derive(Clone, Copy, Debug)]
pub struct Figure<'a> {
    source: &'a [String],
    target: &'a [String],
    alignment: &'a Array,
}

impl<'a> Figure<'a> {
    /// A figure of `alignment` (target, source).
    pub fn new(source: &'a [String], target: &'a [String], alignment: &'a Array) -> Result<Self> {
        Error::check("heatmap", "target symbols", alignment.rows(), target.len())?;
        // A matrix without rows is empty, however many columns it claims.
        if !target.is_empty() {
            Error::check("heatmap", "source symbols", alignment.cols(), source.len())?;
        }
        Ok(Self { source, target, alignment })
    }

    /// How far the decoder looked at source symbol `source` for target symbol `target`: 0 … 1, and 0 for NaN.
    fn weight(&self, target: usize, source: usize) -> f32 {
        let weight = self.alignment.row(target)[source];
        if weight.is_nan() { 0.0 } else { weight.clamp(0.0, 1.0) }
    }
}

/// The symbol as a label of at most `width` columns: what would break a line, a row or a document becomes visible.
fn label(symbol: &str, width: usize) -> String {
    // U+FFFE and U+FFFF are no characters in XML either.
    let printable = |c: char| match c {
        '\u{FFFE}' | '\u{FFFF}' => char::REPLACEMENT_CHARACTER,
        c if c.is_control() || script::is_bidi_control(c) => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    if symbol == " " { "␣".to_owned() } else { cut(symbol.chars().map(printable).collect(), width) }
}

/// The text, or as much of it as fits into `width` columns with an ellipsis.
fn cut(text: String, width: usize) -> String {
    if text.width() <= width {
        return text;
    }
    let mut used = 0;
    let fits = |c: &char| {
        used += c.width().unwrap_or(0);
        used < width
    };
    text.chars().take_while(fits).chain(['…']).collect()
}

/// Figures for the tests of every picture.
#[cfg(test)]
mod examples {
    use crate::Array;

    pub fn symbols(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    pub fn array(rows: &[&[f32]]) -> Array {
        Array::new([rows.len(), rows[0].len()], rows.concat())
    }
}
