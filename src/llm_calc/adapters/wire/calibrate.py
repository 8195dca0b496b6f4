"""Request and answer of ``/api/calibrate``, and the ``calibration`` part that other requests take."""

from typing import Annotated

from pydantic import ConfigDict, Field, JsonValue, model_validator

from llm_calc.adapters.said_as import within_list
from llm_calc.adapters.wire.base import Answer, StrictRequest
from llm_calc.adapters.wire.calibration_part import CalibrationPart
from llm_calc.adapters.wire.serving import ServingEstimateRequest

CALIBRATE_EXAMPLES: list[JsonValue] = [
    {
        "measurements": [
            {
                "model": {"name": "llama-3.1-8b"},
                "hardware": {"gpu": "h100-80gb-sxm"},
                "workload": {"input_tokens": 1024, "output_tokens": 256, "concurrency": 16},
                "measured": {"tpot_s": 0.0101, "ttft_s": 0.11},
            },
            {
                "model": {"name": "llama-3.1-8b"},
                "hardware": {"gpu": "h100-80gb-sxm"},
                "workload": {"input_tokens": 1024, "output_tokens": 256, "concurrency": 64},
                "measured": {"tpot_s": 0.0162, "ttft_s": 0.29},
            },
        ]
    }
]

Measured = Annotated[float, Field(gt=1e-9, le=1e9)]


class MeasuredPart(StrictRequest):
    """What was measured; at least one figure."""

    ttft_s: Measured | None = Field(None, description="Mean time to first token [s]")
    tpot_s: Measured | None = Field(None, description="Mean time of each further token [s]")
    request_latency_s: Measured | None = Field(None, description="Mean time of a request [s]")
    output_tokens_per_s: Measured | None = Field(
        None, description="Generated tokens of the deployment [tokens/s]"
    )

    @model_validator(mode="after")
    def _something(self) -> "MeasuredPart":
        if all(value is None for value in self.figures.values()):
            raise ValueError(f"at least one of {', '.join(self.figures)} must be given")
        return self

    @property
    def figures(self) -> dict[str, float | None]:
        """Every figure by its name."""
        return {name: getattr(self, name) for name in type(self).model_fields}


class Measurement(ServingEstimateRequest):
    """A request to ``/api/serving_estimate``, and what was really measured."""

    measured: MeasuredPart = Field(description="What was measured")


class CalibrateRequest(StrictRequest):
    """The caller's own measurements."""

    model_config = ConfigDict(json_schema_extra={"examples": CALIBRATE_EXAMPLES})

    measurements: Annotated[
        list[Measurement], Field(min_length=1, max_length=200), within_list("measurements")
    ] = Field(description="Measurements, of any deployments")


class FittedFactor(Answer):
    """One factor: what it scales, and how well the measurements determine it."""

    name: str = Field(description="What it stands for")
    efficiencies: list[str] = Field(description="Efficiencies that it scales")
    factor: float = Field(description="The factor; 1: as published measurements say [-]")
    low: float = Field(description="Lower end of its 80 % range [-]")
    high: float = Field(description="Upper end of its 80 % range [-]")
    learnt_fraction: float = Field(
        description="How much the measurements say of it: 0 nothing, 1 everything [-]"
    )


class FitErrors(Answer):
    """Mean of ``|predicted / measured - 1|`` over the measured figures of one kind."""

    figure: str = Field(description="What was measured")
    measurements: int = Field(description="How many [measurements]")
    before_fraction: float = Field(description="Without the calibration [-]")
    after_fraction: float = Field(description="With it [-]")
    left_out_fraction: float = Field(
        description="With a calibration that had not seen the measurement, to first order [-]"
    )


class CalibrateAnswer(Answer):
    """A calibration for the caller's deployments; nothing of it is stored."""

    calibration: CalibrationPart = Field(description="To be sent with other requests as it stands")
    factors: list[FittedFactor] = Field(description="What was fitted")
    errors: list[FitErrors] = Field(description="How far predictions are off, before and after")
    assumptions: list[str] = Field(description="What was taken for granted and changes the answer")
    warnings: list[str] = Field(description="Where the measurements are too few, or cannot be met")
