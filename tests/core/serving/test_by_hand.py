"""Times of a machine of round numbers, each worked out by hand.

The machine reads 10^12 bytes and multiplies 10^15 FLOP a second, its links carry 10^11 bytes a second. Its model is
one matrix of 10^10 bytes (10 ms a step) that spends 10^9 FLOP a token (1 us), in four layers.
"""

from dataclasses import replace

import numpy as np
import pytest

from llm_calc.core.operators.work import CollectiveWork, ContextWork, LayerCounts, LinearWork, StepWork
from llm_calc.core.planning.bounds import in_flight, most_sequences
from llm_calc.core.serving import disaggregated, offline
from llm_calc.core.serving.batch import Lengths, prefill_seconds
from llm_calc.core.serving.closed_loop import gathered_prompts
from llm_calc.core.serving.disaggregated import Pools
from llm_calc.core.serving.estimate import Deployment, closed_form, queue_of_many, static_batch
from llm_calc.core.serving.host import HostTimes, polled_s, start_waits, with_host
from llm_calc.core.serving.rates import Kernels, Machine, Rates, reached_rates
from llm_calc.core.serving.step import (
    StepLoad,
    collective_seconds,
    launch_seconds,
    prefill_floor_s,
    prompt_attention_seconds,
    step_seconds,
)
from llm_calc.core.serving.traffic import percentiles_of
from tests.core.serving.cases import PERFECT, PLAIN

ROUND = Machine(
    memory_bytes_per_s=1e12,
    group_flops_per_s=(1e15,) * 4,
    wide_flops_per_s=1e15,
    vector_flops_per_s=1e14,
    link_bytes_per_s=1e11,
)
MATRIX = LinearWork(
    name="matrix",
    group="mlp",
    weight_bytes=1e10,
    flops_per_token=1e9,
    activation_bytes_per_token=0.0,
    calls=1,
)
STEP = StepWork(linear=(MATRIX,), context=(), collectives=(), counts=LayerCounts(layers=4))
READ_S = 0.010
TOKEN_S = 1e-6


def rates(kernels: Kernels = PLAIN, **times: float) -> Rates:
    """Every roof is reached; the longer of memory and arithmetic decides alone."""
    return reached_rates(ROUND, lambda name, _: {**PERFECT, **times}.get(name, 1.0), kernels)


def test_a_ring_of_two_sends_each_byte_once_and_of_eight_seven_quarters() -> None:
    load = StepLoad(sequences=1000.0)
    work = CollectiveWork(name="all-reduce", calls=3, ranks=2, bytes_per_token=1e6)
    each = 1000 * 1e6 / 1e11  # 10 ms for all bytes on one link
    assert collective_seconds(work, load, rates()) == pytest.approx(3 * each)
    eight = replace(work, ranks=8)
    assert collective_seconds(eight, load, rates()) == pytest.approx(3 * each * 2 * 7 / 8)
    late = rates(collective_s=1e-4, collective_doubling=0.5)
    assert collective_seconds(eight, load, late) == pytest.approx(3 * (1e-4 * (1 + 0.5 * 2) + each * 1.75))


def test_a_chunk_scores_itself_and_all_before_it() -> None:
    work = ContextWork(
        name="full",
        calls=1,
        kv_bytes_per_key=0.0,
        decode_flops_per_key=0.0,
        prefill_flops_per_pair=1e9,
        limit_tokens=1e12,
    )
    load = StepLoad(prompt_tokens=100.0, prompts=1.0, prompt_start=50.0)
    seconds = float(prompt_attention_seconds(work, STEP, load, rates()))
    # Every one of 100 queries sees the 50 before the chunk; within it 1 + 2 + ... + 100 pairs, or half the square.
    assert 50 * 100 + 100 * 100 / 2 <= seconds / TOKEN_S <= 50 * 100 + 100 * 101 / 2


def test_scores_that_a_selection_reads_move_their_bytes_besides() -> None:
    """A million pairs of 1e6 FLOP at 1e15 a second, and of 8 bytes at 1e12."""
    work = ContextWork(
        name="index",
        calls=1,
        kv_bytes_per_key=0.0,
        decode_flops_per_key=0.0,
        prefill_flops_per_pair=1e6,
        prefill_bytes_per_pair=8.0,
        limit_tokens=1e12,
    )
    load = StepLoad(prompt_tokens=1000.0, prompts=1.0, prompt_start=500.0)
    seconds = float(prompt_attention_seconds(work, STEP, load, rates()))
    assert seconds == pytest.approx(1e6 * (1e6 / 1e15 + 8 / 1e12), rel=1e-6)


def test_a_prompt_of_few_tokens_takes_the_floor_of_all_layers() -> None:
    slow = rates(prefill_layer_s=0.05)
    load = StepLoad(prompt_tokens=10.0, prompts=1.0)
    assert step_seconds(STEP, load, rates()) == pytest.approx(READ_S, rel=0.02)
    assert step_seconds(STEP, load, slow) == pytest.approx(4 * 0.05, rel=0.02)
    assert step_seconds(STEP, StepLoad(sequences=10.0), slow) == pytest.approx(READ_S, rel=0.02)


def test_steps_without_graphs_take_that_floor_as_well() -> None:
    """Four layers of 50 ms, whether a step holds prompts or not; the weights alone would take a hundredth."""
    eager = rates(Kernels(name="", captured=False), prefill_layer_s=0.05)
    for load in (StepLoad(sequences=10.0), StepLoad(prompt_tokens=10.0, prompts=1.0)):
        assert step_seconds(STEP, load, eager) == pytest.approx(4 * 0.05, rel=0.02)
    both = step_seconds(STEP, StepLoad(sequences=np.array([1.0, 10.0])), eager)
    assert both == pytest.approx([0.2, 0.2], rel=0.02)


def test_layers_that_launch_more_kernels_raise_that_floor() -> None:
    slow = rates(prefill_layer_s=0.05, prefill_more_s=0.02)
    mixed = replace(STEP, counts=LayerCounts(layers=4, expert_layers=3, latent_layers=4))
    assert prefill_floor_s(STEP, slow) == pytest.approx(4 * 0.05)
    assert prefill_floor_s(mixed, slow) == pytest.approx(4 * 0.05 + 7 * 0.02)


def test_every_product_of_a_dense_matrix_takes_a_time_of_its_own() -> None:
    step = replace(STEP, linear=(replace(MATRIX, calls=12),))
    slow = rates()
    slow = replace(slow, linear=tuple(replace(each, call_s=1e-3) for each in slow.linear))
    load = StepLoad(sequences=1.0)
    assert launch_seconds(step, load, slow) - launch_seconds(step, load, rates()) == pytest.approx(12e-3)


@pytest.mark.parametrize(
    ("a_step", "steps", "replicas", "together"),
    [(0.1, 60, 8, 6), (0.5, 60, 8, 8), (0.01, 60, 8, 1), (0.5, 60, 1, 1), (0.5, 0, 8, 1)],
)
def test_prompts_that_replicas_wait_for_start_together(
    a_step: float, steps: float, replicas: float, together: float
) -> None:
    assert gathered_prompts(a_step, steps, replicas) == pytest.approx(together)


def test_two_stages_of_an_endless_queue_lose_half_of_the_loss() -> None:
    lengths = Lengths(input_tokens=1.0, output_tokens=1e9)
    one = offline.steady_state(STEP, rates(), lengths, 8.0, 100.0)
    assert one.output_tokens_per_s == pytest.approx(8 / READ_S, rel=0.02)
    staged = replace(STEP, stages=2)
    at_once = replace(rates(stage_loss_fraction=0.2), kernels=Kernels(name="", stage_batches=True))
    two = offline.steady_state(staged, at_once, lengths, 8.0, 100.0)
    assert two.step_s == pytest.approx(READ_S * (1 + 0.2 * 1 / 2), rel=0.02)
    assert two.output_tokens_per_s == pytest.approx(8 / (READ_S * 1.1), rel=0.02)


def test_a_batch_runs_in_as_many_rounds_as_the_cache_asks() -> None:
    deployment = Deployment(work=STEP, rates=rates(), capacity=4.0, limit=100.0)
    lengths = Lengths(input_tokens=1.0, output_tokens=101.0)
    whole = static_batch(deployment, lengths, 8.0)
    # 4 at once: one prompt step and 100 further ones, twice; the second half waits for the first.
    assert whole.request_latency_s == pytest.approx(2 * 101 * READ_S, rel=0.01)
    assert whole.ttft_s == pytest.approx(READ_S + 101 * READ_S / 2, rel=0.01)
    assert whole.output_tokens_per_s == pytest.approx(8 * 101 / (2 * 101 * READ_S), rel=0.01)


def test_the_first_requests_of_a_loop_wait_for_half_of_the_other_prompts_a_tenth_of_the_time() -> None:
    work = replace(
        STEP, linear=(replace(MATRIX, flops_per_token=1e11),)
    )  # 100 us a token: prompts are arithmetic
    deployment = Deployment(work=work, rates=rates(), capacity=100.0, limit=100.0)
    lengths = Lengths(input_tokens=10_000.0, output_tokens=10_000.0)
    alone, eleven = (closed_form(deployment, lengths, n) for n in (1.0, 11.0))
    prompt = 0.9 * 10_000 * 1e-4  # drawn lengths have a mean of nine tenths
    assert alone.ttft_s == pytest.approx(prompt + READ_S / 2, rel=0.02)
    half_a_step = (float(eleven.tpot_s) - float(alone.tpot_s)) / 2
    assert float(eleven.ttft_s) - float(alone.ttft_s) - half_a_step == pytest.approx(
        prompt * 10 / 2 / 10, rel=0.02
    )


def test_apart_the_decoding_replicas_hold_what_they_hold_together() -> None:
    deployment = Deployment(work=STEP, rates=rates(), capacity=2.0, limit=100.0)
    lengths = Lengths(input_tokens=1.0, output_tokens=10_001.0)
    pools = Pools(prefill_replicas=8, decode_replicas=3, cache_bytes_per_token=0.0, link_bytes_per_s=1e9)
    assert disaggregated.estimate(deployment, pools, lengths, 100.0).running == pytest.approx(6.0, rel=1e-3)
    one = disaggregated.estimate(deployment, pools, lengths, 1.0)
    assert one.tpot_s == pytest.approx(READ_S, rel=0.01)
    assert one.ttft_s == pytest.approx(READ_S, rel=0.01)


def test_a_cache_travels_before_the_first_token() -> None:
    deployment = Deployment(work=STEP, rates=rates(), capacity=2.0, limit=100.0)
    lengths = Lengths(input_tokens=1000.0, output_tokens=10_001.0)
    pools = Pools(prefill_replicas=1, decode_replicas=1, cache_bytes_per_token=1e6, link_bytes_per_s=1e9)
    one = disaggregated.estimate(deployment, pools, lengths, 1.0)
    assert one.ttft_s == pytest.approx(READ_S + 1000 * 1e6 / 1e9, rel=0.01)


def test_replicas_hold_what_weights_leave() -> None:
    assert most_sequences(60.0, 2.0, 80.0, 3) == pytest.approx(3 * (80 - 60) / 2)
    assert most_sequences(90.0, 2.0, 80.0, 3) == 0


def test_in_flight_are_arrivals_times_their_stay() -> None:
    """Little's law: 2 requests a second that stay for 100 tokens of 10 ms, about 1 s, are 2 at once."""
    deployment = Deployment(work=STEP, rates=rates(), capacity=1000.0, limit=1000.0)
    lengths = Lengths(input_tokens=1.0, output_tokens=100.0)
    assert in_flight(deployment, lengths, 2.0, np.array([500.0]))[0] == pytest.approx(2.0, rel=0.05)


def test_two_stages_work_on_successive_chunks() -> None:
    overlapping = replace(PLAIN, prompt_tokens=500, stages_overlap=True)
    staged = replace(STEP, stages=2, linear=(replace(MATRIX, flops_per_token=1e11),))
    lengths = Lengths(input_tokens=2000.0, output_tokens=1.0)
    # Four chunks of 500 tokens of 100 us: 4 x 50 ms in turn; overlapped (4 + 2 - 1) / (4 x 2) of it.
    whole = 4 * 500 * 1e-4
    assert prefill_seconds(staged, rates(replace(overlapping, stages_overlap=False)), 1.0, lengths) == (
        pytest.approx(whole, rel=0.01)
    )
    assert prefill_seconds(staged, rates(overlapping), 1.0, lengths) == pytest.approx(whole * 5 / 8, rel=0.01)
    # Half of the gain of 3/8 is lost.
    lossy = rates(overlapping, overlap_loss_fraction=0.5)
    assert prefill_seconds(staged, lossy, 1.0, lengths) == pytest.approx(whole * (1 - 3 / 16), rel=0.01)


def test_percentiles_lie_between_the_two_nearest() -> None:
    # Of 0, 10, ... 100: places 5, 9, 9.5 and 9.9.
    assert percentiles_of(np.arange(0.0, 110.0, 10.0)[::-1]) == pytest.approx((50.0, 90.0, 95.0, 99.0))
    assert percentiles_of(np.array([2.0, 4.0])) == pytest.approx((3.0, 3.8, 3.9, 3.98))


def test_those_of_the_start_wait_so_that_the_mean_is_that_of_all() -> None:
    # 20 requests, 4 together: the first two wait 10 x sqrt(4) x 3 ms = 60 ms each, on average 6 ms.
    waits = start_waits(20, 4.0, HostTimes(arrival_s=0.003))
    assert waits.tolist() == pytest.approx([0.06, 0.06] + [0.0] * 18)
    lengths = Lengths(input_tokens=100.0, output_tokens=10.0)
    host = HostTimes(request_s=0.001, prompt_token_s=1e-5, arrival_s=0.003, stream_tokens=2.0)
    # 50 ms + 1 ms + 100 x 10 us + 2 x 3 ms + 2 x 20 ms
    assert with_host(0.05, 0.02, lengths, 4.0, host) == pytest.approx(0.098)


def test_a_request_waits_for_half_of_the_steps_between_looks_for_new_ones() -> None:
    # Steps 1 to 10, the look at the end of the last: 4.5 of 20 ms on average; from 16 requests on 14.5 of them.
    host = HostTimes(polled_steps=30.0, polled_steps_of_few=10.0)
    assert polled_s(1.0, 0.02, host) == 0.0
    assert polled_s(2.0, 0.02, host) == pytest.approx(0.09)
    assert polled_s(16.0, 0.02, host) == pytest.approx(0.29)
    assert polled_s(np.array([1.0, 15.0, 64.0]), 0.02, host) == pytest.approx([0.0, 0.09, 0.29])
    assert polled_s(64.0, 0.02, HostTimes()) == 0.0
    lengths = Lengths(input_tokens=100.0, output_tokens=1000.0)
    assert with_host(0.05, 0.02, lengths, 0.0, host, 16.0) == pytest.approx(0.34)


def test_an_endless_queue_holds_what_a_scheduler_lets_in() -> None:
    """Room for ten of 100 + 300 tokens; where half of an answer is reserved ``10 x 400 / (100 + 150) = 16`` run."""
    lengths = Lengths(input_tokens=100.0, output_tokens=300.0)
    whole = Deployment(work=STEP, rates=rates(), capacity=10.0, limit=1000.0)
    half = replace(whole, scheduling=replace(whole.scheduling, reserved_fraction=0.5))
    assert queue_of_many(whole, lengths).running == pytest.approx(10.0)
    assert queue_of_many(half, lengths).running == pytest.approx(16.0)
    assert queue_of_many(replace(half, limit=12.0), lengths).running == pytest.approx(12.0)
