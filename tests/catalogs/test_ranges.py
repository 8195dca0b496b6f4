"""Ranges that groups left out give, and what they are ranges of."""

from dataclasses import replace

import numpy as np
import pytest

from tools.calibrate.families import cases_by_family
from tools.calibrate.novelty import as_times
from tools.calibrate.ranges import group_range, own_range

SPREAD = np.linspace(-0.1, 0.1, 50)


def test_two_groups_that_disagree_give_twice_their_common_range_and_no_more() -> None:
    """The middle 80 % of 100 values, half of them at -0.5 +- 0.1 and half at 0.5 +- 0.1, is about -0.56 to 0.56."""
    values = np.concatenate([SPREAD - 0.5, SPREAD + 0.5])
    low, high = group_range(values, np.repeat(["one", "other"], 50))
    assert (low, high) == pytest.approx((-1.12, 1.12), abs=0.05)


def test_many_groups_widen_until_they_hold_each_other() -> None:
    """Groups at 1, 2, 4 ... of the spread: the widest is held to 80 % only by far wider ranges than the middle."""
    values = np.concatenate([SPREAD * 2**number for number in range(8)])
    groups = np.repeat([f"group {number}" for number in range(8)], 50)
    _, middle = np.quantile(values, (0.1, 0.9))
    assert group_range(values, groups)[1] >= middle


def test_one_groups_own_range_is_its_middle_and_holds_the_estimate() -> None:
    """Of an even row from 0.4 to 0.6 the 90th percentile is 0.58; all lie on one side of what was told."""
    assert own_range(SPREAD + 0.5) == pytest.approx((0.0, 0.58), abs=0.002)


def test_a_rate_that_was_predicted_too_high_is_a_time_that_was_predicted_too_low() -> None:
    case = cases_by_family()["llama.cpp"][0]
    rate, time = (
        replace(case, row=replace(case.row, metric=name)) for name in ("decode_tokens_per_s", "tpot_s")
    )
    assert as_times([rate, time], np.array([0.2, 0.2])).tolist() == [-0.2, 0.2]
