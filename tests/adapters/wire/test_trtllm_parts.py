"""TensorRT-LLM's configurations of cache and graphs, as files of options hold them."""

import json
from typing import Any

import pytest

import llm_calc
from llm_calc.adapters.passed_options import passed_options
from llm_calc.adapters.planning.launch_catalog import launch_rules
from llm_calc.adapters.wire.engines import ENGINE_PARTS
from llm_calc.adapters.wire.homes import homed_flags
from llm_calc.adapters.wire.memory import MemoryPlanAnswer
from llm_calc.adapters.wire.trtllm_parts import CACHE, KEYS, RENAMED, apart
from llm_calc.core.engines import traits_of
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
        ({"kv_cache_config": {"host_cache_size": None, "disk_cache_size": 10}}, r"disk_cache_size: memories"),
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


# Options of the engine and of requests that stand beside the configuration, never in it
STRAYED = [
    ("version", "1.0"),
    ("name", "vllm"),
    ("max_seq_len", 5),
    ("max_batch_size", None),
    ("cuda_graph_config", None),
    ("further", ["port"]),
    ("further_values", {"port": 1}),
    ("tp_size", 2),
    ("enable_attention_dp", True),
    ("kv_cache_dtype", "fp8"),
    ("kv_cache_free_gpu_memory_fraction", 0.5),
    ("depth", 1),
]


@pytest.mark.parametrize(("key", "value"), STRAYED)
@pytest.mark.parametrize("as_text", [False, True])
def test_what_a_configuration_does_not_hold_is_refused_by_its_path(
    key: str, value: object, *, as_text: bool
) -> None:
    held = {"tokens_per_block": 64, key: value}
    with pytest.raises(InvalidInputError, match="is no key of this configuration") as refused:
        plan(kv_cache_config=json.dumps(held) if as_text else held)
    assert refused.value.field == f"engine.kv_cache_config.{key}"
    assert "tokens_per_block" in str(refused.value.details["accepted"])


def test_graphs_have_keys_of_their_own() -> None:
    with pytest.raises(InvalidInputError, match=r"did you mean .*max_batch_size") as refused:
        plan(cuda_graph_config={"max_batchsize": 8})
    assert refused.value.field == "engine.cuda_graph_config.max_batchsize"


def test_each_key_of_a_configuration_is_counted_named_or_refused() -> None:
    """None of them falls through to what is no field."""
    known = passed_options("trtllm")
    used = {*ENGINE_PARTS["trtllm"].model_fields, *homed_flags("trtllm"), *known.passed, *known.homes}
    used |= {*traits_of("trtllm").options.refused}
    assert {RENAMED.get(key, key) for key in KEYS[CACHE]} <= used
    rules = launch_rules("trtllm")
    assert rules.further is not None
    said = {*rules.further.within[CACHE]}
    said |= {each.option.removeprefix(f"{CACHE}.") for each in rules.stated if each.option.startswith(CACHE)}
    assert said <= KEYS[CACHE]
