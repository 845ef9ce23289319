//! `--alignment`, alone or with a file.

use std::ffi::OsString;
use std::path::Path;

use super::views::is_alignment_file;

/// Writes `--alignment FILE.svg` as `--alignment=FILE.svg`.
///
/// The option's value is optional, and words stand beside it: in `--alignment attention` the word must not become
/// the value. So clap takes values behind an equals sign only, and here a file that is for alignments gets it.
pub fn join(args: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut joined: Vec<OsString> = Vec::new();
    let mut only_words = false;
    for arg in args {
        match joined.last_mut() {
            Some(last) if !only_words && last == "--alignment" && is_alignment_file(Path::new(&arg)) => {
                last.push("=");
                last.push(arg);
            }
            _ => {
                only_words |= arg == "--";
                joined.push(arg);
            }
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(line: &str) -> String {
        join(line.split(' ').map(OsString::from)).join(" ".as_ref()).into_string().expect("text")
    }

    #[test]
    fn a_picture_is_a_value_and_a_word_is_not() {
        assert_eq!(joined("s translate a --alignment b.svg c"), "s translate a --alignment=b.svg c");
        assert_eq!(joined("s translate --alignment out/B.SVG"), "s translate --alignment=out/B.SVG");
        assert_eq!(joined("s translate --alignment b.npy"), "s translate --alignment=b.npy");
        assert_eq!(joined("s translate --alignment a b.svg"), "s translate --alignment a b.svg");
        assert_eq!(joined("s translate --alignment --json"), "s translate --alignment --json");
    }

    #[test]
    fn nothing_is_an_option_behind_two_dashes() {
        assert_eq!(joined("s translate -- --alignment b.svg"), "s translate -- --alignment b.svg");
        assert_eq!(joined("s translate --alignment -- b.svg"), "s translate --alignment -- b.svg");
    }
}
