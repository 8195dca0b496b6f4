"""Advice is applied to the very request: with it the plan fits, or it is not given."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.operations import MEMORY_PLAN
from llm_calc.core.errors import CalcError

MODELS = ("llama-3.1-8b", "llama-3.3-70b", "gpt-oss-120b", "qwen3-30b-a3b", "gemma-3-27b")
GPUS = ("rtx-4090", "l4", "h100-80gb-sxm", "rtx-3060-12gb")
PRECISIONS: dict[str, tuple[dict[str, str], ...]] = {
    "vllm": ({}, {"weights": "bf16"}, {"weights": "bf16", "kv_cache": "bf16"}),
    "sglang": ({}, {"weights": "bf16"}),
    "llama.cpp": ({"weights": "q8_0"}, {"weights": "q4_k_m", "kv_cache": "fp16"}),
}
OPTIONS: dict[str, tuple[dict[str, Any], ...]] = {
    "vllm": ({}, {"max_model_len": 2048}, {"max_model_len": 65536, "gpu_memory_utilization": 0.8}),
    "sglang": ({}, {"context_length": 4096}),
    "llama.cpp": ({}, {"n_ctx": 32768, "fit": False}, {"n_ctx": 8192, "cache_type_k": "f16"}),
}
LOADS: tuple[Any, ...] = (
    None,
    {"input_tokens": 4000, "output_tokens": 500},
    {"input_tokens": 20000, "output_tokens": 512, "concurrency": 32},
    {"input_tokens": 1024, "output_tokens": 256, "batch": 512},
)


def plan_of(body: dict[str, Any]) -> Any:
    return MEMORY_PLAN.answered(deepcopy(body), load_catalogs())


def applied(body: dict[str, Any], field: str, value: Any) -> dict[str, Any]:
    """As a client would: the field of the request is set."""
    asked = deepcopy(body)
    part, _, name = field.partition(".")
    if field == "precision":
        weights, cache = value.removeprefix("weights ").split(", kv_cache ")
        asked["precision"] = {"weights": weights, "kv_cache": cache}
        return asked
    asked.setdefault(part, {"name": "vllm"} if part == "engine" else {})[name] = value
    if part == "parallelism":
        sizes = asked["parallelism"]
        asked["hardware"]["count"] = sizes.get("tensor", 1) * sizes.get("pipeline", 1) * sizes.get("data", 1)
    return asked


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    engine = draw(st.sampled_from(sorted(OPTIONS)))
    body: dict[str, Any] = {
        "model": {"name": draw(st.sampled_from(MODELS))},
        "precision": draw(st.sampled_from(PRECISIONS[engine])),
        "hardware": {"gpu": draw(st.sampled_from(GPUS)), "count": draw(st.sampled_from([1, 2]))},
        "engine": {"name": engine, **draw(st.sampled_from(OPTIONS[engine]))},
    }
    load = draw(st.sampled_from(LOADS))
    if load is not None:
        body["workload"] = load
    if draw(st.booleans()):
        field = "pipeline" if engine == "llama.cpp" else "tensor"
        body["parallelism"] = {field: body["hardware"]["count"]}
    return body


@settings(max_examples=12, deadline=None)
@given(body=requests())
def test_every_change_that_is_named_makes_the_very_request_fit(body: dict[str, Any]) -> None:
    try:
        found = plan_of(body)
    except CalcError:
        return
    for change in found.changes_that_fit:
        assert plan_of(applied(body, change.field, change.value)).fits, (body, change)
    if found.recommended_gpu is not None and "parallelism" not in body:
        other = {"gpu": found.recommended_gpu.gpu, "count": found.recommended_gpu.count}
        assert plan_of({**body, "hardware": other}).fits, (body, other)


@pytest.mark.parametrize(
    "workload", [{"input_tokens": 20000, "output_tokens": 512}, {"input_tokens": 8000, "concurrency": 512}]
)
def test_no_context_below_the_request_is_offered(workload: dict[str, Any]) -> None:
    body = {"model": {"name": "llama-3.1-8b"}, "hardware": {"gpu": "rtx-4090"}, "workload": workload}
    for change in plan_of(body).changes_that_fit:
        if change.field == "engine.max_model_len":
            assert change.value >= workload["input_tokens"] + workload.get("output_tokens", 1024)


def test_more_gpus_are_said_by_their_count_where_no_layout_is() -> None:
    body = {"model": {"name": "llama-3.1-70b"}, "hardware": {"gpu": "h100-80gb-sxm"}}
    fields = {change.field for change in plan_of(body).changes_that_fit}
    assert "hardware.count" in fields
    assert "parallelism.tensor" not in fields
