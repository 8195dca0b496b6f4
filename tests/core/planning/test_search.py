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
