"""What arrives at an engine, and what its requests saw."""

from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Literal

import numpy as np

from llm_calc.core.arrays import FloatArray, Quantity, larger, rounded
from llm_calc.core.engines import Engine
from llm_calc.core.parallelism import Layout

Policy = Literal["mixed", "prefill_first"]
_GOLDEN, _SILVER = 0.6180339887498949, 0.41421356237309515
_SEED = 20_240_229
MOST_SLOTS = 64
"""Slots of a closed loop that are simulated; more move together."""
OPEN_REQUESTS = 900
"""Requests of a run with random arrivals that are counted."""
ROUNDS_BEFORE = 2
"""So many times as many come before them, while the engine fills; as many follow, so that it does not empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduling:
    """How an engine schedules.

    ``mixed``: prompt chunks ride on decode steps; ``prefill_first``: waiting prompts stop decoding.
    ``budget_tokens``: most tokens in a step of one replica of attention; ``replicas``: of these, each with a queue
    and a budget of its own. ``reserved_fraction``: part of the output that must fit beside the prompt for a request
    to enter. ``tokens_per_step``: above 1 with speculative decoding.
    """

    policy: Policy = "mixed"
    budget_tokens: float = 8192
    replicas: int = 1
    reserved_fraction: float = 1.0
    tokens_per_step: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Requests with lengths spread evenly over ``[1 - spread, 1]`` of the nominal ones.

    Closed loop: ``slots`` requests always in flight, each slot sending ``requests_per_slot`` in turn, all slots at
    once at the start. Open: ``arrivals_s`` are the times at which requests come, whatever is in flight.
    ``cached_tokens`` of every prompt are in the cache already. Of an open run the first ``asked`` requests are wanted,
    all where it is 0: it may end once these have left.
    """

    input_tokens: float
    output_tokens: float
    slots: int = 0
    requests_per_slot: int = 10
    arrivals_s: tuple[float, ...] = ()
    spread_fraction: float = 0.2
    cached_tokens: float = 0.0
    asked: int = 0

    def lengths(self, number: Quantity) -> tuple[Quantity, Quantity]:
        """Prompt and answer of the ``number``-th request, the same in every run [tokens].

        ``nominal x (1 - spread x frac(number x irrational))``, at least one token.
        Choice: a low-discrepancy (Kronecker) sequence in place of random numbers, so that short runs have the mean of
        long ones.
        Leaves out: correlation between prompts and answers.
        """
        prompt = self.input_tokens * (1 - self.spread_fraction * (number * _SILVER % 1))
        output = self.output_tokens * (1 - self.spread_fraction * (number * _GOLDEN % 1))
        return larger(1.0, prompt), larger(1.0, rounded(output))


class Draws:
    """Prompts and answers of all requests of a run, in the order in which they are sent [tokens].

    ``steps``: those that decode an answer after its first token; ``whole``: prompt tokens that a group has to compute;
    ``reserve``: tokens that must be free for one to enter. Lists of them are made when they are first asked for.
    """

    def __init__(self, traffic: Traffic, rules: Scheduling, group: float, requests: int) -> None:
        numbers = np.arange(1.0, requests + 1)
        prompt, output = (np.asarray(each, dtype=np.float64) for each in traffic.lengths(numbers))
        self.prompts, self.outputs = prompt, output
        self.later = (output - 1) / rules.tokens_per_step
        self.wholes = np.maximum(1.0, prompt - traffic.cached_tokens) * group
        self.reserves = prompt + rules.reserved_fraction * output

    @cached_property
    def prompt(self) -> list[float]:
        """Prompts [tokens].

        Definition: numbers of ``prompts``.
        """
        found: list[float] = self.prompts.tolist()
        return found

    @cached_property
    def output(self) -> list[float]:
        """Answers [tokens].

        Definition: numbers of ``outputs``.
        """
        found: list[float] = self.outputs.tolist()
        return found

    @cached_property
    def steps(self) -> list[float]:
        """Steps after the first token [1].

        Definition: numbers of ``later``.
        """
        found: list[float] = self.later.tolist()
        return found

    @cached_property
    def whole(self) -> list[float]:
        """Prompt tokens to compute [tokens].

        Definition: numbers of ``wholes``.
        """
        found: list[float] = self.wholes.tolist()
        return found

    @cached_property
    def reserve(self) -> list[float]:
        """Tokens that must be free [tokens].

        Definition: numbers of ``reserves``.
        """
        found: list[float] = self.reserves.tolist()
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What the requests of a run saw, and the means over the run.

    ``outputs``: tokens of each answer in the order of ``latency_s``; empty where all are of the nominal length.
    """

    ttft_s: FloatArray
    tpot_s: FloatArray
    latency_s: FloatArray
    elapsed_s: float
    output_tokens: float
    mean_running: float
    outputs: FloatArray = field(default_factory=lambda: np.empty(0))

    def in_full(self, output_tokens: float) -> FloatArray:
        """Latencies as if every answer were of the nominal length [s].

        ``latency + tpot x (nominal - drawn)``, each by its own time a token; of a single token by the mean.
        Definition: further tokens take as long as those that came.
        """
        if not len(self.outputs) or not len(self.tpot_s):
            return self.latency_s
        each = np.full(len(self.outputs), float(self.tpot_s.mean()))
        each[self.outputs > 1] = self.tpot_s
        found: FloatArray = self.latency_s + each * (output_tokens - self.outputs)
        return found


def poisson_arrivals(rate_per_s: float, requests: int) -> tuple[float, ...]:
    """Times of arrivals with exponential gaps of mean ``1 / rate``; the same sequence at every call [s].

    ``cumulative sum of gaps / (mean gap x rate)``, so that the run has exactly the rate that was asked for.
    Definition: a Poisson process, with a fixed seed.
    """
    return tuple((_unit_arrivals(requests) / rate_per_s).tolist())


def rounds_of_arrivals(rate_per_s: float, before: int = ROUNDS_BEFORE * OPEN_REQUESTS) -> tuple[float, ...]:
    """The same 900 Poisson arrivals again and again: those before the round that counts, and one after it [s].

    ``arrival + round x 900 / rate``, of the rounds before it the last ``before`` arrivals.
    Choice: an engine that starts empty is faster than one that has long been under its load, and so is one that
    empties; every round has exactly the rate that was asked for.
    Leaves out: what still changes after two rounds, where a load is within some per cent of what can be served.
    """
    return tuple((_unit_rounds(before) / rate_per_s).tolist())


@lru_cache(8)
def _unit_rounds(before: int) -> FloatArray:
    """Arrivals of mean gap 1, the first after the last gap before it."""
    once, rounds = _unit_arrivals(OPEN_REQUESTS), range(ROUNDS_BEFORE + 2)
    whole = np.concatenate([once + float(number * OPEN_REQUESTS) for number in rounds])
    first = ROUNDS_BEFORE * OPEN_REQUESTS - before
    return whole[first:] - (whole[first - 1] if first else 0.0)


@lru_cache(8)
def _unit_arrivals(requests: int) -> FloatArray:
    gaps = np.random.default_rng(_SEED).exponential(1.0, requests)
    return np.asarray(np.cumsum(gaps) / gaps.mean())


def reserved_by(engine: Engine, measured: float, layout: Layout) -> float:
    """Part of the output that must fit beside the prompt, of what was ``measured`` of an engine by default [1].

    ``min(1, measured x caution x (own part where attention is dealt over groups))``: SGLang's
    ``schedule_conservativeness`` and 0.3; 1 of other engines.
    Source: SGLang 0.5.23 ``srt/arg_groups/parallel_hook.py``, ``handle_data_parallelism``, and
    ``srt/managers/scheduler_components/new_token_ratio_tracker.py``; checked: 2026-11-30, read.
    Leaves out: that the part falls while nothing is taken back, which ``measured`` holds as a mean.
    """
    load = engine.traits.load
    caution = 1.0 if load.caution is None else float(getattr(engine, load.caution))
    return min(1.0, measured * caution * (load.caution_dealt if layout.groups > 1 else 1.0))


PERCENTILES = (50, 90, 95, 99)
MANY = 1000
"""Values from which it is quicker to put only these places in order."""


def percentiles_of(values: FloatArray) -> tuple[float, ...]:
    """Percentiles of ``PERCENTILES`` [s].

    Definition: by linear interpolation between the two nearest of the ordered values.
    """
    last = len(values) - 1
    places = [each / 100 * last for each in PERCENTILES]
    lower = [int(place) for place in places]
    asked = [*lower, *(min(place + 1, last) for place in lower)]
    ordered = np.partition(values, sorted(set(asked))) if last > MANY else np.sort(values)
    pairs = ordered[asked].tolist()
    return tuple(
        low + (high - low) * (place - whole)
        for low, high, place, whole in zip(pairs[:4], pairs[4:], places, lower, strict=True)
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Requests:
    """Times of requests [s], each figure in an order of its own; ``tpot_s``: of those that have more than one token."""

    ttft_s: FloatArray
    tpot_s: FloatArray
    latency_s: FloatArray

    @property
    def known(self) -> bool:
        """Whether there are any; in closed form all are alike and none is told apart."""
        return len(self.ttft_s) > 0

    @property
    def percentiles(self) -> tuple[tuple[str, tuple[float, ...]], ...]:
        """Their spread by the names of answers [s].

        Definition: :func:`percentiles_of` each.
        """
        columns = (("ttft_s", self.ttft_s), ("tpot_s", self.tpot_s), ("request_latency_s", self.latency_s))
        return tuple((name, percentiles_of(values)) for name, values in columns)

    def in_order_of(self, ttft_s: FloatArray, tpot_s: FloatArray, latency_s: FloatArray) -> "Requests":
        """As many requests as other ones, each figure distributed as here and in the order of those [s].

        ``value at the level (place + 1/2) / number`` of each; NaN, of a single token, is the quickest.
        Definition: quantiles at the others' ranks.
        """
        return Requests(
            ttft_s=_ranked(self.ttft_s, ttft_s),
            tpot_s=_ranked(self.tpot_s, np.nan_to_num(tpot_s)),
            latency_s=_ranked(self.latency_s, latency_s),
        )

    def later(self, longer: float, wait_s: float) -> "Requests":
        """The same requests with all times so much longer, first tokens and ends later besides [s].

        ``time x longer``, ``+ wait`` but for times a token.
        Definition: element by element.
        """
        return Requests(
            ttft_s=self.ttft_s * longer + wait_s,
            tpot_s=self.tpot_s * longer,
            latency_s=self.latency_s * longer + wait_s,
        )


NO_REQUESTS = Requests(ttft_s=np.empty(0), tpot_s=np.empty(0), latency_s=np.empty(0))


def _ranked(values: FloatArray, other: FloatArray) -> FloatArray:
    levels = (np.argsort(np.argsort(other, kind="stable"), kind="stable") + 0.5) / len(other)
    return np.asarray(np.quantile(values, levels))
