"""The operations as functions of this process: no service, no network.

Each takes the fields of the request to the service's endpoint as keyword arguments and returns its answer as a typed,
frozen object; ``answer.model_dump_json()`` is the text that the service would have sent. Parts may be written short:

>>> import llm_calc
>>> found = llm_calc.estimate(model="llama-3.1-8b", hardware="h100-80gb-sxm", workload={"concurrency": 16})
>>> found.resolved.engine.startswith("vllm"), found.interval.status
(True, 'calibrated')

``LLM_CALC_CATALOGS_PATH`` names another folder of catalogs than the package's.

All raise ``llm_calc.CalcError``: ``InvalidInputError`` where a field cannot be right (the message names it and says
what is accepted), ``RefusedError`` where the request is sound and the answer is no.
"""

from collections.abc import Iterator
from typing import Any, Unpack

from pydantic_core import from_json

from llm_calc.adapters import operations
from llm_calc.adapters.catalog.chosen import chosen_catalogs as catalogs
from llm_calc.adapters.request_fields import (
    CalculateFields,
    CalibrateFields,
    CompareFields,
    EstimateFields,
    InspectFields,
    MemoryPlanFields,
    PlanFields,
    RecommendFields,
    SweepFields,
)
from llm_calc.adapters.shorthand import expanded
from llm_calc.adapters.wire.calibrate import CalibrateAnswer
from llm_calc.adapters.wire.compare import CompareAnswer
from llm_calc.adapters.wire.documented_responses import AvailableGpu, AvailableModel, CalculateResponse
from llm_calc.adapters.wire.inspect import InspectResponse
from llm_calc.adapters.wire.memory import MemoryPlanAnswer
from llm_calc.adapters.wire.plans import DeploymentPlansAnswer, RecommendGpusAnswer
from llm_calc.adapters.wire.serving import ServingEstimateAnswer
from llm_calc.adapters.wire.sweep import SweepRequest

Row = dict[str, Any]


def estimate(**request: Unpack[EstimateFields]) -> ServingEstimateAnswer:
    """Time to first token [s], time per token [s] and throughput [tokens/s] of a model on GPUs under a load.

    >>> answer = estimate(
    ...     model="llama-3.1-70b",
    ...     precision="fp8",
    ...     hardware="4x h100-80gb-sxm",
    ...     workload={"input_tokens": 2048, "output_tokens": 256, "concurrency": 32},
    ... )
    >>> answer.ttft_s < answer.request_latency_s, answer.resolved.tensor
    (True, 4)
    """
    return operations.SERVING_ESTIMATE.answered(request, catalogs())


def plan(**request: Unpack[PlanFields]) -> DeploymentPlansAnswer:
    """The best ways to serve a workload under limits, best first, with cost and launch commands.

    >>> answer = plan(
    ...     model="llama-3.1-8b",
    ...     workload={"input_tokens": 1024, "output_tokens": 128, "request_rate": 2.0},
    ...     limits={"ttft_s": 1.0, "tpot_s": 0.05},
    ...     gpus=["h100-80gb-sxm"],
    ...     formats=["fp8"],
    ...     engines=["vllm"],
    ... )
    >>> best = answer.plans[0]
    >>> best.hardware.gpu, best.gpus, best.launch_command.split()[:2]
    ('h100-80gb-sxm', 1, ['vllm', 'serve'])
    """
    return operations.DEPLOYMENT_PLANS.answered(request, catalogs())


def memory_plan(**request: Unpack[MemoryPlanFields]) -> MemoryPlanAnswer:
    """Where the memory of each GPU goes [bytes], how many sequences fit, and what would make it fit.

    >>> answer = memory_plan(model="llama-3.1-70b", hardware="h100-80gb-sxm")
    >>> answer.fits, answer.changes_that_fit[0].field
    (False, 'parallelism.tensor')
    """
    return operations.MEMORY_PLAN.answered(request, catalogs())


def inspect_model(**request: Unpack[InspectFields]) -> InspectResponse:
    """Parameters by component, weight bytes, KV cache by kind of layer and FLOPs of one model.

    >>> answer = inspect_model(model="llama2-7b", precision="fp16")
    >>> answer.parameters.total, answer.weights_bytes, answer.confidence
    (6738415616, 13476831232, 'exact')
    """
    return operations.INSPECT_MODEL.answered(request, catalogs())


def calculate(**request: Unpack[CalculateFields]) -> CalculateResponse:
    """Memory [GiB], FLOPs, flat-roofline timing [s] and parallelism of one model on one kind of GPU.

    >>> answer = calculate(model_name="llama2-7b", gpu="a100-80gb", seq_length=2048)
    >>> round(answer.vram.model_base, 2), answer.performance.bound
    (12.55, 'memory')
    """
    return operations.CALCULATE.answered(request, catalogs())


def recommend(**request: Unpack[RecommendFields]) -> RecommendGpusAnswer:
    """The fewest GPUs of each kind that hold a model with its context, best first.

    >>> answer = recommend(model="llama-3.1-8b", context_tokens=8192, gpus=["l4", "h100-80gb-sxm"], max_gpus=2)
    >>> {each.gpu: each.count for each in answer.recommendations}
    {'h100-80gb-sxm': 1, 'l4': 1}
    """
    return operations.RECOMMEND_GPUS.answered(request, catalogs())


def compare(**request: Unpack[CompareFields]) -> CompareAnswer:
    """Two to eight scenarios side by side: what differs in them, what follows from it, and why.

    >>> answer = compare(scenarios=[
    ...     {"model": "llama-3.1-8b", "hardware": gpu} for gpu in ("h100-80gb-sxm", "l40s")
    ... ])
    >>> [(each.field, each.values) for each in answer.differences]
    [('hardware.gpu', ['"h100-80gb-sxm"', '"l40s"'])]
    """
    return operations.COMPARE.answered(request, catalogs())


def calibrate(**request: Unpack[CalibrateFields]) -> CalibrateAnswer:
    """A calibration fitted to your own measurements, for the ``calibration`` field of other requests.

    >>> measured = {"model": "llama-3.1-8b", "hardware": "h100-80gb-sxm", "workload": {"concurrency": 16}}
    >>> answer = calibrate(measurements=[{**measured, "measured": {"tpot_s": 0.012}}])
    >>> estimate(**measured, calibration=answer.calibration).tpot_s > estimate(**measured).tpot_s
    True
    """
    return operations.CALIBRATE.answered(request, catalogs())


def sweep(**request: Unpack[SweepFields]) -> Iterator[Row]:
    """A grid over any fields of a request: one row for each combination, made as it is asked for.

    >>> rows = sweep(
    ...     target="memory_plan",
    ...     base={"model": "llama-3.1-8b", "hardware": "l4"},
    ...     grid={"precision.weights": ["bf16", "fp8"]},
    ... )
    >>> [(row["precision.weights"], row["fits"]) for row in rows]
    [('bf16', ...), ('fp8', ...)]
    """
    from llm_calc.adapters.sweep.run import ready_sweep
    from llm_calc.adapters.sweep.writers import ndjson

    wanted = operations.validated(SweepRequest, expanded(request))
    ready = ready_sweep(wanted, catalogs(), operations.MOST_ROWS)
    return (
        from_json(line) for part in ndjson(ready, ready.batches(catalogs())) for line in part.splitlines()
    )


def models() -> list[AvailableModel]:
    """Every predefined model.

    >>> next(model.parameters for model in models() if model.name == "llama2-7b")
    6738415616
    """
    from llm_calc.adapters.documented.listings import available_models

    return [AvailableModel.model_validate(row) for row in available_models(catalogs())]


def gpus() -> list[AvailableGpu]:
    """Every GPU of the catalog, with dense peaks.

    >>> next(gpu.memory_bandwidth_gb_per_s for gpu in gpus() if gpu.id == "h100-80gb-sxm")
    3350.0
    """
    from llm_calc.adapters.documented.listings import available_gpus

    return [AvailableGpu.model_validate(row) for row in available_gpus(catalogs())]
