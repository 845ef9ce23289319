"""English text to phones."""

import multiprocessing
import sys
import threading
import time

import pytest

import seq2seq


def test_texts_are_pronounced():
    assert seq2seq.pronounce("It’s 5 p.m.") == "IH1 T S | F AY1 V | P IY1 | EH1 M"


@pytest.mark.parametrize(
    "phones, expected",
    [("arpabet", "HH AH0 L OW1"), ("ipa", "h ə ˈl oʊ"), ("ipa-vowel", "h ə l ˈoʊ"), ("xsampa", 'h @ "l oU')],
)
def test_phones_have_alphabets(phones, expected):
    assert seq2seq.pronounce("hello", phones=phones) == expected
    assert seq2seq.Pronouncer().pronounce("hello", phones=phones) == expected
    [word] = seq2seq.Pronouncer().words("hello", phones=phones)
    assert word["phones"] == expected.split(" ")


@pytest.mark.parametrize("text", ["", " ", "\n", "…"])
def test_nothing_is_pronounced_as_nothing(text):
    assert seq2seq.pronounce(text) == ""
    assert seq2seq.Pronouncer().words(text) == []


def test_places_are_characters():
    text = "𝄞 hello 🦀 wörld"
    record = seq2seq.Pronouncer().record(text)
    assert record["text"] == text
    assert [text[slice(*word["span"])] for word in record["words"]] == ["hello", "wörld"]
    assert [unread["text"] for unread in record["unread"]] == ["𝄞", "🦀"]
    assert [text[slice(*unread["span"])] for unread in record["unread"]] == ["𝄞", "🦀"]
    assert all(unread["reason"] for unread in record["unread"])


def test_words_say_where_their_phones_come_from():
    hello, zyzzogeton = seq2seq.Pronouncer(n_best=3, alignment=True).words("hello zyzzogeton")
    assert (hello["word"], hello["span"], hello["from"]) == ("hello", (0, 5), "lexicon")
    assert hello["others"] == [{"phones": ["HH", "EH0", "L", "OW1"]}]
    assert (zyzzogeton["word"], zyzzogeton["from"]) == ("zyzzogeton", "model")
    assert zyzzogeton["log_prob"] < 0 and len(zyzzogeton["others"]) == 2
    assert [len(row) for row in zyzzogeton["alignment"]] == [10] * len(zyzzogeton["phones"])


def test_a_dictionary_comes_first(tmp_path):
    path = tmp_path / "mine.tsv"
    path.write_text("wgpu\tW EH1 B G P UW2\n")
    for dictionary in [{"WGPU": "W EH1 B G P UW2"}, {"wgpu": ["W EH1 B G P UW2", "AH0"]}, path, str(path)]:
        [word] = seq2seq.Pronouncer(dictionary).words("wgpu")
        assert (word["from"], word["phones"]) == ("user", ["W", "EH1", "B", "G", "P", "UW2"])


def test_without_the_lexicon_the_model_is_asked():
    [word] = seq2seq.Pronouncer(lexicon=False).words("attention")
    assert word["from"] == "model"
    assert [phone.rstrip("012") for phone in word["phones"]] == ["AH", "T", "EH", "N", "SH", "AH", "N"]


def test_texts_are_pronounced_together():
    texts = ["zyzzogeton", "", "hello zyzzogeton"]
    pronouncer = seq2seq.Pronouncer()
    assert pronouncer.pronounce_all(texts) == [pronouncer.pronounce(text) for text in texts]


def test_a_megabyte_without_a_space_is_answered():
    text = "a" * (1 << 20)
    record = seq2seq.Pronouncer().record(text)
    assert [word["span"] for word in record["words"] + record["unread"]] == [(0, len(text))]


@pytest.mark.parametrize(
    "arguments, expected",
    [
        ({"phones": "sampa"}, "phones: expected arpabet, ipa, ipa-vowel or xsampa, found \"sampa\""),
        ({"text": "half a pair: \udc80"}, "expected a text of Unicode: .*'\\\\udc80' in position 13"),
    ],
)
def test_what_is_wrong_is_said(arguments, expected):
    with pytest.raises(seq2seq.Error, match=expected):
        seq2seq.pronounce(**{"text": "hello", **arguments})


@pytest.mark.parametrize(
    "dictionary, raised, expected",
    [
        ({"wgpu": "W Ö"}, seq2seq.Error, 'dictionary: "wgpu": expected phones of ARPAbet: .*Ö'),
        ({"wgpu": 1}, TypeError, "expected a list of str: 'int'"),
        ({"\udc80": "W"}, seq2seq.Error, "expected a text of Unicode"),
        ("no such file", seq2seq.Error, "no such file: "),
        (1, TypeError, "dictionary: expected a dict or a path, found 1"),
    ],
)
def test_a_wrong_dictionary_is_refused(dictionary, raised, expected):
    with pytest.raises(raised, match=expected):
        seq2seq.Pronouncer(dictionary)


def test_a_number_of_pronunciations_is_refused():
    for n_best in [0, 513]:
        with pytest.raises(seq2seq.Error, match=f"n_best: expected from 1 to 512, found {n_best}"):
            seq2seq.Pronouncer(n_best=n_best)


def test_no_text_is_a_type_error():
    for nothing in [None, b"hello", 1]:
        with pytest.raises(TypeError, match="is not an instance of 'str'"):
            seq2seq.pronounce(nothing)


def test_threads_compute_at_once():
    pronouncer = seq2seq.Pronouncer(lexicon=False)
    text = " ".join("zyzz" + "aeiou"[n % 5] + "bdfgk"[n // 5 % 5] + "lmnrt"[n // 25] for n in range(125))
    expected = pronouncer.pronounce(text)
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(pronouncer.pronounce(text))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [expected] * 2


def test_the_lock_is_free_meanwhile():
    pronouncer = seq2seq.Pronouncer(lexicon=False)
    texts = [f"zyzz{a}{b}{c}{d}" for a in "aeiou" for b in "bdfgklmnprstvz" for c in "aeiouy" for d in "lmnr"]
    switch = sys.getswitchinterval()
    # Without the lock this thread would only be left at the end.
    sys.setswitchinterval(1e-4)
    try:
        thread = threading.Thread(target=pronouncer.pronounce_all, args=[texts])
        thread.start()
        turns = 0
        while thread.is_alive():
            turns += 1
            time.sleep(1e-3)
    finally:
        sys.setswitchinterval(switch)
    assert turns > 5


@pytest.mark.skipif(sys.platform != "linux", reason="forks are Linux's")
def test_a_fork_computes():
    texts = ["zyzzogeton", "zyzzybalubah"]
    pronouncer = seq2seq.Pronouncer(lexicon=False)
    expected = pronouncer.pronounce_all(texts)
    fork = multiprocessing.get_context("fork")
    answers = fork.Queue()
    child = fork.Process(target=lambda: answers.put(pronouncer.pronounce_all(texts)))
    child.start()
    assert answers.get(timeout=60) == expected
    child.join(60)
    assert child.exitcode == 0
