"""The simulation from event to event beside an engine that leaves nothing out."""

import os
from collections.abc import Callable
from itertools import zip_longest

import numpy as np
import pytest

from tests.core.workloads.cases import Case, case, exact, of_several, simulated

TIME, HITS = 0.03, 0.02
QUICK = range(24)
ALL = range(200)
CHAOTIC_FRACTION = 0.03
"""Runs of few requests in which a request that comes a microsecond before a step or after it decides what follows: both
engines then answer for another order of the same load, and their means differ by more than the tolerance. That it is no
bias is held by the mean over all."""


def errors(
    seeds: range, drawn: Callable[[int], Case] = case
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Of each load: TTFT and TPOT over those of the reference, less 1; the largest difference of a hit rate."""
    found = []
    for seed in seeds:
        one = drawn(seed)
        fast, slow = simulated(one), exact(one)
        hits = max(abs(a - b) for a, b in zip_longest(fast.hits, slow.hits, fillvalue=0.0))
        found.append((fast.ttft_s / slow.ttft_s - 1, fast.tpot_s / slow.tpot_s - 1, hits))
    return np.array(found)


def check(found: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> None:
    size = np.abs(found)
    within = (size[:, 0] <= TIME) & (size[:, 1] <= TIME) & (size[:, 2] <= HITS)
    assert np.sum(~within) <= max(1, CHAOTIC_FRACTION * len(found))
    assert np.all(np.abs(found.mean(axis=0)) <= (0.002, 0.001, 0.001))


@pytest.mark.no_cover
def test_small_loads_are_answered_as_step_by_step() -> None:
    check(errors(QUICK))


@pytest.mark.slow
@pytest.mark.skipif(os.environ.get("REFERENCE") != "all", reason="two minutes: REFERENCE=all takes all loads")
def test_two_hundred_small_loads_are_answered_as_step_by_step() -> None:
    """Measured: 198 of 200 within 3 % and 2 points; mean error 0.06 % of TTFT, 0.01 % of TPOT, 0.03 points of hits."""
    check(errors(ALL))


@pytest.mark.no_cover
def test_small_loads_of_several_classes_and_arrivals_are_answered_as_step_by_step() -> None:
    check(errors(QUICK, of_several))


@pytest.mark.slow
@pytest.mark.skipif(os.environ.get("REFERENCE") != "all", reason="two minutes: REFERENCE=all takes all loads")
def test_two_hundred_of_several_classes_and_arrivals_are_answered_as_step_by_step() -> None:
    check(errors(ALL, of_several))
