"""Keys that a JSON object says twice: readers take the last value in silence, so they are refused by both places."""

import json
import re
from collections.abc import Iterator
from typing import Any

from pydantic_core import from_json

from llm_calc.core.errors import InvalidInputError

_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s"{}\[\],:]+')
_MOST_SHOWN = 60


class SaidTwiceError(InvalidInputError):
    """An object says a key twice."""


class _TwiceError(Exception):
    """The same, found while the text is read."""


def json_once(text: bytes | str, *, allow_inf_nan: bool = True, where: str = "") -> Any:  # noqa: ANN401 - whatever JSON holds
    """Decode JSON whose objects say each key once. ``where``: what the path of a refusal begins with.

    Raises:
        ValueError: it is no JSON, or holds NaN or an infinity that is not allowed.
        SaidTwiceError: a key is said twice; names its path, both values and both lines.
    """
    decoded = from_json(text, allow_inf_nan=allow_inf_nan)
    refuse_twice(text, decoded, where)
    return decoded


def refuse_twice(text: bytes | str, decoded: object, where: str = "") -> None:
    """Refuse a text, JSON that was read as ``decoded``, if an object of it says a key twice.

    Each member has a colon: where there are no more colons than members were read, none was lost.

    Raises:
        SaidTwiceError: a key is said twice.
    """
    colons = text.count(b":") if isinstance(text, bytes) else text.count(":")
    if colons == _members(decoded):
        return
    letters = text.decode("utf-8") if isinstance(text, bytes) else text
    try:
        json.loads(letters, object_pairs_hook=_once, parse_int=str, parse_float=str)
    except _TwiceError:
        path, first, last = next(_places(letters))
        both = f"{_shown(letters, first)} and {_shown(letters, last)}"
        msg = f"{_joined(where, path)}: is said twice, {both}; say it once"
        raise SaidTwiceError(msg, field=_joined(where, path)) from None


def _members(value: object) -> int:
    """How many members all objects in a value have."""
    if isinstance(value, dict):
        return len(value) + sum(map(_members, value.values()))
    return sum(map(_members, value)) if isinstance(value, list) else 0


def _once(pairs: list[tuple[str, object]]) -> None:
    if len({key for key, _ in pairs}) < len(pairs):
        raise _TwiceError


def _places(text: str) -> Iterator[tuple[str, int, int]]:
    """The path of each key that is said again, with where its values begin: the one before, and this one."""
    steps: list[str] = []
    known: list[Any] = []  # of an object its keys so far, of a list the index
    last, key = "", ""
    for token in _TOKENS.finditer(text):
        mark = token.group()
        if mark == ":":
            key = json.loads(last)
            at = known[-1]
            if key in at:
                yield _path([*steps, _step(at, key)]), at[key], token.end()
            at[key] = token.end()
        elif mark in "{[":
            if known:
                steps.append(_step(known[-1], key))
            known.append({} if mark == "{" else 0)
        elif mark in "}]":
            known.pop()
            del steps[max(0, len(known) - 1) :]
        elif mark == "," and isinstance(known[-1], int):
            known[-1] += 1
        last = mark


def _step(at: object, key: str) -> str:
    return f"[{at}]" if isinstance(at, int) else key or '""'


def _path(steps: list[str]) -> str:
    """Steps as a path.

    >>> _path(["a", "[0]", "b"])
    'a[0].b'
    """
    return "".join(each if each.startswith("[") else f".{each}" for each in steps).lstrip(".")


def _joined(where: str, path: str) -> str:
    return f"{where}.{path}" if where else path


def _shown(text: str, start: int) -> str:
    """The value that begins behind a colon, cut where it is long, with its line."""
    value = text[start:].lstrip()
    line = text.count("\n", 0, len(text) - len(value)) + 1
    _, end = json.JSONDecoder().raw_decode(value)
    short = " ".join(value[:end].split())
    short = short if len(short) <= _MOST_SHOWN else f"{short[:_MOST_SHOWN]}…"
    return f"as {short} in line {line}"
