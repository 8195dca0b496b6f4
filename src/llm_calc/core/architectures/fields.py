"""``Fields``: a configuration file as its class reads it, and a record of what was read.

A value is looked up under every spelling that the class accepts, then among the class's defaults. A key that
is present with ``null`` is null, whatever the default. What cannot be right is refused with the key's name.
Keys that were read are remembered, so that ``reading`` can tell which ones nobody understood.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

from llm_calc.core.architectures.defaults import NO_DEFAULTS, ClassDefaults
from llm_calc.core.architectures.neutral import (
    NO_TABLES,
    PUBLISHED_AS,
    KeyTables,
    class_defaults,
    is_understood,
    names_tower,
    names_width,
    passed_by,
)
from llm_calc.core.architectures.notes import Notes
from llm_calc.core.errors import InvalidInputError

ROOT = "model.hf_config"
QUANTIZATION_KEYS = ("quantization_config", "compression_config", "quantization")
"""Where files say how their weights are stored."""
LARGEST = 2**40
"""No size of a model comes near it; more is refused."""
MOST_LAYERS = 10_000

Whole = int
"""``int`` under a name that ``Fields.int`` does not hide."""


class _Missing:
    """Marks an absent key."""


MISSING = _Missing()


class Fields:
    """One (nested) configuration: typed access by key, defaults of its class, record of the keys read."""

    def __init__(
        self,
        values: Mapping[str, object],
        *,
        model_type: str = "",
        defaults: ClassDefaults = NO_DEFAULTS,
        path: str = ROOT,
        notes: Notes | None = None,
        tables: KeyTables = NO_TABLES,
    ) -> None:
        self.values = values
        self.model_type = model_type
        self.defaults = defaults
        self.path = path
        self.tables = tables
        self.notes = notes if notes is not None else Notes()
        self.fallbacks: Mapping[str, object] = {}
        """What a wrapper assumes of this part where neither the file nor the class says anything."""
        self._read: set[str] = set()
        self._repeated: set[str] = set()
        self._parts: dict[str, Fields] = {}
        self._also: dict[str, tuple[str, ...]] = {}

    def raw(self, key: str, default: object = MISSING) -> object:
        """The value in the file under any spelling, else ``default``, else the class's; else a refusal."""
        found = self._given(key)
        if found is not MISSING:
            return found
        if default is not MISSING:
            return default
        for name in self._names(key):
            if name in self.defaults.keys:
                return self.defaults.keys[name]
        if key in self.fallbacks:
            return self.fallbacks[key]
        raise InvalidInputError(f"{self.path}.{key} is missing", field=f"{self.path}.{key}")

    def _default(self, key: str) -> object:
        return next(
            (self.defaults.keys[name] for name in self._names(key) if name in self.defaults.keys),
            self.fallbacks.get(key),
        )

    def given(self, key: str) -> bool:
        """Whether the file itself holds the key with a value other than null."""
        return self._given(key) not in (MISSING, None)

    def known(self, key: str) -> bool:
        """Whether the file, or its class in case of an absent key, has a value other than null."""
        return self.raw(key, self._default(key)) is not None

    def int(self, key: str, default: object = MISSING, *, least: Whole = 1, most: Whole = LARGEST) -> Whole:
        """A whole number within limits."""
        value = self.optional_int(key, default, least=least, most=most)
        if value is None:
            raise self.refusal(key, f"a whole number of at least {least}, not null")
        return value

    def optional_int(
        self, key: str, default: object = MISSING, *, least: Whole = 0, most: Whole = LARGEST
    ) -> Whole | None:
        """A whole number within limits, or None for null."""
        value = self.raw(key, default)
        return None if value is None else self._whole(key, value, least, most)

    def flag(self, key: str, default: object = MISSING) -> bool:
        """True or false; null counts as false."""
        value = self.raw(key, default)
        if value is None or isinstance(value, bool):
            return bool(value)
        if value in (0, 1):
            return bool(value)
        raise self.refusal(key, "true or false")

    def number(self, key: str, default: object = MISSING) -> float:
        """A finite number."""
        value = self.raw(key, default)
        if isinstance(value, bool) or not isinstance(value, Whole | float) or not math.isfinite(value):
            raise self.refusal(key, "a finite number")
        return float(value)

    def text(self, key: str, default: object = MISSING) -> str:
        """A string; null counts as empty."""
        value = self.raw(key, default)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self.refusal(key, "a string")
        return value

    def items(self, key: str, default: object = MISSING) -> tuple[object, ...] | None:
        """A list, or None for null."""
        value = self.raw(key, default)
        if value is None:
            return None
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise self.refusal(key, "a list")
        return tuple(value)

    def ints(self, key: str, default: object = MISSING) -> tuple[Whole, ...] | None:
        """A list of whole numbers, or None for null."""
        values = self.items(key, default)
        return None if values is None else tuple(self._whole(key, value, -1, LARGEST) for value in values)

    def texts(self, key: str, default: object = MISSING) -> tuple[str, ...] | None:
        """A list of strings, or None for null."""
        values = self.items(key, default)
        if values is not None and not all(isinstance(value, str) for value in values):
            raise self.refusal(key, "a list of strings")
        return None if values is None else tuple(str(value) for value in values)

    def mapping(self, key: str, default: object = MISSING) -> Mapping[str, object]:
        """An object as it stands; null counts as empty."""
        value = self.raw(key, default)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            raise self.refusal(key, "an object")
        return value

    def parts_among(self, keys: Sequence[str]) -> tuple["Fields", ...]:
        """Those of the nested configurations that were read."""
        return tuple(self._parts[key] for key in keys if key in self._parts)

    def part(self, key: str, *, completed: bool = False) -> "Fields":
        """A nested configuration with the defaults of its own class; an absent one is all defaults.

        Its type is what the file says, else what the class table says of ``key``; the table goes first where
        the outer class builds that part of one class alone.
        ``completed``: what it lacks is taken from what the outer class makes of an absent one.
        """
        if key not in self._parts:
            values = self.mapping(key, None)
            if completed or not self.given(key):
                values = {**self.defaults.absent.get(key, {}), **values}
            kind = self._kind_of_part(key, values.get("model_type"))
            passed = {name.removeprefix(f"{key}.") for name in self._read if name.startswith(f"{key}.")}
            self._parts[key] = self._of_kind(kind, values, f"{self.path}.{key}", passed)
        return self._parts[key]

    def _of_kind(self, kind: str, values: Mapping[str, object], path: str, read: set[str]) -> "Fields":
        defaults = class_defaults(self.tables, kind)
        part = Fields(
            values, model_type=kind, defaults=defaults, path=path, notes=self.notes, tables=self.tables
        )
        part._read = read
        part.pass_by(kind)
        return part

    def _kind_of_part(self, key: str, stated: object) -> str:
        expected = self.defaults.parts.get(key, "")
        kind = stated if isinstance(stated, str) and stated else expected
        if (kind, expected) in PUBLISHED_AS:
            return expected
        if kind == expected or not expected or key not in self.defaults.fixed:
            return kind
        if not expected.startswith(kind):
            self.assume(
                f"{self.path}.{key}.model_type {kind!r} was read as {expected!r}: its class builds no other"
            )
        return expected

    def flat(self, key: str) -> "Fields":
        """The part ``key`` of a file that holds its values at its own level, under the defaults of the part's class."""
        return self._of_kind(self.defaults.parts.get(key, ""), self.values, self.path, self._read)

    def adopt(self, model_type: str) -> None:
        """Takes over the defaults of another class, for types that only their authors' code knows."""
        self.defaults = class_defaults(self.tables, model_type)

    def also(self, key: str, *spellings: str) -> None:
        """Adds spellings that this family's files use for a key; they go before those of the class."""
        self._also[key] = spellings

    def pass_by(self, name: str, *among: str) -> None:
        """Marks keys as understood that the table holds under a type or a case; ``among``: those of them alone."""
        keys = passed_by(self.tables, name)
        self._read.update(keys.intersection(among) if among else keys)

    def take(self, *keys: str) -> None:
        """Marks keys as read that others take: formats of numbers are no sizes."""
        self._read.update(keys)

    def agree(self, **values: object) -> None:
        """Marks keys that repeat what is known anyway; one that says otherwise stays to be reported."""
        self._repeated.update(values)
        self._read.update(key for key, value in values.items() if self.values.get(key, MISSING) == value)

    def assume(self, sentence: str) -> None:
        """Notes a guess that may change the answer: the reading becomes approximate."""
        self.notes.guesses[sentence] = None

    def warn(self, sentence: str) -> None:
        """Notes what the reader should know, without making the reading approximate."""
        if sentence not in self.notes.warnings:
            self.notes.warnings.append(sentence)

    def refusal(self, key: str, accepted: str) -> InvalidInputError:
        """The error for a value that cannot be right."""
        return InvalidInputError(f"{self.path}.{key} must be {accepted}", field=f"{self.path}.{key}")

    def unread(self) -> Iterator[str]:
        """Paths of keys, nested ones too, that nobody read and that may change sizes."""
        for key, value in self.values.items():
            if key in self._parts:
                yield from self._parts[key].unread()
            elif key in self._read or is_understood(self.tables, key, value):
                continue
            elif self._acts(key, value):
                yield f"{self.path}.{key}".removeprefix(f"{ROOT}.")

    def unread_sizes(self, *, known: Callable[[str], bool]) -> Iterator[str]:
        """Of the keys that nobody read those that, by their names, are widths of the decoder itself.

        In a type that is known they are those of experts and latents: others may repeat what the class fixes.
        """
        inner = known(self.model_type)
        for key, value in self.values.items():
            if key in self._parts:
                yield from () if names_tower(key) else self._parts[key].unread_sizes(known=known)
            elif key in self._read or not names_width(key, inner=inner) or key in self._repeated:
                continue
            elif self._acts(key, value):
                yield f"{self.path}.{key}"

    def _acts(self, key: str, value: object) -> bool:
        """Whether a value says something that is not what the class assumes anyway."""
        if key in self.defaults.keys:
            return bool(value != self.defaults.keys[key])
        return value is not None and value != "" and value != [] and value != {}

    def _names(self, key: str) -> tuple[str, ...]:
        return (*self._also.get(key, ()), *self.defaults.names.get(key, (key,)))

    def _given(self, key: str) -> object:
        found: object = MISSING
        for name in self._names(key):
            self._read.add(name)
            value = self.values.get(name, MISSING)
            if found is MISSING:
                found = value
            elif value not in (MISSING, found):
                self.assume(f"{self.path}.{name} contradicts {key}; {key} was taken as {found!r}")
        return found

    def _whole(self, key: str, value: object, least: Whole, most: Whole) -> Whole:
        if isinstance(value, float) and value.is_integer():
            value = Whole(value)
        if isinstance(value, bool) or not isinstance(value, Whole) or not least <= value <= most:
            raise self.refusal(key, f"a whole number from {least} to {most}")
        return value
