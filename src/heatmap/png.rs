//! Alignments as a PNG: the SVG, drawn with the fonts of this system.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::Database;
use resvg::usvg::{Options, Tree};

use super::{Figure, fonts, svg};
use crate::{Array, Error, Result};

/// Pixels for a unit of the SVG, for screens that have two where others have one.
const SCALE: f32 = 2.0;
/// What a picture may take: 256 MiB while it is drawn.
const MAX_PIXELS: f32 = 64.0 * 1024.0 * 1024.0;

/// A picture, and what its fonts could not write.
#[derive(Clone, Debug, PartialEq)]
pub struct Png {
    /// The file.
    pub bytes: Vec<u8>,
    /// Characters that no font of this system has: of each symbol the first, in the order of code points. The picture
    /// has code points in place of such a symbol, as `U+6771` for `東`.
    pub missing: Vec<char>,
}

/// The figures below each other as a PNG: the picture of [`svg()`], two pixels for each of its units, one where it
/// would otherwise be too large.
///
/// Labels are shaped with the fonts of this system, in every script that one of them has. No font is part of the
/// library.
///
/// # Errors
///
/// [`Error::Config`] if the system has no font at all, or if the figures have more than 64 Mi pixels.
pub fn png(figures: &[Figure<'_>]) -> Result<Png> {
    draw(figures, Arc::new(fonts::of_this_system()))
}

fn draw(figures: &[Figure<'_>], fonts: Arc<Database>) -> Result<Png> {
    if fonts.is_empty() {
        return Err(unusable("fonts", "at least one on this system, to write labels with", "none"));
    }
    let mut figures: Vec<OwnFigure> = figures.iter().map(OwnFigure::of).collect();
    let mut missing = BTreeSet::new();
    loop {
        let (tree, unwritten) = layout(&figures, &fonts)?;
        let added = unwritten.difference(&missing).count();
        missing.extend(unwritten);
        // Of each text the first character that no font has is known; labels that have become longer are laid out anew.
        let mut changed = false;
        for figure in &mut figures {
            changed |= figure.spell_out(&missing);
        }
        if added == 0 || !changed {
            return Ok(Png { bytes: encode(&tree)?, missing: missing.into_iter().collect() });
        }
    }
}

/// The SVG with its labels as outlines, and the characters that no font has.
fn layout(figures: &[OwnFigure], fonts: &Arc<Database>) -> Result<(Tree, BTreeSet<char>)> {
    let figures: Vec<Figure<'_>> = figures.iter().map(OwnFigure::figure).collect();
    let missing = Mutex::new(BTreeSet::new());
    let options = Options { fontdb: Arc::clone(fonts), font_resolver: fonts::resolver(&missing), ..Options::default() };
    let tree = Tree::from_str(&svg(&figures), &options)
        .map_err(|error| unusable("heatmap", "a picture", error.to_string()))?;
    drop(options);
    Ok((tree, missing.into_inner().unwrap_or_else(PoisonError::into_inner)))
}

fn encode(tree: &Tree) -> Result<Vec<u8>> {
    let size = tree.size();
    let pixels = size.width() * size.height();
    let scale = if pixels * SCALE * SCALE <= MAX_PIXELS { SCALE } else { 1.0 };
    let too_large = || {
        let found = format!("{} × {}", size.width(), size.height());
        unusable("heatmap", format!("at most {MAX_PIXELS} pixels"), found)
    };
    if pixels > MAX_PIXELS {
        return Err(too_large());
    }
    let (width, height) = ((size.width() * scale).ceil() as u32, (size.height() * scale).ceil() as u32);
    let mut pixmap = Pixmap::new(width, height).ok_or_else(too_large)?;
    resvg::render(tree, Transform::from_scale(scale, scale), &mut pixmap.as_mut());
    pixmap.encode_png().map_err(|error| unusable("heatmap", "a PNG", error.to_string()))
}

fn unusable(key: &str, expected: impl Into<String>, found: impl Into<String>) -> Error {
    Error::Config { key: key.to_owned(), expected: expected.into(), found: found.into() }
}

/// A figure whose symbols may be spelled out.
struct OwnFigure<'a> {
    source: Vec<String>,
    target: Vec<String>,
    alignment: &'a Array,
}

impl<'a> OwnFigure<'a> {
    fn of(figure: &Figure<'a>) -> Self {
        Self { source: figure.source.to_vec(), target: figure.target.to_vec(), alignment: figure.alignment }
    }

    fn figure(&self) -> Figure<'_> {
        Figure { source: &self.source, target: &self.target, alignment: self.alignment }
    }

    /// Writes symbols that have one of these characters as code points. Returns whether there were any.
    fn spell_out(&mut self, missing: &BTreeSet<char>) -> bool {
        // All that is not ASCII: a mark left behind its letter would go to the code point.
        let spelled = |c: char| if c.is_ascii() { c.to_string() } else { format!("U+{:04X}", c as u32) };
        let mut changed = false;
        for symbol in self.source.iter_mut().chain(&mut self.target) {
            if symbol.contains(|c: char| !c.is_ascii() && missing.contains(&c)) {
                *symbol = symbol.chars().map(spelled).collect();
                changed = true;
            }
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::super::examples::{array, symbols};
    use super::*;

    /// The pixels of the figure, where the system has fonts.
    fn drawn(source: &[String], target: &[String], alignment: &Array) -> Option<(Pixmap, Vec<char>)> {
        let picture = png(&[Figure::new(source, target, alignment).expect("a figure")]);
        match picture {
            Ok(picture) => Some((Pixmap::decode_png(&picture.bytes).expect("a PNG"), picture.missing)),
            Err(error) => {
                println!("skipped: {error}");
                None
            }
        }
    }

    #[test]
    fn the_picture_is_the_svgs_in_twice_its_size() {
        let (source, target) = (symbols("a b"), symbols("X"));
        let alignment = array(&[&[1.0, 0.0]]);
        let Some((picture, missing)) = drawn(&source, &target, &alignment) else { return };
        let document = svg(&[Figure::new(&source, &target, &alignment).expect("a figure")]);
        let size = format!(r#"width="{}" height="{}""#, picture.width() / 2, picture.height() / 2);
        assert!(document.contains(&size), "{size}:\n{document}");
        assert!(missing.is_empty(), "{missing:?}");
        let has = |red, green, blue| {
            picture.pixels().iter().any(|pixel| (pixel.red(), pixel.green(), pixel.blue()) == (red, green, blue))
        };
        assert!(has(23, 63, 138) && has(244, 246, 250), "a cell of weight 1 and one of 0");
    }

    #[test]
    fn what_no_font_has_is_spelled_out() {
        // Characters for private use, which fonts seldom have.
        let (source, target) = (symbols("a\u{10FFFD}\u{10FFFC} b"), symbols("\u{10FFFB}"));
        let Some((picture, missing)) = drawn(&source, &target, &array(&[&[1.0, 0.0]])) else { return };
        assert_eq!(missing, ['\u{10FFFB}', '\u{10FFFD}']);
        let spelled = (symbols("aU+10FFFDU+10FFFC b"), symbols("U+10FFFB"));
        let (expected, _) = drawn(&spelled.0, &spelled.1, &array(&[&[1.0, 0.0]])).expect("fonts");
        assert!(picture.data() == expected.data(), "the picture has code points as labels");
    }

    #[test]
    fn nothing_to_draw_is_a_picture_too() {
        let empty = Array::new([0, 0], vec![]);
        drawn(&[], &[], &empty);
        assert!(png(&[]).is_ok_and(|picture| picture.missing.is_empty()) || drawn(&[], &[], &empty).is_none());
    }

    #[test]
    fn a_system_without_fonts_is_an_error() {
        let error = draw(&[], Arc::new(Database::new())).expect_err("no fonts");
        assert_eq!(error.to_string(), "fonts: expected at least one on this system, to write labels with, found none");
    }

    #[test]
    fn a_picture_too_large_is_an_error() {
        let long = vec!["a".to_owned(); 1000];
        let alignment = Array::new([1000, 1000], vec![0.0; 1_000_000]);
        let figure = Figure::new(&long, &long, &alignment).expect("a figure");
        match png(&[figure]) {
            Err(error) if error.to_string().starts_with("fonts") => println!("skipped: {error}"),
            picture => assert!(matches!(picture, Err(Error::Config { .. })), "900 million pixels"),
        }
    }
}
