"""The library: every operation as a typed function, in this process, with no service.

>>> from llm_calc import inspect_model
>>> inspect_model("llama2-7b").parameters.total
6738415616
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar, Unpack, cast

from pydantic import BaseModel

from llm_calc import scenario
from llm_calc.adapters.catalog import Catalogs, load_catalogs
from llm_calc.adapters.documented.listings import available_gpus, available_models
from llm_calc.adapters.operations import OPERATIONS, Body, Operation, answer, checked_request
from llm_calc.adapters.sweep.run import ready_sweep
from llm_calc.adapters.sweep.writers import written
from llm_calc.adapters.wire.calibrate import CalibrateAnswer
from llm_calc.adapters.wire.compare import CompareAnswer
from llm_calc.adapters.wire.documented_responses import AvailableGpu, AvailableModel, CalculateResponse
from llm_calc.adapters.wire.inspect import InspectResponse
from llm_calc.adapters.wire.memory import MemoryPlanAnswer
from llm_calc.adapters.wire.plans import DeploymentPlansAnswer, RecommendGpusAnswer
from llm_calc.adapters.wire.serving import ServingEstimateAnswer
from llm_calc.adapters.wire.sweep import SweepRequest
from llm_calc.scenario import Limits, ModelLike, Options

Answered = TypeVar("Answered", bound=BaseModel)
MOST_SWEEP_ROWS = 5_000_000
SWEEP = Operation(
    name="sweep", path="/api/sweep", request=SweepRequest, answer=BaseModel, run=lambda *_: None
)
"""Answered by a stream, so that it stands apart from the table."""


def ask(name: str, body: Body, catalogs: Catalogs | None = None) -> BaseModel:
    """The answer to the body of a request, as the HTTP API takes it.

    Args:
        name: a key of ``OPERATIONS``, such as ``serving_estimate``.
        body: the request as JSON holds it.
        catalogs: those of the package by default.

    Raises:
        CalcError: what cannot be answered; the message names the field and what is accepted.
    """
    return answer(OPERATIONS[name], body, catalogs or load_catalogs())


def calculate(**fields: Any) -> CalculateResponse:  # noqa: ANN401 - the documented fields, each checked
    """The documented calculation; fields are those of ``/api/calculate``.

    >>> calculate(model_name="llama2-7b", gpu="a100-40gb-sxm").vram.kv_cache_base
    1.0
    """
    return cast("CalculateResponse", ask("calculate", fields))


def inspect_model(
    model: ModelLike, *, context_tokens: Sequence[int] | None = None, **options: Unpack[Options]
) -> InspectResponse:
    """What a model is: parameters, bytes, cache, FLOPs. ``context_tokens``: lengths to size the cache at.

    >>> inspect_model("mixtral-8x7b").parameters.active
    12879925248
    """
    return cast(
        "InspectResponse", ask("inspect_model", scenario.inspection_body(model, options, context_tokens))
    )


def memory_plan(model: ModelLike, gpu: str, **options: Unpack[Options]) -> MemoryPlanAnswer:
    """What an engine does with the memory of each GPU, and how much fits.

    >>> memory_plan("llama-3.1-8b", "h100-80gb", engine_options={"max_model_len": 8192}).fits
    True
    """
    return cast("MemoryPlanAnswer", ask("memory_plan", scenario.memory_body(model, gpu, options)))


def estimate(model: ModelLike, gpu: str, **options: Unpack[Options]) -> ServingEstimateAnswer:
    """What users wait for and what the deployment delivers, with the interval and its basis.

    >>> answer = estimate("llama-3.1-8b", "h100-80gb", concurrency=8)
    >>> answer.interval.status
    'calibrated'
    """
    return cast(
        "ServingEstimateAnswer", ask("serving_estimate", scenario.deployment_body(model, gpu, options))
    )


def plan(model: ModelLike, *, limits: Limits | None = None, **further: Any) -> DeploymentPlansAnswer:  # noqa: ANN401
    """Deployments for a workload under limits, best first; ``further``: lengths, load, and ``gpus``, ``objective``….

    >>> found = plan("llama-3.1-8b", limits={"tpot_s": 0.02}, gpus=["l40s", "h100-80gb"], concurrency=4)
    >>> found.plans[0].tpot_s <= 0.02
    True
    """
    body = scenario.plans_body(model, limits or {}, further)
    return cast("DeploymentPlansAnswer", ask("deployment_plans", body))


def recommend(model: ModelLike, **further: Any) -> RecommendGpusAnswer:  # noqa: ANN401 - the request's fields
    """GPUs that hold a model at a context, best first; ``further``: ``weights``, ``context_tokens``, ``max_gpus``….

    >>> len(recommend("llama-3.1-8b", weights="fp8", gpus=["l4", "a10"]).recommendations)
    2
    """
    return cast("RecommendGpusAnswer", ask("recommend_gpus", scenario.recommendation_body(model, further)))


def compare(scenarios: Sequence[Body]) -> CompareAnswer:
    """Two to eight requests of ``/api/serving_estimate`` side by side, with what differs and why."""
    return cast("CompareAnswer", ask("compare", {"scenarios": list(scenarios)}))


def calibrate(measurements: Sequence[Body]) -> CalibrateAnswer:
    """A calibration from measurements of your own, accepted wherever times are predicted."""
    return cast("CalibrateAnswer", ask("calibrate", {"measurements": list(measurements)}))


def sweep(
    target: str,
    base: Body,
    grid: Mapping[str, Any],
    *,
    format: str = "ndjson",  # noqa: A002 - the API's name
) -> Iterator[bytes]:
    r"""Rows of a grid over fields of a request, in pieces of ``ndjson``, ``csv`` or ``parquet``.

    >>> rows = b"".join(sweep("calculate", {"model_name": "llama2-7b"}, {"batch_size": [1, 2]}))
    >>> rows.count(b"\n")
    2
    """
    body = {"target": target, "base": base, "grid": dict(grid), "format": format}
    request = cast("SweepRequest", checked_request(SWEEP, body))
    catalogs = load_catalogs()
    ready = ready_sweep(request, catalogs, MOST_SWEEP_ROWS)
    return written(ready, ready.batches(catalogs))


def models() -> list[AvailableModel]:
    """Every predefined model."""
    return [AvailableModel.model_validate(row) for row in available_models(load_catalogs())]


def gpus() -> list[AvailableGpu]:
    """Every GPU of the catalog."""
    return [AvailableGpu.model_validate(row) for row in available_gpus(load_catalogs())]
