"""Releases of engines: how a version is written, and which release of the catalog answers for it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from llm_calc.core.errors import InvalidInputError

MOST_NUMBERS = 4
_WRITTEN = re.compile(
    r"[vVbB]?(?P<numbers>\d{1,9}(?:\.\d{1,9}){0,3})(?P<marks>(?:[.\-_]?(?:a|b|rc|post|dev|alpha|beta)[.\-]?\d*)*)(?:\+[\w.\-]+)?(?:-[0-9a-f]{7,40})?"
)
_WEIGHTS = (1e9, 1e6, 1e3, 1.0)

Numbers = tuple[int, ...]


class Ranged(Protocol):
    """A release of the catalog: the versions that its rules hold for, first and last."""

    @property
    def since(self) -> str:
        """The first version."""
        ...

    @property
    def until(self) -> str:
        """The last version."""
        ...


class Tagged(Ranged, Protocol):
    """Besides, where builds are counted: the tags of numbered releases, such as v0.5.0, that the rules hold for."""

    @property
    def tags(self) -> Sequence[str] | None:
        """The first and the last tag."""
        ...


@dataclass(frozen=True, slots=True)
class _Tags:
    since: str
    until: str


@dataclass(frozen=True, slots=True)
class Nearest:
    """Where a version lies of the release that answers for it: -1 before it, 0 within it, 1 beyond it."""

    index: int
    side: int


@lru_cache(maxsize=512)
def version_numbers(written: str) -> Numbers | None:
    """The numbers of a version [1]; None where it is none.

    Definition: ``v0.17.1`` as (0, 17, 1), ``b11549`` as (11549,), ``1.2.0rc6`` as (1, 2, 0).
    """
    found = _WRITTEN.fullmatch(written.strip())
    return tuple(int(part) for part in found["numbers"].split(".")) if found else None


def built_before(written: str) -> bool:
    """Whether it is what was built before the release of its numbers: a candidate, a test version, a development build.

    ``0.33.0rc1`` and ``0.33.1.dev12+gabc`` are, ``0.33.0.post1``, what was built before that, and ``0.33.0+cu129`` not.
    """
    found = _WRITTEN.fullmatch(written.strip())
    if found is None:
        return False
    marks = found["marks"]
    return any(mark in marks for mark in ("a", "b", "rc")) or ("dev" in marks and "post" not in marks)


def side_of_build(numbers: Numbers, release: Ranged, newest: str | None) -> int:
    """Where what was built before a release lies of the rules whose range holds its numbers [1].

    ``-1`` where it is older than the first version of the range, ``1`` where it is of after the ``newest`` release of
    all, if that is of this range; else 0.
    Definition: ``0.33.0rc1`` is older than 0.33.0, ``0.33.1.dev12`` newer, which holds what no release has yet.
    """
    if _padded(numbers) == _padded(version_numbers(release.since) or ()):
        return -1
    read = version_numbers(newest) if newest else None
    return int(read is not None and _padded(numbers) > _padded(read))


def _padded(numbers: Numbers) -> Numbers:
    return numbers + (0,) * (MOST_NUMBERS - len(numbers))


def asked_numbers(written: str, newest: str, *, tagged: bool = False) -> Numbers:
    """The numbers of a version that a request names [1]; ``tagged``: builds are counted, some have a number as well.

    Definition: as ``version_numbers``.

    Raises:
        InvalidInputError: it is written as no release of this engine is.
    """
    numbers, build = version_numbers(written), newest.startswith("b")
    named_build, dotted = written.strip().lower().startswith("b"), numbers is not None and len(numbers) > 1
    if (
        numbers is None
        or (named_build if dotted or not build else False)
        or (dotted and build and not tagged)
    ):
        short = newest.rpartition(".")[0]
        also = f", v{newest}, or {short} for all of {short}.x" if short else " with or without the b"
        also += ", or a tag such as v0.5.0" if tagged else ""
        raise InvalidInputError(
            f"engine.version: {written[:40]!r} is no release; accepted is one such as {newest}{also}; "
            "left out, it is the newest that is known",
            field="engine.version",
        )
    return numbers


def release_for(numbers: Numbers, releases: Sequence[Ranged]) -> Nearest:
    """The release whose range holds the version, the newest of several; else the nearest one.

    A short version stands for all that begin with it: 0.11 for 0.11.x.
    """
    ranges = [(version_numbers(each.since) or (), version_numbers(each.until) or ()) for each in releases]
    for index in range(len(ranges) - 1, -1, -1):
        since, until = ranges[index]
        if _compared(numbers, since) >= 0 >= _compared(numbers, until):
            return Nearest(index, 0)
    distances = [min(abs(_place(numbers) - _place(end)) for end in each) for each in ranges]
    index = min(range(len(ranges)), key=lambda each: (distances[each], -each))
    return Nearest(index, _compared(numbers, ranges[index][0]))


def release_of_tag(numbers: Numbers, releases: Sequence[Tagged]) -> Nearest:
    """The release whose tags hold a numbered version; a later one than all of them goes with the newest release."""
    places = [(index, _Tags(*each.tags)) for index, each in enumerate(releases) if each.tags is not None]
    found = release_for(numbers, [tags for _, tags in places])
    if found.side > 0 and found.index == len(places) - 1:
        return Nearest(len(releases) - 1, 1)
    return Nearest(places[found.index][0], found.side)


def _compared(one: Numbers, other: Numbers) -> int:
    """-1, 0 or 1 as far as both say."""
    length = min(len(one), len(other))
    return (one[:length] > other[:length]) - (one[:length] < other[:length])


def _place(numbers: Numbers) -> float:
    return sum(part * weight for part, weight in zip(numbers, _WEIGHTS, strict=False))
