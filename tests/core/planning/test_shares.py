"""Loads that a search of layouts tries and shares out, by hand."""

import numpy as np
import pytest

from llm_calc.core.planning.split import LOADS, _shares, fewest
from llm_calc.core.planning.tries import ever_more, falling_loads


def test_open_loads_are_every_number_up_to_eight_then_a_quarter_more_each_up_to_4096() -> None:
    assert LOADS[:8].tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert LOADS[-1] == 4096
    # From 8 to 4096 are nine doublings in 27 steps: a third of a doubling each, 26 % more. 8, 10.08, 12.70, 16 …
    assert LOADS[7:11].tolist() == [8, 10, 13, 16]
    assert LOADS[10::3].tolist() == [16, 32, 64, 128, 256, 512, 1024, 2048, 4096]


def test_shares_of_ten_requests_are_those_that_whole_replicas_have() -> None:
    # Over one replica ten, over two five, over three 3.3 and so four, over four 2.5 and so three, then two and one.
    assert _shares(10).tolist() == [1, 2, 3, 4, 5, 10]


def test_a_load_falls_from_one_above_the_largest() -> None:
    assert falling_loads(5) == [6, 5, 4, 3, 2, 1]
    assert falling_loads(9) == [10, 8, 7, 6, 5, 4, 3, 2, 1]
    assert falling_loads(4096)[:2] == [4096, round(4096 / 2 ** (1 / 3))]


@pytest.mark.parametrize(
    ("first", "most", "tried"),
    [(1, 3, [1, 2, 3]), (8, 13, [8, 10, 12, 13]), (5, 5, [5]), (40, 1000, [40, 50, 62, 77])],
)
def test_a_quarter_more_is_tried_each_time(first: int, most: int, tried: list[int]) -> None:
    assert list(ever_more(first, most))[: len(tried)] == tried


def test_a_replica_less_is_worth_a_run_but_one() -> None:
    assert np.asarray(fewest(np.array([1.0, 2.0, 7.0]))).tolist() == [1, 1, 6]
