"""A draft of llama.cpp lies beside the model, dealt to the same devices."""

from typing import Any

import pytest

import llm_calc


def plan(stages: int, draft: str | None, **engine: Any) -> Any:
    part = None if draft is None else {"method": "draft_model", "draft": {"name": draft}}
    return llm_calc.memory_plan(
        model="llama-3.1-8b",
        hardware={"gpu": "h100-80gb-sxm", "count": stages},
        parallelism={"pipeline": stages},
        engine={"name": "llama.cpp", "n_parallel": 1, **engine},
        speculative=part,
    )


def weights(answer: Any) -> float:
    return float(sum(stage.weights_bytes for stage in answer.stages) or answer.per_gpu.weights_bytes)


def test_layers_of_a_draft_are_dealt_to_all_devices() -> None:
    """Llama-3.2-1B in 16 bits: 1,235,814,400 numbers, its tied table once as the output; norms in 32 bits."""
    added = [
        weights(plan(count, "llama-3.2-1b", n_ctx=8192)) - weights(plan(count, None, n_ctx=8192))
        for count in (1, 2)
    ]
    assert added == pytest.approx([2 * 1_235_814_400] * 2, abs=33 * 2048 * 2)


def test_the_context_is_fitted_with_the_draft() -> None:
    """On 24 GB beside 15 GB of weights a draft's 2.5 GB and its cells leave the model fewer cells."""
    alone, beside = (
        llm_calc.memory_plan(
            model="llama-3.1-8b",
            hardware="rtx-4090",
            engine={"name": "llama.cpp", "n_parallel": 1},
            speculative=part,
        )
        for part in (None, {"method": "draft_model", "draft": {"name": "llama-3.2-1b"}})
    )
    assert beside.fits
    assert beside.per_gpu.unallocated_bytes >= 0
    assert beside.max_model_len_tokens < alone.max_model_len_tokens


def test_cells_of_a_draft_have_16_bits_whatever_the_models_have() -> None:
    """Buffers alone do not change: 8192 cells more of 16 layers x 2 x 8 heads x 64 numbers of 2 bytes."""
    peaks = [
        plan(
            1, "llama-3.2-1b", n_ctx=cells, cache_type_k="q8_0", cache_type_v="q8_0"
        ).per_gpu.activation_peak_bytes
        - plan(1, None, n_ctx=cells, cache_type_k="q8_0", cache_type_v="q8_0").per_gpu.activation_peak_bytes
        for cells in (8192, 16384)
    ]
    masks = 8192 * 512 * 4  # the draft's own buffer holds a mask of cells x micro-batch, at most 4 bytes each
    assert peaks[1] - peaks[0] == pytest.approx(8192 * 16 * 2 * 8 * 64 * 2, abs=masks)
