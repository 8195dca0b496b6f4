"""Scores of prompts that come in chunks: as many as of whole ones, whichever way they are served.

A machine that does nothing but compare tokens, a microsecond a pair, in a model of one layer. Of a prompt of n tokens
each sees all before it and itself: n^2 / 2 pairs (and half of n more), in one chunk or in many. A chunk that began at
the start of its prompt would meet fewer.
"""

from dataclasses import replace

import pytest

from llm_calc.core.operators.work import ContextWork, LayerCounts, StepWork
from llm_calc.core.serving import closed_loop, offline
from llm_calc.core.serving.batch import Lengths, prefill_seconds
from tests.core.serving.cases import PLAIN
from tests.core.serving.test_by_hand import rates

PAIRS = ContextWork(
    name="attention",
    calls=1,
    kv_bytes_per_key=0.0,
    decode_flops_per_key=0.0,
    prefill_flops_per_pair=1e9,  # of 1e15 a second
    limit_tokens=1e12,
)
ONLY_SCORES = StepWork(linear=(), context=(PAIRS,), collectives=(), counts=LayerCounts(layers=1))
PROMPT = Lengths(input_tokens=2000.0, output_tokens=100.0)
WHOLE_S = 2000**2 / 2 * 1e-6
CACHED = replace(PROMPT, cached_fraction=0.5)
REST_S = (2000**2 - 1000**2) / 2 * 1e-6
"""The later thousand of 2000 tokens, whose beginning is there."""


@pytest.mark.parametrize("chunk", [2000, 1000, 500, 100])
@pytest.mark.parametrize(("lengths", "seconds"), [(PROMPT, WHOLE_S), (CACHED, REST_S)])
def test_a_prompt_alone(chunk: int, lengths: Lengths, seconds: float) -> None:
    found = prefill_seconds(ONLY_SCORES, rates(replace(PLAIN, prompt_tokens=chunk)), 1.0, lengths)
    assert found == pytest.approx(seconds, rel=2e-3)


@pytest.mark.parametrize("chunk", [2000, 1000, 500, 100])
@pytest.mark.parametrize(("lengths", "seconds"), [(PROMPT, WHOLE_S), (CACHED, REST_S)])
def test_an_endless_queue(chunk: int, lengths: Lengths, seconds: float) -> None:
    """Answers cost nothing: 100 tokens a prompt."""
    chunked = rates(replace(PLAIN, prompt_tokens=chunk))
    found = offline.steady_state(ONLY_SCORES, chunked, lengths, 8.0, 8.0)
    assert found.output_tokens_per_s == pytest.approx(100 / seconds, rel=2e-3)


@pytest.mark.parametrize("chunk", [2000.0, 1000.0, 500.0, 100.0])
@pytest.mark.parametrize(("lengths", "seconds"), [(PROMPT, WHOLE_S), (CACHED, REST_S)])
def test_a_loop(chunk: float, lengths: Lengths, seconds: float) -> None:
    found = closed_loop.steady_state(ONLY_SCORES, rates(), lengths, 1.0, 8.0, budget_tokens=chunk)
    assert found.prefill_s == pytest.approx(seconds, rel=2e-3)
