"""What a deployment may not exceed."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from llm_calc.adapters.wire.base import StrictRequest
from llm_calc.adapters.wire.engine_names import typed_word

Seconds = Annotated[float, Field(gt=0, le=1e6)]
UsdPerHour = Annotated[float, Field(gt=0, le=1e6)]
GpuName = Annotated[str, Field(min_length=1, max_length=100)]
Percentile = Literal["mean", "p50", "p90", "p95", "p99"]


class LimitsPart(StrictRequest):
    """What a plan may not exceed; what is left out is not limited."""

    ttft_s: Seconds | None = Field(None, description="Time to the first token [s]")
    tpot_s: Seconds | None = Field(None, description="Time per further token [s]")
    request_latency_s: Seconds | None = Field(None, description="Time of a whole request [s]")
    percentile: Annotated[Percentile, BeforeValidator(typed_word)] | None = Field(
        None,
        description="What the limits on time hold for, besides the mean; p90 if requests arrive at random, else mean",
    )
    targets_kept_fraction: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None,
        description="Least part of the requests of each class that keeps all of its targets (workload.targets); "
        "absent: none is asked for, and classes of a plan say how many do [-]",
    )
    max_gpus: Annotated[int, Field(ge=1, le=4096)] | None = Field(
        None, description="GPUs in all [GPUs]; 64 if absent"
    )
    usd_per_hour: UsdPerHour | None = Field(None, description="Rent of all GPUs [USD/h]")
    vendors: Annotated[list[GpuName], Field(min_length=1, max_length=20)] | None = Field(
        None, description="Vendors whose GPUs may be used, in any case"
    )
