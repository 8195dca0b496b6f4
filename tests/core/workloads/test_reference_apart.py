"""Prefill and decode apart, from event to event, beside a run of every token a step."""

import random
from dataclasses import replace

import numpy as np
import pytest

from llm_calc.core.serving.traffic import poisson_arrivals
from llm_calc.core.workloads.apart import run_apart
from llm_calc.core.workloads.draws import around
from llm_calc.core.workloads.stations import Stations
from llm_calc.core.workloads.stream import RequestClass, Room, Stream
from tests.core.workloads.reference_apart import ReferenceApart

LOADS = 200
TIME = 0.03
KEPT_TIME, HITS = 0.04, 0.02
"""Prompts that come within a rounding of each other take replicas in another order, which closed loops carry on: two of
100 loads by 3.2 and 3.6 %."""


def stations(draw: random.Random) -> Stations:
    """Both sides with a step that grows with its answers; prompts of 0.1 ms a token."""
    base, each = draw.uniform(0.002, 0.02), draw.uniform(0.0001, 0.003)
    transfer = draw.choice([0.0, 2e-5, 2e-4])
    return Stations(
        prefills=draw.randint(1, 4),
        decodes=draw.randint(1, 4),
        most=draw.choice([1, 3, 8, 64]),
        prefill_s=lambda tokens, found: 0.003 + 1e-4 * (tokens - found),
        transfer_s=lambda tokens: transfer * tokens,
        token_s=lambda answers: base + each * answers,
        links=float(draw.randint(1, 3)),
    )


def kind(draw: random.Random, turns: int, share: float) -> RequestClass:
    return RequestClass(
        first=around(draw.randint(50, 800), 0.3),
        output=around(draw.randint(3, 60), 0.3),
        growth=around(draw.randint(8, 300), 0.3),
        turns=turns,
        think_s=draw.choice([0.0, 0.1, 1.0]),
        share_fraction=share,
    )


def load(seed: int) -> tuple[Stream, Stations, int]:
    """Closed loops, sessions, arrivals, and several classes of them; how many requests count."""
    draw = random.Random(seed)
    sides = stations(draw)
    turns, classes = draw.choice([1, 1, 2, 5]), draw.choice([1, 1, 3])
    kinds = tuple(kind(draw, turns, 1 / classes) for _ in range(classes))
    if draw.random() < 0.5:
        return Stream(classes=kinds, slots=draw.randint(1, 20)), sides, 120
    prompts = np.array([each.first.mean for each in kinds])
    outputs = np.array([each.output.mean for each in kinds])
    rate = draw.uniform(0.2, 1.2) * sides.most_per_s(prompts, outputs) / turns
    return Stream(classes=kinds, arrivals_s=poisson_arrivals(rate, 150 // turns)), sides, 120 // turns * turns


def errors(seed: int) -> tuple[float, float]:
    """Of mean TTFT and TPOT."""
    stream, sides, requests = load(seed)
    seen = run_apart(stream, sides, requests)
    rows = ReferenceApart(stream, sides).run(requests)
    first, each = (float(np.mean([row[name] for row in rows])) for name in ("ttft", "tpot"))
    return float(seen.ttft_s.mean()) / first - 1, float(np.nanmean(seen.tpot_s)) / each - 1


def kept(seed: int) -> tuple[float, float, float]:
    """Of mean TTFT and TPOT, and of the part of prompts that is found, where prefill replicas keep what they can."""
    draw = random.Random(1000 + seed)
    stream, sides, requests = load(seed)
    longest = max(each.longest_tokens for each in stream.classes)
    stream = replace(stream, shared_tokens=draw.choice([0.0, 20.0]))
    sides = replace(sides, room=Room(capacity_tokens=draw.choice([0.5, 2.0, 6.0, 100.0]) * longest))
    seen = run_apart(stream, sides, requests)
    rows = ReferenceApart(stream, sides).run(requests)
    first, each, prompts, found = (
        float(np.mean([row[name] for row in rows])) for name in ("ttft", "tpot", "prompt", "found")
    )
    hits = float(seen.found_tokens.sum() / seen.prompt_tokens.sum()) - found / prompts
    return float(seen.ttft_s.mean()) / first - 1, float(np.nanmean(seen.tpot_s)) / each - 1, hits


@pytest.mark.no_cover
def test_what_prefill_replicas_keep_is_found_as_token_by_token() -> None:
    found = np.abs([kept(seed) for seed in range(100)])
    assert np.all(found <= [KEPT_TIME, TIME, HITS])
    assert np.all(found.mean(axis=0) < 0.002)


@pytest.mark.no_cover
def test_two_hundred_small_loads_are_answered_as_step_by_step() -> None:
    """Nothing is approximated between events: what is left are requests that come within a rounding of a step's end."""
    found = np.abs([errors(seed) for seed in range(LOADS)])
    assert np.all(found <= TIME)
    assert np.all(found.mean(axis=0) < 0.001)
