"""Time of a step: roofs, sums, and the same for arrays."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_calc.core.memory import CacheFormat
from llm_calc.core.model import Model
from llm_calc.core.operators import step_work
from llm_calc.core.parallelism import Layout
from llm_calc.core.serving.breakdown import operator_times
from llm_calc.core.serving.rates import Kernels, Rates
from llm_calc.core.serving.step import StepLoad, launch_seconds, step_seconds, touched_fraction
from tests.builders import deepseek_v3, llama, mixtral, plain_recipe
from tests.core.serving.cases import MACHINE, PERFECT, rates, work

MODELS = {"llama": llama(), "windowed": llama(window=1024), "mixtral": mixtral(), "deepseek": deepseek_v3()}
models = st.sampled_from(sorted(MODELS)).map(MODELS.__getitem__)
counts = st.integers(1, 4096)
LLAMA_BYTES = 2 * (6_738_415_616 - 32000 * 4096 - 65 * 4096)


def test_one_stream_of_llama_reads_its_matrices_at_the_reached_bandwidth() -> None:
    seconds = step_seconds(
        work(llama()), StepLoad(sequences=1.0, context_start=0.0, context_end=0.0), rates(0.5, PERFECT)
    )
    assert seconds == pytest.approx(LLAMA_BYTES / (0.5 * 3.35e12), rel=1e-3)


def test_a_long_prompt_of_llama_multiplies_at_the_reached_peak() -> None:
    tokens = 4096.0
    seconds = step_seconds(work(llama()), StepLoad(prompt_tokens=tokens, prompts=1.0), rates(0.5, PERFECT))
    layers = (LLAMA_BYTES - 2 * 32000 * 4096) * tokens + 32 * 4 * 4096 * tokens**2 / 2
    assert seconds == pytest.approx(layers / (0.5 * 989e12), rel=0.15)


def test_touched_experts_follow_balls_into_bins() -> None:
    experts = work(mixtral()).linear[2]
    assert touched_fraction(experts, 1.0, 1.0) == pytest.approx(0.25)
    assert touched_fraction(experts, 4.0, 1.0) == pytest.approx(1 - 0.75**4)
    assert touched_fraction(work(llama()).linear[1], 1.0, 1.0) == 1.0


def test_few_tokens_run_on_vector_units_and_more_fill_whole_tiles() -> None:
    tiled = rates(0.5, PERFECT, Kernels(name="", vector_tokens=8, tile_tokens=32))

    def seconds(tokens: float) -> float:
        return float(step_seconds(work(llama()), StepLoad(sequences=tokens), tiled))

    vector = seconds(8.0)
    assert vector > 8 * LLAMA_BYTES / (0.5 * MACHINE.vector_flops_per_s)
    assert vector <= seconds(9.0) <= 1.02 * vector
    assert seconds(33.0) == pytest.approx(seconds(64.0), rel=0.02)


def test_a_step_of_up_to_a_tile_takes_no_longer_than_its_tokens_in_batches_of_eight() -> None:
    """Matrix units lose up to a fifth to the step in parts; 1e-5 is left for rounding."""
    base = rates(0.5, PERFECT, Kernels(name="", vector_tokens=8, tile_tokens=32, overlap_exponent=1.0))
    slow = replace(base, saturation_tokens=10_000.0)

    def seconds(tokens: float, under: Rates) -> float:
        return float(step_seconds(work(llama()), StepLoad(sequences=tokens), under))

    for tokens in range(9, 33):
        assert seconds(8.0, slow) <= seconds(tokens, slow) <= -(-tokens // 8) * 1.20001 * seconds(8.0, slow)
    quick = replace(slow, kernels=replace(slow.kernels, quicker=True))
    for tokens in range(2, 65):
        assert seconds(tokens - 1, quick) <= seconds(tokens, quick) <= tokens * seconds(1.0, quick)
        assert tokens / seconds(tokens, quick) > (tokens - 1) / seconds(tokens - 1, quick)


@given(
    model=models,
    sequences=counts,
    context=st.integers(1, 100_000),
    prompt=st.integers(0, 16384),
    tensor=st.sampled_from([1, 2, 8]),
)
def test_no_step_beats_a_roof(model: Model, sequences: int, context: int, prompt: int, tensor: int) -> None:
    step = work(model, tensor=tensor)
    load = StepLoad(
        sequences=float(sequences),
        context_start=float(context),
        context_end=float(context),
        prompt_tokens=float(prompt),
        prompts=1.0 if prompt else 0.0,
    )
    seconds = float(step_seconds(step, load, rates(1.0, PERFECT)))
    operators = operator_times(step, load, rates(1.0, PERFECT))
    assert seconds >= sum(row.flops for row in operators) / 989e12 * (1 - 1e-9)
    assert seconds >= sum(row.bytes_moved for row in operators) / 3.35e12 * (1 - 1e-9)


@given(model=models, sequences=counts, prompt=st.integers(0, 8192))
def test_operators_add_up_to_the_step(model: Model, sequences: int, prompt: int) -> None:
    fine = step_work(model, plain_recipe(), Layout(tensor=8), CacheFormat())
    load = StepLoad(
        sequences=float(sequences),
        context_start=1000.0,
        context_end=2000.0,
        prompt_tokens=float(prompt),
        prompts=1.0 if prompt else 0.0,
    )
    rows = operator_times(fine, load, rates())
    assert sum(row.seconds for row in rows) == pytest.approx(
        float(step_seconds(fine, load, rates())), rel=1e-9
    )
    assert rows[-1].seconds >= float(launch_seconds(fine, load, rates())) * (1 - 1e-9)
    assert len({row.name for row in rows}) == len(rows)


@given(model=models, sequences=st.lists(counts, min_size=1, max_size=5))
def test_arrays_give_what_numbers_give(model: Model, sequences: list[int]) -> None:
    step, reached = work(model), rates()
    loads = StepLoad(sequences=np.array(sequences, dtype=np.float64), context_start=512.0, context_end=1024.0)
    together = np.asarray(step_seconds(step, loads, reached))
    each = [
        float(
            step_seconds(step, StepLoad(sequences=float(n), context_start=512.0, context_end=1024.0), reached)
        )
        for n in sequences
    ]
    assert together == pytest.approx(each, rel=1e-12)


@given(model=models, sequences=counts, context=st.integers(1, 50_000))
def test_more_sequences_and_longer_contexts_never_take_less(
    model: Model, sequences: int, context: int
) -> None:
    step, reached = work(model), rates()

    def seconds(n: int, tokens: int) -> float:
        load = StepLoad(sequences=float(n), context_start=float(tokens), context_end=float(tokens))
        return float(step_seconds(step, load, reached))

    assert seconds(sequences + 1, context) >= seconds(sequences, context)
    assert seconds(sequences, context + 100) >= seconds(sequences, context)
