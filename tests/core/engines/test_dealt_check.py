"""A cache that is dealt over GPUs the engine refuses: the same error in every way in."""

from typing import Any

import pytest

from llm_calc.adapters import operations
from llm_calc.adapters.catalog import load_catalogs
from llm_calc.core.errors import InvalidInputError

LOAD = {"input_tokens": 1000, "output_tokens": 100, "concurrency": 1}
VLLM, SGLANG = "decode_context_parallel_size", "dcp_size"


@pytest.mark.parametrize("operation", [operations.MEMORY_PLAN, operations.SERVING_ESTIMATE])
@pytest.mark.parametrize(
    ("model", "count", "engine", "option", "size", "accepted"),
    [
        ("llama-3.1-8b", 1, "vllm", VLLM, 2, [1]),
        ("llama-3.1-70b", 8, "vllm", VLLM, 2, [1]),
        ("deepseek-v3", 8, "vllm", VLLM, 3, [1, 2, 4, 8]),
        ("deepseek-v3", 8, "vllm", VLLM, 16, [1, 2, 4, 8]),
        ("gpt-oss-120b", 8, "vllm", VLLM, 2, [1]),
        ("llama-3.1-70b", 8, "sglang", SGLANG, 2, [1]),
        ("deepseek-v3", 8, "sglang", SGLANG, 3, [1, 2, 4, 8]),
    ],
)
def test_a_size_that_the_engine_refuses_is_refused(
    operation: Any,
    model: str,
    count: int,
    engine: str,
    option: str,
    size: int,
    accepted: list[int],
) -> None:
    """Each GPU of a group must hold the same KV heads: DeepSeek-V3's latent lies on all 8, Llama's 8 on one."""
    body = {
        "model": model,
        "hardware": {"gpu": "h200", "count": count},
        "engine": {"name": engine, option: size},
        "workload": LOAD,
    }
    with pytest.raises(InvalidInputError, match=rf"^engine\.{option}: .*accepted with tensor") as refusal:
        operation.answered(body, load_catalogs())
    assert refusal.value.field == f"engine.{option}"
    assert refusal.value.details["accepted"] == accepted


@pytest.mark.parametrize("size", [1, 2, 4, 8])
def test_a_size_that_the_engine_takes_is_planned(size: int) -> None:
    body = {
        "model": "deepseek-v3",
        "hardware": {"gpu": "h200", "count": 8},
        "engine": {"name": "vllm", VLLM: size},
        "workload": LOAD,
    }
    assert operations.MEMORY_PLAN.answered(body, load_catalogs()).starts
