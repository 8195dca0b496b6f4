"""How many requests come before those that count: as many as change nothing any more."""

from dataclasses import replace
from math import exp

import pytest

from llm_calc.core.serving import arrivals
from llm_calc.core.serving.arrivals import counted_run, simulated_arrivals
from llm_calc.core.serving.batch import Lengths
from llm_calc.core.serving.clock import StepClock, clock_of
from llm_calc.core.serving.estimate import Deployment, queue_of_many, serve
from llm_calc.core.serving.forgotten import EvenFlow, requests_before
from llm_calc.core.serving.traffic import Traffic, poisson_arrivals, rounds_of_arrivals
from tests.builders import deepseek_v3, llama
from tests.core.serving.cases import rates, work

LENGTHS = Lengths(input_tokens=1024.0, output_tokens=256.0)
WHOLE = Deployment(work=work(llama(), tensor=4), rates=rates(), capacity=1000.0, limit=256.0)
DEALT = Deployment(work=work(deepseek_v3(), data=8, expert=8), rates=rates(), capacity=1000.0, limit=1000.0)
TRAFFIC = Traffic(input_tokens=1024.0, output_tokens=256.0, spread_fraction=0.0)


def even(deployment: Deployment, rate: float, traffic: Traffic = TRAFFIC) -> tuple[EvenFlow, StepClock]:
    clock = clock_of(deployment.work, deployment.rates, deployment.draft, traffic)
    return EvenFlow(clock, traffic, traffic.output_tokens - 1, 8192.0, rate), clock


@pytest.mark.parametrize(
    ("in_flight", "slowing", "before"),
    # By hand: 12 n / (1 - s) of 10 alone is 120; of 10 that slow each other by half 240; of 100 at 0.4 it is 2000.
    [
        (1.0, 0.0, 113),
        (10.0, 0.0, 225),
        (10.0, 0.5, 450),
        (70.0, 0.0, 900),
        (100.0, 0.4, 1800),
        (1.0, 1.0, 1800),
    ],
)
def test_what_is_left_of_the_start_decides_how_many_come_first(
    in_flight: float, slowing: float, before: int
) -> None:
    assert requests_before(in_flight, slowing) == before
    if before < 1800:
        assert exp(-before * (1 - slowing) / in_flight) < 1e-5


@pytest.mark.parametrize("deployment", [WHOLE, DEALT], ids=["tensor", "experts dealt"])
@pytest.mark.parametrize("load", [0.02, 0.1, 0.3, 0.5, 0.65, 0.72, 0.95])
def test_more_requests_before_change_no_mean(
    deployment: Deployment, load: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One per cent: which arrivals share a step changes with the start of a run, and with it single times."""
    rate = load * float(queue_of_many(deployment, LENGTHS).requests_per_s)
    found = simulated_arrivals(deployment, LENGTHS, rate)
    monkeypatch.setattr(arrivals, "NEAR", 0.0)
    expected = simulated_arrivals(deployment, LENGTHS, rate)
    for name in ("ttft_s", "tpot_s", "request_latency_s", "running"):
        assert float(getattr(found, name)) == pytest.approx(float(getattr(expected, name)), rel=0.01), name


def test_as_many_are_in_flight_as_a_run_finds() -> None:
    """Random arrivals find what even ones do where steps grow evenly; whole requests, and bursts, are a tenth."""
    rate = 0.5 * float(queue_of_many(WHOLE, LENGTHS).requests_per_s)
    number, slowing = even(WHOLE, rate)[0].in_flight(256.0)
    run = serve(WHOLE, replace(TRAFFIC, arrivals_s=poisson_arrivals(rate, 3000), asked=2500))
    assert number == pytest.approx(run.mean_running, rel=0.1, abs=1.0)
    assert 0.0 < slowing < 1.0


def test_where_queues_may_form_all_come_first() -> None:
    rate = 0.5 * float(queue_of_many(WHOLE, LENGTHS).requests_per_s)
    number = even(WHOLE, rate)[0].in_flight(256.0)[0]
    assert requests_before(*even(WHOLE, rate)[0].in_flight(number)) == 1800
    long = replace(TRAFFIC, input_tokens=100_000.0, output_tokens=2.0)
    flow, clock = even(WHOLE, 1.0, long)
    _, busy = flow.brought(1)
    # 100 000 tokens are 13 steps of at most 8192.
    assert flow.chunks == 13
    assert busy == pytest.approx(
        13 * (clock.mixed_s(1, 100_001.0, *flow.prompt) - clock.decode_s(1, 100_001.0))
    )
    assert requests_before(*even(WHOLE, 0.9 / busy, long)[0].in_flight(256.0)) == 1800
    assert requests_before(*even(WHOLE, 0.1 / busy, long)[0].in_flight(256.0)) == 113


def test_the_arrivals_before_are_the_last_of_a_round() -> None:
    whole, few = rounds_of_arrivals(2.0), rounds_of_arrivals(2.0, 113)
    assert len(whole) - len(few) == 1800 - 113
    shift = whole[1800 - 113 - 1]
    assert few == pytest.approx([each - shift for each in whole[1800 - 113 :]])


def test_a_run_counts_900_requests_whatever_comes_before() -> None:
    for load in (0.1, 0.9):
        rate = load * float(queue_of_many(WHOLE, LENGTHS).requests_per_s)
        assert len(counted_run(WHOLE, TRAFFIC, rate, load).ttft_s) == 900
