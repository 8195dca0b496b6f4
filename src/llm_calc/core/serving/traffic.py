"""What arrives at an engine, and what its requests saw."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from llm_calc.core.arrays import FloatArray

Policy = Literal["mixed", "prefill_first"]
_GOLDEN, _SILVER = 0.6180339887498949, 0.41421356237309515
_SEED = 20_240_229


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
    ``cached_tokens`` of every prompt are in the cache already.
    """

    input_tokens: float
    output_tokens: float
    slots: int = 0
    requests_per_slot: int = 10
    arrivals_s: tuple[float, ...] = ()
    spread_fraction: float = 0.2
    cached_tokens: float = 0.0

    def lengths(self, number: int) -> tuple[float, float]:
        """Prompt and answer of the ``number``-th request, the same in every run [tokens].

        ``nominal x (1 - spread x frac(number x irrational))``, at least one token.
        Choice: a low-discrepancy (Kronecker) sequence in place of random numbers, so that short runs have the mean of
        long ones.
        Leaves out: correlation between prompts and answers.
        """
        prompt = self.input_tokens * (1 - self.spread_fraction * (number * _SILVER % 1))
        output = self.output_tokens * (1 - self.spread_fraction * (number * _GOLDEN % 1))
        return max(1.0, prompt), max(1.0, float(round(output)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What the requests of a run saw, and the means over the run."""

    ttft_s: FloatArray
    tpot_s: FloatArray
    latency_s: FloatArray
    elapsed_s: float
    output_tokens: float
    mean_running: float


def poisson_arrivals(rate_per_s: float, requests: int) -> tuple[float, ...]:
    """Times of arrivals with exponential gaps of mean ``1 / rate``; the same sequence at every call [s].

    ``cumulative sum of gaps / (mean gap x rate)``, so that the run has exactly the rate that was asked for.
    Definition: a Poisson process, with a fixed seed.
    """
    gaps = np.random.default_rng(_SEED).exponential(1.0, requests)
    return tuple((np.cumsum(gaps) / (gaps.mean() * rate_per_s)).tolist())
