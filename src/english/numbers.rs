//! Numbers in words, as American English has them.

const ONES: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 10] = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
const THOUSANDS: [&str; 12] = [
    "",
    "thousand",
    "million",
    "billion",
    "trillion",
    "quadrillion",
    "quintillion",
    "sextillion",
    "septillion",
    "octillion",
    "nonillion",
    "decillion",
];

/// The cardinal number of some digits, without a leading zero but for 0 itself; more of them than have a name, and those
/// behind a leading zero, one by one.
pub fn cardinal(digits: &str) -> Vec<&'static str> {
    if digits.len() > 3 * THOUSANDS.len() || (digits.len() > 1 && digits.starts_with('0')) {
        return one_by_one(digits);
    }
    if digits == "0" {
        return vec![ONES[0]];
    }
    let first = (digits.len() + 2) % 3 + 1;
    let ends = (0..).map(|group| first + 3 * group).take_while(|&end| end <= digits.len());
    let mut words = Vec::new();
    let mut begin = 0;
    for end in ends {
        let group = value(&digits[begin..end]);
        words.extend(below_thousand(group));
        if group > 0 {
            words.extend(Some(THOUSANDS[(digits.len() - end) / 3]).filter(|name| !name.is_empty()));
        }
        begin = end;
    }
    words
}

/// Each digit by itself.
pub fn one_by_one(digits: &str) -> Vec<&'static str> {
    digits.bytes().filter(u8::is_ascii_digit).map(|digit| ONES[usize::from(digit - b'0')]).collect()
}

/// The ordinal number: `twenty first`.
pub fn ordinal(digits: &str) -> Vec<&'static str> {
    let mut words = cardinal(digits);
    if let Some(last) = words.last_mut() {
        *last = ordinal_word(last);
    }
    words
}

fn ordinal_word(word: &'static str) -> &'static str {
    match word {
        "zero" => "zeroth",
        "one" => "first",
        "two" => "second",
        "three" => "third",
        "four" => "fourth",
        "five" => "fifth",
        "six" => "sixth",
        "seven" => "seventh",
        "eight" => "eighth",
        "nine" => "ninth",
        "ten" => "tenth",
        "eleven" => "eleventh",
        "twelve" => "twelfth",
        "thirteen" => "thirteenth",
        "fourteen" => "fourteenth",
        "fifteen" => "fifteenth",
        "sixteen" => "sixteenth",
        "seventeen" => "seventeenth",
        "eighteen" => "eighteenth",
        "nineteen" => "nineteenth",
        "twenty" => "twentieth",
        "thirty" => "thirtieth",
        "forty" => "fortieth",
        "fifty" => "fiftieth",
        "sixty" => "sixtieth",
        "seventy" => "seventieth",
        "eighty" => "eightieth",
        "ninety" => "ninetieth",
        "hundred" => "hundredth",
        "thousand" => "thousandth",
        "million" => "millionth",
        "billion" => "billionth",
        "trillion" => "trillionth",
        other => other,
    }
}

/// Several of a number: `nineteen eighties`, `tens`.
pub fn plural(mut words: Vec<&'static str>) -> Vec<String> {
    let last = words.pop().unwrap_or_default();
    let last = match last.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None if last.ends_with('x') => format!("{last}es"),
        None => format!("{last}s"),
    };
    words.into_iter().map(str::to_owned).chain([last]).collect()
}

/// A year of four digits: `nineteen oh five`, `two thousand six`, `twenty twenty six`.
pub fn year(digits: &str) -> Vec<&'static str> {
    let (century, rest) = digits.split_at(digits.len().saturating_sub(2));
    match (value(century), value(rest)) {
        (10 | 20, 0..10) => cardinal(digits),
        (century, 0) => [below_thousand(century), vec!["hundred"]].concat(),
        (century, rest @ 1..10) => [below_thousand(century), vec!["oh"], below_thousand(rest)].concat(),
        (century, rest) => [below_thousand(century), below_thousand(rest)].concat(),
    }
}

/// So many of what is divided into so many: `one half`, `three quarters`, `two over thirty seven`.
pub fn fraction(above: &str, below: &str) -> Vec<String> {
    let owned = |words: Vec<&str>| words.into_iter().map(str::to_owned).collect::<Vec<_>>();
    let parts = match below {
        "2" if above == "1" => vec!["half".to_owned()],
        "2" => vec!["halves".to_owned()],
        "4" if above == "1" => vec!["quarter".to_owned()],
        "4" => vec!["quarters".to_owned()],
        "3" | "5" | "6" | "7" | "8" | "9" | "10" | "12" | "16" | "20" | "32" | "64" | "100" | "1000" => {
            let words = ordinal(below);
            if above == "1" { owned(words) } else { plural(words) }
        }
        _ => [vec!["over".to_owned()], owned(cardinal(below))].concat(),
    };
    [owned(cardinal(above)), parts].concat()
}

/// Digits as a small number, at most what 32 bits hold.
pub fn value(digits: &str) -> u32 {
    digits
        .bytes()
        .fold(0u32, |value, digit| value.saturating_mul(10).saturating_add(u32::from(digit.wrapping_sub(b'0'))))
}

fn below_thousand(number: u32) -> Vec<&'static str> {
    let mut words = Vec::new();
    let (hundreds, rest) = (number as usize / 100 % 10, number as usize % 100);
    if hundreds > 0 {
        words.extend([ONES[hundreds], "hundred"]);
    }
    if rest >= 20 {
        words.push(TENS[rest / 10]);
    }
    let ones = if rest < 20 { rest } else { rest % 10 };
    if ones > 0 {
        words.push(ONES[ones]);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_all_sizes() {
        for (digits, expected) in [
            ("0", "zero"),
            ("7", "seven"),
            ("10", "ten"),
            ("21", "twenty one"),
            ("100", "one hundred"),
            ("115", "one hundred fifteen"),
            ("1000", "one thousand"),
            ("1001", "one thousand one"),
            ("20000", "twenty thousand"),
            ("1000000", "one million"),
            ("1234567", "one million two hundred thirty four thousand five hundred sixty seven"),
            ("1000000000000000000000000000000000", "one decillion"),
            (
                "1000000000000000000000000000000000000",
                &["one", &"zero ".repeat(36)].join(" ").trim_end().replace("  ", " "),
            ),
            ("007", "zero zero seven"),
        ] {
            assert_eq!(cardinal(digits).join(" "), expected, "{digits}");
        }
    }

    #[test]
    fn ordinals_years_and_parts() {
        assert_eq!(
            ["1", "22", "30", "100", "1000000"].map(|digits| ordinal(digits).join(" ")),
            ["first", "twenty second", "thirtieth", "one hundredth", "one millionth"]
        );
        assert_eq!(
            ["1066", "1900", "1905", "1984", "2000", "2006", "2010", "2026"].map(|digits| year(digits).join(" ")),
            [
                "ten sixty six",
                "nineteen hundred",
                "nineteen oh five",
                "nineteen eighty four",
                "two thousand",
                "two thousand six",
                "twenty ten",
                "twenty twenty six"
            ]
        );
        assert_eq!(plural(year("1980")).join(" "), "nineteen eighties");
        assert_eq!(plural(cardinal("6")).join(" "), "sixes");
        assert_eq!(fraction("1", "2").join(" "), "one half");
        assert_eq!(fraction("3", "4").join(" "), "three quarters");
        assert_eq!(fraction("2", "3").join(" "), "two thirds");
        assert_eq!(fraction("22", "7").join(" "), "twenty two sevenths");
        assert_eq!(fraction("2", "37").join(" "), "two over thirty seven");
    }
}
