from collections.abc import Sequence
from os import PathLike
from typing import Literal, TypedDict, final, overload

from typing_extensions import NotRequired

__all__ = ["Error", "Pronouncer", "Translator", "__version__", "pronounce"]

__version__: str

Phones = Literal["arpabet", "ipa", "ipa-vowel", "xsampa"]
Dictionary = dict[str, str] | dict[str, list[str]] | dict[str, str | list[str]] | str | PathLike[str]

class Error(ValueError):
    index: int | None

class OtherWord(TypedDict):
    phones: list[str]
    log_prob: NotRequired[float]

Word = TypedDict(
    "Word",
    {
        "span": tuple[int, int],
        "word": str,
        "from": Literal["user", "lexicon", "model", "letters", "rule"],
        "phones": list[str],
        "log_prob": NotRequired[float],
        "others": NotRequired[list[OtherWord]],
        "alignment": NotRequired[list[list[float]]],
    },
)

class Unread(TypedDict):
    span: tuple[int, int]
    text: str
    reason: str

class Record(TypedDict):
    text: str
    words: list[Word]
    unread: list[Unread]

class Target(TypedDict):
    target: list[str]
    text: str
    log_prob: float
    score: float
    finished: bool
    alignment: NotRequired[list[list[float]]]

Translation = TypedDict(
    "Translation",
    {
        "source": list[str],
        "from": Literal["model", "dictionary"],
        "target": list[str],
        "text": str,
        "log_prob": float,
        "score": float,
        "finished": bool,
        "alignment": NotRequired[list[list[float]]],
        "others": NotRequired[list[Target]],
    },
)

def pronounce(text: str, *, phones: Phones = "arpabet") -> str: ...
@final
class Pronouncer:
    def __new__(
        cls, dictionary: Dictionary | None = None, *, lexicon: bool = True, n_best: int = 1, alignment: bool = False
    ) -> Pronouncer: ...
    def pronounce(self, text: str, *, phones: Phones = "arpabet") -> str: ...
    def pronounce_all(self, texts: Sequence[str], *, phones: Phones = "arpabet") -> list[str]: ...
    def words(self, text: str, *, phones: Phones = "arpabet") -> list[Word]: ...
    def record(self, text: str, *, phones: Phones = "arpabet") -> Record: ...

@final
class Translator:
    def __new__(
        cls,
        dir: str | PathLike[str] | None = None,
        *,
        device: str = "auto",
        precision: Literal["f32", "f16"] = "f32",
        dictionary: Dictionary | None = None,
    ) -> Translator: ...
    @property
    def device(self) -> str: ...
    @overload
    def translate(
        self,
        sources: Sequence[str],
        *,
        beam: int = 1,
        n_best: int = 1,
        alignment: bool = False,
        length_penalty: str = "none",
        coverage_penalty: float = 0.0,
        max_length: int | str | None = None,
        max_source_length: int = 1000,
        batch_size: int = 64,
        replace_unknown: bool = False,
        errors: Literal["raise"] = "raise",
    ) -> list[Translation]: ...
    @overload
    def translate(
        self,
        sources: Sequence[str],
        *,
        beam: int = 1,
        n_best: int = 1,
        alignment: bool = False,
        length_penalty: str = "none",
        coverage_penalty: float = 0.0,
        max_length: int | str | None = None,
        max_source_length: int = 1000,
        batch_size: int = 64,
        replace_unknown: bool = False,
        errors: Literal["return"],
    ) -> list[Translation | Error]: ...
