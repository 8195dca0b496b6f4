"""Quantities by their quantiles: 10 at level 0, 30 at 1/2, 40 at 1."""

from math import exp

import pytest

from llm_calc.core.workloads.draws import Draw, around, level_of, pause

THREE = Draw((0.0, 0.5, 1.0), (10.0, 30.0, 40.0))


@pytest.mark.parametrize(
    ("level", "value"), [(0.0, 10), (0.25, 20), (0.49, 29.6), (0.5, 30), (0.75, 35), (1.0, 40)]
)
def test_between_two_levels(level: float, value: float) -> None:
    assert THREE.at(level) == pytest.approx(value)


def test_mean_and_most() -> None:
    """Half of (10 + 30) / 2 and half of (30 + 40) / 2."""
    assert (THREE.mean, THREE.most) == (0.5 * 20 + 0.5 * 35, 40.0)


def test_a_level_that_is_given_twice_is_a_jump() -> None:
    jump = Draw((0.0, 0.5, 0.5, 1.0), (1.0, 1.0, 9.0, 9.0))
    assert [jump.at(level) for level in (0.25, 0.499, 0.5, 0.75)] == [1.0, 1.0, 9.0, 9.0]
    assert jump.mean == 5.0
    assert Draw((0.5, 0.5), (3.0, 4.0)).at(0.5) == 4.0


def test_evenly_around_a_mean() -> None:
    draw = around(100.0, 0.2)
    assert [draw.at(level) for level in (0.0, 0.5, 1.0)] == pytest.approx([80, 100, 120])
    assert draw.mean == pytest.approx(100)


def test_levels_go_round() -> None:
    """The golden ratio's fraction for each session, that of the square root of 11 for each turn, modulo one."""
    golden, eleven = 0.6180339887498949, 0.3166247903553998
    assert level_of(0, 0, 0) == 0.0
    assert level_of(0, 1, 0) == pytest.approx(golden)
    assert level_of(0, 2, 0) == pytest.approx(2 * golden - 1)
    assert level_of(0, 0, 2) == pytest.approx(2 * eleven)
    assert level_of(0, 3, 4) == pytest.approx(3 * golden + 4 * eleven - 3)
    squares = (2, 3, 5)
    assert [level_of(kind, 1, 0) for kind in (1, 2, 3)] == pytest.approx([each**0.5 % 1 for each in squares])
    turns = (13, 17, 23)
    assert [level_of(kind, 0, 1) for kind in (1, 2, 3)] == pytest.approx([each**0.5 % 1 for each in turns])


def test_pauses_are_exponential() -> None:
    """Their median is ln 2 of the mean; the level 1 - 1/e is the mean; the longest is that of one in a milliard."""
    assert pause(10.0, 0.0) == 0.0
    assert pause(10.0, 0.5) == pytest.approx(6.931471805599453)
    assert pause(10.0, 1 - exp(-1)) == pytest.approx(10.0)
    assert pause(10.0, 1.0) == pytest.approx(207.23265836946411)
