"""Names of models as people say them: without a version, or without what is active of a mixture (``glm air``).

A name is cut into words: the line (``qwen``, ``coder``), its version (``3.5``, ``v4``) and its size (``30b``). A name
means the models whose line begins alike and holds all of its words. Where they differ in the version alone, the newest
is meant.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from llm_calc.core.names import normal_name

_SPOKEN = re.compile(r"^[a-z]+$")
_JOINED = re.compile(r"^([a-z]{2,})(\d+(?:\.\d+)?)$")
_VERSION = re.compile(r"^v?(\d{1,2}(?:\.\d+)?)$")
_SIZE = re.compile(r"^\d+(?:\.\d+)?[bmt]$|^\d+x\d+b$")
_UNSAID = re.compile(r"^a\d+(?:\.\d+)?[bm]$|^\d+e$|^\d{4}$")
"""What is active, the number of experts, a date: seldom said, and telling no two lines apart."""
LIKE_SIZE = 1.15
"""Models of one line whose sizes differ by less are releases of one size (31 and 35 billions)."""
OTHER_SIZE = 0.5
"""A name that says less than half or more than twice its model's size says something else with that word."""
_TALK = frozenset(("instruct", "it", "chat", "model"))
"""Words of what was trained on, which shape does not follow."""


@dataclass(frozen=True, slots=True)
class Words:
    """A name in its words."""

    line: tuple[str, ...]
    versions: tuple[str, ...]
    sizes: tuple[str, ...]

    def holds(self, other: "Words") -> bool:
        """Whether the line begins alike and all that ``other`` says is said here."""
        return (
            self.line[:1] == other.line[:1]
            and set(other.line) <= set(self.line)
            and set(other.versions) <= set(self.versions)
            and set(other.sizes) <= set(self.sizes)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """What a name may mean. ``name``: the one model, None where several are; ``others``: the rest, newest first."""

    name: str | None
    others: tuple[str, ...]


@lru_cache(maxsize=4096)
def words_of(name: str) -> Words:
    """A name in its words.

    >>> words_of("Qwen3-30B-A3B"), words_of("qwen 30b").line
    (Words(line=('qwen',), versions=('3',), sizes=('30b',)), ('qwen',))
    """
    line, versions, sizes = [], [], []
    for each in normal_name(name).split("-"):
        joined = _JOINED.match(each)
        first, number = joined.groups() if joined else (each, "")
        version = _VERSION.match(number or first)
        if joined:
            line.append(first)
        if version:
            versions.append(version[1])
        elif _SIZE.match(each):
            sizes.append(each)
        elif not _UNSAID.match(each) and each not in _TALK:
            line.append(each)
    return Words(tuple(line), tuple(versions), tuple(sizes))


def meant(name: str, owners: Mapping[str, str], billions: Mapping[str, float]) -> Meant:
    """What a name may mean; ``owners``: the entry of each name, ``billions``: parameters of each entry.

    With a size, one that says more words of a line (``qwen3-vl-32b`` for ``qwen 32b``) is left out where one that says
    none is there. The newest is meant only where all are of one size: ``glm flash`` may have 30 billions or 320.
    """
    asked = words_of(name)
    if not asked.line or not _SPOKEN.match(asked.line[0]) or "/" in name or ":" in name:
        return Meant(name=None, others=())
    said = ((key, words_of(key)) for key in owners if "/" not in key)
    holding = [
        each for each in said if each[1].holds(asked) and _is_its_size(each[1], billions[owners[each[0]]])
    ]
    plain = [each for each in holding if len(each[1].line) == len(asked.line)]
    return _newest(plain if plain and asked.sizes else holding, owners, billions)


def _is_its_size(words: Words, billions: float) -> bool:
    """Whether a name says the size of its model: ``qwen-1-8b`` is one of 1.8 billions."""
    said = [float(size[:-1]) for size in words.sizes if size.endswith("b") and "x" not in size]
    return not said or (min(said) >= OTHER_SIZE * billions and max(said) * OTHER_SIZE <= billions)


def _newest(
    holding: Iterable[tuple[str, Words]], owners: Mapping[str, str], billions: Mapping[str, float]
) -> Meant:
    """Of each entry its newest name, its own or the shortest of several; the newest entry where all are of one size."""
    best: dict[str, tuple[str, Words]] = {}
    ordered = sorted(holding, key=lambda each: (_version(each[1]), owners[each[0]] == each[0], -len(each[0])))
    for key, words in ordered:
        best[owners[key]] = (key, words)
    found = sorted(best.values(), key=lambda each: _version(each[1]), reverse=True)
    keys = tuple(key for key, _ in found)
    sizes = [billions[owners[key]] for key in keys]
    apart = len(found) == 1 or (len(found) > 1 and _version(found[0][1]) > _version(found[1][1]))
    one = apart and len({words.line for _, words in found}) == 1 and max(sizes) <= LIKE_SIZE * min(sizes)
    return Meant(name=keys[0], others=keys[1:]) if one else Meant(name=None, others=keys)


def _version(words: Words) -> tuple[float, ...]:
    return tuple(sorted(map(float, words.versions), reverse=True))
