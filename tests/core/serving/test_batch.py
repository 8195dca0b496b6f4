"""Pipeline stages that each work on a batch of their own."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from llm_calc.core.operators.work import StepWork
from llm_calc.core.serving.arrivals import simulated_arrivals
from llm_calc.core.serving.batch import (
    Lengths,
    bubbles,
    decode_seconds,
    passes,
    prefill_seconds,
    share_of,
    stages_at_once,
)
from llm_calc.core.serving.estimate import (
    DRAWN,
    Deployment,
    Estimate,
    closed_form,
    queue_of_many,
    simulated_loop,
)
from llm_calc.core.serving.rates import Kernels, Rates
from tests.builders import llama
from tests.core.serving.cases import rates, work

LENGTHS = Lengths(input_tokens=1024.0, output_tokens=256.0)
WORK = work(llama(), tensor=1)
LOSSY = rates(kernels=Kernels(name="", stage_batches=True))
AT_ONCE = replace(LOSSY, stage_loss_fraction=0.0)
"""Stages that never wait for each other."""


def staged(stages: int, kernels_rates: Rates = AT_ONCE) -> Deployment:
    return Deployment(work=replace(WORK, stages=stages), rates=kernels_rates, capacity=4000.0, limit=4000.0)


def test_sequences_are_dealt_over_stages_and_few_have_batches_of_their_own() -> None:
    assert share_of(64.0, 4.0) == 16.0
    assert share_of(3.0, 4.0) == share_of(1.0, 4.0) == 1.0
    assert share_of(0.0, 4.0) == 0.0
    assert share_of(5.0, 1.0) == 5.0
    counts = np.array([0.0, 1.0, 3.0, 64.0])
    assert list(np.asarray(share_of(counts, 4.0))) == [0.0, 1.0, 1.0, 16.0]


def test_a_prompt_of_five_chunks_over_four_stages_takes_two_passes() -> None:
    """The first stage works five quarters of a pass; the last chunk has three quarters of one before it."""
    assert passes(5.0, 4.0) == 5 / 4 + 3 / 4
    assert passes(1.0, 4.0) == 1.0
    assert passes(5.0, 1.0) == 5.0


def test_waiting_grows_until_all_stages_are_busy() -> None:
    found = [float(bubbles(LOSSY, n, 4.0)) for n in (0.0, 1.0, 2.0, 4.0, 100.0)]
    assert found == pytest.approx([1.0, 1.0, 1.05, 1.15, 1.15])


def test_engines_without_a_batch_for_each_stage_take_all_stages_in_turn() -> None:
    in_turn = rates()
    assert stages_at_once(replace(WORK, stages=4), in_turn) == 1.0
    for load in (closed_form, simulated_loop):
        four, one = load(staged(4, in_turn), LENGTHS, 32), load(staged(1, in_turn), LENGTHS, 32)
        assert float(four.tpot_s) == float(one.tpot_s)
        assert float(four.ttft_s) == pytest.approx(float(one.ttft_s))


def by_hand(work_of_all: StepWork, stages: int, sequences: int, tokens: int) -> float:
    """Seconds a token of so many sequences in equal batches, batch after batch through every stage.

    A stage takes up a batch as soon as it is free and the batch has passed the stage before it.
    """
    batch_s = float(decode_seconds(work_of_all, AT_ONCE, sequences / stages, LENGTHS.scaled(DRAWN))) / stages
    free, ready = [0.0] * stages, [0.0] * stages
    for _ in range(tokens):
        for batch in range(stages):
            for stage in range(stages):
                start = max(free[stage], ready[batch])
                free[stage] = ready[batch] = start + batch_s
    return max(ready) / tokens


@pytest.mark.parametrize("stages", [2, 4, 8])
@pytest.mark.parametrize("sequences", [8, 64])
def test_a_token_takes_what_batches_that_follow_each_other_take(stages: int, sequences: int) -> None:
    """Prompts of one token, so that nothing but decoding takes time."""
    lengths = Lengths(input_tokens=1024.0, output_tokens=256.0, cached_fraction=1 - 1 / 1024)
    expected = by_hand(replace(WORK, stages=stages), stages, sequences, 2000)
    found = float(closed_form(staged(stages), lengths, float(sequences)).tpot_s)
    assert found == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("stages", [1, 2, 4, 8])
@pytest.mark.parametrize("requests", [1, 3, 16, 100, 400])
def test_a_run_and_the_closed_form_agree(stages: int, requests: int) -> None:
    """As far as they do on one stage: by chunks and ends that fall together."""
    run = simulated_loop(staged(stages), LENGTHS, requests)
    form = closed_form(staged(stages), LENGTHS, float(requests))
    for name in ("tpot_s", "request_latency_s", "output_tokens_per_s"):
        assert float(getattr(run, name)) == pytest.approx(float(getattr(form, name)), rel=0.1), name


@pytest.mark.parametrize("stages", [1, 2, 4, 8])
def test_requests_that_are_always_there_get_what_an_endless_queue_gets(stages: int) -> None:
    """Of lengths as they are drawn. A sixth is what closed form and endless queue differ by on one stage too, where a
    slot waits for its prompt before it decodes again."""
    deployment = replace(staged(stages), capacity=512.0)
    queue = float(queue_of_many(deployment, LENGTHS.scaled(DRAWN)).output_tokens_per_s) / DRAWN
    loop = float(closed_form(deployment, LENGTHS, 2000.0, requests_per_slot=np.inf).output_tokens_per_s)
    assert loop == pytest.approx(queue, rel=0.17)


@pytest.mark.parametrize("stages", [1, 2, 4, 8])
def test_a_run_below_what_is_served_has_no_queue_that_grows(stages: int) -> None:
    rate = 0.9 * float(queue_of_many(staged(stages), LENGTHS).requests_per_s)
    found = simulated_arrivals(staged(stages), LENGTHS, rate)
    assert float(found.ttft_s) < float(LENGTHS.output_tokens) * float(found.tpot_s)


@pytest.mark.parametrize("stages", [2, 4, 8])
def test_a_prompt_that_is_alone_passes_all_stages_before_its_first_token(stages: int) -> None:
    found = simulated_arrivals(staged(stages), LENGTHS, 1e-4)
    alone = float(prefill_seconds(staged(stages).work, AT_ONCE, 1.0, LENGTHS))
    assert float(found.ttft_s) == pytest.approx(alone, rel=0.01)


def test_chunks_of_a_prompt_that_is_alone_follow_each_other_through_the_stages() -> None:
    """Four chunks over four stages: seven quarters of the four passes that they would take in turn, over four."""
    long = Lengths(input_tokens=4.0 * AT_ONCE.kernels.prompt_tokens, output_tokens=10.0)
    in_turn = float(prefill_seconds(staged(1).work, AT_ONCE, 1.0, long))
    assert float(prefill_seconds(staged(4).work, AT_ONCE, 1.0, long)) == pytest.approx(in_turn * 7 / 4 / 4)


@pytest.mark.parametrize("load", [closed_form, simulated_loop])
def test_no_request_makes_others_faster_and_no_stage_serves_less(load: object) -> None:
    loads = (1, 2, 3, 4, 6, 8, 16, 64, 200)
    found: dict[int, list[Estimate]] = {
        stages: [load(staged(stages), LENGTHS, requests) for requests in loads]  # type: ignore[operator]
        for stages in (1, 2, 4, 8)
    }
    for estimates in found.values():
        times = [float(each.tpot_s) for each in estimates]
        assert all(later >= earlier * (1 - 1e-9) for earlier, later in pairwise(times))
    for fewer, more in zip((1, 2, 4), (2, 4, 8), strict=True):
        for one, other in zip(found[fewer], found[more], strict=True):
            assert float(other.tpot_s) <= float(one.tpot_s) * (1 + 1e-9)


def test_arrays_and_numbers_agree() -> None:
    requests = np.array([1.0, 3.0, 16.0, 400.0])
    at_once = closed_form(staged(4), LENGTHS, requests)
    for place, each in enumerate(requests):
        one = closed_form(staged(4), LENGTHS, float(each))
        assert float(np.asarray(at_once.ttft_s)[place]) == pytest.approx(float(one.ttft_s))
        assert float(np.asarray(at_once.tpot_s)[place]) == pytest.approx(float(one.tpot_s))
