"""Made-up pairs for the tiny checkpoints: numbers, and their digits as words from the last to the first.

    python data.py DIR        train.src, train.tgt, valid.src, valid.tgt, test.src in DIR; the same on every machine

A source is written with spaces between its digits. Some sources of the test are longer than any that was learnt from, and
some hold a symbol that no vocabulary has.
"""

import random
import sys
from pathlib import Path

WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


def source(draw, longest):
    return [str(draw.randrange(10)) for _ in range(draw.randint(1, longest))]


def write(folder, name, pairs):
    for side, lines in zip(("src", "tgt"), zip(*pairs)):
        (folder / f"{name}.{side}").write_text("".join(" ".join(line) + "\n" for line in lines))


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    draw = random.Random(7)

    def pair(longest):
        digits = source(draw, longest)
        return digits, [WORDS[int(digit)] for digit in reversed(digits)]

    write(folder, "train", [pair(7) for _ in range(6000)])
    write(folder, "valid", [pair(7) for _ in range(100)])
    test = [pair(9) for _ in range(500)]
    for number, (digits, _) in enumerate(test):
        if number % 25 == 0:
            digits[number % len(digits)] = "x"
    (folder / "test.src").write_text("".join(" ".join(digits) + "\n" for digits, _ in test))


main()
