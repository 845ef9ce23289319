//! Words and punctuation, as BLEU counts them.

/// The tokens of a segment by the rules of `mteval-v13a.pl`, as sacreBLEU has them under the name `13a`.
///
/// Punctuation becomes tokens of its own, except commas and periods between digits and hyphens that follow no digit;
/// four XML entities become their characters. Letters of any script are left as they are.
///
/// ```
/// let tokens = seq2seq::metrics::tokenize_13a("It's 1,000.5 m, isn't it?");
/// assert_eq!(tokens, ["It's", "1,000.5", "m", ",", "isn't", "it", "?"]);
/// ```
pub fn tokenize_13a(segment: &str) -> Vec<String> {
    let mut line = segment.trim_end_matches(is_space).replace("<skipped>", "").replace("-\n", "").replace('\n', " ");
    for (entity, character) in [("&quot;", "\""), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">")] {
        line = line.replace(entity, character);
    }
    let mut line: Vec<char> = format!(" {line} ").chars().collect();
    line = line.into_iter().flat_map(|c| if is_symbol(c) { vec![' ', c, ' '] } else { vec![c] }).collect();
    line =
        replace(&line, |left, right| !left.is_ascii_digit() && is_stop(right), |left, right| [left, ' ', right, ' ']);
    line =
        replace(&line, |left, right| is_stop(left) && !right.is_ascii_digit(), |left, right| [' ', left, ' ', right]);
    line = replace(&line, |left, right| left.is_ascii_digit() && right == '-', |left, right| [left, ' ', right, ' ']);
    line.split(|&c| is_space(c)).filter(|token| !token.is_empty()).map(|token| token.iter().collect()).collect()
}

/// Replaces pairs of neighbours, from the left and without overlap, as a regular expression of two characters does.
fn replace(line: &[char], applies: impl Fn(char, char) -> bool, with: impl Fn(char, char) -> [char; 4]) -> Vec<char> {
    let mut replaced = Vec::with_capacity(2 * line.len());
    let mut rest = line;
    loop {
        match *rest {
            [left, right, ..] if applies(left, right) => {
                replaced.extend(with(left, right));
                rest = &rest[2..];
            }
            [left, ..] => {
                replaced.push(left);
                rest = &rest[1..];
            }
            [] => return replaced,
        }
    }
}

/// ASCII punctuation but for `'`, `,`, `-` and `.`; and the space.
fn is_symbol(c: char) -> bool {
    matches!(c, '{'..='~' | '['..='`' | ' '..='&' | '('..='+' | ':'..='@' | '/')
}

fn is_stop(c: char) -> bool {
    matches!(c, '.' | ',')
}

/// What Python's `str.split` splits at: Unicode's white space and four separators of ASCII.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ```python
    /// from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a
    /// for line in lines: print(Tokenizer13a()(line.rstrip()))
    /// ```
    #[test]
    fn tokens_are_sacrebleus() {
        let cases = [
            ("It's 1,000.5 m, isn't it?", "It's 1,000.5 m , isn't it ?"),
            ("a.,b.c,,d", "a . , b . c , , d"),
            ("...", ". . ."),
            ("1.2.3, 4,5.", "1.2.3 , 4,5 ."),
            ("U.S.A.", "U . S . A ."),
            ("x-y 3-4 -5- 6-x", "x-y 3 - 4 -5 - 6 - x"),
            ("(a)[b]{c}<d>", "( a ) [ b ] { c } < d >"),
            ("a/b\\c|d~e`f^g_h", "a / b \\ c | d ~ e ` f ^ g _ h"),
            ("50% of $3.50 @ #1 & +2 = *", "50 % of $ 3.50 @ # 1 & + 2 = *"),
            ("&quot;q&quot; &amp;lt; &lt;&gt;", "\" q \" < < >"),
            ("<skipped>kept", "kept"),
            ("¿Qué? ¡Vaya! «así»…", "¿Qué ? ¡Vaya ! «así»…"),
            ("３，５。", "３，５。"),
            ("a\u{a0}b\u{2009}c\u{1d}d", "a b c d"),
            ("\"'quoted'\"", "\" 'quoted' \""),
            ("end .", "end ."),
            ("12.", "12 ."),
            ("1. 2 .5", "1 . 2 . 5"),
            ("e.g.a ,b", "e . g . a , b"),
        ];
        for (line, tokens) in cases {
            assert_eq!(tokenize_13a(line).join(" "), tokens, "{line:?}");
        }
    }

    #[test]
    fn line_ends_inside_a_segment() {
        assert_eq!(tokenize_13a("a hyphen-\nated word\nor two \n"), ["a", "hyphenated", "word", "or", "two"]);
        assert!(tokenize_13a(" \n").is_empty());
    }
}
