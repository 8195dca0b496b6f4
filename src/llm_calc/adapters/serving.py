"""``/api/serving_estimate``: from a request to a timed deployment, and from its estimate to the answer."""

import math
from collections.abc import Callable
from dataclasses import replace

from llm_calc.adapters.apart_sides import Sides, all_gpus, check_apart, replica_hardware, sides_of
from llm_calc.adapters.apart_words import apart_rows, timed_of_both
from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.certainty import basis_of, interval_of
from llm_calc.adapters.class_answers import class_answers, only_class
from llm_calc.adapters.deployment import Placed, place
from llm_calc.adapters.disaggregation import disaggregated_estimate
from llm_calc.adapters.engines import release_of
from llm_calc.adapters.goodput import with_joint
from llm_calc.adapters.idle_options import Timed, timed
from llm_calc.adapters.image_times import with_encoder, with_timed_images
from llm_calc.adapters.images import Seen, seen_images, with_images
from llm_calc.adapters.mean_lengths import lengths_of
from llm_calc.adapters.operator_rows import operator_rows
from llm_calc.adapters.presets import with_preset
from llm_calc.adapters.serving_words import most_per_s, said_of
from llm_calc.adapters.session_words import check_tiers
from llm_calc.adapters.sessions import sessions_answer, time_stream
from llm_calc.adapters.trace_words import trace_answer
from llm_calc.adapters.unnamed_engine import with_an_engine_that_runs
from llm_calc.adapters.wire.engines import EnginePart
from llm_calc.adapters.wire.parts import WorkloadPart
from llm_calc.adapters.wire.serving import (
    ClassAnswer,
    OperatorRow,
    Percentiles,
    PercentilesOfRun,
    Resolved,
    ResolvedReplicas,
    ServingEstimateAnswer,
    ServingEstimateRequest,
)
from llm_calc.adapters.wire.workload_rules import has_targets
from llm_calc.core.engines import traits_of
from llm_calc.core.serving import estimate as core
from llm_calc.core.serving.arrivals import simulated_arrivals
from llm_calc.core.serving.batch import Lengths
from llm_calc.core.serving.encoder import Encoder, in_batch, in_loop, in_queue
from llm_calc.core.serving.estimate import Deployment, Estimate
from llm_calc.core.serving.machine import matrix_type
from llm_calc.core.serving.replicas import times
from llm_calc.core.workloads.estimate import Found, lengths_seen
from llm_calc.core.workloads.patience import Patience


def answer_serving_estimate(request: ServingEstimateRequest, catalogs: Catalogs) -> ServingEstimateAnswer:
    """What users of a deployment wait for, and what it delivers.

    Raises:
        InvalidInputError: a field that cannot be right, or a layout that does not fill the GPUs.
        UnsupportedError: a layout or format that the engine does not run, or a GPU without published rates.
    """
    request, seen = _without_images(request, catalogs)
    request = _ready(request, catalogs)
    placed = place_request(request, catalogs)
    placed = placed if seen is None else with_encoder(placed, seen)
    sides = None if request.disaggregated is None else sides_of(placed, request, catalogs)
    apart = None if sides is None else disaggregated_estimate(sides, request.workload)
    turns = apart if isinstance(apart, Found) else None
    if turns is None and request.workload.is_stream:
        turns = time_stream(placed, request.workload)
    if turns is not None:
        shown = times(turns.estimate, busy_of(request, placed))
        answer = _answer(request, placed, shown, catalogs, turns, sides)
    else:
        found = apart if isinstance(apart, Estimate) else time_load(placed, request.workload)
        if has_targets(request.workload):
            found = with_joint(placed, request.workload, found)
        answer = _answer(request, placed, found, catalogs, sides=sides)
    if seen is None:
        return answer
    encoding = placed.replicas if sides is None else sides.pools.prefill_replicas
    return with_timed_images(answer, seen, placed, request.workload, encoding)


def _ready(request: ServingEstimateRequest, catalogs: Catalogs) -> ServingEstimateRequest:
    """The request with an engine, and what presets choose for one that has them."""
    request = with_an_engine_that_runs(request, catalogs)
    return with_preset(request, catalogs) if hasattr(request.engine, "preset") else request


def _without_images(
    request: ServingEstimateRequest, catalogs: Catalogs
) -> tuple[ServingEstimateRequest, Seen | None]:
    """The request with its images as tokens of prompts, and what they cost; as it is where there are none."""
    if request.workload.images is None:
        return request, None
    seen = seen_images(request.workload, request.model, catalogs)
    return with_images(request, seen), seen


def place_request(request: ServingEstimateRequest, catalogs: Catalogs) -> Placed:
    """The deployment of a request; with prefill and decode apart, one replica of them."""
    request = _ready(_without_images(request, catalogs)[0], catalogs)
    if request.kv_tiers:
        check_tiers(request)
    is_apart = request.disaggregated is not None
    if is_apart:
        check_apart(request)
    placed = place(
        catalogs,
        model=request.model,
        precision=request.precision,
        hardware=replica_hardware(request) if is_apart else request.hardware,
        parallelism=request.parallelism,
        engine=request.engine,
        workload=request.workload,
        speculative=request.speculative,
        lora=request.lora,
        own=request.calibration,
        tiers=request.kv_tiers,
        apart=is_apart,
    )
    apart = any(part is not None for part in (request.speculative, request.disaggregated, request.lora))
    apart = apart or len(set(placed.subject.setup.layout.stage_layers)) > 1
    novel = placed.novel or apart or request.workload.is_stream
    return replace(placed, novel=True) if novel else placed


def time_load(
    placed: Placed,
    workload: WorkloadPart,
    patience: Patience | None = None,
    arrivals: Callable[[Deployment, Lengths, float, Encoder], Estimate] = simulated_arrivals,
) -> Estimate:
    """The estimate of all replicas under their shares of the load; ``arrivals``: how equal random ones are run.

    Raises:
        LimitsBrokenError: a run of arrivals lost its patience.
    """
    if workload.is_stream:
        return times(time_stream(placed, workload, patience).estimate, busy_replicas(placed, workload))
    lengths, deployment, replicas = lengths_of(workload), placed.deployment, placed.replicas
    requests, encoder = max(1, math.ceil(workload.requests_in_flight / replicas)), placed.encoder
    batched = workload.load == "batch" or placed.calibration.name != "served"
    match workload.load:
        case "offline":
            found = in_queue(core.queue_of_many(deployment, lengths), encoder)
        case "request_rate":
            rate = (workload.request_rate or 1.0) / replicas
            found = arrivals(deployment, lengths, rate, encoder)
        case _ if batched:
            found = in_batch(
                core.static_batch(deployment, lengths, float(requests)), encoder, float(requests)
            )
        case _:
            loop = core.simulated_loop(deployment, lengths, requests)
            most = most_per_s(placed, lengths) if encoder.seconds else math.inf
            found = in_loop(loop, encoder, float(requests), most) if encoder.seconds else loop
    busy = busy_replicas(placed, workload)
    return found if busy == 1 else times(found, busy)


def busy_replicas(placed: Placed, workload: WorkloadPart) -> float:
    """Replicas that have anything to do, each as busy as the one with the most requests."""
    if workload.load in ("batch", "concurrency"):
        return workload.requests_in_flight / math.ceil(workload.requests_in_flight / placed.replicas)
    return placed.replicas


def busy_of(request: ServingEstimateRequest, placed: Placed) -> float:
    """The same of a request; with prefill and decode apart all of them are one."""
    return 1.0 if request.disaggregated is not None else busy_replicas(placed, request.workload)


def _answer(
    request: ServingEstimateRequest,
    placed: Placed,
    found: Estimate,
    catalogs: Catalogs,
    turns: Found | None = None,
    sides: Sides | None = None,
) -> ServingEstimateAnswer:
    gpus = request.hardware.count if sides is None else all_gpus(request)
    prefills = None if sides is None else sides.pools.prefill_replicas
    assumptions, warnings = said_of(request, placed, turns, sides, _timed_by(request, catalogs))
    lengths = lengths_of(request.workload) if turns is None else lengths_seen(turns.seen)
    rates = (found.output_tokens_per_s, found.total_tokens_per_s, found.requests_per_s)
    output, total, requests = map(float, rates)
    return ServingEstimateAnswer(
        engine=release_of(request.engine).answered,
        ttft_s=float(found.ttft_s),
        tpot_s=float(found.tpot_s),
        request_latency_s=float(found.request_latency_s),
        output_tokens_per_s=output,
        total_tokens_per_s=total,
        requests_per_s=requests,
        output_tokens_per_s_per_gpu=output / gpus,
        total_tokens_per_s_per_gpu=total / gpus,
        requests_per_s_per_gpu=requests / gpus,
        percentiles=_percentiles(found),
        classes=_classes(request.workload, found, turns, requests),
        sessions=None
        if turns is None
        else sessions_answer(placed, request.workload, turns, busy_of(request, placed), prefills),
        trace=None if turns is None else trace_answer(placed, request.workload, turns, prefills),
        images=None,
        lora=None if placed.beside.lora is None else placed.beside.lora.answer(placed.subject.setup),
        interval=interval_of(request, placed, found),
        operators=_operators(request.workload, lengths, placed, found, sides),
        basis=basis_of(request, placed, found, catalogs),
        resolved=_resolved(placed, found, sides),
        assumptions=assumptions,
        warnings=warnings,
    )


def _classes(
    workload: WorkloadPart, found: Estimate, turns: Found | None, requests_per_s: float
) -> list[ClassAnswer]:
    if turns is not None:
        return class_answers(workload, turns, requests_per_s)
    told_apart = workload.classes or has_targets(workload)
    return only_class(workload, found, _percentiles(found)) if told_apart else []


def _operators(
    load: WorkloadPart, lengths: Lengths, placed: Placed, found: Estimate, sides: Sides | None
) -> list[OperatorRow]:
    if sides is not None:
        return list(apart_rows(lengths, sides, found))
    in_one = load.load == "batch"
    alone = in_one or (load.load == "concurrency" and load.requests_in_flight == 1)
    return list(operator_rows(lengths, placed, found, found.running, alone=alone, in_one=in_one))


def _timed_by(request: ServingEstimateRequest, catalogs: Catalogs) -> Callable[[EnginePart], Timed]:
    """What the times follow from under other options of the engine."""
    load = request.workload

    def of(engine: EnginePart) -> Timed:
        other = request.model_copy(update={"engine": engine})
        placed = place_request(other, catalogs)
        sides = None if other.disaggregated is None else sides_of(placed, other, catalogs)
        if sides is None:
            return timed(placed, load, lambda: _figures(time_load(placed, load)))
        return timed_of_both(sides, load, lambda: _figures(disaggregated_estimate(sides, load)))

    return of


def _figures(found: Estimate | Found) -> tuple[object, ...]:
    """Times and rates of an estimate."""
    each = found.estimate if isinstance(found, Found) else found
    return tuple(getattr(each, name) for name in ("ttft_s", "tpot_s", "requests_per_s", "percentiles"))


def _percentiles(found: Estimate) -> PercentilesOfRun | None:
    if not found.percentiles:
        return None
    rows = {
        name: Percentiles(p50=values[0], p90=values[1], p95=values[2], p99=values[3])
        for name, values in found.percentiles
    }
    return PercentilesOfRun(**rows)


def _resolved(placed: Placed, found: Estimate, sides: Sides | None) -> Resolved:
    setup = placed.subject.setup
    kind = setup.numbers.recipe.default
    return Resolved(
        model=placed.subject.name,
        weights=placed.subject.precision.weights.words,
        weights_kind=kind.name,
        weights_bits=kind.element_bits,
        multiplied_in=matrix_type(setup.gpu, kind.compute, half_sums=traits_of(placed.engine).half_sums),
        engine=placed.engine,
        **_resolved_replicas(placed).model_dump(),
        running_sequences=float(found.running),
        decode=None if sides is None else _resolved_replicas(sides.decode),
    )


def _cache_tokens(placed: Placed) -> float:
    """What the memory plan says of the same; figures may stand for more than it (``served_capacity``)."""
    return float(placed.plan.kv_cache_tokens * placed.replicas) if placed.plan.available_bytes > 0 else 0.0


def _resolved_replicas(placed: Placed) -> ResolvedReplicas:
    layout, sequences = placed.layout, float(placed.deployment.capacity) * placed.replicas
    return ResolvedReplicas(
        kv_cache=placed.kv_cache,
        tensor=layout.tensor,
        pipeline=layout.pipeline,
        data=layout.data * placed.replicas,
        expert=layout.expert,
        kv_capacity_tokens=max(_cache_tokens(placed), sequences * placed.context_tokens),
        kv_capacity_sequences=sequences,
    )
