"""Request of ``/api/sweep``; its answer is a stream of rows."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, JsonValue, model_validator

from llm_calc.adapters.wire.base import StrictRequest

SWEEP_EXAMPLES: list[JsonValue] = [
    {
        "target": "memory_plan",
        "base": {"model": {"name": "llama-3.1-8b"}, "hardware": {"gpu": "h100-80gb-sxm"}},
        "grid": {
            "precision.weights": ["bf16", "fp8"],
            "workload.input_tokens": [1024, 4096],
            "workload.concurrency": {"start": 1, "stop": 64, "count": 3, "spacing": "log"},
        },
    }
]

Path = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*){0,4}$")]
Finite = Annotated[float, Field(ge=-1e12, le=1e12)]
Whole = Annotated[int, Field(ge=-(10**12), le=10**12)]
MOST_VALUES = 1_000_000
MEDIA_TYPES = {
    "ndjson": "application/x-ndjson",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}


class RangePart(StrictRequest):
    """Numbers from ``start`` to ``stop``, both included; whole ones where both are whole."""

    start: Whole | Finite = Field(description="First value")
    stop: Whole | Finite = Field(description="Last value")
    count: Annotated[int, Field(ge=1, le=MOST_VALUES)] | None = Field(
        None, description="How many values; absent: in steps of step"
    )
    step: Whole | Finite | None = Field(
        None, description="Distance of neighbours; absent: 1 or as count says"
    )
    spacing: Literal["linear", "log"] = Field("linear", description="Equal differences or equal ratios")

    @model_validator(mode="after")
    def _sound(self) -> "RangePart":
        if self.stop < self.start:
            raise ValueError("stop must not be below start")
        if self.count is not None and self.step is not None:
            raise ValueError("count and step exclude each other")
        if self.step is not None and (self.step <= 0 or self.spacing == "log"):
            raise ValueError("step must be above 0, and needs linear spacing")
        if self.spacing == "log" and self.start <= 0:
            raise ValueError("start must be above 0 with log spacing")
        if (self.stop - self.start) / (self.step or 1) > MOST_VALUES and self.count is None:
            raise ValueError(f"must have at most {MOST_VALUES} values")
        return self


Axis = Annotated[list[Any], Field(min_length=1, max_length=MOST_VALUES)] | RangePart


class SweepRequest(StrictRequest):
    """A request to another endpoint, and the values that some of its fields take in turn."""

    model_config = ConfigDict(json_schema_extra={"examples": SWEEP_EXAMPLES})

    target: Literal["serving_estimate", "memory_plan", "calculate"] = Field(
        description="The endpoint whose answer each row holds"
    )
    base: dict[str, Any] = Field(description="A request to it; what the grid names may be left out")
    grid: Annotated[dict[Path, Axis], Field(min_length=1, max_length=12)] = Field(
        description="Values by path of the field (workload.concurrency): a list, or start, stop and count or step"
    )
    format: Literal["ndjson", "csv", "parquet"] = Field(
        "ndjson",
        description="Format of the rows. Their confidence says whether all that was said is counted, not how near "
        "times are to a real server: of that their basis speaks, and the endpoint's interval",
    )
    method: Literal["auto", "as_endpoint", "closed_form"] = Field(
        "auto",
        description="How loads that the endpoint simulates are answered: as_endpoint, row by row; closed_form, without "
        "simulation (fast, means within a few per cent); auto: as_endpoint for up to 256 rows; each row says which",
    )
    progress: bool = Field(
        default=False,
        description='Whether NDJSON holds a line {"progress": {"rows", "of"}} after each batch of rows, the last with '
        '"complete": true, and CSV ends with a line "# complete: N rows": without it the stream was cut',
    )
