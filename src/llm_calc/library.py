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
from llm_calc.adapters import request_fields as fields
from llm_calc.adapters.all_catalogs import chosen_catalogs as catalogs
from llm_calc.adapters.request_fields import takes
from llm_calc.adapters.shorthand import expanded
from llm_calc.adapters.wire.calibrate import CalibrateAnswer
from llm_calc.adapters.wire.compare import CompareAnswer
from llm_calc.adapters.wire.documented_responses import CalculateResponse
from llm_calc.adapters.wire.inspect import InspectResponse
from llm_calc.adapters.wire.memory import MemoryPlanAnswer
from llm_calc.adapters.wire.plans import DeploymentPlansAnswer
from llm_calc.adapters.wire.recommend import RecommendGpusAnswer
from llm_calc.adapters.wire.serving import ServingEstimateAnswer
from llm_calc.adapters.wire.sweep import SweepRequest

Row = dict[str, Any]


@takes(fields.EstimateFields)
def estimate(**request: Unpack[fields.EstimateFields]) -> ServingEstimateAnswer:
    """Time to first token [s], time per token [s] and throughput [tokens/s] of a model on GPUs under a load.

    Args:
        model: a name, a ``pathlib.Path``, a whole configuration, or a part.
        hardware: ``"4x h100-80gb-sxm"`` or a part.
        precision: the format of the weights, or a part; as published if absent.
        parallelism: ``{"tensor", "pipeline", "data", "expert"}`` [GPUs]; tensor over all GPUs if absent.
        engine: its name, or a part with its own options; vLLM if absent.
        workload: ``input_tokens``, ``output_tokens`` [tokens], and one of ``concurrency`` [requests],
            ``request_rate`` [requests/s], ``batch`` [requests] or ``offline``; lengths may be distributions;
            ``classes``, ``targets``, ``sessions`` or a ``preset`` besides.
        speculative: speculative decoding; ``disaggregated``: prefill and decode on GPUs of their own.
        lora: adapters beside the model, whose matrices take memory and time.
        kv_tiers: memories below the GPU's that keep contexts of sessions.
        calibration: what ``calibrate`` answered.

    Returns:
        Times in seconds, rates in tokens a second, ``interval`` with the range of each, ``basis`` with what they
        rest on. What does not fit is estimated as if it did, with a warning.

    Raises:
        InvalidInputError: a field that cannot be right; the message names it and says what is accepted.

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


@takes(fields.PlanFields)
def plan(**request: Unpack[fields.PlanFields]) -> DeploymentPlansAnswer:
    """The best ways to serve a workload under limits, best first, with cost and launch commands.

    Args:
        model: as for ``estimate``.
        workload: as for ``estimate``; without a load as many requests as the limits allow.
        day: ``rates_per_s`` of 24 hours, or ``trough_fraction`` of a peak; ``spare_replicas``.
        limits: ``ttft_s``, ``tpot_s``, ``request_latency_s`` [s], ``max_gpus`` [GPUs], ``usd_per_hour`` [USD/h],
            ``targets_kept_fraction`` (of requests that keep ``targets`` of the workload).
        gpus: ids to consider; the whole catalog if absent.
        formats: of the weights to consider; ``kv_cache_formats``, ``engines`` likewise.
        objective: what the first plan is best in.
        prices: your own by GPU id [USD/h a GPU]; ``rental``: ``on_demand``, ``spot`` or ``reserved``; ``owner``: of
            GPUs you own.
        gpus_per_node: GPUs in one host [GPUs].
        speculative: as for ``estimate``, tried beside none; ``kv_tiers`` likewise, sizes of each replica; ``lora``:
            served by every plan; ``context_parallel``: GPUs that a cache's tokens are dealt over, sizes to try [GPUs];
            ``prefill_apart``: whether prefill and decode are tried on GPUs of their own.
        max_plans: plans in the answer; ``manifests``: kinds of objects for a cluster; ``calibration``: what
            ``calibrate`` answered.

    Returns:
        ``plans``, empty where no deployment keeps the limits, and in ``refused`` the reason for every other GPU.

    Raises:
        InvalidInputError: a field that cannot be right; the message names it and says what is accepted.

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


@takes(fields.MemoryPlanFields)
def memory_plan(**request: Unpack[fields.MemoryPlanFields]) -> MemoryPlanAnswer:
    """Where the memory of each GPU goes [bytes], how many sequences fit, and what would make it fit.

    Args:
        model: as for ``estimate``; so are ``hardware``, ``precision``, ``parallelism`` and ``engine``.
        workload: what has to fit; one sequence of the engine's whole context if absent.
        speculative: a draft, whose layers and caches take memory.
        lora: adapters beside the model, for which the engine reserves memory.
        disaggregated: prefill and decode on GPUs of their own; the plan is that of a decode replica.
        kv_tiers: memories below the GPU's that keep contexts.

    Returns:
        ``fits`` with its ``reason``, sizes in bytes, and in ``changes_that_fit`` what would make it fit.

    Raises:
        InvalidInputError: a field that cannot be right; the message names it and says what is accepted.

    >>> answer = memory_plan(model="llama-3.1-70b", hardware="h100-80gb-sxm")
    >>> answer.fits, answer.changes_that_fit[0].field
    (False, 'hardware.count')
    """
    return operations.MEMORY_PLAN.answered(request, catalogs())


@takes(fields.InspectFields)
def inspect_model(**request: Unpack[fields.InspectFields]) -> InspectResponse:
    """Parameters by component, weight bytes, KV cache by kind of layer and FLOPs of one model.

    Args:
        model: as for ``estimate``.
        precision: the formats; as published if absent; ``engine``: whose defaults decide what is left open.
        workload: lengths to count FLOPs for [tokens].
        context_tokens: contexts at which to give the cache's size [tokens].

    Returns:
        Exact counts; ``confidence`` says whether the architecture is known, ``assumptions`` what was guessed.

    Raises:
        InvalidInputError: a field that cannot be right; the message names it and says what is accepted.

    >>> answer = inspect_model(model="llama2-7b", precision="fp16")
    >>> answer.parameters.total, answer.weights_bytes, answer.confidence
    (6738415616, 13476831232, 'exact')
    """
    return operations.INSPECT_MODEL.answered(request, catalogs())


@takes(fields.CalculateFields)
def calculate(**request: Unpack[fields.CalculateFields]) -> CalculateResponse:
    """Memory [GiB], FLOPs, flat-roofline timing [s] and parallelism of one model on one kind of GPU.

    Args:
        model_name: a catalog name; or ``hf_config``, or dimensions such as ``hidden_dim``.
        gpu: an id; else ``gpu_tflops``, the dense peak [TFLOP/s].
        seq_length: of each sequence [tokens]; ``batch_size``: sequences at once.
        precision: of everything, such as ``"fp16"``.
        efficiency_factor: reachable share of the peak, 0 to 1; ``overheads``: factors of 1 and more.
        parallelism: ``strategy``, ``tp_size``, ``pp_size``, ``num_gpus``; the fewest that hold it if absent.

    Returns:
        The documented answer of ``/api/calculate``; fields called GB are 2**30 bytes.

    Raises:
        InvalidInputError: a field that cannot be right; the message names it and says what is accepted.

    >>> answer = calculate(model_name="llama2-7b", gpu="a100-80gb", seq_length=2048)
    >>> round(answer.vram.model_base, 2), answer.performance.bound
    (12.55, 'memory')
    """
    return operations.CALCULATE.answered(request, catalogs())


@takes(fields.RecommendFields)
def recommend(**request: Unpack[fields.RecommendFields]) -> RecommendGpusAnswer:
    """The fewest GPUs of each kind that hold a model with its context, best first.

    Args:
        model: as for ``estimate``.
        precision: the formats.
        context_tokens: of each sequence, prompt and answer [tokens]; ``concurrency``: so many at once.
        max_gpus: most GPUs of one kind [GPUs]; ``gpus``: ids to consider.
        engine: vLLM where it runs, else llama.cpp, if absent.
        objective: what the first one is best in; ``prices``, ``rental``, ``owner``, ``manifests`` and ``calibration``
            as for ``plan``.

    Returns:
        ``recommendations``, empty where no kind holds it, and in ``refused`` the reason for every other GPU.

    Raises:
        InvalidInputError: a field that cannot be right; the message names it and says what is accepted.

    >>> answer = recommend(model="llama-3.1-8b", context_tokens=8192, gpus=["l4", "h100-80gb-sxm"], max_gpus=2)
    >>> {each.gpu: each.count for each in answer.recommendations}
    {'h100-80gb-sxm': 1, 'l4': 1}
    """
    return operations.RECOMMEND_GPUS.answered(request, catalogs())


@takes(fields.CompareFields)
def compare(**request: Unpack[fields.CompareFields]) -> CompareAnswer:
    """Two to eight scenarios side by side: what differs in them, what follows from it, and why.

    Args:
        scenarios: each the fields of ``estimate``, and a ``label``; the first is what others are held against.
        prices: your own by GPU id [USD/h a GPU]; ``rental``: ``on_demand``, ``spot`` or ``reserved``; ``owner``: of
            GPUs you own.

    Returns:
        The estimate, memory and rent of each, and the differences in words and ratios.

    Raises:
        InvalidInputError: a field that cannot be right; the message names it and says what is accepted.

    >>> answer = compare(scenarios=[
    ...     {"model": "llama-3.1-8b", "hardware": gpu} for gpu in ("h100-80gb-sxm", "l40s")
    ... ])
    >>> [(each.field, each.values) for each in answer.differences]
    [('hardware.gpu', ['"h100-80gb-sxm"', '"l40s"'])]
    """
    return operations.COMPARE.answered(request, catalogs())


@takes(fields.CalibrateFields)
def calibrate(**request: Unpack[fields.CalibrateFields]) -> CalibrateAnswer:
    """A calibration fitted to your own measurements, for the ``calibration`` field of other requests.

    Args:
        measurements: each the fields of ``estimate``, and in ``measured`` one or more of ``ttft_s``, ``tpot_s``,
            ``request_latency_s`` [s] and ``output_tokens_per_s`` [tokens/s].

    Returns:
        The calibration, its factors, and the errors before and after.

    Raises:
        InvalidInputError: a field that cannot be right; the message names it and says what is accepted.

    >>> measured = {"model": "llama-3.1-8b", "hardware": "h100-80gb-sxm", "workload": {"concurrency": 16}}
    >>> answer = calibrate(measurements=[{**measured, "measured": {"tpot_s": 0.012}}])
    >>> estimate(**measured, calibration=answer.calibration).tpot_s > estimate(**measured).tpot_s
    True
    """
    return operations.CALIBRATE.answered(request, catalogs())


@takes(fields.SweepFields)
def sweep(**request: Unpack[fields.SweepFields]) -> Iterator[Row]:
    """A grid over any fields of a request: one row for each combination, made as it is asked for.

    Args:
        target: ``"serving_estimate"``, ``"memory_plan"`` or ``"calculate"``.
        base: a request to it; what the grid names may be left out.
        grid: values by path of the field, a list or ``{"start", "stop", "count", "spacing"}``.
        method: ``"closed_form"`` is fast, ``"as_endpoint"`` simulates every row; by the number of rows if absent.

    Returns:
        An iterator of rows, each a mapping of the grid's fields and of the figures, whose names carry their units.

    Raises:
        InvalidInputError: a grid or a field that cannot be right, before the first row.

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
