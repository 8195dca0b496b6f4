"""Requests that come at random: a run through the scheduler, and a queue that grows beyond what can be served."""

from dataclasses import replace

import numpy as np

from llm_calc.core.serving.batch import Lengths
from llm_calc.core.serving.estimate import Deployment, Estimate, from_run, queue_of_many, serve
from llm_calc.core.serving.host import NO_HOST
from llm_calc.core.serving.traffic import Served, Traffic, poisson_arrivals

OPEN_REQUESTS = 300
"""Requests of a simulated run with random arrivals."""


def simulated_arrivals(deployment: Deployment, lengths: Lengths, rate_per_s: float) -> Estimate:
    """Poisson arrivals through the scheduler, the same seeded gaps at every call [s, tokens/s, requests/s].

    ``requests/s = min(rate, most)``, ``most`` what the deployment can serve; first tokens are those of the scheduler.
    Beyond ``most`` the engine is as busy as at it, and the k-th request waits ``k x (1 / most - 1 / rate)`` besides.
    Choice: a run of 300 requests, without the host times of closed loops, whose requests come in step: measured first
    tokens of random arrivals hold none (``docs/accuracy.md``).
    Leaves out: bursts beyond those of a Poisson process.
    """
    most = float(queue_of_many(deployment, lengths).requests_per_s)
    served_per_s = min(rate_per_s, most)
    traffic = Traffic(
        input_tokens=float(lengths.input_tokens),
        output_tokens=float(lengths.output_tokens),
        arrivals_s=poisson_arrivals(served_per_s, OPEN_REQUESTS),
        spread_fraction=0.0,
        cached_tokens=float(lengths.cached_tokens),
    )
    served = _behind(serve(deployment, traffic), 1 / served_per_s - 1 / rate_per_s)
    return from_run(replace(deployment, host=NO_HOST), lengths, served, 0.0, None, served_per_s)


def _behind(served: Served, lag_s: float) -> Served:
    """The same run, each request ``lag_s`` further behind its arrival than the one before."""
    if lag_s <= 0:
        return served
    waits = lag_s * np.arange(1.0, len(served.latency_s) + 1)
    return replace(
        served, ttft_s=served.ttft_s + waits[: len(served.ttft_s)], latency_s=served.latency_s + waits
    )
