"""Dotted names of modules: their parents, runs of their parts, experts in them."""

import re
from functools import lru_cache

_ONE_EXPERT = re.compile(r"\bexperts\.(\d{1,6})(?=\.|$)")


def holder_and_name(path: str) -> tuple[str, str]:
    """A name cut behind its last dot."""
    holder, dot, name = path.rpartition(".")
    return holder + dot, name


def beginnings(path: str) -> tuple[str, ...]:
    """The parents of a name and itself."""
    names = path.split(".")
    return tuple(".".join(names[:end]) for end in range(1, len(names) + 1))


@lru_cache(maxsize=8192)
def runs_of(path: str) -> tuple[str, ...]:
    """Every run of whole parts of a dotted path."""
    names = path.split(".")
    ends = range(1, len(names) + 1)
    return tuple(".".join(names[start:end]) for end in ends for start in range(end))


def as_first(path: str) -> str:
    """A name with its expert's number taken for the first."""
    return _ONE_EXPERT.sub("experts.0", path)


def expert_of(path: str) -> int | None:
    """The number of the expert that a name is of."""
    found = _ONE_EXPERT.search(path)
    return None if found is None else int(found[1])
