"""Sessions on an engine: what is found in caches, and that a session of one turn is a request."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_calc.core.serving import estimate as core
from llm_calc.core.serving.batch import Lengths
from llm_calc.core.serving.estimate import SPREAD, Deployment
from llm_calc.core.workloads.arrivals import sessions_arriving
from llm_calc.core.workloads.draws import Draw, around, level_of, pause
from llm_calc.core.workloads.estimate import arriving, sessions_alive
from llm_calc.core.workloads.kept import Kept
from llm_calc.core.workloads.stream import RequestClass, Room, Stream, Tier
from tests.core.workloads.cases import RATES, WORK

DEPLOYMENT = Deployment(work=WORK, rates=RATES, capacity=1000.0, limit=1000.0)
ROOMY = Room(capacity_tokens=1e9)


def sessions(turns: int = 6, slots: int = 8, think_s: float = 0.5, shared: float = 0.0) -> Stream:
    kind = RequestClass(
        first=around(600.0, 0.2),
        growth=around(150.0, 0.2),
        output=around(60.0, 0.2),
        turns=turns,
        think_s=think_s,
    )
    return Stream(classes=(kind,), slots=slots, shared_tokens=shared)


def hits(stream: Stream, room: Room) -> float:
    return sum(sessions_alive(DEPLOYMENT, stream, room).hit_fractions)


def test_with_all_room_everything_but_what_is_new_is_found() -> None:
    stream = sessions()
    kind = stream.classes[0]
    found = sessions_alive(DEPLOYMENT, stream, ROOMY)
    assert sum(found.hit_fractions) == pytest.approx(
        1 - kind.mean_new_tokens / kind.mean_prompt_tokens, abs=0.01
    )
    seen = found.seen
    first = seen.turn == 0
    assert np.all(seen.found_tokens[0][first] == 0)
    assert np.all((seen.prompt_tokens - seen.found_tokens[0])[~first] <= 150.0 * 1.2 + 1 + 1e-9)


def test_without_room_nothing_is_found() -> None:
    assert hits(sessions(), Room(capacity_tokens=700.0)) == 0.0
    assert hits(sessions(), replace(ROOMY, keeps=False)) == 0.0


def test_a_stated_share_stands_in_place_of_what_is_kept() -> None:
    assert hits(sessions(), replace(ROOMY, keeps=False, stated_fraction=0.4)) == pytest.approx(0.4)


@settings(max_examples=12, deadline=None)
@given(st.integers(2, 8), st.integers(1, 12), st.floats(0.02, 2.0), st.floats(1.05, 3.0))
def test_more_cache_never_finds_less(turns: int, slots: int, share: float, factor: float) -> None:
    """Within what a run of few requests may differ by where requests meet in another order."""
    stream = sessions(turns, slots)
    size = stream.longest_tokens * slots * share
    assert (
        hits(stream, Room(capacity_tokens=size * factor)) >= hits(stream, Room(capacity_tokens=size)) - 0.02
    )


@pytest.mark.parametrize("room", [900.0, 4000.0, 1e9])
def test_tiers_below_add_to_what_is_found(room: float) -> None:
    host = Tier(name="host", capacity_tokens=1e9, tokens_per_s=1e6)
    bare, tiered = (hits(sessions(), Room(capacity_tokens=room, tiers=tiers)) for tiers in ((), (host,)))
    assert tiered >= bare - 0.01
    assert tiered == pytest.approx(hits(sessions(), ROOMY), abs=0.01)


def test_a_slower_tier_makes_first_tokens_wait() -> None:
    fast, slow = (
        sessions_alive(
            DEPLOYMENT,
            sessions(),
            Room(capacity_tokens=2000.0, tiers=(Tier(name="host", capacity_tokens=1e9, tokens_per_s=rate),)),
        )
        for rate in (1e6, 1e4)
    )
    assert float(slow.estimate.ttft_s) > float(fast.estimate.ttft_s)


def test_first_turns_find_the_beginning_that_all_share() -> None:
    found = sessions_alive(DEPLOYMENT, sessions(shared=400.0), ROOMY)
    first = found.seen.turn == 0
    assert np.mean(found.seen.found_tokens[0][first] == 400.0) > 0.9
    assert hits(sessions(shared=400.0), ROOMY) > hits(sessions(), ROOMY)


def test_a_session_of_one_turn_is_a_request_of_the_closed_loop() -> None:
    """The loop's lengths go from 80 to 100 %, 90 % and a ninth of it either way; in another order, so 12 %."""
    for slots in (1, 8, 40):
        mean, spread = 1 - SPREAD / 2, (SPREAD / 2) / (1 - SPREAD / 2)
        if slots == 1:
            mean, spread = 1.0, 0.0
        kind = RequestClass(
            first=around(1000 * mean, spread), output=around(100 * mean, spread), growth=around(1.0, 0.0)
        )
        own = sessions_alive(DEPLOYMENT, Stream(classes=(kind,), slots=slots), ROOMY).estimate
        loop = core.simulated_loop(DEPLOYMENT, Lengths(input_tokens=1000.0, output_tokens=100.0), slots)
        assert float(own.ttft_s) == pytest.approx(float(loop.ttft_s), rel=0.12)
        assert float(own.tpot_s) == pytest.approx(float(loop.tpot_s), rel=0.1)
        latency = float(loop.ttft_s) + (100 * mean - 1) * float(loop.tpot_s)
        assert float(own.requests_per_s) == pytest.approx(slots / latency, rel=0.1)


def test_a_hundred_sessions_move_in_groups_much_as_one_by_one() -> None:
    few, many = (sessions_alive(DEPLOYMENT, sessions(slots=slots, think_s=3.0), ROOMY) for slots in (64, 80))
    assert sum(many.hit_fractions) == pytest.approx(sum(few.hit_fractions), abs=0.02)
    assert float(many.estimate.requests_per_s) == pytest.approx(
        float(few.estimate.requests_per_s) * 1.25, rel=0.05
    )


def test_sessions_that_arrive_are_alive_as_long_as_they_take() -> None:
    found = sessions_arriving(DEPLOYMENT, sessions(slots=1), ROOMY, 2.0)
    latency = float(found.estimate.request_latency_s)
    session_s = 6 * latency + 5 * 0.5
    assert found.sessions == pytest.approx(2.0 * session_s, rel=0.08, abs=1.0)
    assert float(found.estimate.requests_per_s) == pytest.approx(12.0, rel=0.08)


def test_more_sessions_than_can_be_served_are_not_served() -> None:
    found = sessions_arriving(DEPLOYMENT, sessions(slots=1, think_s=0.0), ROOMY, 1e5)
    assert float(found.estimate.requests_per_s) < 6e5 / 2


def test_sessions_between_two_whole_numbers_are_served() -> None:
    one = sessions_alive(DEPLOYMENT, sessions(slots=1, think_s=0.0), ROOMY)
    rate = 1.4 * float(one.estimate.requests_per_s) / 6
    found = sessions_arriving(DEPLOYMENT, sessions(slots=1, think_s=0.0), ROOMY, rate)
    assert float(found.estimate.requests_per_s) == pytest.approx(6 * rate)


def test_what_can_be_served_does_not_fall_with_what_is_asked() -> None:
    tight = Room(capacity_tokens=8000.0)
    deployment = replace(DEPLOYMENT, capacity=4.0)
    rates = (50.0, 1e3, 1e5)
    served = [
        float(sessions_arriving(deployment, sessions(slots=1), tight, rate).estimate.requests_per_s)
        for rate in rates
    ]
    assert max(served) <= 1.5 * min(served)


@pytest.mark.parametrize("alive", [512, 5000])
def test_a_full_memory_is_as_full_however_many_wait(alive: int) -> None:
    """``sessions x turns / rate = turns x latency + pauses`` (Little's law): more alive wait, and run no faster."""
    tight = Room(capacity_tokens=12_000.0)
    deployment = replace(DEPLOYMENT, capacity=6.0)
    few, many = (sessions_alive(deployment, sessions(slots=slots), tight) for slots in (64, alive))
    # A run of 1300 requests ends in the midst of some sessions, so that its prompts are not quite the mean ones.
    for name in ("tpot_s", "running", "requests_per_s"):
        assert float(getattr(many.estimate, name)) == pytest.approx(
            float(getattr(few.estimate, name)), rel=0.04
        ), name
    rate = float(many.estimate.requests_per_s)
    longer = float(many.estimate.request_latency_s) - float(few.estimate.request_latency_s)
    assert longer == pytest.approx((alive - 64) / rate, rel=0.04)


def test_sessions_beyond_what_is_served_wait_the_longer_the_more_begin() -> None:
    tight = Room(capacity_tokens=8000.0)
    deployment = replace(DEPLOYMENT, capacity=4.0)
    rates = (40.0, 100.0, 1e3, 1e5)
    found = [sessions_arriving(deployment, sessions(slots=1), tight, rate).estimate for rate in rates]
    first = [float(each.ttft_s) for each in found]
    assert first == sorted(set(first))
    served = [float(each.requests_per_s) for each in found]
    assert max(served) == pytest.approx(min(served), rel=0.04)


def test_arrivals_of_drawn_lengths_are_served_as_a_closed_loop_serves_them() -> None:
    tailed = Draw((0.0, 0.5, 0.95, 1.0), (100.0, 400.0, 2000.0, 20_000.0))
    kind = RequestClass(first=tailed, growth=around(1.0, 0.0), output=around(60.0, 0.2))
    deployment, room = replace(DEPLOYMENT, capacity=4.0), Room(capacity_tokens=4 * 20_060.0)
    mean = tailed.mean + 60.0
    slots = int(room.capacity_tokens / mean)
    loop = sessions_alive(deployment, Stream(classes=(kind,), slots=slots), room)
    most = float(loop.estimate.requests_per_s)
    found = arriving(deployment, Stream(classes=(kind,)), room, 4 * most)
    assert float(found.estimate.requests_per_s) == pytest.approx(most, rel=0.05)
    kept = arriving(deployment, Stream(classes=(kind,)), room, 0.8 * most)
    assert float(kept.estimate.requests_per_s) == pytest.approx(0.8 * most)


def test_least_recently_used_contexts_leave_first_and_from_their_end() -> None:
    kept = Kept(10.0)
    for key in (1, 2, 3):
        kept.keep(key, 50.0)
    kept.keep(1, 50.0)
    kept.trim(115.0)
    assert kept.lengths == {2: 10.0, 3: 50.0, 1: 50.0}
    assert kept.total == 110.0
    kept.trim(0.0)
    assert (kept.lengths, kept.total) == ({}, 0.0)


def test_draws_have_the_quantiles_and_the_mean_that_were_given() -> None:
    draw = Draw((0.0, 0.5, 1.0), (10.0, 20.0, 100.0))
    assert (draw.at(0.0), draw.at(0.25), draw.at(0.5), draw.at(1.0)) == (10.0, 15.0, 20.0, 100.0)
    assert draw.mean == pytest.approx(0.5 * 15 + 0.5 * 60)
    levels = [level_of(0, session, turn) for session in range(40) for turn in range(10)]
    assert np.mean([draw.at(level) for level in levels]) == pytest.approx(draw.mean, rel=0.02)
    assert np.mean([pause(3.0, level) for level in levels]) == pytest.approx(3.0, rel=0.05)


@pytest.mark.parametrize("rate", [1e-6, 0.01, 0.1])
def test_sessions_at_a_rate_decode_as_many_as_little_s_law_makes(rate: float) -> None:
    """Requests a second x the time of an answer, however rarely sessions come."""
    found = sessions_arriving(DEPLOYMENT, replace(sessions(), slots=0), ROOMY, rate).estimate
    answer_s = float(found.request_latency_s - found.ttft_s)
    assert float(found.requests_per_s) == pytest.approx(6 * rate)
    assert float(found.running) == pytest.approx(6 * rate * answer_s)
