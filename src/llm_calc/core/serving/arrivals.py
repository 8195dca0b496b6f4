"""Requests that come at random: a run through the scheduler, and a queue that grows beyond what can be served."""

from dataclasses import replace

import numpy as np

from llm_calc.core.serving.batch import Lengths
from llm_calc.core.serving.clock import clock_of
from llm_calc.core.serving.encoder import NO_ENCODER, Encoder, stretched
from llm_calc.core.serving.estimate import Deployment, Estimate, from_run, queue_of_many, serve
from llm_calc.core.serving.forgotten import MOST_BEFORE, NEAR, EvenFlow, requests_before
from llm_calc.core.serving.host import NO_HOST
from llm_calc.core.serving.scheduler import rules_of
from llm_calc.core.serving.traffic import (
    OPEN_REQUESTS,
    Served,
    Traffic,
    rounds_of_arrivals,
)


def simulated_arrivals(
    deployment: Deployment, lengths: Lengths, rate_per_s: float, encoder: Encoder = NO_ENCODER
) -> Estimate:
    """Poisson arrivals through the scheduler, the same seeded gaps at every call [s, tokens/s, requests/s].

    ``requests/s = min(rate, most)``, ``most`` what the deployment can serve; first tokens are those of the scheduler.
    Beyond ``most`` the engine is as busy as at it, and the k-th request waits ``k x (1 / most - 1 / rate)`` besides.
    With images encoders take ``u = rate x seconds / groups`` of the time: the run has arrivals ``1 / (1 - u)`` times as
    dense and takes as many times longer, and a first token comes ``seconds`` later and ``u / (2 (1 - u))`` of them that
    it waits for encoders of others (a queue of equal services with random arrivals, for one group).
    Choice: 900 requests of an engine that has been under the load (:func:`counted_run`), without the host times of
    closed loops, whose requests come in step: measured first tokens of random arrivals hold none
    (``docs/accuracy.md``).
    Leaves out: bursts beyond those of a Poisson process.
    """
    most = float(encoder.most(queue_of_many(deployment, lengths).requests_per_s))
    served_per_s = min(rate_per_s, most)
    busy = served_per_s * encoder.share_s
    longer = 1 / (1 - busy)
    traffic = Traffic(
        input_tokens=float(lengths.input_tokens),
        output_tokens=float(lengths.output_tokens),
        spread_fraction=0.0,
        cached_tokens=float(lengths.cached_tokens),
    )
    run = counted_run(deployment, traffic, served_per_s * longer, served_per_s / most)
    served = _behind(_slowed(run, longer), 1 / served_per_s - 1 / rate_per_s)
    found = from_run(replace(deployment, host=NO_HOST), lengths, served, 0.0, None, served_per_s)
    return stretched(found, 1.0, encoder.seconds + encoder.share_s * busy / 2 * longer)


def counted_run(deployment: Deployment, traffic: Traffic, rate_per_s: float, load: float) -> Served:
    """What 900 requests see of an engine that has been under the load before [s, tokens, sequences].

    ``asked = before + 900``: :func:`.forgotten.requests_before`, all 1800 from ``NEAR`` of what is served at most
    (``load``).
    Choice: with that many, the means of 153 random questions over engines and models are within 0.6 % of those after
    1800, and nine in ten of the percentiles within 0.1 %.
    Leaves out: as :func:`simulated_arrivals`.
    """
    clock = clock_of(deployment.work, deployment.rates, deployment.draft, traffic)
    before = MOST_BEFORE
    if load < NEAR:
        steps = (traffic.output_tokens - 1) / deployment.draft.tokens_per_step
        budget = rules_of(deployment.scheduling, deployment.draft, clock).budget_tokens
        even = EvenFlow(clock, traffic, steps, budget, rate_per_s)
        before = requests_before(*even.in_flight(min(float(deployment.capacity), float(deployment.limit))))
    arrivals_s = rounds_of_arrivals(rate_per_s, before)
    arriving = replace(traffic, arrivals_s=arrivals_s, asked=before + OPEN_REQUESTS)
    return _counted(serve(deployment, arriving, clock), before, rate_per_s)


def _counted(served: Served, before: int, rate_per_s: float) -> Served:
    """The round that counts; ``running = rate x (latency - ttft)`` (Little's law)."""
    chosen = slice(before, before + OPEN_REQUESTS)
    ttft, latency = served.ttft_s[chosen], served.latency_s[chosen]
    return replace(
        served,
        ttft_s=ttft,
        tpot_s=served.tpot_s[chosen],
        latency_s=latency,
        outputs=served.outputs[chosen],
        mean_running=rate_per_s * float((latency - ttft).mean()),
    )


def _slowed(served: Served, longer: float) -> Served:
    """The same run on GPUs that take so much longer."""
    return replace(
        served,
        ttft_s=served.ttft_s * longer,
        tpot_s=served.tpot_s * longer,
        latency_s=served.latency_s * longer,
    )


def _behind(served: Served, lag_s: float) -> Served:
    """The same run, each request ``lag_s`` further behind its arrival than the one before."""
    if lag_s <= 0:
        return served
    waits = lag_s * np.arange(1.0, len(served.latency_s) + 1)
    return replace(
        served, ttft_s=served.ttft_s + waits[: len(served.ttft_s)], latency_s=served.latency_s + waits
    )
