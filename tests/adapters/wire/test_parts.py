"""The request parts: what they take, what they refuse, what they stand for."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from llm_calc.adapters.wire.day import DayPart
from llm_calc.adapters.wire.engines import EnginePart, SglangEngine, VllmEngine
from llm_calc.adapters.wire.parts import (
    HardwarePart,
    ModelPart,
    ParallelismPart,
    PrecisionPart,
    WorkloadPart,
)
from llm_calc.adapters.wire.traces import TracePart

FOUR = {"hidden_dim": 4096, "ff_dim": 11008, "num_layers": 32, "vocab_size": 32000}
ENGINE: TypeAdapter[Any] = TypeAdapter(EnginePart)


@pytest.mark.parametrize(
    "body", [{"name": "llama2-7b"}, {"hf_config": {"model_type": "llama"}}, {"custom": FOUR}]
)
def test_a_model_has_one_source(body: dict[str, Any]) -> None:
    extras: list[dict[str, Any]] = [{}, {"safetensors_index": {}}]
    for further in extras:
        given = ModelPart.model_validate({**body, **further}).model_dump(exclude_none=True)
        assert set(given) == {*body, *further}


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({}, "found none"),
        ({"name": "x", "custom": FOUR}, "found name and custom"),
        ({"safetensors_index": {}}, "none"),
    ],
)
def test_none_or_two_are_refused(body: dict[str, Any], found: str) -> None:
    with pytest.raises(ValidationError, match=found):
        ModelPart.model_validate(body)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (ModelPart, {"name": "x", "nme": "y"}),
        (ModelPart, {"custom": {**FOUR, "hidden_size": 1}}),
        (ModelPart, {"custom": {**FOUR, "num_layers": 0}}),
        (ModelPart, {"custom": {**FOUR, "hidden_dim": True}}),
        (PrecisionPart, {"weights": ""}),
        (HardwarePart, {"gpu": "a10", "count": 0}),
        (HardwarePart, {"gpu": "a10", "gpu_memory_bytes": 0}),
        (ParallelismPart, {"tensor": 2.0}),
        (ParallelismPart, {"sequence": 2}),
        (WorkloadPart, {"input_tokens": 0}),
        (WorkloadPart, {"request_rate": float("nan")}),
        (WorkloadPart, {"offline": False}),
        (WorkloadPart, {"prefix_cache_hit_fraction": 1}),
        (WorkloadPart, {"concurrency": 8, "batch": 8}),
    ],
)
def test_what_cannot_be_is_refused(kind: type[Any], body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        kind.model_validate(body)


@pytest.mark.parametrize(
    ("kind", "body", "field"),
    [
        (WorkloadPart, {"request_rate": 1e-100}, "request_rate"),
        (WorkloadPart, {"session_rate": 1e-300, "sessions": {"turns": 2}}, "session_rate"),
        (WorkloadPart, {"users": 1e-300, "requests_per_user_per_minute": 1e-9}, "users"),
        (DayPart, {"rates_per_s": [0.0] * 23 + [1e-300]}, "rates_per_s"),
        (TracePart, {"text": "arrival_s,input_tokens,output_tokens\n0,1,1\n9,1,1", "speed": 1e-300}, "text"),
    ],
)
def test_a_rate_that_no_run_could_hold_is_refused_by_its_field(
    kind: type[Any], body: dict[str, Any], field: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        kind.model_validate(body)
    assert refused.value.errors()[0]["loc"][0] == field


def test_defaults() -> None:
    assert PrecisionPart().model_dump() == {"weights": None, "kv_cache": "auto", "activations": "auto"}
    assert ParallelismPart().gpus == 1
    assert ParallelismPart(tensor=2, pipeline=3, data=4, expert=8).gpus == 24
    work = WorkloadPart()
    assert (work.input_tokens, work.output_tokens, work.load, work.requests_in_flight) == (
        1024,
        1024,
        "concurrency",
        1,
    )


@pytest.mark.parametrize(
    ("body", "load", "in_flight"),
    [
        ({"concurrency": 8}, "concurrency", 8),
        ({"request_rate": 2.5}, "request_rate", 1),
        ({"batch": 16}, "batch", 16),
        ({"offline": True}, "offline", 1),
    ],
)
def test_kinds_of_load(body: dict[str, Any], load: str, in_flight: int) -> None:
    work = WorkloadPart.model_validate(body)
    assert (work.load, work.requests_in_flight) == (load, in_flight)


def test_engines_are_told_apart_by_name() -> None:
    assert isinstance(ENGINE.validate_python({"name": "vllm", "gpu_memory_utilization": 0.9}), VllmEngine)
    assert isinstance(ENGINE.validate_python({"name": "sglang", "page_size": 1}), SglangEngine)


@pytest.mark.parametrize(
    "body",
    [
        {"name": "vllm", "mem_fraction_static": 0.9},
        {"name": "sglang", "gpu_memory_utilization": 0.9},
        {"name": "tgi"},
        {"gpu_memory_utilization": 0.9},
        {"name": "llama.cpp", "n_gpu_layers": -2},
        {"name": "trtllm", "free_gpu_memory_fraction": 1.5},
    ],
)
def test_flags_of_another_engine_are_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ENGINE.validate_python(body)
