"""The encoder's dummy pass in the activation peak that vLLM profiles."""

from typing import Any

import pytest

import llm_calc
from llm_calc.adapters.wire.memory import MemoryPlanAnswer

GIB = 2**30
QWEN25_VL_7B = {
    "architectures": ["Qwen2_5_VLForConditionalGeneration"],
    "model_type": "qwen2_5_vl",
    "hidden_size": 3584,
    "intermediate_size": 18944,
    "num_hidden_layers": 28,
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
    "vocab_size": 152064,
    "max_position_embeddings": 128000,
    "tie_word_embeddings": False,
    "vision_config": {
        "depth": 32,
        "hidden_size": 1280,
        "intermediate_size": 3420,
        "num_heads": 16,
        "in_chans": 3,
        "out_hidden_size": 3584,
        "patch_size": 14,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
        "window_size": 112,
        "fullatt_block_indexes": [7, 15, 23, 31],
        "hidden_act": "silu",
    },
}


def planned(model: str | dict[str, Any], gpu: str = "h100-80gb-sxm", **engine: Any) -> MemoryPlanAnswer:
    part = model if isinstance(model, str) else {"hf_config": model}
    return llm_calc.memory_plan(model=part, hardware=gpu, engine={"name": "vllm", **engine})


def test_a_video_of_qwen25_vl_decides_the_peak() -> None:
    """458 752 patches of 4 x 1280 + 3 x 3420 + 1176 numbers, 114 688 tokens of 3584 handed on, 16 bits.

    A start-up log has about 15.5 GiB with what is outside of the allocator, a quarter of a GiB.
    """
    plan = planned(QWEN25_VL_7B)
    peak = 2 * (458_752 * (4 * 1280 + 3 * 3420 + 1176) + 114_688 * 3584)
    assert plan.per_gpu.activation_peak_bytes == peak
    assert (peak + plan.per_gpu.framework_bytes) / GIB == pytest.approx(15.5, rel=0.025)
    assert any("1 x the largest video of 7 frames, of 114688 tokens" in words for words in plan.assumptions)


def test_a_shorter_context_has_a_shorter_video() -> None:
    peaks = [
        planned(QWEN25_VL_7B, max_model_len=n).per_gpu.activation_peak_bytes for n in (8192, 65536, 128_000)
    ]
    assert peaks[0] < peaks[1] < peaks[2]


def test_what_the_encoder_handed_on_lies_beside_the_sampler() -> None:
    """Gemma-3-12B logs 3.94 GiB (vLLM 0.19, 8192 tokens a step): 1024 x 262208 logits, and 32 images handed on."""
    options: dict[str, Any] = {"version": "0.19.0", "max_model_len": 8192, "gpu_memory_utilization": 0.95}
    plan = planned("gemma-3-12b", **options)
    assert plan.per_gpu.activation_peak_bytes / GIB == pytest.approx(3.94, rel=0.03)
    assert any("32 x the largest image, of 256 tokens" in words for words in plan.assumptions)


def test_only_the_first_stage_encodes() -> None:
    request: dict[str, Any] = {"model": {"hf_config": QWEN25_VL_7B}, "engine": {"name": "vllm"}}
    parallelism = {"tensor": 1, "pipeline": 2}
    plan = llm_calc.memory_plan(**request, hardware="2x h100-80gb-sxm", parallelism=parallelism)
    first, last = (stage.activation_peak_bytes for stage in plan.stages)
    assert first / GIB == pytest.approx(14.91, abs=0.01)
    assert last / GIB < 3


@pytest.mark.parametrize("engine", [{"version": "0.16.0"}, {}])
def test_what_was_not_read_is_said_to_be_left_out(engine: dict[str, str]) -> None:
    """Releases before 0.17 profile other videos; of GLM's nothing was read."""
    plan = planned("qwen3-vl-8b" if engine else "glm-4.1v-9b", **engine)
    assert any("encoder in vLLM's profile run are left out" in words for words in plan.assumptions)
