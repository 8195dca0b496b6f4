"""Options that change nothing of a plan are named; those that change something are not."""

from functools import cache
from typing import Any

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.engines import engine_rules
from llm_calc.adapters.memory_plan import answer_memory_plan
from llm_calc.adapters.serving import answer_serving_estimate
from llm_calc.adapters.wire.engines import ENGINE_PARTS
from llm_calc.adapters.wire.homes import homed_flags
from llm_calc.adapters.wire.memory import MemoryPlanRequest
from llm_calc.adapters.wire.serving import ServingEstimateRequest
from llm_calc.core.engines import ENGINES, traits_of
from llm_calc.core.errors import CalcError


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


@pytest.mark.parametrize(("hosts", "named"), [(8, False), (4, True)])
def test_hosts_of_another_size_than_the_usual_are_named(hosts: int, named: bool) -> None:
    """A plan that is sent back says the usual size as well."""
    body = {
        "model": {"name": "llama-3.1-8b"},
        "hardware": {"gpu": "h100-80gb-sxm", "count": 2, "gpus_per_node": hosts},
        "parallelism": {"tensor": 2},
        "engine": {"name": "vllm"},
    }
    found = answer_memory_plan(MemoryPlanRequest.model_validate(body), load_catalogs()).assumptions
    assert ("hardware.gpus_per_node: changes nothing of the memory here" in found) == named


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


@pytest.mark.parametrize(
    ("engine", "switch"),
    [(name, switch) for name, engine in ENGINES.items() for switch in engine.traits.options.layout.switches],
)
def test_a_switch_of_layouts_is_named_on_a_single_gpu(engine: str, switch: str) -> None:
    found = assumptions("llama-3.1-8b", {"name": engine, switch: True})
    assert f"engine.{switch}: changes nothing of the memory here" in found
    assert not any(switch in word for word in assumptions("llama-3.1-8b", {"name": engine, switch: False}))


OTHERS: dict[str, object] = {
    "max_model_len": 4096,
    "performance_mode": "throughput",
    "usage_context": "LLM_CLASS",
    "cudagraph_capture_sizes": [8],
    "cudagraph_mode": "NONE",
    "mamba_cache_mode": "none",
    "mamba_ssm_cache_dtype": "float32",
    "mamba_ssm_dtype": "bfloat16",
    "mamba_radix_cache_strategy": "extra_buffer",
    "attention_backend": "triton",
    "split_mode": "none",
    "cache_type_k": "q8_0",
    "cache_type_v": "q8_0",
    "tensor_split": [1.0],
    "override_tensor": "ffn=CPU",
    "cpu_moe": True,
    "kv_bits": 8,
    "prompt_concurrency": 2,
    "kv_group_size": 32,
    "limit_mm_per_prompt": {"image": 0},
    "mm_encoder_tp_mode": "data",
    "mm_processor_kwargs": {"max_pixels": 1_003_520},
}
"""Values other than the defaults, of options whose type does not give one."""


def other_value(name: str, annotation: object, default: object) -> object:
    words = str(annotation)
    if name in OTHERS:
        return OTHERS[name]
    if "bool" in words:
        return default is not True
    return 0.5 if "float" in words else 16


@cache
def plain_figures(engine: str, kind: str) -> dict[str, Any]:
    return said(request_of(engine, {}), kind)[0]


def request_of(engine: str, options: dict[str, object]) -> dict[str, Any]:
    return {
        "model": {"name": "qwen3-0.6b"},
        "precision": {"weights": "q8_0" if engine == "llama.cpp" else "bf16"},
        "hardware": {"gpu": "apple-m3-ultra" if engine == "mlx" else "rtx-4090"},
        "engine": {"name": engine, **options},
        "workload": {"input_tokens": 512, "output_tokens": 64, "concurrency": 32},
    }


CHOSEN = {"name", "version", "preset", "further"}
OPTIONS = [
    (engine, name, other_value(name, field.annotation, engine_rules(engine).defaults.get(name)))
    for engine, part in ENGINE_PARTS.items()
    for name, field in part.model_fields.items()
    if name not in CHOSEN | (homed_flags(engine) - set(traits_of(engine).options.layout.switches))
]


def said(request: dict[str, Any], kind: str) -> tuple[dict[str, Any], str]:
    """Figures of an answer, and its words."""
    if kind == "memory":
        plan = answer_memory_plan(MemoryPlanRequest.model_validate(request), load_catalogs()).model_dump()
    else:
        estimate = ServingEstimateRequest.model_validate(request)
        plan = answer_serving_estimate(estimate, load_catalogs()).model_dump()
    words = " ".join([*plan.pop("assumptions"), *plan.pop("warnings")])
    return plan, words


@pytest.mark.repeats
@pytest.mark.parametrize("kind", ["memory", "serving"])
@pytest.mark.parametrize(("engine", "option", "value"), OPTIONS, ids=str)
def test_an_option_changes_the_answer_or_is_named_or_refused(
    engine: str, option: str, value: object, kind: str
) -> None:
    try:
        figures, words = said(request_of(engine, {option: value}), kind)
    except CalcError as refusal:
        assert option in str(refusal)  # noqa: PT017 - one of three ways
        return
    assert figures != plain_figures(engine, kind) or option in words


RATE: dict[str, Any] = {"request_rate": 2.0}
VARIED: dict[str, Any] = {"input_tokens": {"distribution": "lognormal", "mean": 512, "std": 200}}
APART: dict[str, Any] = {
    "hardware": {"gpu": "rtx-4090", "count": 2},
    "parallelism": {"tensor": 1},
    "disaggregated": {},
}


@pytest.mark.parametrize(
    ("engine", "option", "value", "load", "beside"),
    [
        ("sglang", "max_running_requests", 4096, RATE, {}),
        ("generic", "max_num_seqs", 4096, {**RATE, **VARIED}, {}),
        ("generic", "max_num_seqs", 4096, RATE, {}),
        ("vllm", "max_num_seqs", 4096, RATE, APART),
        ("llama.cpp", "n_ubatch", 256, {**RATE, **VARIED}, {}),
    ],
)
def test_a_most_that_arrivals_never_reach_is_named(
    engine: str, option: str, value: int, load: dict[str, Any], beside: dict[str, Any]
) -> None:
    request = {**request_of(engine, {option: value}), **beside}
    request["workload"] = {"input_tokens": 512, "output_tokens": 64, **load}
    assert f"engine.{option}: changes nothing of the times here" in said(request, "serving")[1]


@pytest.mark.parametrize("beside", [{}, APART])
def test_a_most_that_arrivals_reach_is_not(beside: dict[str, Any]) -> None:
    request = {**request_of("vllm", {"max_num_seqs": 1}), **beside}
    request["workload"] = {"input_tokens": 512, "output_tokens": 64, "request_rate": 8.0}
    assert "max_num_seqs: changes nothing" not in said(request, "serving")[1]
