"""How a load is shared out: requests of one replica, and how many replicas there are."""

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from llm_calc.core.arrays import FloatArray, Quantity, larger
from llm_calc.core.planning.bounds import (
    ONLY_TIMES,
    STEADY_LOAD,
    Limits,
    awake_fraction,
    in_flight,
    largest_load,
    largest_that_fits,
    under_load,
)
from llm_calc.core.serving.batch import Lengths
from llm_calc.core.serving.estimate import Deployment, Estimate, queue_of_many

LOADS: FloatArray = np.unique(np.round(np.concatenate((np.arange(1.0, 9.0), np.geomspace(8.0, 4096.0, 28)))))
"""Requests at once that are tried where the load is open; dense enough to lose less than a tenth of throughput."""


NEAR = 0.1
"""Part that a closed form may lie above a limit at a single request, which a simulated run may keep all the same."""


SPARE = 0.2
"""Part of the replicas that a closed form needs for arrivals without which a run may do: the loads of ``LOADS`` are a
quarter apart, and the largest that keeps the limits may lie anywhere below the next."""


def fewest(replicas: Quantity) -> Quantity:
    """The fewest replicas that are worth a run where a closed form needs so many [replicas].

    ``max(1, replicas - 1)``.
    Choice: closed forms and runs differ by less than a replica.
    Leaves out: what more of them would differ by.
    """
    return larger(replicas - 1, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What has to be served: ``kind`` as in a workload; ``amount`` requests at once, or requests a second.

    ``open``: as much as the limits allow, ``amount`` being of no matter. ``fastest``: as many replicas as the limits
    allow, in place of as few as they need. ``think_s``: pauses between the turns of sessions, which ``amount`` counts
    then.
    """

    kind: str
    amount: float = 1.0
    think_s: float = 0.0
    open: bool = False
    fastest: bool = False

    def filled(self, fullest: float, replicas: float) -> float:
        """Requests of the mean replica over those of the fullest [1].

        ``amount / (replicas x fullest)``; 1 where the load is open, endless, or arrives by itself.
        Definition: what does not divide leaves some replicas a request less.
        """
        if self.open or self.kind not in ("concurrency", "batch"):
            return 1.0
        return min(1.0, self.amount / (replicas * fullest))


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """For each row: requests at once (or a second) of a replica, replicas, estimate, ``possible`` under the limits.

    ``least``: the fewest replicas that are worth a run.
    """

    each: FloatArray
    replicas: FloatArray
    least: FloatArray
    estimate: Estimate
    possible: FloatArray

    def at(self, places: "np.ndarray[tuple[int, ...], np.dtype[np.intp]]") -> "Split":
        """Some of the rows [requests, replicas].

        Definition: the same numbers.
        """
        found: dict[str, Any] = {name: _rows(getattr(self.estimate, name), places) for name in _FIGURES}
        return Split(
            each=self.each[places],
            replicas=self.replicas[places],
            least=self.least[places],
            estimate=Estimate(**found),
            possible=self.possible[places],
        )


_FIGURES = tuple(field.name for field in fields(Estimate) if field.name not in ("percentiles", "each"))


def _rows(values: Quantity, places: "np.ndarray[tuple[int, ...], np.dtype[np.intp]]") -> Quantity:
    return values[places] if isinstance(values, np.ndarray) and values.shape[0] > 1 else values


def split_load(
    deployment: Deployment,
    family: str,
    lengths: Lengths,
    load: Load,
    limits: Limits,
    most_replicas: FloatArray,
) -> Split:
    """The fewest replicas (or, ``fastest``, the most) with which each row keeps its limits [requests, replicas].

    ``replicas = ceil(load / largest load of a replica)``; arrivals take at most 95 % of a replica's throughput.
    Choice: replicas share a load evenly; 95 % (``STEADY_LOAD``) keeps a queue of random arrivals from growing without
    end.
    Leaves out: uneven dispatch.
    """
    kind = shape_of(load.kind, family)
    if load.kind == "offline":
        return _offline(deployment, lengths, limits)
    grid = LOADS if load.open or load.kind == "request_rate" else _shares(load.amount)
    awake = awake_fraction(deployment, lengths, load.think_s)
    each = largest_load(deployment, kind, lengths, limits, grid, awake)
    each = _or_nearly(each, deployment, kind, lengths, limits)
    if load.fastest and load.open:
        each = np.where(each > 0, 1.0, 0.0)
    if load.kind == "request_rate":
        return _at_rate(deployment, lengths, load, each, most_replicas)
    needed = np.where(each > 0, np.ceil(load.amount / np.maximum(each, 1)), np.inf)
    replicas = np.ones_like(each) if load.open else _chosen(needed, most_replicas, load)
    share = each if load.open else np.ceil(load.amount / np.maximum(replicas, 1))
    estimate = under_load(deployment, kind, lengths, np.maximum(share * awake, 1.0))
    least = np.asarray(fewest(replicas))
    possible = (each > 0) & (least <= most_replicas) & limits.looser(1 + NEAR).allow(estimate)
    return Split(
        each=share, replicas=replicas, least=least, estimate=estimate, possible=possible.astype(np.float64)
    )


def with_fewer_each(
    deployment: Deployment,
    family: str,
    lengths: Lengths,
    load: Load,
    found: Split,
    fraction: float,
    most: FloatArray,
) -> Split:
    """The same rows with ``fraction`` of their requests a replica: faster, dearer a token [requests, replicas].

    ``replicas / fraction`` for a fixed load, at most ``most``; an open one shrinks to ``each x fraction``.
    Choice: further points of a front, not a plan of their own.
    Leaves out: as :func:`split_load`.
    """
    kind = shape_of(load.kind, family)
    replicas = found.replicas if load.open else np.ceil(found.replicas / fraction)
    each = np.maximum(np.round(found.each * fraction), 1.0) if load.open else load.amount / replicas
    if load.kind == "request_rate":
        start = np.maximum(np.asarray(found.estimate.running), 1.0)
        running = np.maximum(in_flight(deployment, lengths, each, start), 1.0)
        estimate = at_rate(under_load(deployment, kind, lengths, running), lengths, each)
    else:
        each = np.ceil(each)
        awake = awake_fraction(deployment, lengths, load.think_s)
        estimate = under_load(deployment, kind, lengths, np.maximum(each * awake, 1.0))
    possible = (found.possible > 0) & (replicas <= most) & (each <= found.each)
    return Split(
        each=each, replicas=replicas, least=replicas, estimate=estimate, possible=possible.astype(np.float64)
    )


def at_rate(estimate: Estimate, lengths: Lengths, requests_per_s: Quantity) -> Estimate:
    """The same with the throughput that arrivals have, as long as they can be served [requests/s, tokens/s].

    ``output = rate x output tokens``.
    Definition: what arrives is what leaves.
    """
    return replace(
        estimate,
        requests_per_s=requests_per_s,
        output_tokens_per_s=requests_per_s * lengths.output_tokens,
        total_tokens_per_s=requests_per_s * (lengths.input_tokens + lengths.output_tokens),
    )


def shape_of(kind: str, family: str) -> str:
    """Closed loops were measured on servers; other families of kernels answer them as static batches."""
    return "batch" if kind == "concurrency" and family != "served" else kind


def _shares(amount: float) -> FloatArray:
    """Every number of requests that one of so many replicas can have."""
    replicas = np.arange(1.0, min(amount, 4096.0) + 1)
    shares: FloatArray = np.unique(np.ceil(amount / replicas))
    return shares


def _or_nearly(
    each: FloatArray, deployment: Deployment, kind: str, lengths: Lengths, limits: Limits
) -> FloatArray:
    """A single request where no load keeps the limits and that one nearly does."""
    if not limits.bound_times or (each > 0).all():
        return each
    alone = under_load(deployment, kind, lengths, 1.0, ONLY_TIMES)
    return np.where((each > 0) | ~limits.looser(1 + NEAR).allow(alone), each, 1.0)


def _chosen(needed: FloatArray, most: FloatArray, load: Load) -> FloatArray:
    if not load.fastest:
        return needed
    return np.where(np.isfinite(needed), np.maximum(needed, np.minimum(most, np.ceil(load.amount))), np.inf)


def _offline(deployment: Deployment, lengths: Lengths, limits: Limits) -> Split:
    estimate = under_load(deployment, "offline", lengths, 1.0)
    ones = np.ones_like(np.asarray(estimate.tpot_s))
    possible = limits.looser(1 + NEAR).allow(estimate).astype(np.float64)
    each = np.asarray(estimate.running)
    return Split(each=each, replicas=ones, least=ones, estimate=estimate, possible=possible)


def _at_rate(
    deployment: Deployment, lengths: Lengths, load: Load, each: FloatArray, most_replicas: FloatArray
) -> Split:
    """Replicas share the arrivals; what one takes at most is its throughput at the largest load, less a reserve."""
    start = np.maximum(each, 1.0)
    most = under_load(deployment, "request_rate", lengths, start)
    needed = np.where(each > 0, load.amount / _most_rate(deployment, lengths, each, most), np.inf)
    least, replicas = np.ceil((1 - SPARE) * needed), np.ceil(needed)
    if load.fastest:
        replicas = np.maximum(replicas, most_replicas)
        least = np.minimum(np.maximum(least, most_replicas), replicas)
    rate = load.amount / np.maximum(replicas, 1)
    running = in_flight(deployment, lengths, rate, start, most.request_latency_s)
    loaded = under_load(deployment, "request_rate", lengths, np.maximum(running, 1.0))
    estimate = at_rate(loaded, lengths, rate)
    possible = ((each > 0) & (least <= most_replicas)).astype(np.float64)
    return Split(each=rate, replicas=replicas, least=least, estimate=estimate, possible=possible)


def _most_rate(deployment: Deployment, lengths: Lengths, each: FloatArray, most: Estimate) -> FloatArray:
    """Arrivals a second that a replica takes: at its largest load, or of an endless queue where memory decides that."""
    endless = np.where(
        each >= largest_that_fits(deployment, LOADS), queue_of_many(deployment, lengths).requests_per_s, 0.0
    )
    rate: FloatArray = STEADY_LOAD * np.maximum(most.requests_per_s, endless)
    return rate
