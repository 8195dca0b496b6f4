"""Pairs of layouts with prefill and decode apart, by hand and beside the estimate of one pair."""

import numpy as np
import pytest

from llm_calc.core.planning.apart import COUNTS, pairs_of, served_apart
from llm_calc.core.planning.split import Load
from llm_calc.core.serving.batch import Lengths
from llm_calc.core.serving.disaggregated import Pools, estimate, queue
from llm_calc.core.serving.estimate import Deployment
from tests.builders import llama
from tests.core.serving.cases import rates, work

BOTH = np.arange(2)
LENGTHS = Lengths(input_tokens=2000.0, output_tokens=200.0)


def test_pairs_take_the_gpus_of_both_sides() -> None:
    """Of rows of 2 and 4 GPUs on 10: 2P + 2D <= 10, 2P + 4D <= 10, 4P + 2D <= 10, 4P + 4D <= 10, counted by hand."""
    pairs = pairs_of(np.array([[2.0], [4.0]]), 10.0, BOTH, BOTH)
    found: dict[tuple[int, int], int] = {}
    for first, second in zip(pairs.first.tolist(), pairs.second.tolist(), strict=True):
        found[first, second] = found.get((first, second), 0) + 1
    assert found == {(0, 0): 10, (0, 1): 4, (1, 0): 4, (1, 1): 1}
    assert pairs.gpus.max() <= 10.0
    assert set(np.unique(pairs.prefills)) <= set(COUNTS)


def test_each_side_has_rows_of_its_own() -> None:
    """Rows of 4 GPUs prefill, rows of 2 decode, on 10: 4P + 2D <= 10 with P, D of COUNTS are (1, 1..3) and (2, 1)."""
    pairs = pairs_of(np.array([[2.0], [4.0]]), 10.0, np.array([1]), np.array([0]))
    found = sorted(zip(pairs.prefills[:, 0].tolist(), pairs.decodes[:, 0].tolist(), strict=True))
    assert found == [(1, 1), (1, 2), (1, 3), (2, 1)]
    assert set(pairs.first.tolist()) == {1}
    assert set(pairs.second.tolist()) == {0}


CACHE = (2e5, 5e10)
CAPACITIES = np.array([[50.0], [5.0]])
GPUS = np.array([[2.0], [1.0]])
ROWS = Deployment(work=work(llama()), rates=rates(), capacity=CAPACITIES, limit=np.inf)


def pools(first: int, second: int, prefills: float, decodes: float) -> Pools:
    own, others = GPUS[first, 0], GPUS[second, 0]
    senders = min(own, others)
    return Pools(
        prefill_replicas=prefills,  # type: ignore[arg-type]
        decode_replicas=decodes,  # type: ignore[arg-type]
        cache_bytes_per_token=CACHE[0],
        link_bytes_per_s=CACHE[1] * senders,
        links=min(prefills * own, decodes * others) / senders,
    )


def test_each_pair_is_the_estimate_of_its_own() -> None:
    pairs = pairs_of(GPUS, 6.0, BOTH, BOTH)
    found, holds = served_apart(ROWS, GPUS, pairs, LENGTHS, Load(kind="concurrency", amount=12.0), CACHE)
    assert holds.all()
    for at in range(len(pairs.first)):
        first, second = int(pairs.first[at]), int(pairs.second[at])
        sides = [
            Deployment(work=ROWS.work, rates=ROWS.rates, capacity=float(CAPACITIES[row, 0]), limit=np.inf)
            for row in (first, second)
        ]
        own = pools(first, second, float(pairs.prefills[at, 0]), float(pairs.decodes[at, 0]))
        one = estimate(sides[0], own, LENGTHS, 12.0, sides[1])
        for name in ("ttft_s", "tpot_s", "requests_per_s"):
            assert np.broadcast_to(getattr(found, name), pairs.gpus.shape)[at, 0] == pytest.approx(
                float(getattr(one, name)), rel=1e-9
            )


def test_a_rate_is_served_where_both_sides_have_a_twentieth_to_spare() -> None:
    pairs = pairs_of(GPUS, 6.0, BOTH, BOTH)
    for at in (0, len(pairs.first) - 1):
        first, second = int(pairs.first[at]), int(pairs.second[at])
        decode = Deployment(
            work=ROWS.work, rates=ROWS.rates, capacity=float(CAPACITIES[second, 0]), limit=np.inf
        )
        own = pools(first, second, float(pairs.prefills[at, 0]), float(pairs.decodes[at, 0]))
        most = float(queue(decode, own, LENGTHS, decode).requests_per_s)
        for rate, held in ((0.94 * most, True), (0.96 * most, False)):
            found, holds = served_apart(
                ROWS, GPUS, pairs, LENGTHS, Load(kind="request_rate", amount=rate), CACHE
            )
            assert bool(holds[at, 0]) is held
            assert float(np.broadcast_to(found.requests_per_s, pairs.gpus.shape)[at, 0]) == rate


def test_each_pair_has_the_link_of_its_own_size() -> None:
    """Pairs on more than four GPUs send at a hundredth: a cache of 4e8 bytes takes so much longer, all else alike."""
    pairs = pairs_of(GPUS, 6.0, BOTH, BOTH)
    rates = np.where(pairs.gpus > 4, CACHE[1] / 100, CACHE[1])
    found, plain = (
        np.broadcast_to(
            served_apart(ROWS, GPUS, pairs, LENGTHS, Load(kind="concurrency", amount=1.0), (CACHE[0], link))[
                0
            ].ttft_s,
            pairs.gpus.shape,
        )
        for link in (rates, CACHE[1])
    )
    senders = np.minimum(GPUS[pairs.first], GPUS[pairs.second])
    longer = np.where(pairs.gpus > 4, 99 * 2000 * CACHE[0] / (CACHE[1] * senders), 0.0)
    assert (pairs.gpus > 4).any()
    assert found - plain == pytest.approx(longer, abs=1e-9)


def test_sessions_that_pause_are_as_many_requests_as_are_not_in_their_pauses() -> None:
    """Little's law: of 12 sessions those in their pauses, load nothing; the rest is a closed loop."""
    pairs = pairs_of(GPUS, 6.0, BOTH, BOTH)
    found, _ = served_apart(
        ROWS, GPUS, pairs, LENGTHS, Load(kind="concurrency", amount=12.0, think_s=30.0), CACHE
    )
    latency, rate = (
        np.broadcast_to(each, pairs.gpus.shape) for each in (found.request_latency_s, found.requests_per_s)
    )
    # Four rounds leave less than a hundredth of it here.
    assert rate * (latency + 30.0) == pytest.approx(np.full(rate.shape, 12.0), rel=0.01)


def test_a_session_that_hardly_pauses_is_one_that_never_does() -> None:
    """Little's law again: pauses of a ten-thousandth of a request leave as many in flight as there are sessions."""
    pairs = pairs_of(GPUS, 3.0, BOTH, BOTH)
    (short, _), (none, _) = (
        served_apart(ROWS, GPUS, pairs, LENGTHS, Load(kind="concurrency", amount=12.0, think_s=pause), CACHE)
        for pause in (1e-4, 0.0)
    )
    assert np.asarray(short.request_latency_s) == pytest.approx(np.asarray(none.request_latency_s), rel=1e-3)
    assert np.asarray(short.tpot_s) == pytest.approx(np.asarray(none.tpot_s), rel=1e-3)


def test_sessions_that_hardly_ever_ask_wait_as_long_as_a_request_that_is_alone() -> None:
    pairs = pairs_of(GPUS, 3.0, BOTH, BOTH)
    (rare, _), (alone, _) = (
        served_apart(ROWS, GPUS, pairs, LENGTHS, load, CACHE)
        for load in (
            Load(kind="concurrency", amount=12.0, think_s=1e6),
            Load(kind="concurrency", amount=1.0),
        )
    )
    assert np.asarray(rare.request_latency_s) == pytest.approx(np.asarray(alone.request_latency_s), rel=1e-9)
    assert np.asarray(rare.requests_per_s) == pytest.approx(
        12.0 / (1e6 + np.asarray(alone.request_latency_s))
    )


@pytest.mark.parametrize("part", [0.01, 0.5, 0.9])
def test_at_a_rate_as_many_are_in_flight_as_arrive_while_one_stays(part: float) -> None:
    """Little's law, ``n = rate x latency(n)``, of each pair by itself; never less than the one that is looked at."""
    pairs = pairs_of(GPUS, 3.0, BOTH, BOTH)
    for at in range(len(pairs.first)):
        first, second = int(pairs.first[at]), int(pairs.second[at])
        sides = [
            Deployment(work=ROWS.work, rates=ROWS.rates, capacity=float(CAPACITIES[row, 0]), limit=np.inf)
            for row in (first, second)
        ]
        own = pools(first, second, float(pairs.prefills[at, 0]), float(pairs.decodes[at, 0]))
        rate = part * float(queue(sides[0], own, LENGTHS, sides[1]).requests_per_s)
        found, _ = served_apart(ROWS, GPUS, pairs, LENGTHS, Load(kind="request_rate", amount=rate), CACHE)
        latency = float(np.broadcast_to(found.request_latency_s, pairs.gpus.shape)[at, 0])
        again = estimate(sides[0], own, LENGTHS, max(rate * latency, 1.0), sides[1])
        # What four rounds leave, up to a twentieth near the full load.
        assert latency == pytest.approx(float(again.request_latency_s), rel=0.05)
