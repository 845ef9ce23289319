"""judge.py test.tsv answers.tsv: the share of words that are wrong, as three cells of a table.

An answer is a word, a tab, and phones between spaces: in ARPAbet with or without stress, or in IPA with the marks of stress
before the vowel. It is right if it equals any of the word's references: with stress; without; and by the number of the syllable
that has the main stress, a syllable being a phone with a vowel, the first of several main stresses counting. What an answer
does not say is not judged.
"""

import sys
from collections import defaultdict

# The last is the mark of a consonant that is a syllable.
VOWELS = set("AEIOU" "aeiouyæɐɑɒɔəɚɛɜɝɪʊʌᵻ" "\u0329")


def read(path):
    lines = (line.rstrip("\n").split("\t") for line in open(path, encoding="utf-8"))
    return [(word, phones.split()) for word, phones in lines]


def without_stress(phones):
    return [phone.rstrip("012") for phone in phones]


def main_stress(phones):
    syllables = [phone for phone in phones if VOWELS & set(phone)]
    return next((number for number, vowel in enumerate(syllables) if vowel.endswith("1") or "ˈ" in vowel), None)


def wrong(answers, references, view):
    rights = {word: [view(phones) for phones in known] for word, known in references.items()}
    return f"{sum(view(phones) not in rights[word] for word, phones in answers) / len(answers):.1%}"


references = defaultdict(list)
for word, phones in read(sys.argv[1]):
    references[word].append(phones)
answers = read(sys.argv[2])
if len(answers) != len(references):
    sys.exit(f"{sys.argv[2]}: expected {len(references)} words, found {len(answers)}")

is_ipa = any("ˈ" in phone for _, phones in answers for phone in phones)
# A model without stress gives some words their letters' names, which have it.
has_stress = sum(main_stress(phones) is not None for _, phones in answers) > len(answers) / 2
print(
    wrong(answers, references, list) if has_stress and not is_ipa else "–",
    wrong(answers, references, without_stress) if not is_ipa else "–",
    wrong(answers, references, main_stress) if has_stress else "–",
    sep=" | ",
)
