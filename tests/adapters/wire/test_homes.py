"""Flags of engines that say what another part of a request says."""

from typing import Any

import pytest
from pydantic import ValidationError

from llm_calc.adapters import operations
from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.wire.memory import MemoryPlanRequest
from llm_calc.core.errors import InvalidInputError, UnsupportedError

BODY = {"model": {"name": "llama-3.1-8b"}, "hardware": {"gpu": "h100-80gb-sxm", "count": 4}}


def request(engine: dict[str, Any], **parts: Any) -> MemoryPlanRequest:
    return MemoryPlanRequest.model_validate({**BODY, "engine": engine, **parts})


@pytest.mark.parametrize(
    ("engine", "layout"),
    [
        ({"name": "sglang", "tp_size": 2, "pp_size": 2}, (2, 2, 1, 1)),
        (
            {"name": "sglang", "tp_size": 4, "dp_size": 4, "enable_dp_attention": True, "ep_size": 4},
            (1, 1, 4, 4),
        ),
        ({"name": "sglang", "tp_size": 4, "attn_dp_size": 2, "ep_size": 4}, (2, 1, 2, 4)),
        ({"name": "sglang", "attention_data_parallel_size": 4}, (1, 1, 4, 1)),
        ({"name": "sglang", "tp_size": 4, "attn_dp_size": 2, "enable_dp_attention": True}, (2, 1, 2, 1)),
        (
            {"name": "sglang", "tp_size": 4, "attn_dp_size": 4, "dp_size": 1, "version": "0.5.22"},
            (1, 1, 4, 1),
        ),
        (
            {"name": "sglang", "tp_size": 4, "attn_dp_size": 1, "dp_size": 4, "enable_dp_attention": True},
            (1, 1, 4, 1),
        ),
        ({"name": "sglang", "tp_size": 2, "attn_dp_size": 1, "dp_size": 2}, (2, 1, 2, 1)),
        ({"name": "vllm", "tensor_parallel_size": 4}, (4, 1, 1, 1)),
        (
            {
                "name": "vllm",
                "tensor_parallel_size": 2,
                "data_parallel_size": 2,
                "enable_expert_parallel": True,
            },
            (2, 1, 2, 4),
        ),
        ({"name": "trtllm", "tp_size": 4, "ep_size": 4, "enable_attention_dp": True}, (1, 1, 4, 4)),
    ],
)
def test_sizes_become_the_layout(engine: dict[str, Any], layout: tuple[int, ...]) -> None:
    found = request(engine).parallelism
    assert found is not None
    assert (found.tensor, found.pipeline, found.data, found.expert) == layout


@pytest.mark.parametrize(
    ("engine", "part", "layout"),
    [
        ({"name": "vllm", "enable_expert_parallel": True}, None, (4, 1, 1, 4)),
        ({"name": "vllm", "enable_expert_parallel": True}, {"tensor": 4}, (4, 1, 1, 4)),
        ({"name": "vllm", "enable_expert_parallel": True}, {"tensor": 2, "data": 2}, (2, 1, 2, 4)),
        ({"name": "vllm", "enable_expert_parallel": True}, {"tensor": 2, "pipeline": 2}, (2, 2, 1, 2)),
        ({"name": "trtllm", "enable_attention_dp": True}, None, (1, 1, 4, 1)),
        ({"name": "trtllm", "enable_attention_dp": True}, {"tensor": 1, "data": 4}, (1, 1, 4, 1)),
        ({"name": "sglang", "enable_dp_attention": True}, {"data": 4}, (1, 1, 4, 1)),
    ],
)
def test_a_switch_says_how_the_sizes_of_the_part_are_meant(
    engine: dict[str, Any], part: dict[str, int] | None, layout: tuple[int, ...]
) -> None:
    found = request(engine, parallelism=part).parallelism
    assert found is not None
    assert (found.tensor, found.pipeline, found.data, found.expert) == layout


@pytest.mark.parametrize("switch", ["vllm.enable_expert_parallel", "sglang.enable_dp_attention"])
def test_a_switch_that_is_off_leaves_the_layout_open(switch: str) -> None:
    name, flag = switch.split(".")
    assert request({"name": name, flag: False}).parallelism is None


@pytest.mark.parametrize(
    ("engine", "flag", "name"),
    [
        ("vllm", "fp8_e4m3", "fp8"),
        ("vllm", "bfloat16", "bf16"),
        ("sglang", "fp8_e5m2", "fp8"),
        ("sglang", "auto", "auto"),
        ("trtllm", "fp8", "fp8"),
    ],
)
def test_the_cache_type_becomes_the_format(engine: str, flag: str, name: str) -> None:
    assert request({"name": engine, "kv_cache_dtype": flag}).precision.kv_cache == name


def test_what_agrees_is_taken() -> None:
    found = request(
        {"name": "sglang", "kv_cache_dtype": "fp8_e4m3", "tp_size": 4},
        precision={"kv_cache": "fp8"},
        parallelism={"tensor": 4},
    )
    assert found.precision.kv_cache == "fp8"


@pytest.mark.parametrize(
    ("engine", "parts", "says"),
    [
        (
            {"name": "sglang", "kv_cache_dtype": "fp8_e4m3"},
            {"precision": {"kv_cache": "bf16"}},
            r"engine\.kv_cache_dtype: fp8_e4m3 is fp8, but precision\.kv_cache says bf16",
        ),
        (
            {"name": "vllm", "tensor_parallel_size": 2},
            {"parallelism": {"tensor": 4}},
            r"engine\.tensor_parallel_size: 2 makes parallelism\.tensor 2, but that says 4; they must agree",
        ),
        (
            {"name": "vllm", "enable_expert_parallel": False},
            {"parallelism": {"tensor": 4, "expert": 4}},
            r"engine\.enable_expert_parallel: False makes parallelism\.expert 1, but that says 4",
        ),
        (
            {"name": "vllm", "enable_expert_parallel": True},
            {"parallelism": {"tensor": 4, "expert": 2}},
            r"engine\.enable_expert_parallel: True makes parallelism\.expert 4, but that says 2",
        ),
        (
            {"name": "trtllm", "enable_attention_dp": True},
            {"parallelism": {"tensor": 4}},
            r"engine\.enable_attention_dp: True makes parallelism\.tensor 1, but that says 4",
        ),
        (
            {"name": "vllm", "enable_expert_parallel": "no"},
            {},
            r"enable_expert_parallel: must be true or false",
        ),
        (
            {"name": "vllm", "kv_cache_dtype": "fp8_per_token_head"},
            {},
            r"kv_cache_dtype: must be one of auto",
        ),
        ({"name": "sglang", "kv_cache_dtype": "int2"}, {}, r"engine\.kv_cache_dtype: must be one of auto"),
        ({"name": "sglang", "tp_size": 0}, {}, r"engine\.tp_size: must be a whole number"),
        (
            {"name": "sglang", "tp_size": 4, "dp_size": 3, "enable_dp_attention": True},
            {},
            r"engine\.tp_size: must be a multiple of dp_size 3",
        ),
        (
            {"name": "sglang", "tp_size": 4, "attn_dp_size": 3},
            {},
            r"engine\.tp_size: must be a multiple of attn_dp_size 3",
        ),
        (
            {"name": "sglang", "attn_dp_size": 2},
            {"parallelism": {"tensor": 1, "data": 4}},
            r"engine\.attn_dp_size: 2 makes parallelism\.data 2, but that says 4; they must agree",
        ),
        (
            {"name": "sglang", "tp_size": 4, "attn_dp_size": 2, "dp_size": 2},
            {},
            r"engine\.attn_dp_size: 2 groups of one server, beside which engine\.dp_size 2 counts servers",
        ),
        (
            {"name": "sglang", "tp_size": 4, "attn_dp_size": 2, "enable_dp_attention": False},
            {},
            r"engine\.attn_dp_size: 2 turns engine\.enable_dp_attention on, which is off",
        ),
        (
            {"name": "sglang", "tp_size": 4, "attn_dp_size": 2, "version": "0.5.21"},
            {},
            r"engine\.attn_dp_size: releases before 0\.5\.22 have no such option; say dp_size and enable_dp_att",
        ),
        ({"name": "sglang", "attn_dp_size": 0}, {}, r"engine\.attn_dp_size: must be a whole number"),
    ],
)
def test_what_differs_is_refused(engine: dict[str, Any], parts: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInputError, match=says):
        request(engine, **parts)


@pytest.mark.parametrize(
    ("engine", "flag", "value", "says"),
    [
        ("sglang", "enable_hierarchical_cache", True, "workload.prefix_cache_hit_fraction"),
        ("sglang", "hicache_ratio", 2.0, "kv_tiers"),
        ("sglang", "cpu_offload_gb", 10, "host's memory are not modelled"),
        ("vllm", "swap_space", 10, "llama.cpp with n_gpu_layers"),
        ("sglang", "quantization", "fp8", "precision.weights"),
        ("sglang", "speculative_algorithm", "EAGLE", "the part speculative"),
        ("trtllm", "host_cache_size", 10**9, "kv_tiers"),
    ],
)
def test_what_is_not_modelled_is_refused_with_its_home(
    engine: str, flag: str, value: object, says: str
) -> None:
    with pytest.raises(UnsupportedError, match=rf"engine\.{flag}: ") as refused:
        request({"name": engine, flag: value})
    assert says in refused.value.message


@pytest.mark.parametrize(
    ("engine", "flag"),
    [("sglang", {"disable_radix_cache": True}), ("vllm", {"enable_prefix_caching": False})],
)
def test_what_is_found_in_a_cache_that_is_off_is_refused(engine: str, flag: dict[str, bool]) -> None:
    with pytest.raises(
        InvalidInputError, match=r"workload\.prefix_cache_hit_fraction: 0\.5 of the prompts cannot"
    ):
        request({"name": engine, **flag}, workload={"prefix_cache_hit_fraction": 0.5})
    request({"name": engine, **flag}, workload={"prefix_cache_hit_fraction": 0.0})


@pytest.mark.parametrize("part", ["precision", "parallelism"])
def test_a_part_that_is_none_is_refused(part: str) -> None:
    with pytest.raises(InvalidInputError, match=f"{part}: must be a JSON object"):
        request({"name": "vllm", "kv_cache_dtype": "fp8", "tensor_parallel_size": 4}, **{part: "x"})


def test_lists_are_taken_as_json_writes_them() -> None:
    """Whatever the validator before it made of the text."""
    parts = (
        '"hardware": {"gpu": "rtx-4090", "count": 2}, "engine": {"name": "llama.cpp", "tensor_split": [3, 1]}'
    )
    found = MemoryPlanRequest.model_validate_json('{"model": {"gguf_base64": ["AA", "BB"]}, ' + parts + "}")
    assert found.engine.model_dump()["tensor_split"] == (3, 1)
    assert found.model.gguf_base64 == ("AA", "BB")


def test_slots_are_bounded_as_llama_cpp_bounds_them() -> None:
    assert request({"name": "llama.cpp", "n_parallel": 256}).engine.name == "llama.cpp"
    with pytest.raises(ValidationError, match="less than or equal to 256"):
        request({"name": "llama.cpp", "n_parallel": 257})


def test_flags_that_are_off_are_no_matter() -> None:
    found = request({"name": "sglang", "disable_radix_cache": False}).engine
    assert found.name == "sglang"


def test_the_flag_changes_the_answer() -> None:
    def tokens(**engine: object) -> int:
        asked = {"model": "llama-3.1-8b", "hardware": "h100-80gb-sxm", "engine": {"name": "sglang", **engine}}
        return int(operations.MEMORY_PLAN.answered(asked, load_catalogs()).kv_cache_tokens)

    assert tokens(kv_cache_dtype="fp8_e4m3") == 2 * tokens() + tokens(kv_cache_dtype="fp8_e4m3") % 2
