//! Which font a label is written with.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use resvg::usvg::fontdb::{Database, ID};
use resvg::usvg::{FallbackSelectionFn, FontResolver, FontSelectionFn};

/// All fonts of this system.
pub fn of_this_system() -> Database {
    let mut fonts = Database::new();
    fonts.load_system_fonts();
    fonts
}

/// What finds a font for each text, if there is any font, and for each character. Characters that no font has are added
/// to `missing`.
pub fn resolver(missing: &Mutex<BTreeSet<char>>) -> FontResolver<'_> {
    FontResolver { select_font: some_font(), select_fallback: fallback(missing) }
}

/// The font that is asked for, or any: text without a font would be left out silently.
fn some_font() -> FontSelectionFn<'static> {
    let asked_for = FontResolver::default_font_selector();
    Box::new(move |font, fonts| {
        let any = |fonts: &Database| {
            let face = fonts.faces().min_by_key(|face| (!face.monospaced, face.weight.0.abs_diff(400), face.id));
            face.map(|face| face.id)
        };
        asked_for(font, fonts).or_else(|| any(fonts))
    })
}

/// A font for a character that those `used` lack: one of their style if there is one. Notes what no font has.
fn fallback(missing: &Mutex<BTreeSet<char>>) -> FallbackSelectionFn<'_> {
    let any_with = FontResolver::default_fallback_selector();
    Box::new(move |c, used, fonts| {
        let alike = |a: ID, b: ID| {
            let style = |id| fonts.face(id).map(|face| (face.style, face.weight, face.stretch));
            style(a) == style(b)
        };
        let unlike = fonts.faces().map(|face| face.id).filter(|&id| !used.first().is_some_and(|&base| alike(base, id)));
        let others: Vec<ID> = used.iter().copied().chain(unlike).collect();
        let found = any_with(c, &others, fonts).or_else(|| any_with(c, used, fonts));
        if found.is_none() {
            missing.lock().unwrap_or_else(PoisonError::into_inner).insert(c);
        }
        found
    })
}
