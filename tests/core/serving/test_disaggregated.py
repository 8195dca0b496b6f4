"""Prefill and decode apart: never more than either side gives."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_calc.core.serving import batch
from llm_calc.core.serving.batch import Lengths
from llm_calc.core.serving.disaggregated import Pools, carried_per_s, estimate, queue
from llm_calc.core.serving.estimate import Deployment
from tests.core.workloads.cases import RATES, WORK

DEPLOYMENT = Deployment(work=WORK, rates=RATES, capacity=64.0, limit=64.0)
FREE = Pools(prefill_replicas=1, decode_replicas=1, cache_bytes_per_token=1e5, link_bytes_per_s=1e30)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 8),
    st.integers(1, 8),
    st.integers(1, 8000),
    st.integers(2, 2000),
    st.integers(1, 400),
)
def test_with_a_free_link_neither_side_gives_more_than_it_can(
    prefill: int, decode: int, prompt: int, answer: int, concurrency: int
) -> None:
    """Requests a second: at most all prefill replicas' prompts, at most what decodes at once over an answer's time."""
    lengths = Lengths(input_tokens=float(prompt), output_tokens=float(answer))
    pools = replace(FREE, prefill_replicas=prefill, decode_replicas=decode)
    found = estimate(DEPLOYMENT, pools, lengths, float(concurrency))
    prompts = prefill / float(batch.prefill_seconds(WORK, RATES, 1.0, lengths))
    fullest = min(concurrency, 64.0 * decode) / ((answer - 1) * float(found.tpot_s))
    assert float(found.requests_per_s) <= prompts * (1 + 1e-3)
    assert float(found.requests_per_s) <= fullest * (1 + 1e-3)
    alone = float(batch.decode_seconds(WORK, RATES, 1.0, lengths))
    assert float(found.tpot_s) >= alone * (1 - 1e-9)


def test_a_slower_link_is_never_faster() -> None:
    lengths = Lengths(input_tokens=4000.0, output_tokens=200.0)
    rates = [
        float(estimate(DEPLOYMENT, replace(FREE, link_bytes_per_s=link), lengths, 8.0).requests_per_s)
        for link in (1e30, 1e11, 1e9)
    ]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] == pytest.approx(rates[1], rel=0.05)


@pytest.mark.parametrize("links", [1.0, 2.5])
def test_a_link_carries_no_more_caches_than_it_has_bytes_for(links: float) -> None:
    """4000 tokens of 1e5 bytes are 0.4 GB; at 1e7 bytes/s a link carries one in 40 s."""
    lengths = Lengths(input_tokens=4000.0, output_tokens=200.0)
    slow = replace(FREE, link_bytes_per_s=1e7, links=links, prefill_replicas=4, decode_replicas=4)
    assert carried_per_s(slow, 4000.0) == pytest.approx(links / 40)
    assert queue(DEPLOYMENT, slow, lengths).requests_per_s == pytest.approx(links / 40)
    for concurrency in (1.0, 64.0, 1e4):
        found = estimate(DEPLOYMENT, slow, lengths, concurrency)
        assert float(found.requests_per_s) <= links / 40 * (1 + 1e-9)
    assert float(found.ttft_s) == pytest.approx(1e4 * 40 / links, rel=1e-3)


def test_no_more_answers_decode_than_the_scheduler_allows() -> None:
    """Four at once on each of two replicas: eight decode, and eight answers' time is that of four together."""
    lengths = Lengths(input_tokens=1.0, output_tokens=2000.0)
    few = replace(DEPLOYMENT, limit=4.0)
    found = estimate(few, replace(FREE, decode_replicas=2), lengths, 100.0)
    assert float(found.running) == pytest.approx(8.0, rel=1e-6)
    step = float(batch.decode_seconds(WORK, RATES, 4.0, lengths))
    assert float(found.tpot_s) == pytest.approx(step, rel=1e-6)
