"""``Said``: what a file says of number formats, key by key, and a record of which keys were used.

Every key ends in one of three ways: a reader used it, the catalog's table of keys holds why it changes nothing
here, or it is named among the guesses, which take "exact" away. A value that selects a format or a size and is not
understood is refused with the key's name.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from llm_calc.core.checkpoints.tables import FormatTables
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.formats import NumberFormat

MAX_SIDE = 1 << 20
MOST_NAMED = 8
"""Sentences of one kind that an answer spells out; the rest is counted."""
SHOWN = 60
"""Characters of a value that a sentence repeats."""
T = TypeVar("T")


@dataclass(slots=True)
class Notes:
    """What readers of one file share.

    ``own``: the model's own type, in which stands what is not quantized. ``tables``: the catalog's.
    ``tool``: the tool that wrote the file.
    ``sentences``: what could not be known, each once, in their order.
    """

    own: NumberFormat
    tables: FormatTables
    tool: str = ""
    sentences: dict[str, None] = field(default_factory=dict)

    def add(self, sentence: str) -> None:
        """Notes a sentence."""
        self.sentences[sentence] = None

    def add_all(self, names: list[str], sentence: str) -> None:
        """Notes a sentence (with ``{}`` for the name) for every name, the first few of many one by one."""
        for name in names[:MOST_NAMED]:
            self.add(sentence.format(name))
        if len(names) > MOST_NAMED:
            self.add(sentence.format(f"{len(names) - MOST_NAMED} more like these"))


class Said:
    """One object of a file: values by key; keys that were read are remembered, nested objects too."""

    def __init__(self, values: Mapping[str, object], path: str, notes: Notes) -> None:
        self.values, self.path, self.notes = values, path, notes
        self._read: set[str] = set()
        self._parts: list[Said] = []

    def raw(self, key: str) -> object:
        """The value as it stands; None if absent."""
        self._read.add(key)
        return self.values.get(key)

    def read(self, *keys: str) -> None:
        """Marks keys as used."""
        self._read.update(keys)

    def refusal(self, key: str, accepted: str) -> InvalidInputError:
        """The error for a value that is not understood."""
        where = f"{self.path}.{key}"
        shown = repr(self.values.get(key))[:120]
        return InvalidInputError(
            f"{where}: {shown} is not one of {accepted}; or give precision.weights", field=where
        )

    def integer(self, key: str, default: int) -> int:
        """A whole number.

        Raises:
            InvalidInputError: the key holds something else.
        """
        value = self.raw(key)
        if value is None:
            return default
        where = f"{self.path}.{key}"
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise InvalidInputError(f"{where}: must be an integer; got {str(value)[:80]!r}", field=where)
        if abs(value) > MAX_SIDE**2:
            raise InvalidInputError(f"{where}: must be at most {MAX_SIDE**2}", field=where)
        return value

    def group(self, key: str, default: int) -> int:
        """Numbers that share a scale; -1: a whole row.

        Raises:
            InvalidInputError: 0, or another negative number.
        """
        size = self.integer(key, default)
        if size < 1 and size != -1:
            raise self.refusal(key, "-1 or a positive whole number")
        return size

    def bits(self, key: str, default: int, *, most: int = 16) -> int:
        """Bits of a number, 1 to 16.

        Raises:
            InvalidInputError: something else.
        """
        bits = self.integer(key, default)
        if not 1 <= bits <= most:
            where = f"{self.path}.{key}"
            raise InvalidInputError(f"{where}: must be 1 to {most}; got {bits}", field=where)
        return bits

    def flag(self, key: str, *, default: bool = False) -> bool:
        """True or false; null counts as absent.

        Raises:
            InvalidInputError: something else.
        """
        value = self.raw(key)
        if value is None:
            return default
        if value not in (True, False):
            where = f"{self.path}.{key}"
            raise InvalidInputError(f"{where}: must be true or false; got {str(value)[:80]!r}", field=where)
        return bool(value)

    def word(self, key: str, meanings: Mapping[str, T], default: str) -> T:
        """What a word stands for, in any case.

        Raises:
            InvalidInputError: a word that is not understood.
        """
        value = self.raw(key)
        word = default if value is None else str(value).lower().removeprefix("torch.")
        if not isinstance(value, str | None) or word not in meanings:
            raise self.refusal(key, ", ".join(word for word in meanings if word))
        return meanings[word]

    def strings(self, *keys: str) -> tuple[tuple[str, str], ...]:
        """The texts of every list under these keys, each with its place.

        Raises:
            InvalidInputError: a key holds no list of texts.
        """
        return tuple(item for key in keys for item in self._texts(key))

    def _texts(self, key: str) -> Iterator[tuple[str, str]]:
        value = self.raw(key)
        if value is None:
            return
        if isinstance(value, str):
            value = [value]
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            where = f"{self.path}.{key}"
            raise InvalidInputError(f"{where}: must be a list of names of modules", field=where)
        for item in value:
            yield item, key

    def part(self, key: str) -> "Said | None":
        """A nested object; None where it is absent or null.

        Raises:
            InvalidInputError: it is no object.
        """
        value = self.raw(key)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            where = f"{self.path}.{key}"
            raise InvalidInputError(f"{where}: must be an object", field=where)
        inner = Said(value, f"{self.path}.{key}", self.notes)
        self._parts.append(inner)
        return inner

    def adopt(self, inner: "Said") -> None:
        """Takes over an object that was read apart: what it leaves unread is named with the rest."""
        self._parts.append(inner)

    def parts(self, key: str) -> dict[str, "Said"]:
        """Objects by name under one key."""
        outer = self.part(key)
        return {} if outer is None else outer.children(lambda _: True)

    def children(self, chosen: Callable[[str], bool]) -> dict[str, "Said"]:
        """Those of the nested objects whose keys are chosen.

        Raises:
            InvalidInputError: one of them is no object.
        """
        found = {}
        for key in self.values:
            if chosen(key):
                inner = self.part(key)
                if inner is not None:
                    found[key] = inner
        return found

    def assume(self, sentence: str) -> None:
        """Notes a guess: the answer is no longer exact."""
        self.notes.add(sentence)

    def name_unread(self) -> None:
        """Names every key that nobody read and that no table knows to change nothing."""
        self.notes.add_all(list(self.unread()), "{} is not understood and may change formats; it was ignored")

    def unread(self) -> Iterator[str]:
        """Paths of keys that nobody understood, each with its value where that is one word or number."""
        for key, value in self.values.items():
            if (
                key not in self._read
                and not _neutral(value)
                and not self.notes.tables.says_nothing(self.notes.tool, f"{self.path}.{key}")
            ):
                path = f"{self.path}.{key}".removeprefix("model.hf_config.")
                yield (
                    f"{path} ({value!r})"
                    if isinstance(value, str | int | float) and len(str(value)) < SHOWN
                    else path
                )
        for part in self._parts:
            yield from part.unread()


def _neutral(value: object) -> bool:
    """Whether a value says nothing, or that something is switched off."""
    return value is None or value is False or value in ("", [], {})
