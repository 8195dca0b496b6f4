"""What a closed form hardly forbids stays for a run to decide."""

import numpy as np
import pytest

from llm_calc.core.planning.bounds import STEADY_LOAD, Limits, one_by_one, under_load
from llm_calc.core.planning.split import SPARE, Load, fewest, split_load
from llm_calc.core.planning.stacking import stack
from llm_calc.core.serving.arrivals import simulated_arrivals
from llm_calc.core.serving.estimate import closed_form, queue_of_many
from tests.builders import llama
from tests.core.planning.test_bounds import LENGTHS, some

FREE = np.full((len(some(llama())), 1), 1000.0)


def test_a_replica_less_than_a_closed_form_needs_is_worth_a_run() -> None:
    assert np.asarray(fewest(np.array([1.0, 2.0, 5.0, np.inf]))).tolist() == [1.0, 1.0, 4.0, np.inf]


def test_looser_limits_are_longer_times_and_no_more_gpus() -> None:
    found = Limits(ttft_s=2.0, tpot_s=0.05, gpus=4.0).looser(1.1)
    assert (found.ttft_s, found.tpot_s) == pytest.approx((2.2, 0.055))
    assert (found.request_latency_s, found.gpus) == (np.inf, 4.0)


def test_requests_that_come_by_themselves_do_not_wait_for_a_start() -> None:
    """A loop of 32 starts at once: a tenth of its requests wait for 31 others' prefills, arrivals for none of them."""
    rows = stack(some(llama()))
    loop, arriving = closed_form(rows, LENGTHS, 32.0), one_by_one(rows, LENGTHS, 32.0)
    assert (np.asarray(arriving.ttft_s) < np.asarray(loop.ttft_s)).all()
    assert np.asarray(arriving.tpot_s) == pytest.approx(np.asarray(loop.tpot_s))
    planned = under_load(rows, "request_rate", LENGTHS, 32.0)
    assert np.asarray(planned.ttft_s) == pytest.approx(np.asarray(arriving.ttft_s))


@pytest.mark.parametrize("limits", [Limits(ttft_s=0.5, tpot_s=0.02), Limits(tpot_s=0.04), Limits()], ids=str)
def test_no_run_of_arrivals_keeps_means_with_fewer_replicas_than_the_least(limits: Limits) -> None:
    """What one replica less would have to take breaks a limit, or comes too near to what is served at most."""
    rows, alone = stack(some(llama())), some(llama())
    found = split_load(rows, "served", LENGTHS, Load(kind="request_rate", amount=200.0), limits, FREE)
    for place, deployment in enumerate(alone):
        least = found.least[place, 0]
        if not np.isfinite(least) or least == 1:
            continue
        rate = 200.0 / (least - 1)
        steady = rate <= STEADY_LOAD * float(queue_of_many(deployment, LENGTHS).requests_per_s)
        assert not steady or not limits.allow(simulated_arrivals(deployment, LENGTHS, rate))


def test_a_fifth_fewer_replicas_than_a_closed_form_needs_are_worth_a_run() -> None:
    load = Load(kind="request_rate", amount=200.0)
    found = split_load(stack(some(llama())), "served", LENGTHS, load, Limits(tpot_s=0.02), FREE)
    kept = np.isfinite(found.replicas)
    assert (found.least[kept] >= (1 - SPARE) * (found.replicas[kept] - 1)).all()
    assert (found.least[kept] <= found.replicas[kept]).all()
    assert (found.least[kept] < found.replicas[kept]).any()
