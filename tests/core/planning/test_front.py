"""Pareto fronts against their definition."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from llm_calc.core.planning.front import is_beaten, pareto_front, spread

POINTS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=30)


@given(POINTS)
def test_front_is_what_nothing_beats(points: list[tuple[int, int]]) -> None:
    first, second = (np.array(column, dtype=np.float64) for column in zip(*points, strict=True))
    chosen = [points[index] for index in pareto_front(first, second)]
    beaten = {a for a in points for b in points if b != a and b[0] >= a[0] and b[1] >= a[1]}
    assert set(chosen) == set(points) - beaten
    assert len(set(chosen)) == len(chosen)
    assert chosen == sorted(chosen, reverse=True)


def test_unknown_points_are_left_out() -> None:
    assert pareto_front(np.array([np.nan, 1.0, np.inf]), np.array([9.0, 1.0, 1.0])) == [1]


@given(POINTS, POINTS)
def test_beaten_is_what_something_else_has_more_of_both_than(
    points: list[tuple[int, int]], others: list[tuple[int, int]]
) -> None:
    own, other = (np.array(each, dtype=np.float64).T for each in (points, others))
    expected = [any(b[0] > a[0] and b[1] > a[1] for b in others) for a in points]
    assert is_beaten(*own, *other).tolist() == expected


def test_nothing_is_beaten_by_points_that_are_not_known() -> None:
    beaten = is_beaten(np.array([1.0]), np.array([1.0]), np.array([2.0, np.inf]), np.array([np.nan, 2.0]))
    assert beaten.tolist() == [False]
    assert is_beaten(np.array([1.0]), np.array([1.0]), np.empty(0), np.empty(0)).tolist() == [False]


@given(st.lists(st.integers(), min_size=1, max_size=50, unique=True), st.integers(2, 10))
def test_spread_keeps_both_ends(indices: list[int], most: int) -> None:
    found = spread(indices, most)
    assert len(found) <= most
    assert (found[0], found[-1]) == (indices[0], indices[-1])
