"""The tools: each asks one operation, or looks names up."""

from typing import Annotated, Any

from pydantic import Field

from llm_calc.adapters import operations
from llm_calc.adapters.catalog.chosen import chosen_catalogs as catalogs
from llm_calc.adapters.documented.listings import available_gpus, available_models
from llm_calc.adapters.operations import AnswerT, Operation
from llm_calc.adapters.wire.base import Answer
from llm_calc.adapters.wire.compare import CompareAnswer, Scenario
from llm_calc.adapters.wire.documented_responses import AvailableGpu, AvailableModel
from llm_calc.adapters.wire.inspect import InspectResponse
from llm_calc.adapters.wire.limits import LimitsPart
from llm_calc.adapters.wire.memory import MemoryPlanAnswer
from llm_calc.adapters.wire.parts import TokenCount
from llm_calc.adapters.wire.plans import (
    DeploymentPlansAnswer,
    Objective,
    PlannedEngine,
    RecommendGpusAnswer,
)
from llm_calc.adapters.wire.serving import ServingEstimateAnswer, SpeculativePart
from llm_calc.mcp_server.arguments import (
    CalibrationInput,
    EngineInput,
    GpuNames,
    HardwareInput,
    ModelInput,
    ParallelismInput,
    PrecisionInput,
    WorkloadInput,
)

MOST_MATCHES = 20
"""Entries of either kind that one search answers with."""


class CatalogMatches(Answer):
    """Entries of the catalogs that hold the text in a name."""

    models: list[AvailableModel] = Field(description="Models, by name")
    gpus: list[AvailableGpu] = Field(description="GPUs, by id")
    models_left_out: int = Field(description="Further models that match [models]")
    gpus_left_out: int = Field(description="Further GPUs that match [GPUs]")


def search_catalog(
    text: Annotated[str, Field(description="Part of a name, in any case", min_length=1, max_length=100)],
) -> CatalogMatches:
    """Find models and GPUs whose name, family or vendor holds a text, with their dimensions and dense peaks."""
    known = catalogs()
    models = _matching(available_models(known), text, ("name", "family", "aliases", "hugging_face_ids"))
    gpus = _matching(available_gpus(known), text, ("id", "name", "vendor", "aliases"))
    return CatalogMatches(
        models=[AvailableModel.model_validate(row) for row in models[:MOST_MATCHES]],
        gpus=[AvailableGpu.model_validate(row) for row in gpus[:MOST_MATCHES]],
        models_left_out=max(0, len(models) - MOST_MATCHES),
        gpus_left_out=max(0, len(gpus) - MOST_MATCHES),
    )


def inspect_model(
    model: ModelInput,
    precision: PrecisionInput = None,
    workload: WorkloadInput = None,
    context_tokens: Annotated[
        list[TokenCount] | None, Field(description="Contexts at which to give the cache's size [tokens]")
    ] = None,
) -> InspectResponse:
    """Parameters by component, weight bytes, KV cache by kind of layer and FLOPs of one model."""
    return _answer(
        operations.INSPECT_MODEL,
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
) -> MemoryPlanAnswer:
    """Say whether a model fits on GPUs under an engine, where the memory goes, and what would make it fit."""
    return _answer(
        operations.MEMORY_PLAN,
        model=model,
        hardware=hardware,
        precision=precision,
        parallelism=parallelism,
        engine=engine,
        workload=workload,
    )


def serving_estimate(
    model: ModelInput,
    hardware: HardwareInput,
    precision: PrecisionInput = None,
    parallelism: ParallelismInput = None,
    engine: EngineInput = None,
    workload: WorkloadInput = None,
    speculative: Annotated[
        SpeculativePart | None, Field(description="Speculative decoding; absent: none")
    ] = None,
    calibration: CalibrationInput = None,
) -> ServingEstimateAnswer:
    """Predict time to first token, time per token and throughput under a load, with 80 % intervals."""
    return _answer(
        operations.SERVING_ESTIMATE,
        model=model,
        hardware=hardware,
        precision=precision,
        parallelism=parallelism,
        engine=engine,
        workload=workload,
        speculative=speculative,
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
) -> DeploymentPlansAnswer:
    """Search for the best ways to serve a workload under limits: GPUs, layout, format, engine, cost, launch command."""
    return _answer(
        operations.DEPLOYMENT_PLANS,
        model=model,
        workload=workload,
        limits=limits,
        gpus=gpus,
        formats=formats,
        engines=engines,
        objective=objective,
        max_plans=max_plans,
    )


def recommend_gpus(
    model: ModelInput,
    precision: PrecisionInput = None,
    context_tokens: Annotated[TokenCount, Field(description="Tokens of each sequence [tokens]")] = 8192,
    concurrency: Annotated[int, Field(ge=1, description="Sequences that fit at once [sequences]")] = 1,
    max_gpus: Annotated[int, Field(ge=1, le=64, description="Most GPUs of one kind [GPUs]")] = 8,
    gpus: GpuNames = None,
) -> RecommendGpusAnswer:
    """Find for each kind of GPU the fewest that hold a model with its context, and put the best first."""
    return _answer(
        operations.RECOMMEND_GPUS,
        model=model,
        precision=precision,
        context_tokens=context_tokens,
        concurrency=concurrency,
        max_gpus=max_gpus,
        gpus=gpus,
    )


def compare(
    scenarios: Annotated[
        list[Scenario], Field(min_length=2, max_length=8, description="Each a serving_estimate with a label")
    ],
) -> CompareAnswer:
    """Put two to eight scenarios side by side: what differs in them, what follows from it, and why."""
    return _answer(operations.COMPARE, scenarios=scenarios)


TOOLS = (
    search_catalog,
    inspect_model,
    memory_plan,
    serving_estimate,
    deployment_plans,
    recommend_gpus,
    compare,
)


def _answer(operation: Operation[Any, AnswerT], **fields: object) -> AnswerT:
    """The answer of an operation; what a caller left out is left out of the request."""
    return operation.answered(
        {name: value for name, value in fields.items() if value is not None}, catalogs()
    )


def _matching(rows: list[dict[str, Any]], text: str, names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Rows that hold the text in one of these fields."""
    return [row for row in rows if any(text.lower() in str(row[name]).lower() for name in names)]
