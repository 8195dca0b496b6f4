"""Another name of an engine is the engine: every flag that has its home in another part is brought there."""

from typing import Any

import pytest

import llm_calc
from llm_calc.core.engines import ENGINES
from llm_calc.core.errors import CalcError

Json = dict[str, Any]
FLAGS: dict[str, tuple[Json, ...]] = {
    "vllm": (
        {"tensor_parallel_size": 4, "kv_cache_dtype": "fp8"},
        {"tensor_parallel_size": 2, "pipeline_parallel_size": 2},
        {"data_parallel_size": 2},
        {"nnodes": 2, "served_model_name": "x"},
        {"enable_prefix_caching": False},
    ),
    "sglang": (
        {"tp_size": 4, "kv_cache_dtype": "fp8_e4m3"},
        {"dp_size": 2, "enable_dp_attention": True},
        {"disable_radix_cache": True},
    ),
    "trtllm": (
        {"tp_size": 4, "enable_attention_dp": True},
        {"tp_size": 2, "pp_size": 2, "gpus_per_node": 2},
        {"kv_cache_config": {"dtype": "fp8"}},
    ),
    "llama.cpp": ({"cache_type_k": "q8_0", "cache_type_v": "q8_0"}, {"split_mode": "layer"}),
}
NAMES = [(name, other) for name in FLAGS for other in (name.upper(), *ENGINES[name].traits.written)]


def answers(name: str, flags: Json, hit: float | None) -> list[Any]:
    """What memory plan and estimate answer, or why they refuse."""
    question: Json = {
        "model": {"name": "llama-3.3-70b"},
        "hardware": {"gpu": "h100-80gb-sxm", "count": 4},
        "engine": {"name": name, **flags},
    }
    workload: Json = {"input_tokens": 1000, "output_tokens": 100, "concurrency": 4}
    if hit is not None:
        workload["prefix_cache_hit_fraction"] = hit
    found: list[Any] = []
    for ask in (llm_calc.memory_plan, llm_calc.estimate):
        try:
            found.append(ask(**question, workload=workload).model_dump())
        except CalcError as error:
            found.append(str(error))
    return found


@pytest.mark.parametrize(("name", "other"), NAMES)
def test_flags_are_taken_by_every_name_of_an_engine(name: str, other: str) -> None:
    for flags in FLAGS[name]:
        hit = 0.5 if "enable_prefix_caching" in flags or "disable_radix_cache" in flags else None
        assert answers(other, flags, hit) == answers(name, flags, hit), flags
