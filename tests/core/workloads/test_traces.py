"""Recorded requests: what is found by the names of blocks, and that a trace is the arrivals that it records."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_calc.core.serving.estimate import Deployment, Offsets
from llm_calc.core.serving.traffic import poisson_arrivals, rounds_of_arrivals
from llm_calc.core.workloads.draws import Draw
from llm_calc.core.workloads.estimate import arriving
from llm_calc.core.workloads.stream import RequestClass, Room, Stream, Tier
from llm_calc.core.workloads.traces import Trace, replayed
from tests.core.workloads.cases import RATES, WORK

DEPLOYMENT = Deployment(work=WORK, rates=RATES, capacity=1000.0, limit=64.0)
ROOMY = Room(capacity_tokens=1e9)
PUBLISHED = Trace(
    arrivals_s=(0.0, 3.053),
    prompts=(6955.0, 6472.0),
    outputs=(52.0, 26.0),
    blocks=((*range(46, 58), 2353, 2354), (*range(46, 58), 2366)),
)
"""The two requests of Mooncake's README, which says that they share 12 x 512 tokens (checked: 2026-11-30)."""


def trace(seed: int, requests: int) -> Trace:
    """Conversations that grow by a block or two, in turn."""
    blocks = tuple(
        tuple(1000 * (at % 5) + one for one in range(1 + (at // 5) % 7 + seed % 2)) for at in range(requests)
    )
    return Trace(
        arrivals_s=poisson_arrivals(20.0, requests),
        prompts=tuple(512.0 * len(each) - seed % 500 for each in blocks),
        outputs=(20.0,) * requests,
        blocks=blocks,
    )


def test_what_the_publisher_says_is_shared_is_found() -> None:
    found = replayed(DEPLOYMENT, PUBLISHED, ROOMY, 1)
    assert found.seen.found_tokens[0].tolist() == [0.0, 6144.0]
    assert sum(found.hit_fractions) == pytest.approx(6144 / (6955 + 6472))
    assert found.most_hit_fraction == pytest.approx(6144 / (6955 + 6472))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 999), st.floats(0.02, 1.0), st.floats(1.1, 4.0))
def test_more_cache_never_finds_less(seed: int, share: float, factor: float) -> None:
    one = trace(seed, 60)
    size = share * 5 * 8 * 512
    less, more, most = (
        sum(replayed(DEPLOYMENT, one, Room(capacity_tokens=tokens), 1).hit_fractions)
        for tokens in (size, size * factor, 1e9)
    )
    assert less - 0.02 <= more <= most + 1e-9
    assert most == pytest.approx(replayed(DEPLOYMENT, one, ROOMY, 1).most_hit_fraction)


def test_without_room_nothing_is_found_and_a_tier_below_gives_it_back() -> None:
    tight, one = Room(capacity_tokens=600.0), trace(1, 40)
    slow = replace(one, arrivals_s=tuple(10.0 * each for each in range(40)))
    assert (
        sum(replayed(DEPLOYMENT, slow, tight, 1).hit_fractions) <= 0.25
    )  # what the next request has as well
    host = Tier(name="host", capacity_tokens=1e9, tokens_per_s=1e6)
    tiered = replayed(DEPLOYMENT, slow, replace(tight, tiers=(host,)), 1)
    assert sum(tiered.hit_fractions) == pytest.approx(tiered.most_hit_fraction)


def test_a_switched_off_cache_finds_nothing_and_a_stated_share_stands() -> None:
    assert sum(replayed(DEPLOYMENT, PUBLISHED, replace(ROOMY, keeps=False), 1).hit_fractions) == 0
    stated = replayed(DEPLOYMENT, PUBLISHED, replace(ROOMY, stated_fraction=0.5), 1)
    assert sum(stated.hit_fractions) == pytest.approx(0.5)


def test_equal_requests_of_a_trace_are_those_arrivals() -> None:
    arrivals = rounds_of_arrivals(5.0)
    count = len(arrivals)
    recorded = Trace(arrivals_s=arrivals, prompts=(700.0,) * count, outputs=(80.0,) * count)
    fixed = [Draw((0.0, 1.0), (each, each)) for each in (700.0, 80.0, 1.0)]
    kind = RequestClass(first=fixed[0], output=fixed[1], growth=fixed[2])
    own = replayed(DEPLOYMENT, recorded, replace(ROOMY, keeps=False), 1).estimate
    drawn = arriving(DEPLOYMENT, Stream(classes=(kind,)), replace(ROOMY, keeps=False), 5.0)
    assert float(own.ttft_s) == pytest.approx(float(drawn.estimate.ttft_s), rel=0.01)
    assert float(own.tpot_s) == pytest.approx(float(drawn.estimate.tpot_s), rel=0.01)


def test_replicas_take_requests_in_turn_and_give_as_many() -> None:
    one = trace(3, 60)
    alone, four = (replayed(DEPLOYMENT, one, ROOMY, replicas) for replicas in (1, 4))
    assert len(four.seen.prompt_tokens) == 60
    assert sum(four.seen.prompt_tokens) == sum(one.prompts)
    assert float(four.estimate.requests_per_s) * 4 == pytest.approx(
        float(alone.estimate.requests_per_s), rel=0.3
    )
    assert float(four.estimate.ttft_s) <= float(alone.estimate.ttft_s) * 1.5
    assert len(replayed(DEPLOYMENT, PUBLISHED, ROOMY, 9).seen.prompt_tokens) == 2


@pytest.mark.parametrize("replicas", [1, 3])
def test_a_trace_lasts_until_clients_have_its_last_token(replicas: int) -> None:
    one, late = trace(2, 12), replace(DEPLOYMENT, offsets=Offsets(ttft=1000.0))
    found = replayed(late, one, ROOMY, replicas)
    seen = found.seen
    assert seen.elapsed_s == pytest.approx(float((seen.arrival_s + seen.latency_s).max()))
    assert seen.elapsed_s >= one.arrivals_s[-1] + float(seen.ttft_s.min()) > one.arrivals_s[-1] + 1.0
    assert sorted(seen.arrival_s.tolist()) == pytest.approx(one.arrivals_s)
    assert float(found.estimate.requests_per_s) * replicas == pytest.approx(12 / seen.elapsed_s)
