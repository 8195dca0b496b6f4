"""TensorRT-LLM's configurations of cache and graphs, as files of options hold them."""

from typing import Any

import pytest

import llm_calc
from llm_calc.adapters.wire.memory import MemoryPlanAnswer
from llm_calc.adapters.wire.trtllm_parts import apart
from llm_calc.core.errors import CalcError, InvalidInputError


def plan(**options: Any) -> MemoryPlanAnswer:
    return llm_calc.memory_plan(
        model="llama-3.1-8b", hardware="h100-80gb-sxm", engine={"name": "trtllm", **options}
    )


@pytest.mark.parametrize(
    ("held", "same"),
    [
        (
            {"kv_cache_config": {"free_gpu_memory_fraction": 0.8, "dtype": "fp8", "tokens_per_block": 64}},
            {"free_gpu_memory_fraction": 0.8, "kv_cache_dtype": "fp8", "tokens_per_block": 64},
        ),
        ({"kv_cache_config": '{"max_tokens": 5000}'}, {"max_tokens": 5000}),
        ({"kv_cache_config": None}, {}),
        ({"kv_cache_config": {"enable_block_reuse": True, "use_uvm": False, "max_tokens": None}}, {}),
        ({"cuda_graph_config": None}, {"cuda_graph": False}),
        ({"cuda_graph_config": {}}, {}),
    ],
)
def test_what_a_configuration_holds_is_an_option(held: dict[str, Any], same: dict[str, Any]) -> None:
    found, expected = plan(**held), plan(**same)
    assert (found.per_gpu, found.kv_cache) == (expected.per_gpu, expected.kv_cache)


def test_sizes_of_graphs_are_named() -> None:
    found = plan(cuda_graph_config={"enable_padding": True, "max_batch_size": 512})
    assert any(words.startswith("engine.cuda_graph_config: not counted") for words in found.warnings)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"kv_cache_config": 3}, r"kv_cache_config: must be a JSON object"),
        ({"kv_cache_config": "{"}, r"kv_cache_config: must be a JSON object"),
        ({"cuda_graph_config": True}, r"cuda_graph_config: must be a JSON object"),
        ({"kv_cache_config": {"host_cache_size": 10}}, r"host_cache_size: memories .* are kv_tiers"),
        ({"kv_cache_config": {"depth": 1}}, r"engine\.depth: is not a known field"),
        (
            {"cuda_graph_config": None, "cuda_graph": True},
            r"cuda_graph_config: says False, but engine\.cuda_graph",
        ),
        (
            {"kv_cache_config": {"max_tokens": 9}, "max_tokens": 8},
            r"kv_cache_config\.max_tokens: says 9, but engine\.max_tokens says 8",
        ),
    ],
)
def test_what_cannot_be_taken_apart_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(CalcError, match=words):
        plan(**options)


def test_a_cache_that_is_not_reused_finds_no_prefix() -> None:
    load = {"input_tokens": 100, "output_tokens": 10, "concurrency": 1, "prefix_cache_hit_fraction": 0.5}
    with pytest.raises(InvalidInputError, match=r"engine\.enable_block_reuse is false; they must agree"):
        llm_calc.estimate(
            model="llama-3.1-8b",
            hardware="h100-80gb-sxm",
            engine={"name": "trtllm", "kv_cache_config": {"enable_block_reuse": False}},
            workload=load,
        )


def test_defaults_say_nothing() -> None:
    assert apart({"name": "trtllm", "enable_partial_reuse": True}) == {"name": "trtllm"}
