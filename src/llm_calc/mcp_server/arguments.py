"""What tools take: the parts of requests, with words for language models."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from llm_calc.adapters.shorthand import expanded
from llm_calc.adapters.wire.calibrate import Measurement
from llm_calc.adapters.wire.calibration_part import CalibrationPart
from llm_calc.adapters.wire.compare import Scenario
from llm_calc.adapters.wire.engines import EnginePart
from llm_calc.adapters.wire.lora import LoraPart
from llm_calc.adapters.wire.machines import Machine
from llm_calc.adapters.wire.parts import HardwarePart, ModelPart, ParallelismPart, PrecisionPart, WorkloadPart
from llm_calc.adapters.wire.speculative import SpeculativePart
from llm_calc.adapters.wire.workloads import KvTierPart


def _short(field: str, kind: object) -> BeforeValidator:
    """Lets a part be written in its short form."""

    def part(value: object) -> object:
        return expanded({field: value})[field] if isinstance(value, str) else value

    return BeforeValidator(part, json_schema_input_type=kind)


def _short_each(value: object) -> object:
    """Lets the parts of every entry of a list be written in their short forms."""
    entries = value if isinstance(value, list) else []
    return [expanded(each) if isinstance(each, dict) else each for each in entries] or value


def _like_an_estimate(least: int, most: int, properties: dict[str, object], *needed: str) -> WithJsonSchema:
    """The schema of a list whose entries hold the arguments of ``serving_estimate``, which stand there."""
    entry = {
        "type": "object",
        "properties": {"model": {}, "hardware": {}, **properties},
        "required": ["model", "hardware", *needed],
    }
    return WithJsonSchema({"type": "array", "minItems": least, "maxItems": most, "items": entry})


ModelInput = Annotated[
    ModelPart,
    _short("model", ModelPart | str),
    Field(description='Name or Hugging Face id of a catalog model; or {"hf_config": …}, {"custom": …}'),
]
HardwareInput = Annotated[
    Machine,
    _short("hardware", HardwarePart | list[HardwarePart] | str),
    Field(
        description='GPU id, with a count if more than one: "4x h100-80gb-sxm"; "rtx-4090, rtx-3090"; or a part'
    ),
]
PrecisionInput = Annotated[
    Annotated[PrecisionPart, _short("precision", PrecisionPart | str)] | None,
    Field(description="Format of the weights (fp8, int4-awq, q4_k_m, …), or a part; absent: as published"),
]
ParallelismInput = Annotated[
    ParallelismPart | None, Field(description="The layout; absent: tensor parallelism over all GPUs")
]
EngineInput = Annotated[
    EnginePart | None, Field(description="The engine with its options; absent: vLLM with its defaults")
]
WorkloadInput = Annotated[WorkloadPart | None, Field(description="Lengths and a kind of load")]
SpeculativeInput = Annotated[SpeculativePart | None, Field(description="Speculative decoding; absent: none")]
LoraInput = Annotated[LoraPart | None, Field(description="Adapters beside the model; absent: none")]
TiersInput = Annotated[list[KvTierPart] | None, Field(description="Memories below the GPU's, for sessions")]
CalibrationInput = Annotated[
    CalibrationPart | None, Field(description="Fitted to own measurements, as /api/calibrate answers it")
]
GpuNames = Annotated[
    list[str] | None, Field(description="Ids of the GPUs to consider; absent: the whole catalog")
]
Scenarios = Annotated[
    list[Scenario],
    BeforeValidator(_short_each),
    _like_an_estimate(2, 8, {"label": {"type": "string"}}),
    Field(min_length=2, max_length=8, description="Each the arguments of serving_estimate, and a label"),
]
Measurements = Annotated[
    list[Measurement],
    BeforeValidator(_short_each),
    _like_an_estimate(
        1,
        200,
        {
            "measured": {
                "type": "object",
                "description": "At least one of ttft_s, tpot_s, request_latency_s, output_tokens_per_s",
            }
        },
        "measured",
    ),
    Field(
        min_length=1,
        max_length=200,
        description="Each the arguments of serving_estimate, and what was measured there",
    ),
]
FurtherInput = Annotated[
    dict[str, Any] | None, Field(description="Any other field of the endpoint's request, by name")
]
