"""How a version is written, and which release answers for it."""

from dataclasses import dataclass

import pytest

from llm_calc.core.engines.releases import (
    Nearest,
    asked_numbers,
    built_before,
    release_for,
    release_of_tag,
    side_of_build,
    version_numbers,
)
from llm_calc.core.errors import InvalidInputError


@dataclass(frozen=True)
class Release:
    """A range of versions."""

    since: str
    until: str


KNOWN = (
    Release("0.11", "0.13"),
    Release("0.16", "0.16"),
    Release("0.17.0", "0.17.1"),
    Release("0.17.2", "0.33"),
)


@pytest.mark.parametrize(
    ("written", "numbers"),
    [
        ("0.33.0", (0, 33, 0)),
        ("v0.17.1", (0, 17, 1)),
        ("b11549", (11549,)),
        ("11549", (11549,)),
        ("1.2.0rc6", (1, 2, 0)),
        ("1.2.0-rc6", (1, 2, 0)),
        ("0.5.4.post1", (0, 5, 4)),
        ("0.19.0.dev12+gabc123", (0, 19, 0)),
        ("0.20.2+cu129", (0, 20, 2)),
        ("0.5.9rc0.post1", (0, 5, 9)),
        ("V0.33.0", (0, 33, 0)),
        ("B11549", (11549,)),
        ("b11549-0c1e57098", (11549,)),
        ("0.5.23.post1", (0, 5, 23)),
        ("1.2.0rc3", (1, 2, 0)),
        ("latest", None),
        ("nightly", None),
        ("0..1", None),
        ("1.2.3.4.5", None),
    ],
)
def test_versions_as_engines_write_them(written: str, numbers: tuple[int, ...] | None) -> None:
    assert version_numbers(written) == numbers


@pytest.mark.parametrize(
    ("version", "index", "side"),
    [
        ("0.11", 0, 0),
        ("0.13.4", 0, 0),
        ("0.14", 0, 1),
        ("0.15", 1, -1),
        ("0.16.0", 1, 0),
        ("0.17.1", 2, 0),
        ("0.17", 3, 0),  # of all that begin so, the newest
        ("0.17.2", 3, 0),
        ("0.33.9", 3, 0),
        ("0.34", 3, 1),
        ("1", 3, 1),
        ("0.2", 0, -1),
        ("0", 3, 0),
    ],
)
def test_the_range_or_the_nearest(version: str, index: int, side: int) -> None:
    assert release_for(version_numbers(version) or (), KNOWN) == Nearest(index, side)


@dataclass(frozen=True)
class Build(Release):
    """A range of builds, and the numbered releases in it."""

    tags: tuple[str, str] | None = None


BUILDS = (
    Build("b6000", "b7400"),
    Build("b10622", "b11400", ("0.3", "0.5")),
    Build("b11401", "b11549"),
)


@pytest.mark.parametrize(
    ("version", "index", "side"),
    [
        ("v0.5.0", 1, 0),
        ("0.5", 1, 0),
        ("0.4.1", 1, 0),
        ("v0.2.0", 1, -1),
        ("v0.6.1", 2, 1),
        ("1.0", 2, 1),
    ],
)
def test_numbered_releases_of_builds(version: str, index: int, side: int) -> None:
    numbers = asked_numbers(version, "b11549", tagged=True)
    assert release_of_tag(numbers, BUILDS) == Nearest(index, side)


def test_no_build_has_a_dot() -> None:
    with pytest.raises(InvalidInputError, match=r"or a tag such as v0\.5\.0"):
        asked_numbers("b0.5", "b11549", tagged=True)


@pytest.mark.parametrize(("version", "newest"), [("b12", "0.33.0"), ("0.9.1", "b11549"), ("one", "b11549")])
def test_versions_of_another_kind_are_refused(version: str, newest: str) -> None:
    with pytest.raises(InvalidInputError, match=f"accepted is one such as {newest}"):
        asked_numbers(version, newest)


@pytest.mark.parametrize(
    ("written", "before"),
    [
        ("0.33.0rc1", True),
        ("0.33.1.dev12+gabc", True),
        ("0.33.0a1", True),
        ("0.33.0-beta.2", True),
        ("1.2.0rc6.post3", True),
        ("0.33.0", False),
        ("0.33.0.post1", False),
        ("0.33.0.post1.dev2", False),
        ("0.33.0+cu129", False),
        ("b11549", False),
        ("nightly", False),
    ],
)
def test_what_was_built_before_its_release(written: str, before: bool) -> None:
    assert built_before(written) is before


@pytest.mark.parametrize(
    ("numbers", "newest", "side"),
    [
        ((0, 17, 2), "0.33.0", -1),
        ((0, 20, 0), "0.33.0", 0),
        ((0, 33, 0), "0.33.0", 0),
        ((0, 33, 1), "0.33.0", 1),
        ((0, 33, 1), None, 0),
    ],
)
def test_builds_before_releases_lie_before_the_first_or_after_the_last_that_was_read(
    numbers: tuple[int, ...], newest: str | None, side: int
) -> None:
    """0.17.2rc1 is older than 0.17.2; 0.33.1.dev12 holds what came after 0.33.0, which was read."""
    assert side_of_build(numbers, KNOWN[3], newest) == side
