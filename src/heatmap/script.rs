//! Scripts that run from right to left, among labels that have places of their own.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Opens a run of text whose direction is its own, and that reorders nothing around it.
const ISOLATE: char = '\u{2068}';
/// Closes it.
const END_OF_ISOLATE: char = '\u{2069}';

/// The text, isolated if it runs from right to left.
///
/// Labels of neighbouring columns would otherwise be one run to whatever draws them, and change places. Texts of other
/// scripts stay as they are: not everything that draws text knows isolates.
pub fn isolated(text: String) -> String {
    if text.contains(is_right_to_left) { format!("{ISOLATE}{text}{END_OF_ISOLATE}") } else { text }
}

/// How many columns of a terminal the label takes.
pub fn columns(label: &str) -> usize {
    // Terminals give each letter a column, also those of لا, which `unicode-width` counts as the one shape of print.
    if label.contains(is_right_to_left) { label.chars().filter_map(char::width).sum() } else { label.width() }
}

/// Whether the character begins a run from right to left: the blocks that Unicode sets aside for such scripts.
fn is_right_to_left(c: char) -> bool {
    matches!(c,
        '\u{0590}'..='\u{08FF}' // Hebrew, Arabic, Syriac, Thaana, N’Ko and their neighbours
        | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFF}' // their presentation forms
        | '\u{10800}'..='\u{10FFF}' | '\u{1E800}'..='\u{1EFFF}' // historic scripts, Adlam
        | '\u{200F}') // the mark that stands for one of their letters
}

/// Whether the character embeds, overrides, isolates or ends any of these: inside a label it could undo an isolate.
pub fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_take_a_column_each() {
        for (label, width) in [("سلام", 4), ("שָׁלוֹם", 4), ("東京", 4), ("abc", 3), ("👩‍🔬", 2)] {
            assert_eq!(columns(label), width, "{label}");
            assert_eq!(columns(&isolated(label.to_owned())), width, "{label}");
        }
    }

    #[test]
    fn only_what_runs_from_right_to_left_is_isolated() {
        for text in ["سلام", "שלום", "a ב", "\u{200F}!", "𞤀"] {
            assert_eq!(isolated(text.to_owned()), format!("\u{2068}{text}\u{2069}"));
        }
        for text in ["", "abc", "東京", "नमस्ते", "Ωμέγα", "1 + 2"] {
            assert_eq!(isolated(text.to_owned()), text);
        }
    }
}
