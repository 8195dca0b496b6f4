"""Independent replicas under a closed loop: each has its own requests, some one more than others."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_calc.core.arrays import Quantity
from llm_calc.core.serving.estimate import Estimate
from llm_calc.core.serving.replicas import dealt
from llm_calc.core.serving.traffic import Requests

OUTPUT = 100.0


def one(requests: Quantity) -> Estimate:
    """A server whose token takes 1 ms and 0.1 ms more a request: ``n / (100 x t)`` requests a second."""
    token = 1e-3 + 1e-4 * requests
    rate = requests / (OUTPUT * token)
    return Estimate(
        ttft_s=token,
        tpot_s=token,
        request_latency_s=OUTPUT * token,
        output_tokens_per_s=rate * OUTPUT,
        total_tokens_per_s=rate * 3 * OUTPUT,
        requests_per_s=rate,
        running=requests,
    )


def test_seventeen_requests_on_sixteen_replicas_are_one_pair_and_fifteen_alone() -> None:
    found = dealt(one, 17, 16)
    alone, pair = 1 / 1.1e-3, 2 / 1.2e-3
    assert found.output_tokens_per_s == pytest.approx(15 * alone + pair)
    assert found.running == 17
    assert found.tpot_s == pytest.approx((15 * alone * 1.1e-3 + pair * 1.2e-3) / (15 * alone + pair))


@given(st.integers(1, 400), st.integers(1, 33))
def test_output_grows_with_requests_and_littles_law_holds(requests: int, replicas: int) -> None:
    here, next_one = dealt(one, requests, replicas), dealt(one, requests + 1, replicas)
    assert next_one.output_tokens_per_s >= here.output_tokens_per_s * (1 - 1e-12)
    assert here.requests_per_s * here.request_latency_s == pytest.approx(requests)


@given(st.lists(st.integers(1, 400), min_size=1, max_size=9), st.integers(1, 33))
def test_arrays_are_as_their_numbers(loads: list[int], replicas: int) -> None:
    together = dealt(one, np.array(loads, dtype=float), replicas)
    for place, load in enumerate(loads):
        alone = dealt(one, load, replicas)
        for name in ("ttft_s", "tpot_s", "output_tokens_per_s", "requests_per_s", "running"):
            assert np.asarray(getattr(together, name))[place] == pytest.approx(getattr(alone, name))


def test_the_slow_tenth_of_requests_is_on_the_busier_replica() -> None:
    def told(requests: Quantity) -> Estimate:
        found, slots = one(requests), int(np.max(requests))
        times = np.full(slots, float(found.tpot_s))
        each = Requests(ttft_s=times, tpot_s=times, latency_s=times)
        return Estimate(**{name: getattr(found, name) for name in Estimate.__slots__[:7]}, each=each)

    found = dict(dealt(told, 5, 4).percentiles)
    assert found["tpot_s"][0] == pytest.approx(1.1e-3)
    assert found["tpot_s"][-1] == pytest.approx(1.2e-3)


def test_requests_of_thousands_of_replicas_stay_few() -> None:
    """By hand: 3 x 4096 + 1024 requests; a quarter of the replicas have one more, as one of four has."""

    def each(requests: Quantity) -> Estimate:
        times = np.arange(float(np.asarray(requests)))
        return replace(one(requests), each=Requests(ttft_s=times, tpot_s=times, latency_s=times))

    few, many = dealt(each, 13, 4), dealt(each, 3 * 4096 + 1024, 4096)
    assert many.each.ttft_s.tolist() == few.each.ttft_s.tolist()
    assert len(dealt(each, 3 * 4096 + 1, 4096).each.ttft_s) <= 4 + 3 * 64
