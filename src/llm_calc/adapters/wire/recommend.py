"""Request and answer of ``/api/recommend_gpus``."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field, JsonValue

from llm_calc.adapters.wire.base import Answer
from llm_calc.adapters.wire.calibration_part import CalibrationPart
from llm_calc.adapters.wire.engine_names import typed_word
from llm_calc.adapters.wire.engines import EnginePart, EngineRelease
from llm_calc.adapters.wire.homes import AtHome
from llm_calc.adapters.wire.limits import GpuName, UsdPerHour
from llm_calc.adapters.wire.owner import OwnerPart, Rental
from llm_calc.adapters.wire.parts import HardwarePart, ModelPart, ParallelismPart, PrecisionPart, TokenCount
from llm_calc.adapters.wire.plan_parts import (
    MADE_WORDS,
    MANIFESTS_WORDS,
    OWNER_WORDS,
    RENTAL_WORDS,
    ClusterObject,
    LikelyRange,
    Manifests,
    PlanPrice,
    RefusedGpu,
)
from llm_calc.adapters.wire.serving import BasisKind

RECOMMEND_EXAMPLES: list[JsonValue] = [
    {
        "model": {"name": "llama-3.1-8b"},
        "precision": {"weights": "fp8"},
        "context_tokens": 8192,
        "max_gpus": 1,
    }
]


class RecommendGpusRequest(AtHome):
    """A model in one precision and a context: which GPUs hold it."""

    model_config = ConfigDict(json_schema_extra={"examples": RECOMMEND_EXAMPLES})

    model: ModelPart = Field(description="The model")
    precision: PrecisionPart = Field(PrecisionPart(), description="Number formats")
    context_tokens: TokenCount = Field(
        8192, description="Tokens of each sequence, prompt and answer [tokens]"
    )
    concurrency: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        1, description="Sequences that have to fit at once [sequences]"
    )
    max_gpus: Annotated[int, Field(ge=1, le=64)] = Field(8, description="Most GPUs of one kind [GPUs]")
    gpus: Annotated[list[GpuName], Field(min_length=1, max_length=200)] | None = Field(
        None, description="Ids or aliases of the GPUs to consider; absent: the whole catalog"
    )
    engine: EnginePart | None = Field(
        None, description="The engine; absent: vLLM where it runs, else llama.cpp"
    )
    calibration: CalibrationPart | None = Field(
        None, description="Fitted to your own measurements, as /api/calibrate answers it"
    )
    objective: Annotated[Literal["cost", "latency", "gpus"], BeforeValidator(typed_word)] = Field(
        "cost", description="Best first by: cost (USD a token), latency of one request, or fewest GPUs"
    )
    prices: Annotated[dict[GpuName, UsdPerHour], Field(max_length=200)] = Field(
        {}, description="Your own rental prices by GPU id [USD/h a GPU], in place of the catalog's"
    )
    rental: Rental = Field("on_demand", description=RENTAL_WORDS)
    owner: OwnerPart | None = Field(None, description=OWNER_WORDS)
    manifests: Manifests | None = Field(None, description=MANIFESTS_WORDS)


class Recommendation(Answer):
    """The fewest GPUs of one kind that hold the model with its context."""

    rank: int = Field(description="Place, from 1")
    gpu: str = Field(description="Id of the GPU")
    name: str = Field(description="Its name")
    count: int = Field(description="How many of them [GPUs]")
    hardware: HardwarePart = Field(description="The same as a part of a request")
    parallelism: ParallelismPart = Field(description="Layout over them")
    engine: EnginePart = Field(description="The engine with its options")
    release: EngineRelease = Field(description="The release whose rules were used")
    headroom_bytes: int = Field(description="KV cache left on the fullest GPU [bytes]")
    max_concurrency: float = Field(description="Sequences of the context that fit at once [sequences]")
    ttft_s: float = Field(description="Time to the first token under the load [s]")
    tpot_s: float = Field(description="Time per further token under the load [s]")
    output_tokens_per_s: float = Field(description="Generated tokens under the load [tokens/s]")
    interval: dict[str, LikelyRange] = Field(description="Likely range of the figures that have one")
    basis: BasisKind = Field(
        description="measured: the fit has this model, GPU and engine; calibrated: this engine on this generation; "
        "formula_only: neither"
    )
    price: PlanPrice | None = Field(description="Price of a GPU; null where none is known")
    usd_per_hour: float | None = Field(description="What an hour of all of them costs [USD/h]")
    usd_per_million_output_tokens_all_in: float | None = Field(
        description="The rent over the generated tokens [USD/10^6 tokens]"
    )
    manifests: dict[str, list[ClusterObject]] | None = Field(description=MADE_WORDS)
    notes: list[str] = Field(
        description="Warnings of this GPU and engine, and what the manifests take for granted"
    )


class RecommendGpusAnswer(Answer):
    """GPUs that hold the model, best first, and why others do not."""

    objective: str = Field(description="What they are ranked by, in words")
    recommendations: list[Recommendation] = Field(description="Best first")
    refused: list[RefusedGpu] = Field(description="Kinds of GPUs that do not hold it, with the reason")
    assumptions: list[str] = Field(description="What was taken for granted and changes the answer")
    warnings: list[str] = Field(description="What the caller should know")
