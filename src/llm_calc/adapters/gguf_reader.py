"""The header of a GGUF file from its first bytes: its keys, and the list of its tensors if they are reached.

Every entry is passed over by its size; only what an answer needs is kept: short values, short lists of numbers, names
and shapes of tensors. Tokenizers make headers megabytes long; of their lists only the lengths are kept. Nothing
recurses, so that the cost is linear in the entries, of which there is a largest number.
Source: the GGUF specification, https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (versions 2 and 3);
checked: 2026-11-30, read.
"""

import struct
from collections.abc import Callable
from functools import lru_cache
from math import prod
from typing import Any

from llm_calc.adapters.formats.gguf_rows import file_types
from llm_calc.core.checkpoints.gguf.header import GgufHeader, GgufTensor
from llm_calc.core.errors import InvalidInputError

MAGIC = b"GGUF"
FIELD = "model.gguf_base64"
VERSIONS = (2, 3)
MAX_ENTRIES = 2_000_000
"""Keys, tensors and texts of lists together: a hundredth of a second for each twenty thousand."""
MAX_KEYS = 4096
MAX_TENSORS = 16_384
"""Ten times what the largest published file lists."""
MAX_KEPT = 4096
"""Longer lists of numbers (scores and types of tokens) are kept as their length."""
MAX_TEXT = 1024
"""Longer texts (templates of chats) are kept as their length [bytes]."""
MAX_NAME = 256
MAX_DIMENSIONS = 4
MAX_ELEMENTS = 2**62
STRING, ARRAY = 8, 9
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
"""Kinds of values and how ``struct`` calls them."""


class _Cut(Exception):  # noqa: N818 - not an error: the upload ends here
    """The bytes end."""


@lru_cache(maxsize=64)
def _pattern(form: str) -> struct.Struct:
    return struct.Struct(f"<{form}")


class _Bytes:
    """The bytes with the place that is read next."""

    def __init__(self, data: bytes, field: str) -> None:
        self.data, self.end, self.at = data, len(data), 0
        self.field, self.entries = field, 0

    def refuse(self, reason: str) -> InvalidInputError:
        return InvalidInputError(
            f"{self.field}: not a GGUF header that can be read ({reason})", field=self.field
        )

    def count(self, entries: int = 1) -> None:
        self.entries += entries
        if self.entries > MAX_ENTRIES:
            raise self.refuse(f"more than {MAX_ENTRIES} entries")

    def take(self, size: int) -> int:
        """Passes over so many bytes; where they began."""
        start = self.at
        if start + size > self.end:
            raise _Cut
        self.at = start + size
        return start

    def unpack(self, form: str) -> tuple[Any, ...]:
        """Values in the order that ``struct`` spells."""
        pattern = _pattern(form)
        start = self.at
        self.at = start + pattern.size
        if self.at > self.end:
            raise _Cut
        return pattern.unpack_from(self.data, start)

    def text(self, most: int) -> str | int:
        """A text, or its length where it is longer than ``most``."""
        (length,) = self.unpack("Q")
        start = self.take(length)
        if length > most:
            return int(length)
        try:
            return self.data[start : self.at].decode("utf-8")
        except UnicodeDecodeError as error:
            raise self.refuse("a text that is not UTF-8") from error

    def name(self, what: str) -> str:
        name = self.text(MAX_NAME)
        if not isinstance(name, str):
            raise self.refuse(f"the name of a {what} is longer than {MAX_NAME} bytes")
        return name


def read_gguf_header(data: bytes, field: str = FIELD) -> GgufHeader:
    """What the first bytes of a GGUF file say; they may end anywhere after the first keys.

    Raises:
        InvalidInputError: not a GGUF file, or one that contradicts itself or is larger than any real one.
    """
    if len(data) < 24 or data[:4] != MAGIC:
        msg = f"{field}: must be the first bytes of a GGUF file (they begin with GGUF)"
        raise InvalidInputError(msg, field=field)
    source = _Bytes(data, field)
    source.at = 4
    version, tensors, keys = source.unpack("IQQ")
    _check_counts(source, version, tensors, keys)
    values: dict[str, Any] = {}
    try:
        for _ in range(keys):
            name, value = _pair(source)
            if name in values:
                raise source.refuse(f"the key {name!r} twice")
            values[name] = value
        listed = _tensors(source, tensors)
    except _Cut:
        return GgufHeader(values=values, tensors=None)
    return GgufHeader(values=values, tensors=listed)


def _check_counts(source: _Bytes, version: int, tensors: int, keys: int) -> None:
    if version not in VERSIONS:
        hint = "; its bytes stand in the other order" if version >> 16 else ""
        raise source.refuse(f"version {version}, read are {VERSIONS[0]} and {VERSIONS[1]}{hint}")
    for what, count, most in (("tensors", tensors, MAX_TENSORS), ("keys", keys, MAX_KEYS)):
        if count > most:
            raise source.refuse(f"{count} {what}; at most {most}")


def _pair(source: _Bytes) -> tuple[str, Any]:
    source.count()
    name = source.name("key")
    (kind,) = source.unpack("I")
    if kind == STRING:
        return name, source.text(MAX_TEXT)
    if kind == ARRAY:
        return name, _list(source, name)
    if kind not in SCALARS:
        raise source.refuse(f"the value of {name!r} is of an unknown kind {kind}")
    return name, source.unpack(SCALARS[kind])[0]


def _list(source: _Bytes, name: str) -> list[Any] | int:
    """A list of numbers if it is short; else its length. Lists of lists are written by no tool."""
    kind, length = source.unpack("IQ")
    if kind == ARRAY:
        raise source.refuse(f"{name!r} is a list of lists")
    if kind == STRING:
        _skip_texts(source, length)
        return int(length)
    if kind not in SCALARS:
        raise source.refuse(f"{name!r} lists values of an unknown kind {kind}")
    size = struct.calcsize(f"<{SCALARS[kind]}") * length
    if length > MAX_KEPT:
        source.take(size)
        return int(length)
    source.count(length)
    return list(struct.unpack_from(f"<{length}{SCALARS[kind]}", source.data, source.take(size)))


def _skip_texts(source: _Bytes, count: int) -> None:
    """Passes over texts, each with its length before it."""
    data, end, at = source.data, len(source.data), source.at
    source.count(min(count, (end - at) // 8 + 1))
    read: Callable[..., tuple[int]] = struct.Struct("<Q").unpack_from
    for _ in range(count):
        if at + 8 > end:
            raise _Cut
        at += 8 + read(data, at)[0]
    if at > end:
        raise _Cut
    source.at = at


def _tensors(source: _Bytes, count: int) -> tuple[GgufTensor, ...]:
    listed: dict[str, GgufTensor] = {}
    for _ in range(count):
        source.count()
        tensor = _tensor(source)
        if tensor.name in listed:
            raise source.refuse(f"the tensor {tensor.name!r} twice")
        listed[tensor.name] = tensor
    return tuple(listed.values())


def _tensor(source: _Bytes) -> GgufTensor:
    name = source.name("tensor")
    (dimensions,) = source.unpack("I")
    if not 0 < dimensions <= MAX_DIMENSIONS:
        raise source.refuse(f"tensor {name!r} has {dimensions} dimensions")
    *shape, number, _ = source.unpack(f"{dimensions}QIQ")
    kind = file_types().types.get(number)
    if kind is None:
        raise source.refuse(f"tensor {name!r} is of an unknown type {number}")
    elements = prod(shape)
    if not 0 < elements < MAX_ELEMENTS or shape[0] % kind.elements:
        raise source.refuse(f"tensor {name!r} of type {kind.name} cannot have the shape {tuple(shape)}")
    return GgufTensor(name, kind.name, tuple(shape), elements, elements // kind.elements * kind.bytes)
