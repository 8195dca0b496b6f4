"""A field that may be left out and is null is one left out, in every part of every request."""

from collections.abc import Iterator
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, TypeAdapter, ValidationError

from llm_calc.adapters.operations import OPERATIONS
from llm_calc.adapters.wire.documented_requests import (
    AnalyzeByNameRequest,
    AnalyzeOnGpuRequest,
    CalculateRequest,
    ScalingRequest,
)
from llm_calc.adapters.wire.engines import EnginePart
from llm_calc.adapters.wire.parts import MODEL_SOURCES, HardwarePart, ModelPart, WorkloadPart
from llm_calc.adapters.wire.sweep import SweepRequest
from tests.api.described import described

MODEL = {"name": "llama-3.1-8b"}
GPU = {"gpu": "h100-80gb-sxm"}
LENGTH = {"distribution": "lognormal", "mean": 900, "std": 90}
ASKED = {"model": MODEL, "hardware": GPU}
SMALLEST: dict[str, dict[str, Any]] = {
    "AnalyzeByNameRequest": {"model_name": "llama2-7b"},
    "AnalyzeOnGpuRequest": {"model_name": "llama2-7b", "gpu_name": "l4"},
    "ScalingRequest": {
        "gpu_vram_gb": 80,
        "hidden_dimensions": 64,
        "feedforward_dimensions": 128,
        "num_layers": 2,
        "vocab_size": 100,
    },
    "InspectRequest": {"model": MODEL},
    "ModelPart": MODEL,
    "CustomDimensions": {"hidden_dim": 64, "ff_dim": 128, "num_layers": 2, "vocab_size": 100},
    "LengthPart": LENGTH,
    "ClassPart": {"name": "a", "share": 1.0, "input_tokens": 10, "output_tokens": 5},
    "TargetsPart": {"ttft_s": 1.0},
    "TracePart": {"text": '{"timestamp": 0, "input_length": 5, "output_length": 5}'},
    "ImagesPart": {"width": 640, "height": 480},
    "MemoryPlanRequest": ASKED,
    "HardwarePart": GPU,
    "ServingEstimateRequest": ASKED,
    "KvTierPart": {"tier": "host", "memory_bytes": 1 << 36},
    "CalibrationPart": {"scales": {"compute": 1.0}},
    "DeploymentPlansRequest": {"model": MODEL},
    "DayPart": {"rates_per_s": [1.0] * 24},
    "OwnerPart": {"purchase_usd": {"h100-80gb-sxm": 30000.0}},
    "RecommendGpusRequest": {"model": MODEL},
    "FitRequest": ASKED,
    "ModelsForRequest": {"hardware": GPU},
    "Scenario": ASKED,
    "CompareRequest": {"scenarios": [ASKED, {**ASKED, "hardware": {"gpu": "l4"}}]},
    "Measurement": {**ASKED, "measured": {"ttft_s": 1.0}},
    "CalibrateRequest": {"measurements": [{**ASKED, "measured": {"ttft_s": 1.0}}]},
    "MeasuredPart": {"ttft_s": 1.0},
    "SweepRequest": {"target": "memory_plan", "base": ASKED, "grid": {"hardware.count": [1, 2]}},
    "RangePart": {"start": 1, "stop": 4},
}
"""The smallest that each part with fields of need is; others are empty."""


def parts_within(kind: type[BaseModel], seen: set[type[BaseModel]]) -> set[type[BaseModel]]:
    if kind not in seen:
        seen.add(kind)
        for info in kind.model_fields.values():
            for part in models_of(info.annotation):
                parts_within(part, seen)
    return seen


def models_of(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for each in get_args(annotation):
        yield from models_of(each)


REQUESTS: list[type[BaseModel]] = [
    *(operation.request for operation in OPERATIONS),
    *(SweepRequest, CalculateRequest, ScalingRequest, AnalyzeByNameRequest, AnalyzeOnGpuRequest),
]
KINDS = sorted(
    {part for kind in REQUESTS for part in parts_within(kind, set())}, key=lambda each: each.__name__
)
SCHEMAS = described()["components"]["schemas"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_null_is_left_out_in_every_field_that_may_be(kind: type[BaseModel]) -> None:
    smallest = SMALLEST.get(kind.__name__, {})
    absent = kind.model_validate(smallest)
    for name, info in kind.model_fields.items():
        if not info.is_required() and name not in smallest and name != "name":
            assert kind.model_validate({**smallest, name: None}) == absent, name


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_the_description_says_null_where_it_is_taken_and_no_required_field_takes_it(
    kind: type[BaseModel],
) -> None:
    schema = SCHEMAS.get(kind.__name__) or kind.model_json_schema()
    schema = schema.get("$defs", {}).get(kind.__name__, schema)
    for name, field in schema["properties"].items():
        if "const" not in field:
            takes = (
                {"type": "null"} in field.get("anyOf", []) or field == {} or "null" in str(field.get("type"))
            )
            assert takes is (name not in schema.get("required", ())), (kind.__name__, name)


@pytest.mark.parametrize("body", [{}, {"name": None}])
def test_an_engine_has_a_name(body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="name"):
        TypeAdapter(EnginePart).validate_python(body)


def test_null_in_sessions_takes_what_the_preset_says() -> None:
    preset = WorkloadPart.model_validate({"preset": "coding_agent"}).sessions
    nulls = WorkloadPart.model_validate(
        {"preset": "coding_agent", "sessions": {"turns": None, "think_s": None}}
    )
    assert preset is not None
    assert preset.turns != 8  # not what sessions have by themselves
    assert nulls.sessions == preset


def test_a_counted_gpu_takes_null_beside_it() -> None:
    counted = HardwarePart.model_validate({"gpu": "8x h200", "count": None, "gpus_per_node": None})
    assert (counted.count, counted.gpus_per_node) == (8, 8)
    assert HardwarePart.model_validate({"gpu": "p5.48xlarge", "gpus_per_node": None}).gpus_per_node == 8


@pytest.mark.parametrize("other", MODEL_SOURCES[1:])
def test_null_says_no_model_in_the_schema_either(other: str) -> None:
    """Exactly one way to say a model: a null beside it is no second one, and none alone is one."""
    schema = Draft202012Validator(ModelPart.model_json_schema())
    named = {"name": "llama-3.1-8b", other: None}
    assert ModelPart.model_validate(named).name == "llama-3.1-8b"
    assert schema.is_valid(named)
    assert not schema.is_valid({other: None})
    with pytest.raises(ValidationError, match="exactly one"):
        ModelPart.model_validate({other: None})
