"""Targets: who keeps them, and what they say of means."""

from math import inf, nan

import numpy as np
import pytest

from llm_calc.core.planning.bounds import Limits
from llm_calc.core.planning.targets import Targets, aimed_at, loosest

SHORT = Targets(share_fraction=0.75, ttft_s=0.1)
LONG = Targets(share_fraction=0.25, ttft_s=0.6, tpot_s=0.02)
LIMITS = Limits(ttft_s=5.0, tpot_s=0.01)


def test_bounds_take_means_of_targets_where_most_have_to_keep_them() -> None:
    """Three quarters have 0.1 s and a quarter 0.6 s, twice as long; only one of both has one for times a token."""
    found = aimed_at(LIMITS, [SHORT, LONG], 0.9)
    assert found.ttft_s == pytest.approx(2 * (0.75 * 0.1 + 0.25 * 0.6))
    assert found.tpot_s == 0.01
    assert aimed_at(LIMITS, [SHORT, LONG], 0.4) == LIMITS


def test_no_request_is_good_beyond_the_longest_target() -> None:
    assert loosest([SHORT, LONG], "ttft_s") == 0.6
    assert loosest([SHORT, LONG], "tpot_s") == inf


def test_a_request_is_good_that_keeps_all_of_it() -> None:
    first, each, whole = np.array([0.5, 0.7, 0.6, 0.1]), np.array([0.02, 0.01, nan, 0.03]), np.ones(4)
    assert LONG.kept_fraction(first, each, whole) == 0.5
    assert LONG.kept_fraction(first[:0], each[:0], whole[:0]) is None
    assert Targets(request_latency_s=0.5).kept_fraction(first, each, whole) == 0.0
    assert (LONG.given, Targets().given) == (True, False)
