"""What is installed."""

import doctest
import importlib.metadata
import pathlib
import pydoc
import subprocess
import sys
import sysconfig

import seq2seq


def test_the_program_is_on_the_path():
    program = pathlib.Path(sysconfig.get_path("scripts")) / "seq2seq"
    command = [program, "translate", "--device", "cpu", "attention"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert [phone.rstrip("012") for phone in run.stdout.split()] == ["AH", "T", "EH", "N", "SH", "AH", "N"]


def test_wheels_have_a_version_and_licences():
    for name in ["seq2seq-python", "seq2seq-wgpu"]:
        distribution = importlib.metadata.distribution(name)
        licences = [path.name for path in distribution.files if "licenses" in path.parts]
        assert sorted(licences) == ["LICENSE-APACHE", "LICENSE-CMUDICT", "LICENSE-MIT"]
        assert distribution.version == seq2seq.__version__


def test_all_is_documented():
    def undocumented(name, thing):
        members = vars(thing).items() if isinstance(thing, type) else []
        public = [(key, value) for key, value in members if key[0] != "_" and value is not None]
        inner = [fault for key, value in public for fault in undocumented(f"{name}.{key}", value)]
        return inner if pydoc.getdoc(thing) else [name, *inner]

    names = [name for name in seq2seq.__all__ if name != "__version__"]
    assert seq2seq.__doc__ and not [fault for name in names for fault in undocumented(name, getattr(seq2seq, name))]


def test_types_are_those_of_the_module(tmp_path):
    alone = ["Dictionary", "OtherWord", "Phones", "Record", "Target", "Translation", "Unread", "Word", "seq2seq"]
    allowed = tmp_path / "allowed"
    allowed.write_text("".join(f"seq2seq.{name}\n" for name in alone))
    command = [sys.executable, "-m", "mypy.stubtest", "seq2seq", "--allowlist", allowed]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


def test_examples_print_what_they_show():
    page = pathlib.Path(__file__).parents[2] / "docs" / "python.md"
    for text in [page.read_text(encoding="utf-8"), seq2seq.__doc__, seq2seq.pronounce.__doc__]:
        test = doctest.DocTestParser().get_doctest(text, {"seq2seq": seq2seq}, text.splitlines()[0], None, 0)
        assert test.examples
        assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test).failed == 0
