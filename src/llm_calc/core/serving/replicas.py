"""What several replicas do beside each other."""

from collections.abc import Callable
from dataclasses import replace
from math import gcd
from typing import Any

import numpy as np

from llm_calc.core.arrays import Quantity, larger, where
from llm_calc.core.serving.estimate import Estimate
from llm_calc.core.serving.traffic import Requests

SUMMED = ("output_tokens_per_s", "total_tokens_per_s", "requests_per_s", "running")
MOST_COPIES = 64
"""Replicas whose requests stand beside each other in percentiles: told apart to a sixty-fourth."""
MEANS = ("ttft_s", "tpot_s", "request_latency_s")


def times(found: Estimate, replicas: float) -> Estimate:
    """The same from so many replicas at once [s, tokens/s].

    Definition: rates and sequences times replicas; what a request takes is that of one.
    """
    return replace(found, **{name: getattr(found, name) * replicas for name in SUMMED})


def dealt(of: Callable[[Quantity], Estimate], requests: Quantity, replicas: int) -> Estimate:
    """All replicas under a closed loop of so many requests, dealt as evenly as can be [s, tokens/s].

    ``requests mod replicas`` of them have ``floor(requests / replicas) + 1``, the others one fewer; ``of``: one
    replica under a number of requests.
    Definition: rates are summed; times are means over requests.
    Leaves out: requests that change their replica from turn to turn.
    """
    fewer = requests // replicas
    more = requests - fewer * replicas
    if not isinstance(requests, np.ndarray) and (not more or not fewer):
        return times(of(fewer or 1), float(more or replicas))
    least = where(fewer > 0, replicas - more, 0.0)
    return _beside(of(fewer + 1), more, of(larger(fewer, 1)), least)


def _beside(some: Estimate, count: Quantity, others: Estimate, further: Quantity) -> Estimate:
    """Replicas of two loads: ``count`` of the first, ``further`` of the second."""
    own, theirs = count * some.requests_per_s, further * others.requests_per_s
    share = own / (own + theirs)
    found: dict[str, Any] = {
        name: count * getattr(some, name) + further * getattr(others, name) for name in SUMMED
    }
    for name in MEANS:
        found[name] = getattr(others, name) + share * (getattr(some, name) - getattr(others, name))
    if some.each.known and others.each.known:
        each = _all_of(some.each, int(count), others.each, int(further))
        found |= {"each": each, "percentiles": each.percentiles}
    return replace(some, **found)


def _all_of(some: Requests, count: int, others: Requests, further: int) -> Requests:
    """Requests of both kinds of replicas, each as often as there are replicas, of many in proportion."""
    count, further = _copies(count, further)
    names = ("ttft_s", "tpot_s", "latency_s")
    both = {
        name: np.concatenate((np.tile(getattr(some, name), count), np.tile(getattr(others, name), further)))
        for name in names
    }
    return Requests(**both)


def _copies(count: int, further: int) -> tuple[int, int]:
    """The same two numbers over what they share; of more than ``MOST_COPIES`` as near as so many tell them apart."""
    shared = gcd(count, further)
    count, further = count // shared, further // shared
    least = max(1.0, (count + further) / MOST_COPIES)
    return max(1, round(count / least)), max(min(1, further), round(further / least))
