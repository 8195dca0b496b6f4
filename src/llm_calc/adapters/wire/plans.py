"""Request and answer of ``/api/deployment_plans``."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field, JsonValue

from llm_calc.adapters.wire.apart_plans import ApartPlan
from llm_calc.adapters.wire.base import Answer, StrictRequest
from llm_calc.adapters.wire.calibration_part import CalibrationPart
from llm_calc.adapters.wire.day import DayPart, PlanDay
from llm_calc.adapters.wire.engine_names import typed_name, typed_word
from llm_calc.adapters.wire.engines import EnginePart, EngineRelease
from llm_calc.adapters.wire.limits import GpuName, LimitsPart, UsdPerHour
from llm_calc.adapters.wire.lora import LoraPart
from llm_calc.adapters.wire.owner import OwnerPart, Rental
from llm_calc.adapters.wire.parts import (
    FormatName,
    HardwarePart,
    ModelPart,
    ParallelismPart,
    PrecisionPart,
    WorkloadPart,
)
from llm_calc.adapters.wire.plan_parts import (
    CLASSES_WORDS,
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
from llm_calc.adapters.wire.serving import BasisKind, ClassAnswer
from llm_calc.adapters.wire.speculative import SpeculativePart
from llm_calc.adapters.wire.workloads import KvTierPart
from llm_calc.core.engines.ollama import no_program_around

PlannedEngine = Annotated[
    Literal["vllm", "sglang", "trtllm", "llama.cpp", "mlx"],
    BeforeValidator(no_program_around),
    BeforeValidator(typed_name),
]
Contexts = Annotated[int, Field(ge=1, le=64)]
Objective = Annotated[
    Literal["cost", "budget", "throughput", "latency", "ttft", "tpot", "energy", "gpus"],
    BeforeValidator(typed_word),
]

PLANS_EXAMPLES: list[JsonValue] = [
    {
        "model": {"name": "llama-3.1-70b"},
        "workload": {"input_tokens": 2048, "output_tokens": 256, "request_rate": 4.0},
        "limits": {"ttft_s": 2.0, "tpot_s": 0.05},
        "gpus": ["h100-80gb-sxm", "mi300x"],
        "formats": ["fp8"],
        "engines": ["vllm"],
        "max_plans": 2,
    }
]


class DeploymentPlansRequest(StrictRequest):
    """A model, what it has to serve, and what may not be exceeded."""

    model_config = ConfigDict(json_schema_extra={"examples": PLANS_EXAMPLES})

    model: ModelPart = Field(description="The model")
    workload: WorkloadPart = Field(
        WorkloadPart(),
        description="Lengths, also distributions or classes, targets, and load of the whole deployment; without a "
        "load: as many requests as the limits allow",
    )
    day: DayPart | None = Field(None, description="The load over the day; absent: the same all day")
    limits: LimitsPart = Field(LimitsPart(), description="What no plan exceeds")
    gpus: Annotated[list[GpuName], Field(min_length=1, max_length=200)] | None = Field(
        None, description="Ids or aliases of the GPUs to consider; absent: the whole catalog"
    )
    formats: Annotated[list[FormatName], Field(min_length=1, max_length=20)] | None = Field(
        None, description="Weight formats; absent: the checkpoint's own and fp8 (llama.cpp: q8_0)"
    )
    kv_cache_formats: Annotated[list[FormatName], Field(min_length=1, max_length=8)] = Field(
        ["auto"], description="Formats of the KV cache to consider; auto: what the engine does by default"
    )
    engines: Annotated[list[PlannedEngine], Field(min_length=1, max_length=5)] | None = Field(
        None, description="Engines; absent: all that run on a GPU"
    )
    objective: Objective = Field(
        "cost",
        description="What the best plan is best in: cost (USD a token), budget (USD/h), throughput (tokens/s a GPU), "
        "latency, ttft, tpot, energy (J a token) or gpus (fewest)",
    )
    prices: Annotated[dict[GpuName, UsdPerHour], Field(max_length=200)] = Field(
        {}, description="Your own rental prices by GPU id [USD/h a GPU], in place of the catalog's"
    )
    rental: Rental = Field("on_demand", description=RENTAL_WORDS)
    owner: OwnerPart | None = Field(None, description=OWNER_WORDS)
    gpus_per_node: Annotated[int, Field(ge=1, le=64)] = Field(8, description="GPUs in one host [GPUs]")
    max_plans: Annotated[int, Field(ge=1, le=40)] = Field(10, description="Plans in the answer [plans]")
    speculative: SpeculativePart | None = Field(
        None, description="Speculative decoding, tried beside none; absent: none"
    )
    lora: LoraPart | None = Field(None, description="Adapters that every plan serves; absent: none")
    kv_tiers: Annotated[list[KvTierPart], Field(max_length=3)] = Field(
        [], description="Memories below the GPU's, tried beside none; memory_bytes of each replica"
    )
    context_parallel: Annotated[list[Contexts], Field(min_length=1, max_length=8)] = Field(
        [1],
        description="GPUs that the tokens of a cache are dealt over (vLLM decode_context_parallel_size, SGLang "
        "dcp_size), sizes to consider [GPUs]",
    )
    prefill_apart: bool = Field(
        default=False, description="Also search prefill and decode on GPUs of their own, which stand in apart"
    )
    manifests: Manifests | None = Field(
        None,
        description=MANIFESTS_WORDS,
    )
    calibration: CalibrationPart | None = Field(
        None, description="Fitted to your own measurements, as /api/calibrate answers it"
    )


class PlanMemory(Answer):
    """What the engine does with the memory of the fullest GPU, as ``/api/memory_plan`` says it."""

    fits: bool = Field(description="Whether the engine starts and holds the load; always true in a plan")
    headroom_bytes: int = Field(description="KV cache left on the fullest GPU under the load [bytes]")
    weights_bytes: int = Field(description="Weights on the fullest GPU [bytes]")
    kv_cache_bytes: int = Field(description="KV cache that the engine allocates there [bytes]")
    max_concurrency: float = Field(description="Sequences of full length that one replica holds [sequences]")


class BreakEven(Answer):
    """The plan against the cheapest provider that bills the same model by the token."""

    provider: str = Field(description="The provider")
    hosted_usd_per_request: float = Field(description="What it asks for one request of these lengths [USD]")
    own_usd_per_request: float = Field(description="What the plan costs a request at its load [USD]")
    requests_per_s: float | None = Field(
        description="Load from which the plan's rent is the cheaper one [requests/s]"
    )
    cheaper: Literal["plan", "hosted"] = Field(description="Which is cheaper at the plan's load")


class Plan(Answer):
    """One way to serve the workload. Model and these parts are a request to the other endpoints as they stand."""

    rank: int = Field(description="Place by the objective, from 1")
    hardware: HardwarePart = Field(description="GPUs of one replica")
    parallelism: ParallelismPart = Field(description="Layout of one replica")
    precision: PrecisionPart = Field(description="Number formats")
    engine: EnginePart = Field(description="The engine with its options")
    release: EngineRelease = Field(description="The release whose rules were used")
    workload: WorkloadPart = Field(description="What each replica serves")
    speculative: SpeculativePart | None = Field(description="Its speculative decoding; null: none")
    lora: LoraPart | None = Field(description="Adapters that it serves; null: none")
    kv_tiers: list[KvTierPart] = Field(description="Memories below the GPU's of each replica; empty: none")
    weights_format: str = Field(description="How the weights are stored, in words")
    replicas: int = Field(description="Equal deployments side by side, sharing the load evenly")
    gpus: int = Field(description="GPUs of all replicas that the load needs, without spare ones [GPUs]")
    spare_replicas: int = Field(
        description="Replicas that run beside them over the day; 0 where none was given"
    )
    gpus_with_spares: int = Field(
        description="GPUs with those of spare replicas, which limits and manifests hold as well [GPUs]"
    )
    ttft_s: float = Field(description="Time to the first token, mean [s]")
    tpot_s: float = Field(description="Time per further token, mean [s]")
    request_latency_s: float = Field(description="Time of a request, mean [s]")
    percentiles: dict[str, dict[str, float]] | None = Field(
        description="The same by percentile [s], where requests differ"
    )
    classes: list[ClassAnswer] = Field(description=CLASSES_WORDS)
    output_tokens_per_s: float = Field(description="Generated tokens of all replicas [tokens/s]")
    total_tokens_per_s: float = Field(description="Prompt and generated tokens of all replicas [tokens/s]")
    requests_per_s: float = Field(description="Requests of all replicas [requests/s]")
    output_tokens_per_s_per_gpu: float = Field(description="Generated tokens of one GPU [tokens/s]")
    output_tokens_per_s_per_user: float = Field(
        description="Generated tokens of one request, 1 / tpot_s [tokens/s]"
    )
    interval: dict[str, LikelyRange] = Field(description="Likely range of the figures that have one")
    basis: BasisKind = Field(
        description="measured: the fit has this model, GPU and engine; calibrated: this engine on this generation; "
        "formula_only: neither"
    )
    memory: PlanMemory = Field(description="Memory of the fullest GPU")
    price: PlanPrice | None = Field(description="Price of a GPU; null where none is known")
    usd_per_hour: float | None = Field(description="Rent of all GPUs [USD/h]")
    usd_per_million_input_tokens: float | None = Field(
        description="The prompts' part of the rent, by the GPU time that they take [USD/10^6 tokens]"
    )
    usd_per_million_output_tokens: float | None = Field(
        description="The answers' part of the rent; both parts add up to it [USD/10^6 tokens]"
    )
    usd_per_million_output_tokens_all_in: float | None = Field(
        description="The whole rent over the generated tokens alone [USD/10^6 tokens]"
    )
    power_w: float | None = Field(
        description="Board power of all GPUs at their limit [W]; null where unknown"
    )
    joules_per_output_token: float | None = Field(description="That power over the generated tokens [J]")
    break_even: BreakEven | None = Field(
        description="Against a hosted model; null where none or no price is known"
    )
    day: PlanDay | None = Field(description="What it takes over the day; null where none was given")
    launch_command: str = Field(
        description="Starts one replica; options are those of the engine's documentation"
    )
    manifests: dict[str, list[ClusterObject]] | None = Field(description=MADE_WORDS)
    notes: list[str] = Field(description="What the plan and its command take for granted")


class ParetoPoint(Answer):
    """A plan that no other beats in both quantities of its front; its parts are as in a plan."""

    x: float = Field(description="First quantity of the front [unit named by the front]")
    y: float = Field(description="Second quantity of the front [unit named by the front]")
    plan: Plan = Field(description="The plan behind the point")


class Pareto(Answer):
    """Fronts over everything that keeps the limits."""

    throughput_against_speed: list[ParetoPoint] = Field(
        description="x: tokens/s of one user, y: tokens/s of one GPU; more of both is better"
    )
    cost_against_latency: list[ParetoPoint] = Field(
        description="x: seconds of a request, y: USD per million generated tokens, all in; less of both is better"
    )


class Considered(Answer):
    """How much was searched."""

    gpus: int = Field(description="Kinds of GPUs [kinds]")
    deployments: int = Field(description="Combinations of GPU, engine, formats and layout [deployments]")
    estimated: int = Field(description="Of those, estimated in full [deployments]")


class DeploymentPlansAnswer(Answer):
    """Plans, best first; fronts; and why other GPUs have none."""

    objective: str = Field(description="What the plans are ranked by, in words")
    plans: list[Plan] = Field(description="The best plan of each kind of GPU and weight format, best first")
    apart: list[ApartPlan] = Field(
        description="The best with prefill and decode apart, of the best GPUs and formats; empty unless asked for"
    )
    pareto: Pareto = Field(description="What no plan beats in two quantities at once")
    refused: list[RefusedGpu] = Field(description="Kinds of GPUs that no plan uses, with the reason")
    considered: Considered = Field(description="How much was searched")
    assumptions: list[str] = Field(description="What was taken for granted and changes the answer")
    warnings: list[str] = Field(description="What the caller should know")
