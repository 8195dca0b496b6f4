"""Which loads, and how many replicas, a search tries of one candidate."""

import math
from collections.abc import Iterator, Sequence

from llm_calc.core.planning.bounds import Limits
from llm_calc.core.planning.split import LOADS

LOAD_TRIES = 4
WIDE_TRIES = 13
"""Doublings of replicas, from one to 4096."""
ROUNDING = 1e-9
"""Part of a replica by which a rent may lie above its limit: it is a product of floats."""
STEP = 4
"""Replicas of which one more is tried at a time; the fewest that hold are found between."""


def affordable(limits: Limits, gpus: float, usd_per_gpu_hour: float, spare: int) -> int:
    """The most replicas of so many GPUs that the limits allow besides spare ones; 0 where none [replicas].

    Definition: the whole part of each limit over what a replica takes.
    """
    most = limits.gpus / gpus
    if math.isfinite(limits.usd_per_hour):
        most = min(most, limits.usd_per_hour / max(usd_per_gpu_hour * gpus, ROUNDING) + ROUNDING)
    return max(0, math.floor(most) - spare)


def ever_more(first: int, most: int, *, wide: bool = False) -> Iterator[int]:
    """The numbers that are tried, a quarter more each; ``most`` itself where a step leads over it [replicas].

    Definition: each plus a quarter of it, at least one; ``wide``: each twice the one before it, as far as ``most``.
    """
    replicas = first
    for _ in range(WIDE_TRIES if wide else LOAD_TRIES):
        yield replicas
        if replicas >= most:
            return
        replicas = min(replicas + max(1, replicas // (1 if wide else STEP)), most)


def falling_loads(largest: float, *, wide: bool = False) -> list[int]:
    """The loads that are tried where it is open, from one above ``largest`` downwards [requests].

    Definition: those of ``LOADS``; ``wide``: of these the first and each that is at most half
    of the one before it, down to a single request.
    """
    above = LOADS[largest < LOADS][:1]
    below = LOADS[largest >= LOADS][::-1]
    falling = [int(each) for each in (*above, *below)]
    if not wide:
        return falling
    found = falling[:1]
    for each in falling:
        if 2 * each <= found[-1]:
            found.append(each)
    return found


def first_above(loads: Sequence[int], kept: int) -> int:
    """The least of falling loads that is more than is kept; that itself where none is [requests].

    Definition: the one before it.
    """
    return min((each for each in loads if each > kept), default=kept)


def loads_between(least: int, most: int) -> list[int]:
    """Those of ``LOADS`` between both, rising [requests].

    Definition: without the ends.
    """
    return [int(each) for each in LOADS if least < each < most]
