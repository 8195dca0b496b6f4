"""FLOPs against counters run on the reference classes, and against closed forms."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_calc.core import flops
from llm_calc.core.weights import Scores
from tests.builders import deepseek_v3, llama, mixtral

LLAMA = llama()


def test_prefill_of_llama_2_7b_is_twice_its_matrices_and_the_scores() -> None:
    tokens, matrices = 1024, 6_738_415_616 - 32000 * 4096 - 65 * 4096
    counted = flops.reference_prefill_flops(LLAMA, 1, tokens)
    assert counted.total == 2 * matrices * tokens + 32 * 4 * tokens**2 * 4096
    assert counted.by_component["lm_head"] == 2 * 32000 * 4096 * tokens


def test_prefill_of_mixtral_counts_two_of_eight_experts() -> None:
    counted = flops.reference_prefill_flops(mixtral(), 1, 128)
    assert counted.by_component["experts"] == 32 * 128 * 2 * 2 * 3 * 4096 * 14336


def test_decode_of_deepseek_v3_decompresses_in_the_reference_only() -> None:
    # Counted on transformers 5.23.0: kv_b_proj runs over all 1025 cached tokens, 2 097 990 860 800 FLOPs
    model, per_token = deepseek_v3(), 61 * 2 * 512 * 128 * 256
    reference = flops.reference_decode_flops(model, 1024)
    absorbed = flops.reference_decode_flops(model, 1024, absorbed=True)
    assert 1025 * per_token == 2_097_990_860_800
    difference = (
        reference.by_component["attention_projections"] - absorbed.by_component["attention_projections"]
    )
    assert difference == 1024 * per_token
    assert absorbed.by_component["attention_scores"] == 61 * 2 * 128 * (512 + 64 + 512) * 1025


def test_a_window_limits_decode_and_what_prefill_executes() -> None:
    windowed = llama(window=512)
    assert (
        flops.reference_decode_flops(windowed, 1024).by_component["attention_scores"] == 32 * 4 * 4096 * 512
    )
    full = flops.executed_prefill_flops(LLAMA, 1, 4096).by_component["attention_scores"]
    short = flops.executed_prefill_flops(windowed, 1, 4096).by_component["attention_scores"]
    assert short < 0.25 * full


@pytest.mark.parametrize(
    ("scores", "tokens", "pairs"),
    [
        (Scores(heads=1, qk_dim=1, v_dim=1), 4, 10),
        (Scores(heads=1, qk_dim=1, v_dim=1, window=2), 4, 1 + 2 + 2 + 2),
        (Scores(heads=1, qk_dim=1, v_dim=1, window=2, chunked=True), 5, 3 + 3 + 1),
        (Scores(heads=1, qk_dim=1, v_dim=1, top_k=3), 5, 1 + 2 + 3 + 3 + 3),
    ],
)
def test_pairs_are_counted_one_by_one(scores: Scores, tokens: int, pairs: int) -> None:
    assert flops.executed_pairs(scores, tokens) == pairs


def test_one_decode_step_sees_the_keys_that_its_window_holds() -> None:
    chunked = Scores(heads=1, qk_dim=1, v_dim=1, window=8, chunked=True)
    assert flops.executed_keys(chunked, 5) == 5
    assert flops.executed_keys(chunked, 800) == 4.5
    assert flops.executed_keys(Scores(heads=1, qk_dim=1, v_dim=1, tokens_per_key=4), 800) == 200


@given(batch=st.integers(1, 512), tokens=st.integers(1, 200_000))
def test_engines_never_execute_more_than_the_reference(batch: int, tokens: int) -> None:
    for model in (LLAMA, mixtral(), deepseek_v3(), llama(window=4096)):
        executed = flops.executed_prefill_flops(model, batch, tokens)
        assert executed.total <= flops.reference_prefill_flops(model, batch, tokens).total


@given(
    tokens=st.lists(st.integers(1, 10**6), min_size=1, max_size=6), window=st.sampled_from([None, 7, 4096])
)
def test_arrays_give_what_scalars_give(tokens: list[int], window: int | None) -> None:
    model, array = llama(window=window, layers=2), np.array(tokens, dtype=np.float64)
    for formula in (flops.reference_prefill_flops, flops.executed_prefill_flops):
        assert np.allclose(
            formula(model, 3, array).total, [float(formula(model, 3, each).total) for each in tokens]
        )
    for decode in (flops.reference_decode_flops, flops.executed_decode_flops):
        assert np.allclose(decode(model, array).total, [float(decode(model, each).total) for each in tokens])


SCORE = Scores(heads=1, qk_dim=1, v_dim=1)


@pytest.mark.parametrize(
    ("scores", "tokens", "pairs"),
    [
        (SCORE, 25, 25 * 26 / 2),
        # A window of ten: 1 + 2 + ... + 10, then ten each.
        (replace(SCORE, window=10), 10, 55),
        (replace(SCORE, window=10), 25, 55 + 15 * 10),
        # In chunks of ten: two whole ones and five tokens.
        (replace(SCORE, window=10, chunked=True), 25, 55 + 55 + 15),
        # A key for four tokens: each query of a hundred sees half of 25 and one more.
        (replace(SCORE, tokens_per_key=4), 100, 100 * 26 / 2),
        # Five such keys at most, those of twenty tokens: 20 x 6 / 2, then five each.
        (replace(SCORE, tokens_per_key=4, top_k=5), 100, 60 + 80 * 5),
    ],
)
def test_pairs_of_a_causal_prompt(scores: Scores, tokens: int, pairs: float) -> None:
    assert flops.executed_pairs(scores, tokens) == pairs
    rows = flops.executed_pairs(scores, np.array([tokens, 2 * tokens], dtype=np.float64))
    assert np.asarray(rows)[0] == pairs
