"""The tools: each asks one operation. Those that look names up or take much stand in ``further``."""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import Field

from llm_calc.adapters import operations
from llm_calc.adapters.wire.apart import DisaggregatedPart
from llm_calc.adapters.wire.compare import CompareAnswer
from llm_calc.adapters.wire.fitting import FitAnswer, ModelsForAnswer
from llm_calc.adapters.wire.inspect import InspectResponse
from llm_calc.adapters.wire.limits import LimitsPart
from llm_calc.adapters.wire.memory import MemoryPlanAnswer
from llm_calc.adapters.wire.parts import TokenCount
from llm_calc.adapters.wire.plans import DeploymentPlansAnswer, Objective, PlannedEngine
from llm_calc.adapters.wire.recommend import RecommendGpusAnswer
from llm_calc.adapters.wire.serving import ServingEstimateAnswer
from llm_calc.mcp_server.arguments import (
    CalibrationInput,
    EngineInput,
    FurtherInput,
    GpuNames,
    HardwareInput,
    LoraInput,
    ModelInput,
    ParallelismInput,
    PrecisionInput,
    Scenarios,
    SpeculativeInput,
    TiersInput,
    WorkloadInput,
)
from llm_calc.mcp_server.asking import answer as _answer
from llm_calc.mcp_server.further import (
    calculate,
    calibrate,
    estimate_from_link,
    list_catalog,
    search_catalog,
    sweep,
)


def inspect_model(
    model: ModelInput,
    precision: PrecisionInput = None,
    workload: WorkloadInput = None,
    context_tokens: Annotated[
        list[TokenCount] | None, Field(description="Contexts at which to give the cache's size [tokens]")
    ] = None,
    further: FurtherInput = None,
) -> InspectResponse:
    """Say what a model is: parameters by component, weight bytes, KV cache by kind of layer, and FLOPs.

    No GPU takes part. For a model of your own give {"hf_config": its whole config.json}.
    """
    return _answer(
        operations.INSPECT_MODEL,
        further,
        model=model,
        precision=precision,
        workload=workload,
        context_tokens=context_tokens,
    )


def memory_plan(
    model: ModelInput,
    hardware: HardwareInput,
    precision: PrecisionInput = None,
    parallelism: ParallelismInput = None,
    engine: EngineInput = None,
    workload: WorkloadInput = None,
    speculative: SpeculativeInput = None,
    lora: LoraInput = None,
    kv_tiers: TiersInput = None,
    further: FurtherInput = None,
) -> MemoryPlanAnswer:
    """Say whether a model fits on GPUs under an engine, where the memory goes, and what would make it fit.

    Such as model "llama-3.1-70b", hardware "2x h100-80gb-sxm", precision "fp8", workload {"input_tokens": 2048,
    "output_tokens": 512, "concurrency": 64}. Without a workload: one sequence of the engine's whole context.
    `reason` says why, `changes_that_fit` which single changes would make it fit.
    """
    return _answer(
        operations.MEMORY_PLAN,
        further,
        model=model,
        hardware=hardware,
        precision=precision,
        parallelism=parallelism,
        engine=engine,
        workload=workload,
        speculative=speculative,
        lora=lora,
        kv_tiers=kv_tiers,
    )


def serving_estimate(
    model: ModelInput,
    hardware: HardwareInput,
    precision: PrecisionInput = None,
    parallelism: ParallelismInput = None,
    engine: EngineInput = None,
    workload: WorkloadInput = None,
    speculative: SpeculativeInput = None,
    lora: LoraInput = None,
    disaggregated: Annotated[
        DisaggregatedPart | None, Field(description="Prefill and decode on GPUs of their own")
    ] = None,
    kv_tiers: TiersInput = None,
    calibration: CalibrationInput = None,
) -> ServingEstimateAnswer:
    """Predict time to first token, time per token and throughput under a load, with 80 % intervals.

    Such as model "llama-3.1-8b", hardware "h100-80gb-sxm", workload {"input_tokens": 1024, "output_tokens": 256,
    "concurrency": 16}. `interval` is how far off measured cases of the kind were, `basis` what the figures rest on.
    What does not fit is estimated as if it did, and `warnings` says so.
    """
    return _answer(
        operations.SERVING_ESTIMATE,
        model=model,
        hardware=hardware,
        precision=precision,
        parallelism=parallelism,
        engine=engine,
        workload=workload,
        speculative=speculative,
        lora=lora,
        disaggregated=disaggregated,
        kv_tiers=kv_tiers,
        calibration=calibration,
    )


def deployment_plans(
    model: ModelInput,
    workload: WorkloadInput = None,
    limits: Annotated[LimitsPart | None, Field(description="What no plan exceeds")] = None,
    gpus: GpuNames = None,
    formats: Annotated[list[str] | None, Field(description="Weight formats to consider")] = None,
    engines: Annotated[list[PlannedEngine] | None, Field(description="Engines to consider")] = None,
    objective: Annotated[Objective, Field(description="What the best plan is best in")] = "cost",
    max_plans: Annotated[int, Field(ge=1, le=40, description="Plans in the answer")] = 5,
    speculative: SpeculativeInput = None,
    *,
    prefill_apart: Annotated[bool, Field(description="Also prefill and decode on GPUs of their own")] = False,
    further: FurtherInput = None,
) -> DeploymentPlansAnswer:
    """Search for the best ways to serve a workload under limits: GPUs, layout, format, engine, cost, launch command.

    Such as model "llama-3.1-70b", workload {"request_rate": 4}, limits {"ttft_s": 1, "tpot_s": 0.05, "max_gpus": 8}.
    It takes seconds over the whole catalog; name `gpus` to have it faster. `refused` says why a GPU has no plan.
    """
    return _answer(
        operations.DEPLOYMENT_PLANS,
        further,
        model=model,
        workload=workload,
        limits=limits,
        gpus=gpus,
        formats=formats,
        engines=engines,
        objective=objective,
        speculative=speculative,
        prefill_apart=prefill_apart,
        max_plans=max_plans,
    )


def recommend_gpus(
    model: ModelInput,
    precision: PrecisionInput = None,
    context_tokens: Annotated[TokenCount, Field(description="Tokens of each sequence [tokens]")] = 8192,
    concurrency: Annotated[int, Field(ge=1, description="Sequences that fit at once [sequences]")] = 1,
    max_gpus: Annotated[int, Field(ge=1, le=64, description="Most GPUs of one kind [GPUs]")] = 8,
    gpus: GpuNames = None,
    further: FurtherInput = None,
) -> RecommendGpusAnswer:
    """Find for each kind of GPU the fewest that hold a model with its context, and put the best first.

    For memory alone; deployment_plans also keeps limits of speed and cost.
    """
    return _answer(
        operations.RECOMMEND_GPUS,
        further,
        model=model,
        precision=precision,
        context_tokens=context_tokens,
        concurrency=concurrency,
        max_gpus=max_gpus,
        gpus=gpus,
    )


def fit(
    model: ModelInput,
    hardware: HardwareInput,
    context_tokens: Annotated[TokenCount, Field(description="Tokens of each sequence [tokens]")] = 8192,
    concurrency: Annotated[int, Field(ge=1, le=256, description="Sequences at once [sequences]")] = 1,
    formats: Annotated[list[str] | None, Field(description="GGUF kinds to consider")] = None,
    cache_types: Annotated[
        list[str] | None, Field(description="Formats of the KV cache: f16, q8_0, …")
    ] = None,
    least_tokens_per_s: Annotated[float, Field(ge=0, description="Slowest useful answer [tokens/s]")] = 5.0,
) -> FitAnswer:
    """Find which quantization of a model fits on somebody's own machine, with which cache, how fast, how to run it.

    For llama.cpp, ollama, LM Studio and MLX; layers or experts may lie on the host. The best row is marked.
    """
    return _answer(
        operations.FIT,
        model=model,
        hardware=hardware,
        context_tokens=context_tokens,
        concurrency=concurrency,
        formats=formats,
        cache_types=cache_types,
        least_tokens_per_s=least_tokens_per_s,
    )


def models_for(
    hardware: HardwareInput,
    context_tokens: Annotated[TokenCount, Field(description="Tokens of one sequence [tokens]")] = 8192,
    weights: Annotated[str | None, Field(description="GGUF kind; absent: the most bits that fit")] = None,
    least_tokens_per_s: Annotated[float, Field(ge=0, description="Slowest useful answer [tokens/s]")] = 10.0,
    family: Annotated[str | None, Field(description="Only models of this family")] = None,
    max_models: Annotated[int, Field(ge=1, le=300, description="Models in the answer")] = 20,
) -> ModelsForAnswer:
    """Find which models of the catalog run on somebody's own machine at a context and a speed, the largest first."""
    return _answer(
        operations.MODELS_FOR,
        hardware=hardware,
        context_tokens=context_tokens,
        weights=weights,
        least_tokens_per_s=least_tokens_per_s,
        family=family,
        max_models=max_models,
    )


def compare(scenarios: Scenarios, further: FurtherInput = None) -> CompareAnswer:
    """Put two to eight deployments side by side: what differs in them, what follows from it, and why.

    Each scenario has the arguments of serving_estimate, such as {"label": "one H100", "model": "llama-3.1-8b",
    "hardware": "h100-80gb-sxm", "workload": {"concurrency": 16}}. The first is what the others are held against.
    """
    return _answer(operations.COMPARE, further, scenarios=scenarios)


TOOLS: tuple[Callable[..., Any], ...] = (
    search_catalog,
    list_catalog,
    inspect_model,
    memory_plan,
    serving_estimate,
    estimate_from_link,
    deployment_plans,
    recommend_gpus,
    fit,
    models_for,
    compare,
    sweep,
    calculate,
    calibrate,
)
