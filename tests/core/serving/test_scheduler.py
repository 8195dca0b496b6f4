"""The simulated scheduler: chunks, replicas of attention, and what they add up to."""

from dataclasses import replace

import pytest

from llm_calc.core.serving import batch, estimate
from llm_calc.core.serving.batch import Lengths
from llm_calc.core.serving.estimate import Deployment
from llm_calc.core.serving.traffic import Scheduling
from tests.builders import deepseek_v3, llama
from tests.core.serving.cases import rates, work

LONG = Lengths(input_tokens=200_000.0, output_tokens=4.0)
WHOLE = Deployment(work=work(llama(), tensor=4), rates=rates(), capacity=1000.0, limit=1000.0)
DEALT = Deployment(
    work=work(deepseek_v3(), data=8, expert=8),
    rates=rates(),
    capacity=1000.0,
    limit=1000.0,
    scheduling=Scheduling(replicas=8),
)


def test_chunks_of_a_long_prompt_score_every_pair_once() -> None:
    """In chunks or at once, attention over the prompt's own past is half of a square."""
    attention = replace(WHOLE, work=replace(WHOLE.work, linear=(), collectives=()))
    pairs = 200_000.0**2 / 2
    flops = pairs * float(attention.work.context[0].prefill_flops_per_pair)
    least = flops / float(attention.rates.prefill_attention_flops_per_s)
    whole = float(batch.prefill_seconds(WHOLE.work, WHOLE.rates, 1.0, LONG))
    bare = float(batch.prefill_seconds(replace(WHOLE.work, context=()), WHOLE.rates, 1.0, LONG))
    assert whole - bare == pytest.approx(least, rel=0.05)


def test_a_simulated_prompt_takes_what_its_chunks_take() -> None:
    one = estimate.simulated_loop(WHOLE, replace(LONG, output_tokens=2.0), 1, 1)
    expected = float(batch.prefill_seconds(WHOLE.work, WHOLE.rates, 1.0, LONG))
    assert 0.6 * expected < float(one.ttft_s) < 1.05 * expected


def test_each_replica_of_attention_computes_a_prompt_of_its_own() -> None:
    alone, eight, more = (float(estimate.simulated_loop(DEALT, LONG, n, 1).ttft_s) for n in (1, 8, 16))
    assert eight < 2 * alone
    assert more > 1.4 * eight


def test_more_replicas_do_not_compute_one_prompt_faster() -> None:
    """One prompt runs on one replica's attention: dealing attention to more GPUs does not shorten its scores."""
    few, many = (
        replace(DEALT, work=work(deepseek_v3(), data=n, expert=n), scheduling=Scheduling(replicas=n))
        for n in (4, 8)
    )
    slow, fast = (float(estimate.simulated_loop(each, LONG, 1, 1).ttft_s) for each in (few, many))
    assert fast > 0.8 * slow
