"""Request and answer of ``/api/serving_estimate``."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, JsonValue

from llm_calc.adapters.wire.apart import DisaggregatedPart
from llm_calc.adapters.wire.base import Answer
from llm_calc.adapters.wire.calibration_part import CalibrationPart
from llm_calc.adapters.wire.engines import EnginePart, EngineRelease, VllmEngine
from llm_calc.adapters.wire.homes import AtHome
from llm_calc.adapters.wire.images import ImagesAnswer
from llm_calc.adapters.wire.lora import LoraAnswer, LoraPart
from llm_calc.adapters.wire.machines import Machine
from llm_calc.adapters.wire.measured import MeasuredPoint, NearestRun
from llm_calc.adapters.wire.parts import ModelPart, ParallelismPart, PrecisionPart, WorkloadPart
from llm_calc.adapters.wire.speculative import SpeculativePart
from llm_calc.adapters.wire.traces import TraceAnswer
from llm_calc.adapters.wire.workloads import KvTierPart, SessionsAnswer

SERVING_EXAMPLES: list[JsonValue] = [
    {
        "model": {"name": "llama-3.1-8b"},
        "precision": {"weights": "bf16"},
        "hardware": {"gpu": "h100-80gb-sxm"},
        "engine": {"name": "vllm"},
        "workload": {"input_tokens": 1024, "output_tokens": 256, "concurrency": 16},
    }
]


class ServingEstimateRequest(AtHome):
    """A model on so many GPUs under one engine and one load."""

    model_config = ConfigDict(json_schema_extra={"examples": SERVING_EXAMPLES})

    model: ModelPart = Field(description="The model")
    precision: PrecisionPart = Field(PrecisionPart(), description="Number formats")
    hardware: Machine = Field(description="The GPUs; a list where they are of several kinds")
    parallelism: ParallelismPart | None = Field(
        None, description="The layout; absent: tensor parallelism over all GPUs (llama.cpp: pipeline)"
    )
    engine: EnginePart = Field(VllmEngine(), description="The engine with its own options")
    workload: WorkloadPart = Field(WorkloadPart(), description="Lengths and load")
    speculative: SpeculativePart | None = Field(None, description="Speculative decoding; absent: none")
    lora: LoraPart | None = Field(None, description="Adapters beside the model; absent: none")
    disaggregated: DisaggregatedPart | None = Field(
        None, description="Prefill and decode apart; absent: the same GPUs do both"
    )
    kv_tiers: Annotated[list[KvTierPart], Field(max_length=3)] = Field(
        [],
        description="Memories below the GPU's that keep contexts of sessions, the fastest first; none if absent",
    )
    calibration: CalibrationPart | None = Field(
        None, description="Fitted to your own measurements, as /api/calibrate answers it"
    )


class Percentiles(Answer):
    """Percentiles over the requests of the simulated run."""

    p50: float = Field(description="Median [unit of the figure]")
    p90: float = Field(description="90th percentile [unit of the figure]")
    p95: float = Field(description="95th percentile [unit of the figure]")
    p99: float = Field(description="99th percentile [unit of the figure]")


class PercentilesOfRun(Answer):
    """What requests saw; null where a load has no spread."""

    ttft_s: Percentiles = Field(description="Time to first token [s]")
    tpot_s: Percentiles = Field(description="Time of each further token [s]")
    request_latency_s: Percentiles = Field(description="From sending to the last token [s]")


class ClassAnswer(Answer):
    """What one class of requests saw; null where the run saw none of it."""

    name: str = Field(description="The class; all where the workload names none")
    requests: int = Field(description="Requests of it in the simulated run [requests]")
    requests_per_s: float = Field(description="Requests of it that the deployment finishes [requests/s]")
    input_tokens: float | None = Field(description="Mean prompt [tokens]")
    output_tokens: float | None = Field(description="Mean answer [tokens]")
    ttft_s: float | None = Field(description="Mean time to first token [s]")
    tpot_s: float | None = Field(
        description="Mean time of each further token [s]; null: none has more than one"
    )
    request_latency_s: float | None = Field(description="Mean time from sending to the last token [s]")
    percentiles: PercentilesOfRun | None = Field(description="Spread over its requests")
    targets_kept_fraction: float | None = Field(
        description="Part of its requests that keep all targets (SLO attainment) [-]; null: it has none"
    )
    goodput_requests_per_s: float | None = Field(
        description="Its requests that keep all targets [requests/s]; null: it has none"
    )


class Range(Answer):
    """A range of one figure."""

    low: float = Field(description="Lower end [unit of the figure]")
    high: float = Field(description="Upper end [unit of the figure]")


class Interval(Answer):
    """Ranges that held 80 % of the measured cases of their kind when the fit had not seen them."""

    status: Literal["calibrated", "uncalibrated"] = Field(
        description="Whether loads of this kind were measured; uncalibrated: the ranges are those of loads that were"
    )
    coverage_fraction: float = Field(description="Share of cases that the ranges hold [-]")
    ttft_s: Range | None = Field(description="Time to first token [s]; null: too few cases")
    tpot_s: Range | None = Field(description="Time of each further token [s]; null: too few cases")
    output_tokens_per_s: Range | None = Field(
        description="Output of the deployment [tokens/s]; of closed loops derived from both times of published runs, "
        "requests x output / (ttft + (output - 1) x tpot); null: too few cases, or random arrivals"
    )


class OperatorRow(Answer):
    """One operator of a decode step on the GPU with most of it, or of the prefill of one prompt."""

    name: str = Field(description="Operator")
    phase: Literal["prefill", "decode"] = Field(description="Prefill of one prompt, or one decode step")
    flops: float = Field(description="FLOPs on one GPU [FLOPs]")
    bytes: float = Field(description="Bytes moved to or from the memory of one GPU [bytes]")
    message_bytes: float = Field(description="Bytes sent to other GPUs [bytes]")
    seconds: float = Field(
        description="Time [s]; those of a phase add up to the step or the prefill that tpot_s and ttft_s rest on: what "
        "a measured stack takes otherwise than its fitted operators is spread evenly over them"
    )
    bound: Literal["compute", "memory", "communication", "launch"] = Field(
        description="What decides the time"
    )


class HeldOut(Answer):
    """How far off answers of this kind were for groups that the fit had not seen."""

    metric: str = Field(
        description="What was measured; output_tokens_per_s of a closed_loop is implied by both times of a run"
    )
    load: str = Field(description="Kind of load")
    held_out: str = Field(
        description="What the fit had not seen: row, model, gpu, generation, vendor; all: nothing was fitted to such"
    )
    measurements: int = Field(description="Measurements compared [measurements]")
    mean_error_fraction: float = Field(description="Mean of |predicted / measured - 1| [-]")
    median_error_fraction: float = Field(description="Median of it [-]")


BasisKind = Literal["measured", "calibrated", "formula_only"]


class Basis(Answer):
    """What an answer rests on."""

    kind: BasisKind = Field(
        description="measured: the fit has this model on this GPU under this engine, together (formats, layout, "
        "lengths and load may differ); calibrated: this engine on this generation; "
        "formula_only: neither, base efficiencies stand in, or memory holds no request"
    )
    calibration: str = Field(description="Which calibration")
    fitted_on: str = Field(description="Day of the fit")
    measurements: int = Field(description="Measurements in the fit [measurements]")
    unseen: str = Field(
        description="What the fit had no measurement of, which is also the kind of novelty that interval holds for: "
        "vendor (this engine on its GPUs), generation (this engine on such chips), gpu, model (never "
        "measured on this GPU under this engine, though perhaps elsewhere), or row (only this very load)"
    )
    held_out_errors: list[HeldOut] = Field(
        description="Errors on groups that the fit had not seen; for row those of this engine on this class of chips, "
        "where at least 30 measurements tell them"
    )
    releases: list[str] = Field(
        description="Releases that were measured of this engine on this class of chips, as far as sources name them"
    )
    nearest: list[NearestRun] = Field(
        description="At most five published runs nearest to the question, nearest first; empty where none compares"
    )
    nearest_note: str = Field(description="How many published runs compare, or that none does")
    measured_curve: list[MeasuredPoint] = Field(
        description="The same model, GPU, engine, layout, formats and lengths (within 25 %) at several loads, by "
        "requests; empty where it was not measured so"
    )
    data_version: str = Field(description="The data that it comes from, as /api/version says it")


class ResolvedModel(Answer):
    """What the request left open of all replicas, decided."""

    model: str = Field(description="The model")
    weights: str = Field(description="Format of the weights, in words")
    weights_kind: str = Field(description="Format of most matrices, as the catalog of formats calls it")
    weights_bits: float = Field(description="Bits of one of their elements, without scales [bits]")
    multiplied_in: str = Field(description="Number type that they are multiplied in on this GPU")
    engine: str = Field(description="The engine")


class ResolvedReplicas(Answer):
    """What the request left open of the replicas of one side, decided."""

    kv_cache: str = Field(description="Format of the KV cache")
    tensor: int = Field(description="Tensor-parallel GPUs [GPUs]")
    pipeline: int = Field(description="Pipeline stages [stages]")
    data: int = Field(description="Replicas, or attention data parallelism [groups]")
    expert: int = Field(description="GPUs that experts are dealt over [GPUs]")
    kv_capacity_tokens: float = Field(
        description="Context that the KV cache holds in all, as kv_cache_tokens of /api/memory_plan [tokens]"
    )
    kv_capacity_sequences: float = Field(
        description="Requests of this length that run in it at once, in the part that measured servers fill [sequences]"
    )


class Resolved(ResolvedReplicas, ResolvedModel):
    """What the request left open, decided; of a prefill replica where decode ones are apart."""

    running_sequences: float = Field(description="Requests that decode at once, on average [sequences]")
    decode: ResolvedReplicas | None = Field(
        description="The same of a decode replica; null where the same GPUs do both"
    )


class ServingEstimateAnswer(Answer):
    """What users wait for, what the deployment delivers, and how sure that is."""

    engine: EngineRelease = Field(description="Engine and the release whose rules were used")
    ttft_s: float = Field(description="Mean time to first token [s]")
    tpot_s: float = Field(description="Mean time of each further token [s]")
    request_latency_s: float = Field(description="Mean time from sending to the last token [s]")
    output_tokens_per_s: float = Field(description="Generated tokens of the deployment [tokens/s]")
    total_tokens_per_s: float = Field(description="Prompt and generated tokens [tokens/s]")
    requests_per_s: float = Field(description="Requests finished [requests/s]")
    output_tokens_per_s_per_gpu: float = Field(description="Generated tokens a GPU [tokens/s]")
    total_tokens_per_s_per_gpu: float = Field(description="Prompt and generated tokens a GPU [tokens/s]")
    requests_per_s_per_gpu: float = Field(description="Requests finished a GPU [requests/s]")
    percentiles: PercentilesOfRun | None = Field(description="Spread over requests")
    classes: list[ClassAnswer] = Field(
        description="What classes of requests saw, and how many kept their targets; empty where all are alike"
    )
    sessions: SessionsAnswer | None = Field(
        description="What caches keep of sessions and what follows; null without sessions"
    )
    trace: TraceAnswer | None = Field(
        description="What follows for a trace and what caches keep of it; null without one"
    )
    lora: LoraAnswer | None = Field(description="What adapters take; null without any")
    images: ImagesAnswer | None = Field(description="What images of a request cost; null without images")
    interval: Interval = Field(description="How far measurements of this kind may lie from the figures")
    operators: list[OperatorRow] = Field(description="What the time of a step consists of")
    basis: Basis = Field(description="What the answer rests on")
    resolved: Resolved = Field(description="What the request left open, decided")
    assumptions: list[str] = Field(description="What was taken for granted and changes the answer")
    warnings: list[str] = Field(description="What the caller should know")
