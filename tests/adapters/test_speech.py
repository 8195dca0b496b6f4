"""What speaks: counted of a model, not loaded by engines that run the thinker alone."""

from typing import Any

import pytest

import llm_calc

OMNI: list[dict[str, Any]] = [
    {"model_type": "qwen2_5_omni"},
    {
        "model_type": "qwen3_omni_moe",
        "talker_config": {"text_config": {"shared_expert_intermediate_size": 768}},
    },
]
SILENT = {"enable_audio_output": False}


@pytest.mark.parametrize("config", OMNI)
@pytest.mark.parametrize("engine", ["vllm", "sglang", "llama.cpp"])
def test_plans_of_engines_hold_the_thinker_alone(config: dict[str, Any], engine: str) -> None:
    fields: dict[str, Any] = {"hardware": "h200-141gb-sxm", "engine": {"name": engine}}
    whole = llm_calc.memory_plan(model={"hf_config": config}, **fields)
    silent = llm_calc.memory_plan(model={"hf_config": config | SILENT}, **fields)
    assert whole.per_gpu == silent.per_gpu
    assert any("left out of plans and times" in words for words in whole.warnings)


def test_times_are_those_of_the_thinker_and_a_model_is_counted_whole() -> None:
    """Qwen2.5-Omni in its class's own sizes: talker and vocoder are 7,048,076,928 numbers of 2 bytes."""
    config = OMNI[0]
    load: dict[str, Any] = {"hardware": "h200-141gb-sxm", "workload": {"concurrency": 8}}
    whole = llm_calc.estimate(model={"hf_config": config}, **load)
    silent = llm_calc.estimate(model={"hf_config": config | SILENT}, **load)
    assert (whole.ttft_s, whole.tpot_s) == (silent.ttft_s, silent.tpot_s)
    assert whole.resolved.kv_capacity_tokens == silent.resolved.kv_capacity_tokens
    counted = llm_calc.inspect_model(model={"hf_config": config})
    thinker = llm_calc.inspect_model(model={"hf_config": config | SILENT})
    spoken = 6_599_025_664 + 449_051_264
    assert counted.parameters.total - thinker.parameters.total == spoken
    assert counted.weights_bytes - thinker.weights_bytes == 2 * spoken
