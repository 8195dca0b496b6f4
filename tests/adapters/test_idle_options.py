"""Options that change nothing of a plan are named; those that change something are not."""

from typing import Any

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.memory_plan import answer_memory_plan
from llm_calc.adapters.wire.memory import MemoryPlanRequest


def assumptions(model: str, engine: dict[str, Any]) -> list[str]:
    request = MemoryPlanRequest.model_validate(
        {"model": {"name": model}, "hardware": {"gpu": "h100-80gb-sxm"}, "engine": engine}
    )
    return answer_memory_plan(request, load_catalogs()).assumptions


@pytest.mark.parametrize(
    ("engine", "option", "value"),
    [
        ("vllm", "disable_hybrid_kv_cache_manager", True),
        ("vllm", "mamba_ssm_cache_dtype", "float32"),
        ("sglang", "swa_full_tokens_ratio", 0.5),
        ("sglang", "disable_hybrid_swa_memory", True),
        ("trtllm", "mamba_ssm_cache_dtype", "float32"),
        ("llama.cpp", "swa_full", True),
        ("llama.cpp", "op_offload", False),
        ("llama.cpp", "fit_ctx", 8192),
    ],
)
def test_what_has_no_effect_on_a_plain_model_is_named(engine: str, option: str, value: object) -> None:
    found = assumptions("llama-3.1-8b", {"name": engine, option: value})
    assert f"engine.{option}: changes nothing of the memory here" in found


@pytest.mark.parametrize(
    ("model", "engine"),
    [
        ("llama-3.1-8b", {"name": "vllm", "block_size": 64}),
        ("llama-3.1-8b", {"name": "vllm", "gpu_memory_utilization": 0.8}),
        ("llama-3.1-8b", {"name": "vllm", "max_model_len": 131072}),
        ("gemma-3-12b", {"name": "vllm", "disable_hybrid_kv_cache_manager": True}),
        ("gemma-3-12b", {"name": "llama.cpp", "swa_full": True}),
        ("llama-3.1-8b", {"name": "vllm", "tensor_parallel_size": 1}),
        ("llama-3.1-8b", {"name": "vllm", "enforce_eager": False}),
        ("llama-3.1-8b", {"name": "llama.cpp", "cache_type_k": "q8_0", "cache_type_v": "q8_0"}),
        ("llama-3.1-8b", {"name": "llama.cpp", "preset": "ollama", "n_parallel": 4}),
    ],
)
def test_what_has_an_effect_or_is_the_default_is_not(model: str, engine: dict[str, Any]) -> None:
    assert not [word for word in assumptions(model, engine) if "changes nothing of the memory" in word]
