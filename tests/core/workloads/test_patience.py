"""A run that is watched ends as soon as its limits are lost, and never where it would have kept them."""

from math import inf, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_calc.core.errors import LimitsBrokenError
from llm_calc.core.serving.traffic import PERCENTILES, percentiles_of
from llm_calc.core.workloads.patience import Patience, Watch

TIMES = st.lists(st.floats(0.001, 100), min_size=1, max_size=60)


@given(TIMES, st.floats(0.001, 100), st.sampled_from(PERCENTILES))
def test_a_watch_refuses_just_what_the_mean_or_the_percentile_refuses(
    times: list[float], limit: float, percent: int
) -> None:
    watch = Watch(Patience(ttft_s=limit, kept_fraction=percent / 100), len(times))
    value = percentiles_of(np.array(times))[PERCENTILES.index(percent)]
    kept = value <= limit and sum(times) <= limit * len(times)
    if kept:
        for each in times:
            watch.see(each, nan)
        return
    # A value between a time within and one beyond the limit may be beyond it by itself: only then a watch lets it pass.
    refused = _refused(watch, times)
    assert refused or sorted(times)[int(percent / 100 * (len(times) - 1))] <= limit


def _refused(watch: Watch, times: list[float]) -> bool:
    try:
        for each in times:
            watch.see(each, each)
    except LimitsBrokenError:
        return True
    return False


def test_it_ends_with_the_first_request_too_many() -> None:
    # 91 of 900 beyond a limit put the ninetieth percentile beyond it: place 809 of 0..899.
    watch = Watch(Patience(tpot_s=0.1, kept_fraction=0.9), 900)
    for _ in range(90):
        watch.see(0.0, 0.2)
    with pytest.raises(LimitsBrokenError):
        watch.see(0.0, 0.2)


def test_without_limits_it_never_ends_a_run() -> None:
    watch = Watch(Patience(kept_fraction=0.9), 3)
    for _ in range(9):
        watch.see(1e6, 1e6)
    assert Patience().most_late(5) == inf


@pytest.mark.parametrize(("fraction", "bad"), [(0.9, 10), (0.99, 1), (1.0, 0), (0.0, 100), (0.5, 50)])
def test_a_run_ends_with_the_first_request_too_many_that_misses_a_target(fraction: float, bad: int) -> None:
    """Of 100 requests so many may miss one; no mean is asked for."""
    patience = Patience(target_ttft_s=1.0, target_tpot_s=0.1, good_fraction=fraction)
    watch = Watch(patience, 100)
    for number in range(bad):
        watch.see(50.0 if number % 2 else 0.5, 0.2)
    watch.see(1.0, 0.1)
    watch.see(1.0, nan)
    if bad < 100:
        with pytest.raises(LimitsBrokenError):
            watch.see(1.0, 0.11)
