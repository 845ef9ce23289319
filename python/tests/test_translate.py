"""Sources to targets."""

import pathlib

import pytest

import seq2seq


@pytest.fixture(scope="module")
def translator():
    return seq2seq.Translator(device="cpu")


def test_sources_are_translated_in_their_order(translator):
    words = ["attention", "a", "attention"]
    answers = translator.translate(words, beam=5)
    assert ["".join(answer["source"]) for answer in answers] == words
    assert answers[0] == answers[2]
    phones = ["AH", "T", "EH", "N", "SH", "AH", "N"]
    assert [phone.rstrip("012") for phone in answers[0]["target"]] == phones
    assert answers[0]["text"] == " ".join(answers[0]["target"])
    assert answers[0]["from"] == "model" and answers[0]["finished"] and answers[0]["log_prob"] < 0
    assert "others" not in answers[0] and "alignment" not in answers[0]


def test_the_next_best_and_alignments_are_there_where_asked_for(translator):
    [answer] = translator.translate(["attention"], beam=5, n_best=3, alignment=True, length_penalty="wu:0.6")
    targets = [answer, *answer["others"]]
    assert len(targets) == 3
    assert sorted((target["score"] for target in targets), reverse=True) == [target["score"] for target in targets]
    for target in targets:
        assert len(target["alignment"]) == len(target["target"])
        for row in target["alignment"]:
            assert len(row) == len("attention") and sum(row) == pytest.approx(1, abs=1e-3)


def test_targets_have_a_greatest_length(translator):
    for limit, length in [(3, 3), ("3", 3), ("0.25x", 3)]:
        [answer] = translator.translate(["attention"], max_length=limit)
        assert len(answer["target"]) <= length and not answer["finished"]


def test_no_source_is_no_answer(translator):
    assert translator.translate([]) == []


def test_a_model_is_read_from_its_folder(translator):
    model = pathlib.Path(__file__).parents[2] / "models" / "g2p-en"
    for folder in [model, str(model)]:
        assert seq2seq.Translator(folder, device="cpu").translate(["colonel"]) == translator.translate(["colonel"])


def test_the_device_is_described(translator):
    assert translator.device.startswith("CPU, ")


def test_a_dictionary_comes_first():
    translator = seq2seq.Translator(device="cpu", dictionary={"wgpu": ["W EH B", "G P UW"]})
    [answer] = translator.translate(["WGPU"], beam=2, n_best=2)
    assert (answer["from"], answer["text"], answer["log_prob"]) == ("dictionary", "W EH B", 0)
    assert [other["text"] for other in answer["others"]] == ["G P UW"]


def test_what_is_wrong_with_a_source_is_raised(translator):
    for sources, index, expected in [
        (["a", "ж7"], 1, "source 1: the vocabulary has no symbol for"),
        (["", "a"], 0, "source 0: the source is empty"),
        (["a", "b", "\udc80"], 2, "source 2: expected a text of Unicode: .*surrogates"),
        (["a" * (1 << 20)], 0, "source 0: the source has 1048576 symbols, at most "),
    ]:
        with pytest.raises(seq2seq.Error, match=expected) as raised:
            translator.translate(sources)
        assert raised.value.index == index


def test_what_is_wrong_with_a_source_is_returned(translator):
    answers = translator.translate(["a", "", "\udc80", "b"], errors="return")
    assert [type(answer) for answer in answers] == [dict, seq2seq.Error, seq2seq.Error, dict]
    assert [answers[1].index, answers[2].index] == [1, 2]


@pytest.mark.parametrize(
    "options, expected",
    [
        ({"beam": 0}, "beam: expected .*, found 0"),
        ({"beam": 2, "n_best": 3}, "n_best: expected .*, found 3"),
        ({"length_penalty": "long"}, 'length_penalty: expected none, .*, found "long"'),
        ({"max_length": 0}, 'max_length: expected .*, found "0"'),
        ({"batch_size": 0}, "batch_size: expected at least 1, found 0"),
        ({"errors": "ignore"}, 'errors: expected raise or return, found "ignore"'),
    ],
)
def test_wrong_options_are_named(translator, options, expected):
    with pytest.raises(seq2seq.Error, match=expected) as raised:
        translator.translate(["a"], **options)
    assert raised.value.index is None


def test_sources_are_a_list(translator):
    for sources in ["attention", None, [1]]:
        with pytest.raises(TypeError, match="expected a list of str"):
            translator.translate(sources)


@pytest.mark.parametrize(
    "arguments, expected",
    [
        ({"dir": "no such folder"}, "no such folder"),
        ({"device": ""}, "device: expected auto, cpu, gpu"),
        ({"device": "cpu:mmx"}, "mmx"),
        ({"precision": "f8"}, 'precision: expected f32 or f16, found "f8"'),
    ],
)
def test_a_translator_that_cannot_be_is_refused(arguments, expected):
    with pytest.raises(seq2seq.Error, match=expected):
        seq2seq.Translator(**{"device": "cpu", **arguments})
