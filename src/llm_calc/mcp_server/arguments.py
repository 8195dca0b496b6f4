"""What tools take: the parts of requests, with words for language models."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from llm_calc.adapters.shorthand import expanded
from llm_calc.adapters.wire.calibration_part import CalibrationPart
from llm_calc.adapters.wire.engines import EnginePart
from llm_calc.adapters.wire.parts import HardwarePart, ModelPart, ParallelismPart, PrecisionPart, WorkloadPart


def _short(field: str, kind: object) -> BeforeValidator:
    """Lets a part be written in its short form."""

    def part(value: object) -> object:
        return expanded({field: value})[field] if isinstance(value, str) else value

    return BeforeValidator(part, json_schema_input_type=kind)


ModelInput = Annotated[
    ModelPart,
    _short("model", ModelPart | str),
    Field(description='Name or Hugging Face id of a catalog model; or {"hf_config": …}, {"custom": …}'),
]
HardwareInput = Annotated[
    HardwarePart,
    _short("hardware", HardwarePart | str),
    Field(description='GPU id, with a count if more than one: "4x h100-80gb-sxm"; or a part'),
]
PrecisionInput = Annotated[
    Annotated[PrecisionPart, _short("precision", PrecisionPart | str)] | None,
    Field(
        description="Format of the weights (bf16, fp8, int4-awq, q4_k_m, …), or a part; absent: as published"
    ),
]
ParallelismInput = Annotated[
    ParallelismPart | None, Field(description="The layout; absent: tensor parallelism over all GPUs")
]
EngineInput = Annotated[
    EnginePart | None, Field(description="The engine with its own options; absent: vLLM with its defaults")
]
WorkloadInput = Annotated[WorkloadPart | None, Field(description="Lengths and one kind of load")]
CalibrationInput = Annotated[
    CalibrationPart | None, Field(description="Fitted to your own measurements, as /api/calibrate answers it")
]
GpuNames = Annotated[
    list[str] | None, Field(description="Ids of the GPUs to consider; absent: the whole catalog")
]
