"""How many replicas a search tries, and how many the limits allow."""

import math
from itertools import pairwise

import pytest

from llm_calc.core.planning.bounds import Limits
from llm_calc.core.planning.tries import LOAD_TRIES, affordable, ever_more


@pytest.mark.parametrize(("first", "most"), [(1, 1), (1, 3), (15, 17), (15, 18), (15, 19), (40, 1000)])
def test_more_replicas_are_tried_up_to_the_last_that_is_allowed(first: int, most: int) -> None:
    tried = list(ever_more(first, most))
    assert tried[0] == first
    assert max(tried) <= most
    assert all(earlier < later <= max(earlier + 1, 1.25 * earlier) for earlier, later in pairwise(tried))
    assert tried[-1] == most or len(tried) == LOAD_TRIES


@pytest.mark.parametrize("owned", [10, 11, 24])
def test_replicas_of_two_gpus_fill_whole_numbers_of_gpus_beside_spares(owned: int) -> None:
    """``floor(owned / 2)`` replicas, of which one stands by; at 3 USD a GPU as many for the rent."""
    free, rent = Limits(gpus=owned), Limits(gpus=4096, usd_per_hour=3.0 * owned)
    assert affordable(free, 2, math.inf, 1) == affordable(rent, 2, 3.0, 1) == owned // 2 - 1
    assert affordable(rent, 2, math.inf, 0) == 0


def test_more_spares_than_may_be_leave_none() -> None:
    # Ten GPUs are two replicas of four; of three that stand by none is left, and no fewer than none.
    assert [affordable(Limits(gpus=10), 4, math.inf, spare) for spare in (0, 1, 2, 3)] == [2, 1, 0, 0]


def test_the_shorter_of_both_limits_counts_to_the_last_cent() -> None:
    # At 0.1 USD an hour three GPUs cost 0.3, a float above 0.3 by its last digit; 0.59 pays for one, 0.6 for two.
    rents = [affordable(Limits(gpus=4, usd_per_hour=usd), 1, 0.3, 0) for usd in (0.29, 0.3, 0.59, 0.6, 90.0)]
    assert rents == [0, 1, 1, 2, 4]
    assert affordable(Limits(usd_per_hour=0.3), 3, 0.1, 0) == 1
    # What costs nothing is limited by GPUs alone.
    assert affordable(Limits(gpus=7, usd_per_hour=1.0), 2, 0.0, 0) == 3


def test_first_tries_of_replicas() -> None:
    # One and a quarter, at least one more; four tries at most, and none beyond what is allowed.
    assert list(ever_more(1, 100)) == [1, 2, 3, 4]
    assert list(ever_more(8, 100)) == [8, 10, 12, 15]
    assert list(ever_more(8, 11)) == [8, 10, 11]
    assert list(ever_more(5, 3)) == [5]
