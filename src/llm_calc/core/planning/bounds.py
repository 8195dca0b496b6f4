"""What many deployments could do at best: arrays of rows, before any of them is looked at in full.

The memory of a row is taken as if nothing but weights and cache needed any, so that its figures are bounds: the
engine's own plan, asked for the rows worth it, never holds more.
"""

from dataclasses import dataclass, replace

import numpy as np

from llm_calc.core.arrays import FloatArray, Quantity, larger
from llm_calc.core.operators import StepWork
from llm_calc.core.operators.context import visited_keys
from llm_calc.core.serving.batch import Lengths
from llm_calc.core.serving.estimate import (
    DRAWN,
    Deployment,
    Estimate,
    closed_form,
    queue_of_many,
    static_batch,
)
from llm_calc.core.serving.host import NO_HOST
from llm_calc.core.serving.traffic import OPEN_REQUESTS

ROOM = 1e-9
"""In place of zero where something is divided by it: below any size or number of requests that is asked for."""
STEADY_LOAD = 0.95
"""Share of a closed loop's throughput that random arrivals can ask for before the queue grows without end."""
LEAST_AT_ONCE = 1e-3
HALVINGS = 16
"""From a thousandth of a request to thousands, to a part in four thousand."""
ONLY_TIMES = np.inf
"""Bound of a throughput that nobody asks for: times do not follow from it [requests/s]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What may not be exceeded; infinity where nothing is asked."""

    ttft_s: float = np.inf
    tpot_s: float = np.inf
    request_latency_s: float = np.inf
    gpus: float = np.inf
    usd_per_hour: float = np.inf

    @property
    def bound_times(self) -> bool:
        """Whether any time is limited."""
        return bool(np.isfinite([self.ttft_s, self.tpot_s, self.request_latency_s]).any())

    def looser(self, factor: float) -> "Limits":
        """The same with longer times [s].

        Definition: each of the three times ``factor``.
        """
        times = {name: getattr(self, name) * factor for name in ("ttft_s", "tpot_s", "request_latency_s")}
        return replace(self, **times)

    def within(self, ttft_s: float, tpot_s: float, request_latency_s: float) -> "Limits":
        """The same with times that are no longer than these either [s].

        Definition: the shorter of both.
        """
        return replace(
            self,
            ttft_s=min(self.ttft_s, ttft_s),
            tpot_s=min(self.tpot_s, tpot_s),
            request_latency_s=min(self.request_latency_s, request_latency_s),
        )

    def keep(self, found: Estimate, place: int | None) -> bool:
        """Whether the means, and a percentile by its place among those of the estimate, keep the limits on time."""
        if not bool(self.allow(found)):
            return False
        most = {name: getattr(self, name) for name in ("ttft_s", "tpot_s", "request_latency_s")}
        return place is None or all(values[place] <= most[name] for name, values in found.percentiles)

    def allow(self, estimate: Estimate) -> "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]":
        """Which rows keep all limits on time."""
        return np.asarray(
            (estimate.ttft_s <= self.ttft_s)
            & (estimate.tpot_s <= self.tpot_s)
            & (estimate.request_latency_s <= self.request_latency_s)
        )


def held_bytes(work: StepWork, context_tokens: float) -> tuple[Quantity, Quantity]:
    """Bytes of the weights, and of one sequence of ``context_tokens``, on one GPU's share of all stages [bytes].

    ``sum of weight bytes``; ``sum over kinds of attention of bytes a key x visited_keys + state``.
    Definition: the work of a step, read as what it keeps.
    """
    weights: Quantity = sum(linear.weight_bytes for linear in work.linear)
    caches = sum(each.kv_bytes_per_key * visited_keys(each, context_tokens) for each in work.context)
    return weights, caches + work.state_bytes


def most_sequences(
    weights_bytes: Quantity, sequence_bytes: Quantity, memory_bytes: Quantity, replicas: Quantity
) -> Quantity:
    """Sequences that fit if weights and cache had all memory [sequences]; 0 where the weights alone do not fit.

    ``replicas x max(0, memory - weights) / sequence``, all in bytes of one GPU's share of all stages.
    Definition: an upper bound; an engine's own plan never holds more.
    """
    return replicas * larger(0.0, memory_bytes - weights_bytes) / larger(sequence_bytes, ROOM)


def awake_fraction(deployment: Deployment, lengths: Lengths, think_s: float) -> Quantity:
    """The least part of all sessions that have a request in flight, where users pause between turns [1].

    ``latency / (latency + pause)`` with the latency of a request that is alone.
    Definition: Little's law of a closed loop with pauses; requests that share a deployment take longer and are in
    flight for a larger part, so that this is a bound.
    """
    if not think_s:
        return 1.0
    alone = closed_form(deployment, lengths, 1.0, most_per_s=np.inf).request_latency_s
    return alone / (alone + think_s)


def under_load(
    deployment: Deployment,
    kind: str,
    lengths: Lengths,
    requests: Quantity,
    most_per_s: Quantity | None = None,
) -> Estimate:
    """Closed form of a row under ``requests`` at once, at most ``most_per_s`` [s, tokens/s, requests/s].

    Definition: :func:`.estimate.closed_form`, :func:`one_by_one`, :func:`.estimate.static_batch` or
    :func:`.estimate.queue_of_many`, by kind of load; ``offline`` takes what memory and scheduler allow.
    """
    if kind == "offline":
        return queue_of_many(deployment, lengths)
    if kind == "batch":
        return static_batch(deployment, lengths, requests)
    if kind == "request_rate":
        return one_by_one(deployment, lengths, requests, most_per_s)
    return closed_form(deployment, lengths, requests, most_per_s=most_per_s)


def one_by_one(
    deployment: Deployment, lengths: Lengths, requests: Quantity, most_per_s: Quantity | None = None
) -> Estimate:
    """Closed form of a row that has ``requests`` at once, on average, which came by themselves [s, requests/s].

    ``ttft = prefill + tpot / 2 + queue``.
    Definition: :func:`.estimate.closed_form` of a loop without a start, and without the host times of requests that
    come in step; runs of random arrivals (``serving.arrivals``) have neither.
    Leaves out: that more are there at one moment than at another.
    """
    return closed_form(replace(deployment, host=NO_HOST), lengths, requests, np.inf, most_per_s)


def largest_load(
    deployment: Deployment,
    kind: str,
    lengths: Lengths,
    limits: Limits,
    loads: FloatArray,
    awake: Quantity = 1.0,
) -> FloatArray:
    """For each row the largest of ``loads`` (rising) that keeps the limits; 0 where none does [requests].

    ``awake``: the part of a load that is in flight, see :func:`awake_fraction`.

    ``max(load: estimate(load) <= limits)``, by bisection.
    Choice: times to the first and to every further token are taken never to fall when more requests share a
    deployment.
    Leaves out: loads between those of the grid.
    """
    rows = len(np.asarray(deployment.capacity))
    if not limits.bound_times:
        return largest_that_fits(deployment, loads, awake)
    low, high = np.full((rows, 1), -1), np.full((rows, 1), len(loads))
    for _ in range(int(np.ceil(np.log2(len(loads) + 1)))):
        middle = (low + high) // 2
        at = np.clip(middle, 0, len(loads) - 1)
        running = np.maximum(loads[at] * awake, 1.0)
        held = limits.allow(under_load(deployment, kind, lengths, running, ONLY_TIMES)) & (middle >= 0)
        fits = running <= np.maximum(deployment.capacity, 1.0)
        keep = held & fits & (middle < high)
        low, high = np.where(keep, middle, low), np.where(keep, high, middle)
    return np.where(low >= 0, loads[np.clip(low, 0, None)], 0.0)


def largest_that_fits(deployment: Deployment, loads: FloatArray, awake: Quantity = 1.0) -> FloatArray:
    """For each row the largest of ``loads`` that its memory holds; at least the first [requests].

    ``max(load: awake x load <= capacity)``.
    Definition: where no time is limited, memory alone decides.
    """
    places = np.searchsorted(loads, np.maximum(deployment.capacity / awake, 1.0), side="right")
    return np.where(places > 0, loads[np.maximum(places - 1, 0)], 0.0)


def arriving(deployment: Deployment, lengths: Lengths, requests_per_s: Quantity) -> Estimate:
    """Closed form of a row whose requests come at a rate [s, tokens/s, requests/s].

    ``requests/s = min(rate, most)``, ``most`` that of an endless queue; ``n = requests/s x latency(n)`` in flight, the
    least such ``n``; ``ttft`` as of ``n`` at once, beyond ``most`` later by ``(900 + 1) / 2 x (1 / most - 1 / rate)``.
    Choice: the means of :func:`.serving.arrivals.simulated_arrivals`, 900 requests, without a run.
    Leaves out: that more come at one moment than at another, so that first tokens wait for each other longer.
    """
    rate = np.asarray(requests_per_s, np.float64)
    served = np.minimum(rate, np.asarray(queue_of_many(deployment, lengths).requests_per_s))
    found = _of_equal(deployment, lengths, _balanced(deployment, lengths, served))
    waits = (OPEN_REQUESTS + 1) / 2 * (1 / served - 1 / rate)
    return replace(
        found,
        ttft_s=found.ttft_s + waits,
        request_latency_s=found.request_latency_s + waits,
        output_tokens_per_s=served * lengths.output_tokens,
        total_tokens_per_s=served * (lengths.input_tokens + lengths.output_tokens),
        requests_per_s=served,
    )


def _balanced(deployment: Deployment, lengths: Lengths, requests_per_s: FloatArray) -> FloatArray:
    """Requests in flight at which as many leave as come, halved in on; what memory holds where none do."""
    most = np.maximum(np.minimum(deployment.capacity, deployment.limit), 1.0) * np.ones_like(requests_per_s)
    low, high = np.full_like(most, LEAST_AT_ONCE), most
    for _ in range(HALVINGS):
        middle = np.sqrt(low * high)
        fewer = requests_per_s * _of_equal(deployment, lengths, middle).request_latency_s < middle
        low, high = np.where(fewer, low, middle), np.where(fewer, middle, high)
    return high


def _of_equal(deployment: Deployment, lengths: Lengths, requests: FloatArray) -> Estimate:
    """Times of requests of full length, where closed loops draw theirs: arrivals have equal ones."""
    found = one_by_one(deployment, lengths.scaled(1 / DRAWN), np.maximum(requests, 1.0), ONLY_TIMES)
    return replace(found, request_latency_s=found.ttft_s + (lengths.output_tokens - 1) * found.tpot_s)


def in_flight(
    deployment: Deployment,
    lengths: Lengths,
    requests_per_s: Quantity,
    start: FloatArray,
    latency_s: Quantity | None = None,
) -> FloatArray:
    """Requests in flight at a rate, iterated downwards from ``start`` [requests].

    ``n = rate x latency(n)``, four rounds; ``latency_s``: at ``start``, where it is known.
    Source: Little 1961 (doi:10.1287/opre.9.3.383), ``L = lambda x W``; checked: 2026-11-30, its entry in MathSciNet
    and the law as quoted.
    Leaves out: what the iteration has left after four rounds.
    """
    running = start
    for _ in range(4):
        if latency_s is None:
            latency_s = one_by_one(deployment, lengths, running, ONLY_TIMES).request_latency_s
        running = np.minimum(start, np.maximum(np.asarray(requests_per_s * latency_s), ROOM))
        latency_s = None
    return running
