"""Loads that are tried where closed forms say little: by halves down to one, by doubles up to the last."""

from itertools import pairwise

import pytest

from llm_calc.core.planning.split import LOADS
from llm_calc.core.planning.tries import ever_more, falling_loads, first_above, loads_between


@pytest.mark.parametrize("largest", [1.0, 5.0, 37.0, 512.0, 4096.0])
def test_wide_loads_fall_by_half_at_least_and_end_with_one(largest: float) -> None:
    found = falling_loads(largest, wide=True)
    assert found[0] == falling_loads(largest)[0]
    assert found[-1] == 1
    assert all(2 * later <= earlier for earlier, later in pairwise(found))
    assert all(each in LOADS for each in found)


@pytest.mark.parametrize(("first", "most"), [(1, 1), (3, 40), (1, 4096)])
def test_wide_replicas_double_up_to_the_last_that_is_allowed(first: int, most: int) -> None:
    found = list(ever_more(first, most, wide=True))
    assert found[0] == first
    assert found[-1] == most
    assert all(later == min(2 * earlier, most) for earlier, later in pairwise(found))


def test_what_was_stepped_over_lies_between() -> None:
    falling = falling_loads(37.0, wide=True)
    kept = falling[2]
    between = loads_between(kept, first_above(falling, kept))
    assert between == [each for each in falling_loads(37.0)[::-1] if kept < each < falling[1]]
    assert first_above(falling, falling[0]) == falling[0]
