//! How long a translation may become.

use std::fmt::{self, Display};
use std::str::FromStr;

/// The most symbols of a translation, its end included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MaxLength {
    /// As many for every source.
    Symbols(usize),
    /// So many times the symbols of its source, rounded up, and at least 1.
    TimesSource(f64),
}

impl MaxLength {
    /// The most symbols that a person may ask for, and the largest multiple.
    pub const MOST: usize = 10_000;

    /// The limit for a source of this length.
    pub fn of(self, source: usize) -> usize {
        match self {
            Self::Symbols(symbols) => symbols,
            Self::TimesSource(times) => ((times * source as f64).ceil() as usize).max(1),
        }
    }
}

/// As [`FromStr`] reads it.
impl Display for MaxLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Symbols(symbols) => write!(f, "{symbols}"),
            Self::TimesSource(times) => write!(f, "{times}x"),
        }
    }
}

/// `200`, or `3x` for three times the source's length.
impl FromStr for MaxLength {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected symbols from 1 to 10000, or a multiple of the source's such as 3x, above 0";
        let most = Self::MOST as f64;
        match text.strip_suffix('x') {
            Some(times) => {
                let times = times.parse().ok().filter(|&times: &f64| times > 0.0 && times <= most);
                times.map(Self::TimesSource).ok_or(EXPECTED)
            }
            None => {
                let symbols = text.parse().ok().filter(|symbols| (1..=Self::MOST).contains(symbols));
                symbols.map(Self::Symbols).ok_or(EXPECTED)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_symbols_or_multiples() {
        for (text, limit, of_seven) in [
            ("1", MaxLength::Symbols(1), 1),
            ("10000", MaxLength::Symbols(10_000), 10_000),
            ("3x", MaxLength::TimesSource(3.0), 21),
            ("1.5x", MaxLength::TimesSource(1.5), 11),
            ("0.01x", MaxLength::TimesSource(0.01), 1),
        ] {
            assert_eq!(text.parse(), Ok(limit));
            assert_eq!((limit.to_string().as_str(), limit.of(7)), (text, of_seven));
        }
        for wrong in ["", "0", "10001", "-1", "x", "0x", "-2x", "NaNx", "infx", "10001x", "2 x", "1.5"] {
            assert!(wrong.parse::<MaxLength>().is_err(), "{wrong}");
        }
    }
}
