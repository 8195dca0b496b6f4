"""Arrivals are told the same whether their requests are told apart or not."""

from dataclasses import replace

import pytest

from llm_calc.core.serving.arrivals import simulated_arrivals
from llm_calc.core.serving.batch import Lengths, decode_seconds, prefill_seconds
from llm_calc.core.serving.estimate import queue_of_many
from llm_calc.core.serving.host import HostTimes
from llm_calc.core.workloads.draws import around
from llm_calc.core.workloads.estimate import arriving
from llm_calc.core.workloads.stream import RequestClass, Room, Stream
from tests.core.workloads.test_traces import DEPLOYMENT, ROOMY

SLOW = replace(DEPLOYMENT, host=HostTimes(request_s=5.0, stream_tokens=3.0))


@pytest.mark.parametrize("rate", [0.5, 4.0])
def test_equal_requests_have_the_first_token_of_the_plain_load(rate: float) -> None:
    kind = RequestClass(first=around(1000.0, 0.0), output=around(50.0, 0.0), growth=around(1.0, 0.0))
    stream = Stream(classes=(kind,))
    drawn = arriving(SLOW, stream, replace(ROOMY, keeps=False), rate).estimate
    plain = simulated_arrivals(SLOW, Lengths(input_tokens=1000.0, output_tokens=50.0), rate)
    # One clock interpolates contexts between the first and the last of a request, the other between means.
    assert float(drawn.ttft_s) == pytest.approx(float(plain.ttft_s), rel=0.03)
    assert float(drawn.tpot_s) == pytest.approx(float(plain.tpot_s), rel=0.03)


SMALL = Lengths(input_tokens=1000.0, output_tokens=300.0)
ROOM = Room(capacity_tokens=32 * 1300.0, keeps=False)
BOUNDS = {
    "by cache": replace(DEPLOYMENT, capacity=32.0, limit=1e6),
    "by engine": replace(DEPLOYMENT, capacity=1e6, limit=32.0),
}


@pytest.mark.parametrize("bound", BOUNDS)
@pytest.mark.parametrize("load", [0.5, 0.9, 1.5, 4.0])
def test_both_ways_agree_up_to_what_is_served_and_beyond(bound: str, load: float) -> None:
    deployment = BOUNDS[bound]
    room = ROOM if bound == "by cache" else replace(ROOM, capacity_tokens=1e9)
    most = float(queue_of_many(deployment, SMALL).requests_per_s)
    kind = RequestClass(first=around(1000.0, 0.0), output=around(300.0, 0.0), growth=around(1.0, 0.0))
    drawn = arriving(deployment, Stream(classes=(kind,)), room, load * most).estimate
    plain = simulated_arrivals(deployment, SMALL, load * most)
    # Beyond the most, which one way has of a formula and the other of a run, within what these two differ by.
    near = 0.02 if load < 1 else 0.1
    for name in ("ttft_s", "tpot_s", "requests_per_s", "running"):
        assert float(getattr(drawn, name)) == pytest.approx(float(getattr(plain, name)), rel=near), name
    assert max(float(drawn.running), float(plain.running)) <= 32.0


def test_arrivals_find_as_many_running_as_their_own_time_makes() -> None:
    """``n = rate x output x step(n)``, by hand: a decode step of n, and of each that enters what its prompt adds."""
    rate = 0.8 * float(queue_of_many(BOUNDS["by engine"], SMALL).requests_per_s)
    found = simulated_arrivals(BOUNDS["by engine"], SMALL, rate)
    work, rates = DEPLOYMENT.work, DEPLOYMENT.rates
    prompt_s = float(prefill_seconds(work, rates, 1.0, SMALL))
    running = 1.0
    for _ in range(200):
        step_s = float(decode_seconds(work, rates, running, SMALL))
        # A second has ``1 - rate x prompt_s`` of itself for decoding: prompts are computed in their own time at most.
        running = rate * 299 * step_s / (1 - rate * prompt_s)
    # Between prompts that are free (they share steps with answers) and prompts that stop all else.
    free = rate * 299 * float(decode_seconds(work, rates, 1.0, SMALL))
    assert free < float(found.running) < running * 1.05
    assert float(found.running) == pytest.approx(rate * 299 * float(found.tpot_s), rel=0.01)


def test_beyond_what_is_served_a_request_waits_for_those_before_it() -> None:
    deployment = BOUNDS["by engine"]
    most = float(queue_of_many(deployment, SMALL).requests_per_s)
    at, beyond = (simulated_arrivals(deployment, SMALL, rate) for rate in (most, 3 * most))
    # The mean of 1..900 times the gap between two that are served, less that between two that come.
    assert float(beyond.ttft_s) - float(at.ttft_s) == pytest.approx(450.5 * (1 - 1 / 3) / most)
    assert float(beyond.tpot_s) == pytest.approx(float(at.tpot_s))
