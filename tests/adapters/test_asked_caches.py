"""The cache that a checkpoint asks for is the one that the engine's release takes by itself.

vLLM: pull 30785 (modelopt, after 0.13), ``attention.py`` (any scheme of compressed-tensors is fp8; the wheel of 0.15.0
has it, those of 0.11.0, 0.13.0, 0.14.0 and 0.14.1 have not). SGLang: the wheels of 0.5.4, 0.5.18, 0.5.19 and 0.5.23.
Elements of 8 bits take half of 16.
"""

from typing import Any

import pytest

import llm_calc
from llm_calc.adapters.catalog import load_catalogs

GROUP = {"targets": ["Linear"], "weights": {"num_bits": 8, "type": "float", "strategy": "channel"}}
PACKED = {
    "quant_method": "compressed-tensors",
    "format": "float-quantized",
    "config_groups": {"group_0": GROUP},
    "ignore": ["lm_head"],
}
STATIC = {"num_bits": 8, "type": "float", "strategy": "tensor", "dynamic": False, "symmetric": True}
MODELOPT = {
    "quant_method": "modelopt",
    "quant_algo": "FP8",
    "kv_cache_quant_algo": "FP8",
    "ignore": ["lm_head"],
}
ASKED: dict[str, dict[str, Any]] = {
    "compressed": {**PACKED, "kv_cache_scheme": STATIC},
    "integers": {**PACKED, "kv_cache_scheme": {**STATIC, "type": "int"}},
    "modelopt": MODELOPT,
    "nothing": PACKED,
}
SIXTEEN = 2 * 32 * 8 * 128 * 2
"""Bytes a token of Llama 3.1 8B: keys and values of 32 layers, 8 heads of 128, in 16 bits."""


def asked(kind: str, engine: str, version: str | None, **precision: str) -> dict[str, Any]:
    own = next(each.config for each in load_catalogs().models if each.name == "llama-3.1-8b")
    return {
        "model": {"hf_config": {**own, "quantization_config": ASKED[kind]}},
        "hardware": "h100-80gb-sxm",
        "precision": precision,
        "engine": {"name": engine, **({"version": version} if version else {})},
    }


@pytest.mark.parametrize(
    ("kind", "engine", "version", "bits", "named"),
    [
        ("compressed", "vllm", None, 8, False),
        ("compressed", "vllm", "0.15.0", 8, False),
        ("compressed", "vllm", "0.14.1", 16, True),
        ("compressed", "vllm", "0.11.0", 16, True),
        ("integers", "vllm", None, 8, True),
        ("integers", "vllm", "0.13.0", 16, True),
        ("modelopt", "vllm", None, 8, False),
        ("modelopt", "vllm", "0.14.0", 8, False),
        ("modelopt", "vllm", "0.13.0", 16, True),
        ("compressed", "sglang", None, 8, False),
        ("compressed", "sglang", "0.5.19", 8, False),
        ("compressed", "sglang", "0.5.18", 16, True),
        ("integers", "sglang", None, 16, True),
        ("modelopt", "sglang", "0.5.4", 8, False),
        ("nothing", "vllm", None, 16, False),
        ("compressed", "generic", None, 8, False),
    ],
)
def test_an_engine_takes_what_its_release_takes(
    kind: str, engine: str, version: str | None, bits: int, named: bool
) -> None:
    found = llm_calc.memory_plan(**asked(kind, engine, version))
    assert found.kv_cache.needed.bytes_per_token == SIXTEEN * bits / 16
    words = [each for each in found.assumptions if "the checkpoint (" in each]
    assert bool(words) == named


def test_a_format_that_is_named_goes_before_the_checkpoints() -> None:
    found = llm_calc.memory_plan(**asked("modelopt", "vllm", "0.13.0", kv_cache="fp8"))
    assert found.kv_cache.needed.bytes_per_token == SIXTEEN / 2
    assert not [each for each in found.assumptions if "the checkpoint (" in each]


@pytest.mark.parametrize("kind", ["compressed", "modelopt"])
def test_estimates_and_inspections_count_the_same_cache(kind: str) -> None:
    body = asked(kind, "vllm", None)
    assert llm_calc.estimate(**body).resolved.kv_cache == "fp8"
    inspected = llm_calc.inspect_model(model=body["model"], engine=body["engine"])
    assert inspected.kv_cache.bytes_per_token == SIXTEEN / 2
    older = {"name": "sglang", "version": "0.5.18"}
    words = llm_calc.inspect_model(model=body["model"], engine=older).assumptions
    assert any("the checkpoint (" in each for each in words) == (kind == "compressed")


def test_a_plan_of_memory_says_where_estimates_take_a_smaller_cache() -> None:
    body: dict[str, Any] = {"model": "deepseek-v3", "hardware": "8x h200-141gb-sxm", "engine": "vllm"}
    plan, estimate = llm_calc.memory_plan(**body), llm_calc.estimate(**body)
    assert plan.kv_cache.format != estimate.resolved.kv_cache
    assert any(
        each.startswith("precision.kv_cache: estimates with such weights") for each in plan.assumptions
    )


@pytest.mark.parametrize(
    ("kind", "engine", "cache"), [("integers", "vllm", "fp8"), ("integers", "sglang", "bf16")]
)
def test_plans_name_the_cache_that_the_engine_takes(kind: str, engine: str, cache: str) -> None:
    found = llm_calc.plan(
        model=asked(kind, engine, None)["model"],
        gpus=["h100-80gb-sxm"],
        engines=[engine],
        limits={"max_gpus": 1},
        max_plans=1,
    )
    assert [plan.precision.kv_cache for plan in found.plans] == [cache]
