//! Values that sacreBLEU prints for sentences made for this purpose.

/// A small corpus and what sacreBLEU makes of it.
pub struct Case {
    pub name: &'static str,
    /// Hypotheses, each with its references.
    pub pairs: &'static [(&'static str, &'static [&'static str])],
    pub bleu: f64,
    pub chrf: f64,
}

impl Case {
    /// The hypotheses, and the references of each.
    pub fn corpus(&self) -> (Vec<&'static str>, Vec<Vec<&'static str>>) {
        self.pairs.iter().map(|(hypothesis, references)| (*hypothesis, references.to_vec())).unzip()
    }
}

/// ```python
/// from itertools import zip_longest
/// from sacrebleu.metrics import BLEU, CHRF              # sacrebleu 2.6.0
/// hypotheses = [hypothesis for hypothesis, _ in pairs]
/// streams = list(zip_longest(*[references for _, references in pairs]))
/// print(BLEU().corpus_score(hypotheses, streams).score, CHRF().corpus_score(hypotheses, streams).score)
/// ```
pub const CASES: &[Case] = &[
    Case {
        name: "one reference",
        pairs: &[
            ("the cat sat on the mat", &["the cat sat on a mat"]),
            ("a dog barked", &["the dog barked loudly at us"]),
        ],
        bleu: 35.35283345573218,
        chrf: 52.80537190251905,
    },
    Case {
        name: "several references, not equally many",
        pairs: &[
            (
                "the ferry leaves at noon from the old pier",
                &["the ferry departs at noon from the old pier", "at noon the ferry leaves the old pier"],
            ),
            (
                "nobody has seen the keys",
                &["no one has seen the keys", "nobody has seen my keys", "the keys were seen by nobody"],
            ),
            ("it rained for three days", &["it rained three days"]),
        ],
        bleu: 65.97618889159993,
        chrf: 76.62949112777041,
    },
    Case {
        name: "everything right",
        pairs: &[("we will meet again in spring", &["we will meet again in spring"])],
        bleu: 100.00000000000004,
        chrf: 100.0,
    },
    Case {
        name: "an empty hypothesis among others",
        pairs: &[
            ("", &["something should stand here"]),
            ("the rest is translated well enough", &["the rest is translated well"]),
        ],
        bleu: 46.08636396914616,
        chrf: 52.68300240309791,
    },
    Case {
        name: "only empty hypotheses",
        pairs: &[("", &["something should stand here"]), (" ", &["here too"])],
        bleu: 0.0,
        chrf: 0.0,
    },
    Case {
        name: "nothing matches",
        pairs: &[("alpha beta gamma delta epsilon", &["one two three four five"])],
        bleu: 0.0,
        chrf: 9.07121262136431,
    },
    Case {
        name: "orders without a match",
        pairs: &[("red green blue yellow white", &["blue red black green grey"]), ("up and down", &["down or up"])],
        bleu: 11.943034902554587,
        chrf: 29.083622224173595,
    },
    Case {
        name: "too short for four",
        pairs: &[("two words", &["two words"]), ("one", &["one"])],
        bleu: 0.0,
        chrf: 100.0,
    },
    Case {
        name: "punctuation",
        pairs: &[
            ("\"Well,\" she said, \"that's that.\"", &["\"Well\", she said; \"that is that!\""]),
            ("Stop! (Or don't...)", &["Stop (or don't)!", "Stop, or do not."]),
        ],
        bleu: 7.791652010282417,
        chrf: 45.93857102839583,
    },
    Case {
        name: "numbers",
        pairs: &[
            ("It cost $1,000.5 in 1999-2000, or 3.5% more.", &["It cost $1,000.50 in 1999-2000, i.e. 3.5 % more."]),
            ("Page 12, line 3.", &["Page 12 , line 3 ."]),
        ],
        bleu: 56.63777002569725,
        chrf: 79.54115397951537,
    },
    Case {
        name: "other scripts",
        pairs: &[
            (
                "Der Schlüssel hängt über der Tür.",
                &["Der Schlüssel hing über der Türe.", "Über der Tür hing der Schlüssel."],
            ),
            ("Поезд уходит в полночь.", &["Поезд отходит в полночь."]),
            ("電車は九時に出ます。", &["電車は９時に出ます。"]),
        ],
        bleu: 25.158738132650694,
        chrf: 71.12390696339011,
    },
    Case {
        name: "entities and odd spaces",
        pairs: &[
            ("fish &amp; chips &lt;hot&gt;", &["fish & chips <hot>"]),
            ("thin\u{2009}space\u{a0}here  and\tthere", &["thin space here and there"]),
        ],
        bleu: 100.00000000000004,
        chrf: 73.09379011257033,
    },
    Case {
        name: "longer than the references",
        pairs: &[(
            "the very same thing is said again and again and again",
            &["the same thing is said again", "the very same thing"],
        )],
        bleu: 53.10725349788697,
        chrf: 75.11778631444199,
    },
    Case {
        name: "ties in length",
        pairs: &[
            ("one two three four five", &["one two three four", "one two three four five six"]),
            ("a b c d", &["a b c", "a b c d e"]),
        ],
        bleu: 100.00000000000004,
        chrf: 93.64010767454512,
    },
    Case {
        name: "phonemes",
        pairs: &[
            ("AH T EH N SH AH N", &["AH T EH N SH AH N"]),
            ("T OW M AH T OW", &["T AH M EY T OW", "T AH M AA T OW"]),
        ],
        bleu: 65.71404089595542,
        chrf: 67.62566137566138,
    },
];
