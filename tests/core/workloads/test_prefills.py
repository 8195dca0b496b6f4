"""What prefill replicas keep of prompts: cases by hand, and what more room may and may not change."""

import random
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from llm_calc.core.serving.traffic import poisson_arrivals
from llm_calc.core.workloads.apart import run_apart
from llm_calc.core.workloads.draws import around
from llm_calc.core.workloads.stations import Stations
from llm_calc.core.workloads.stream import RequestClass, Room, Stream
from tests.core.workloads.test_apart import one_kind, stations
from tests.core.workloads.test_reference_apart import load

FOLLOWED = 60
SOONER = 0.005
"""A turn that comes sooner may meet another's prompt: of 60 loads one is slower so, by 0.33 %."""


def keeping(capacity: float, block: float = 1.0, prefills: int = 1) -> Stations:
    """As ``stations``: a millisecond for each token that is computed, ten for one that is answered."""
    return replace(stations(prefills), room=Room(capacity_tokens=capacity, block_tokens=block))


@pytest.mark.parametrize(("block", "computed"), [(1.0, 30), (16.0, 34)])
@pytest.mark.parametrize("prefills", [1, 2])
def test_the_next_turn_finds_the_prompt_before_and_not_its_answer(
    block: float, computed: int, prefills: int
) -> None:
    """Prompts of 100, then of 100 + 20 + 10: of the first 100 or its 6 whole blocks are there, of the answer nothing.

    The second goes to the replica that has them, though others are free.
    """
    turns = Stream(classes=(one_kind(100, 20, turns=2),), arrivals_s=(0.0,))
    seen = run_apart(turns, keeping(10_000, block, prefills), 2)
    assert seen.ttft_s == pytest.approx([0.1, computed / 1000])
    assert seen.found_tokens[0].tolist() == [0, 130 - computed]
    assert seen.known_tokens.tolist() == [0, 100]


def test_the_least_recently_used_prompt_leaves_first() -> None:
    """Room for 150 tokens, prompts of 100: the second leaves 50 of the first, and the first's next turn nothing of it.

    Prompts of the second turns are 100 + 101 + 10 long; an answer takes a second, in which the other prompt comes.
    """
    two = Stream(classes=(one_kind(100, 101, turns=2),), arrivals_s=(0.0, 0.2))
    seen = run_apart(two, keeping(150), 4)
    later = seen.turn == 1
    assert seen.found_tokens[0][later].tolist() == [50, 0]
    assert seen.ttft_s[later] == pytest.approx([0.161, 0.211])
    both = run_apart(two, keeping(100_000), 4)
    assert both.found_tokens[0][both.turn == 1].tolist() == [100, 100]


def test_each_replica_computes_a_shared_beginning_once() -> None:
    """Four prompts of 100, a second apart, of which 60 are shared: one replica computes 60 once, two twice."""
    four = Stream(classes=(one_kind(100, 2),), arrivals_s=(0.0, 1.0, 2.0, 3.0), shared_tokens=60.0)
    assert run_apart(four, keeping(1000), 4).ttft_s == pytest.approx([0.1, 0.04, 0.04, 0.04])
    assert run_apart(four, keeping(1000, prefills=2), 4).ttft_s == pytest.approx([0.1, 0.1, 0.04, 0.04])


def test_equal_blocks_of_a_trace_are_found_where_they_were_computed() -> None:
    """Names 1 and 2 of 50 tokens each, then 1 and 3: half of the second prompt is there."""
    two = Stream(
        classes=(one_kind(100, 2),), arrivals_s=(0.0, 1.0), blocks=((1, 2), (1, 3)), block_tokens=50.0
    )
    assert run_apart(two, keeping(1000), 2).ttft_s == pytest.approx([0.1, 0.05])
    assert run_apart(two, keeping(1000, prefills=2), 2).ttft_s == pytest.approx([0.1, 0.1])


def test_the_whole_cache_travels_whatever_was_found() -> None:
    turns = Stream(classes=(one_kind(100, 20, turns=2),), arrivals_s=(0.0,))
    sides = replace(keeping(10_000), transfer_s=lambda tokens: 0.001 * tokens)
    assert run_apart(turns, sides, 2).ttft_s == pytest.approx([0.2, 0.03 + 0.13])


def test_caches_that_wait_for_a_link_take_room() -> None:
    """The first prompt is on its way for a second, in which another turn finds no room for what it had."""
    kinds = (one_kind(100, 2, turns=2),)
    slow = replace(keeping(150), transfer_s=lambda tokens: 1.0)
    quick = keeping(350)
    arrivals = Stream(classes=kinds, arrivals_s=(0.0, 0.9))
    seen, free = run_apart(arrivals, slow, 4), run_apart(arrivals, quick, 4)
    assert seen.found_tokens[0][seen.turn == 1].tolist()[0] < 100
    assert free.found_tokens[0][free.turn == 1].tolist() == [100, 100]


def test_what_could_be_found_of_prompts_is_all_but_what_is_new() -> None:
    """Prompts of 100, 130 and 160: all of the last is new once, 160 of 390."""
    kind = RequestClass(first=around(100.0, 0.0), output=around(20.0, 0.0), growth=around(10.0, 0.0), turns=3)
    stream = Stream(classes=(kind,), slots=1)
    assert stream.most_prompt_hit_fraction == pytest.approx(1 - 160 / 390)
    assert stream.most_prompt_hit_fraction < stream.most_hit_fraction
    seen = run_apart(stream, keeping(1e6), 30)
    assert float(seen.found_tokens.sum() / seen.prompt_tokens.sum()) == pytest.approx(1 - 160 / 390)
    shared = replace(stream, shared_tokens=30.0)
    assert shared.most_prompt_hit_fraction == pytest.approx(1 - 130 / 390)


@pytest.mark.repeats
def test_single_requests_and_no_room_are_as_where_nothing_is_kept() -> None:
    for seed in range(FOLLOWED):
        stream, sides, requests = load(seed)
        single = replace(stream, classes=tuple(replace(each, turns=1) for each in stream.classes))
        plain = run_apart(single, sides, 60)
        kept = run_apart(single, replace(sides, room=Room(capacity_tokens=1e5)), 60)
        assert kept.ttft_s.tolist() == plain.ttft_s.tolist()
        if sides.prefills == 1:  # with several, turns of a session go to one of them
            none = run_apart(stream, replace(sides, room=Room(capacity_tokens=0.0)), requests)
            assert none.found_tokens.sum() == 0
            assert none.ttft_s.tolist() == run_apart(stream, sides, requests).ttft_s.tolist()


@pytest.mark.repeats
def test_more_room_finds_no_less() -> None:
    """Of prompts that take as long whatever is found, so that they come in one order: each finds no less."""
    for seed in range(FOLLOWED):
        stream, sides, requests = load(seed)
        longest = max(each.longest_tokens for each in stream.classes)
        sides = replace(sides, prefill_s=lambda tokens, found: 0.003 + 1e-4 * tokens)
        found = [
            run_apart(stream, replace(sides, room=Room(capacity_tokens=part * longest)), requests)
            for part in (0.0, 0.7, 2.0, 5.0, 20.0, 1e6)
        ]
        for less, more in pairwise(found):
            assert np.all(more.found_tokens >= less.found_tokens)
        assert found[-1].found_tokens[0] == pytest.approx(found[-1].known_tokens)


@pytest.mark.repeats
def test_prompts_that_are_found_come_no_later_and_sides_bound_what_is_served() -> None:
    """The same sessions with all of their turns: of the first so many, those that are quicker would be others."""
    for seed in range(FOLLOWED):
        stream, sides, _ = load(seed)
        turns = stream.classes[0].turns
        stream = replace(stream, slots=0, arrivals_s=stream.arrivals_s or poisson_arrivals(1.0, 150 // turns))
        requests = len(stream.arrivals_s) * turns
        draw, one = random.Random(seed), replace(sides, prefills=1)
        room = Room(capacity_tokens=draw.choice([0.7, 3.0, 1e6]) * stream.classes[0].longest_tokens)
        kept = run_apart(stream, replace(one, room=room), requests)
        plain = run_apart(stream, one, requests)
        assert kept.ttft_s.mean() <= plain.ttft_s.mean() * (1 + SOONER)
        pairs = list(zip(kept.prompt_tokens.tolist(), kept.found_tokens[0].tolist(), strict=True))
        computed_s = np.array([one.prefill_s(*each) for each in pairs])
        travelled_s = np.array([one.transfer_s(prompt) for prompt, _ in pairs])
        assert np.all(kept.ttft_s >= computed_s + travelled_s - 1e-9)
        assert computed_s.sum() <= float((kept.arrival_s + kept.latency_s).max()) + 1e-9
