"""Runs whose events are found as arrays, against the scheduler in its plainest form."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from llm_calc.core.serving import estimate, loop
from llm_calc.core.serving.batch import Lengths
from llm_calc.core.serving.clock import StepClock
from llm_calc.core.serving.open import OpenRun
from llm_calc.core.serving.run import Bounds
from llm_calc.core.serving.scheduler import simulate
from llm_calc.core.serving.traffic import MOST_SLOTS, Policy, Scheduling, Served, Traffic, poisson_arrivals
from tests.builders import deepseek_v3, llama
from tests.core.serving import stepper
from tests.core.serving.cases import rates, work

WHOLE = work(llama(), tensor=4)
DEALT = work(deepseek_v3(), data=8, expert=8)
NAMES = ("ttft_s", "tpot_s", "latency_s", "elapsed_s", "output_tokens", "mean_running")
SAME = 0.01
"""A step that is timed at the mean of its own contexts, or prompts that come in the same step, move single times."""


def clock_of(traffic: Traffic, replicas: int) -> StepClock:
    groups = min(traffic.slots, MOST_SLOTS) or len(traffic.arrivals_s)
    return StepClock(
        WHOLE if replicas == 1 else DEALT,
        rates(),
        contexts=(traffic.input_tokens, traffic.input_tokens + traffic.output_tokens),
        groups=groups,
        group=max(traffic.slots, groups) / groups,
    )


def hold_same(found: Served, expected: Served) -> None:
    """Means and percentiles of all that a run tells."""
    for name in NAMES:
        one, other = np.atleast_1d(getattr(found, name)), np.atleast_1d(getattr(expected, name))
        assert one.shape == other.shape
        if len(one):
            assert one.mean() == pytest.approx(other.mean(), rel=SAME), name
            assert np.percentile(one, (50, 90, 99)) == pytest.approx(
                np.percentile(other, (50, 90, 99)), rel=SAME
            )


@settings(max_examples=40)
@given(
    slots=st.sampled_from([1, 3, 16, 17, 40, 64, 90, 256, 700]),
    tokens=st.sampled_from([(20, 300), (900, 200), (3000, 100), (12_000, 40), (256, 1), (700, 3)]),
    policy=st.sampled_from(["mixed", "prefill_first"]),
    replicas=st.sampled_from([1, 8]),
    budget=st.sampled_from([512.0, 2048.0, 8192.0]),
    capacity=st.sampled_from([1e9, 40_000.0]),
    gained=st.sampled_from([1.0, 2.3]),
    cached=st.sampled_from([0.0, 0.5]),
)
@example(
    slots=64,
    tokens=(1024, 1024),
    policy="mixed",
    replicas=1,
    budget=8192.0,
    capacity=1e9,
    gained=1.0,
    cached=0.0,
)
def test_a_closed_loop_is_that_of_the_plain_scheduler(
    slots: int,
    tokens: tuple[int, int],
    policy: Policy,
    replicas: int,
    budget: float,
    capacity: float,
    gained: float,
    cached: float,
) -> None:
    prompt, output = (float(each) for each in tokens)
    traffic = Traffic(input_tokens=prompt, output_tokens=output, slots=slots, cached_tokens=cached * prompt)
    rules = Scheduling(
        policy=policy,
        budget_tokens=budget,
        replicas=replicas,
        reserved_fraction=0.5,
        tokens_per_step=gained,
    )
    clock = clock_of(traffic, replicas)
    found = simulate(clock, traffic, rules, capacity, 256.0)
    hold_same(found, stepper.simulate(clock, traffic, rules, capacity, 256.0))


@pytest.mark.parametrize("rate", [0.1, 2.0, 10.0, 40.0])
@pytest.mark.parametrize("tokens", [(1024.0, 512.0), (20_000.0, 64.0), (64.0, 1.0)])
@pytest.mark.parametrize("policy", ["mixed", "prefill_first"])
@pytest.mark.parametrize("spread", [0.0, 0.2])
def test_random_arrivals_are_those_of_the_plain_scheduler(
    rate: float, tokens: tuple[float, float], policy: Policy, spread: float
) -> None:
    traffic = Traffic(
        input_tokens=tokens[0],
        output_tokens=tokens[1],
        arrivals_s=poisson_arrivals(rate, 300),
        spread_fraction=spread,
    )
    rules, clock = Scheduling(policy=policy), clock_of(traffic, 1)
    hold_same(simulate(clock, traffic, rules, 1e6), stepper.simulate(clock, traffic, rules, 1e6))


@pytest.mark.parametrize("rate", [0.1, 2.0, 10.0])
@pytest.mark.parametrize("policy", ["mixed", "prefill_first"])
@pytest.mark.parametrize("spread", [0.0, 0.2])
def test_a_run_may_end_with_the_requests_that_are_asked_for(
    rate: float, policy: Policy, spread: float
) -> None:
    """Those behind them change nothing of what they saw, but for the traffic that they are."""
    whole = Traffic(
        input_tokens=1024.0,
        output_tokens=512.0,
        arrivals_s=poisson_arrivals(rate, 300),
        spread_fraction=spread,
    )
    rules, clock = Scheduling(policy=policy), clock_of(whole, 1)
    everything = simulate(clock, whole, rules, 1e6)
    found = simulate(clock, replace(whole, asked=200), rules, 1e6)
    assert found.elapsed_s < everything.elapsed_s
    for name in ("ttft_s", "tpot_s", "latency_s"):
        assert getattr(found, name).tolist() == getattr(everything, name)[:200].tolist()


def test_an_order_serves_every_deployment_under_the_same_load() -> None:
    """Answers do not depend on whether the order of a load was known before."""
    deployment = estimate.Deployment(work=WHOLE, rates=rates(), capacity=1000.0, limit=1000.0)
    lengths = Lengths(input_tokens=1000.0, output_tokens=300.0)
    loop.order_of.cache_clear()
    first = estimate.simulated_loop(deployment, lengths, 48)
    other = estimate.simulated_loop(replace(deployment, capacity=900.0, work=DEALT), lengths, 48)
    assert loop.order_of.cache_info().misses == 1
    assert estimate.simulated_loop(deployment, lengths, 48) == first
    assert other.ttft_s != first.ttft_s


@pytest.mark.parametrize("rate", [2.0, 40.0])
@pytest.mark.parametrize("tokens", [(1024.0, 512.0), (20_000.0, 64.0), (64.0, 1.0), (1.0, 300.0)])
@pytest.mark.parametrize("policy", ["mixed", "prefill_first"])
@pytest.mark.parametrize(
    ("spread", "cached", "gained", "limit"),
    [(0.0, 0.0, 1.0, 5.0), (0.2, 0.5, 1.7, 1e9), (0.2, 0.0, 1.0, 3.0)],
)
def test_arrivals_that_wait_in_line_are_those_of_the_plain_scheduler(
    rate: float,
    tokens: tuple[float, float],
    policy: Policy,
    spread: float,
    cached: float,
    gained: float,
    limit: float,
) -> None:
    """Memory for six requests, engines that run three or five at once, prompts longer than a step takes."""
    traffic = Traffic(
        input_tokens=tokens[0],
        output_tokens=tokens[1],
        arrivals_s=poisson_arrivals(rate, 200),
        spread_fraction=spread,
        cached_tokens=cached * tokens[0],
    )
    rules = Scheduling(policy=policy, budget_tokens=2048.0, reserved_fraction=0.5, tokens_per_step=gained)
    clock, room = clock_of(traffic, 1), 6.5 * sum(tokens)
    found = simulate(clock, traffic, rules, room, limit)
    hold_same(found, stepper.simulate(clock, traffic, rules, room, limit))
    general = OpenRun(clock, traffic, rules, Bounds(room, limit, 64)).served()
    hold_same(found, general)


def test_a_line_may_end_with_the_requests_that_are_asked_for() -> None:
    whole = Traffic(
        input_tokens=1024.0, output_tokens=512.0, arrivals_s=poisson_arrivals(10.0, 300), spread_fraction=0.0
    )
    rules, clock = Scheduling(budget_tokens=2048.0), clock_of(whole, 1)
    everything = simulate(clock, whole, rules, 1e6, 16.0)
    found = simulate(clock, replace(whole, asked=200), rules, 1e6, 16.0)
    assert found.elapsed_s < everything.elapsed_s
    for name in ("ttft_s", "tpot_s", "latency_s"):
        assert getattr(found, name).tolist() == getattr(everything, name)[:200].tolist()
