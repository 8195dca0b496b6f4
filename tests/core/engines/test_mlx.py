"""mlx-lm: caches as its own classes keep them, what a quantized cache costs, and what it does not run."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from llm_calc.core.engines import MemoryPlan
from llm_calc.core.errors import InvalidInputError, UnsupportedError
from llm_calc.core.model import Model
from tests.core.engines.setups import GIB, engine, llama_3_8b, recurrent, setup, sliding

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "mlx_caches.json").read_text())
PER_TOKEN = 32 * 2 * 8 * 128 * 2
"""Llama-3-8B in 16 bits: layers x (keys and values) x heads x width x bytes."""


def plan(model: Model | None = None, gpu: str = "apple-m4-max", **options: Any) -> MemoryPlan:
    return engine("mlx", **options).plan(setup(model, gpu=gpu))


@pytest.mark.parametrize("case", GOLDEN["caches"], ids=lambda case: f"{case['tokens']} tokens")
def test_a_cache_grows_in_steps_as_the_library_does(case: dict[str, int]) -> None:
    """Sizes of ``KVCache`` after a prompt in steps of 2048 and single tokens, of mlx-lm 0.32.2 itself."""
    (pool,) = plan().pools
    assert pool.sequence_bytes(case["tokens"]) == case["kept_tokens"] * PER_TOKEN


def test_a_window_keeps_its_tokens_alone_in_the_families_that_the_library_cuts() -> None:
    """8 layers of 1024 elements a token in 16 bits; full layers grow, windows stop at 1024 tokens."""
    model = sliding(2, 6)
    for model_type, windowed in (("gemma3_text", 1024), ("gemma2", 4096)):
        (pool,) = plan(_of_type(model, model_type)).pools
        assert pool.sequence_bytes(4096) == (2 * 4096 + 6 * windowed) * 2048


def test_a_prompt_keeps_a_step_beyond_each_window() -> None:
    """``RotatingKVCache`` of 1024 tokens held 3071 while a prompt came in steps of 2048: 2047 more."""
    most = next(case for case in GOLDEN["windows"] if case["window"] == 1024)
    extra = most["most_tokens"] - most["window"]
    cut = plan(_of_type(sliding(2, 6), "gemma3_text")).budget.activation_peak_bytes
    whole = plan(_of_type(sliding(2, 6), "gemma2")).budget.activation_peak_bytes
    assert cut - whole == extra * 6 * 2048


def test_a_quantized_cache_is_wide_up_to_its_start_and_ends_batching() -> None:
    """8 bits with a scale and an offset of 16 bits for 64 numbers are 8.5 of 16; 1024 kept tokens weigh 544."""
    narrow = plan(kv_bits=8, quantized_kv_start=1000)
    (pool,) = narrow.pools
    assert narrow.limits.max_sequences == 1
    assert pool.sequence_bytes(512) == 512 * PER_TOKEN
    assert pool.sequence_bytes(20_480) == pytest.approx(20_480 * PER_TOKEN * 8.5 / 16)
    assert GOLDEN["quantized_8_bits_of_1024_tokens"] == 544
    assert pool.sequence_bytes(1280) == pytest.approx(1024 * PER_TOKEN)  # it was that wide before it turned


def test_what_the_library_cannot_quantize_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="layers with a window"):
        plan(_of_type(sliding(2, 6), "gemma3_text"), kv_bits=8)
    with pytest.raises(InvalidInputError, match="kv_bits"):
        plan(kv_bits=7)


def test_a_bounded_cache_is_not_quantized() -> None:
    """``RotatingKVCache.to_quantized`` of mlx-lm 0.32.2 raises; models that make their own caches have none."""
    with pytest.raises(UnsupportedError, match="max_kv_size") as refused:
        plan(_of_type(llama_3_8b(), "qwen3"), kv_bits=8, max_kv_size=4096)
    assert refused.value.field == "engine.kv_bits"
    assert plan(_of_type(llama_3_8b(), "llama"), kv_bits=8, max_kv_size=4096).limits.max_sequences == 1


@pytest.mark.parametrize(("options", "times"), [({}, 1), ({"prompt_cache_size": 0}, 0)])
def test_kept_prompts_are_said_once_and_not_where_none_are(options: dict[str, Any], times: int) -> None:
    notes = plan(**options).notes
    assert sum("prompt_cache_bytes bounds them" in note for note in notes) == times


def test_several_macs_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="one Mac"):
        engine("mlx").plan(setup(gpu="apple-m3-ultra", tensor=2))


def test_max_kv_size_cuts_caches_that_the_library_makes_and_no_others() -> None:
    cut = plan(_of_type(llama_3_8b(), "qwen3"), max_kv_size=4096)
    (pool,) = cut.pools
    assert pool.sequence_bytes(100_000) == 4096 * PER_TOKEN
    assert cut.max_model_len_tokens == 4096
    kept = plan(_of_type(llama_3_8b(), "llama"), max_kv_size=4096)
    (pool,) = kept.pools
    assert pool.sequence_bytes(8192) == 8192 * PER_TOKEN
    assert any("changes nothing" in note for note in kept.notes)


def test_states_take_the_same_whatever_the_context() -> None:
    (pool,) = plan(recurrent(0, 6)).pools
    assert pool.sequence_bytes(1) == pool.sequence_bytes(100_000) == 6 * 100_000 * 4


def test_memory_that_kept_prompts_may_take_is_taken_off() -> None:
    bound = plan(prompt_cache_bytes=4 * GIB)
    assert plan().available_bytes - bound.available_bytes == 4 * GIB
    assert any("10 ended prompts" in note for note in plan().notes)
    assert not any("finished prompts" in note for note in bound.notes)


def _of_type(model: Model, model_type: str) -> Model:
    return replace(model, model_type=model_type)
