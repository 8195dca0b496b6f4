"""``/api/serving_estimate``: from a request to a timed deployment, and from its estimate to the answer."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

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
from llm_calc.adapters.serving_words import most_per_s, percentiles_of_run, resolved_of, said_of
from llm_calc.adapters.session_words import check_tiers
from llm_calc.adapters.sessions import sessions_answer, time_stream
from llm_calc.adapters.trace_words import trace_answer
from llm_calc.adapters.unnamed_engine import with_an_engine_that_runs
from llm_calc.adapters.wire.engines import EnginePart
from llm_calc.adapters.wire.parts import WorkloadPart
from llm_calc.adapters.wire.serving import (
    ClassAnswer,
    OperatorRow,
    ServingEstimateAnswer,
    ServingEstimateRequest,
)
from llm_calc.adapters.wire.workload_rules import has_targets
from llm_calc.core.serving import estimate as core
from llm_calc.core.serving.arrivals import simulated_arrivals
from llm_calc.core.serving.batch import Lengths
from llm_calc.core.serving.encoder import Encoder, in_batch, in_loop, in_queue
from llm_calc.core.serving.estimate import Deployment, Estimate
from llm_calc.core.serving.replicas import dealt, times
from llm_calc.core.workloads.estimate import Found, lengths_seen
from llm_calc.core.workloads.patience import Patience

Arrivals = Callable[[Deployment, Lengths, float, Encoder], Estimate]
"""How equal random arrivals are run."""


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
    if sides is None:
        timing = timing_of(placed, request.workload)
    else:
        timing = as_timing(disaggregated_estimate(sides, request.workload))
    answer = _answer(request, placed, timing, catalogs, sides)
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


@dataclass(frozen=True, slots=True)
class Timing:
    """The estimate of all replicas, and the run of one where its requests are told apart."""

    found: Estimate
    turns: Found | None = None

    def of(self, replicas: float) -> "Timing":
        """The same from so many at once."""
        return self if replicas == 1 else Timing(times(self.found, replicas), self.turns)


def timing_of(
    placed: Placed,
    workload: WorkloadPart,
    patience: Patience | None = None,
    arrivals: Arrivals = simulated_arrivals,
) -> Timing:
    """All replicas under their shares of the load, with all that follows for each class of requests.

    Raises:
        LimitsBrokenError: a run of arrivals lost its patience.
    """
    if workload.is_stream:
        return _of_run(placed, workload, patience)
    found = _of_equals(placed, workload, arrivals)
    return Timing(with_joint(placed, workload, found) if has_targets(workload) else found)


def as_timing(answered: Estimate | Found) -> Timing:
    """Of prefill and decode apart, all of which are one replica."""
    return Timing(answered) if isinstance(answered, Estimate) else Timing(answered.estimate, answered)


def told_apart(workload: WorkloadPart, timing: Timing) -> list[ClassAnswer]:
    """What each class of requests saw; empty where all are alike and none has targets."""
    if timing.turns is not None:
        return class_answers(workload, timing.turns, float(timing.found.requests_per_s))
    if not (workload.classes or has_targets(workload)):
        return []
    return only_class(workload, timing.found, percentiles_of_run(timing.found))


def _of_run(placed: Placed, workload: WorkloadPart, patience: Patience | None) -> Timing:
    turns = time_stream(placed, workload, patience)
    return Timing(times(turns.estimate, busy_replicas(placed, workload)), turns)


def time_load(
    placed: Placed,
    workload: WorkloadPart,
    patience: Patience | None = None,
    arrivals: Arrivals = simulated_arrivals,
) -> Estimate:
    """The estimate of all replicas under their shares of the load; ``arrivals``: how equal random ones are run.

    Raises:
        LimitsBrokenError: a run of arrivals lost its patience.
    """
    if workload.is_stream:
        return _of_run(placed, workload, patience).found
    return _of_equals(placed, workload, arrivals)


def _of_equals(
    placed: Placed,
    workload: WorkloadPart,
    arrivals: Arrivals,
) -> Estimate:
    lengths, deployment, replicas = lengths_of(workload), placed.deployment, placed.replicas
    requests, encoder = max(1, math.ceil(workload.requests_in_flight / replicas)), placed.encoder
    match workload.load:
        case "offline":
            found = in_queue(core.queue_of_many(deployment, lengths), encoder)
        case "request_rate":
            rate = (workload.request_rate or 1.0) / replicas
            found = arrivals(deployment, lengths, rate, encoder)
        case "batch":
            found = _batch(placed, lengths, requests)
        case _:
            one = _batch if placed.calibration.name != "served" else _loop
            if replicas == 1:
                return one(placed, lengths, requests)
            return dealt(lambda each: one(placed, lengths, int(each)), workload.requests_in_flight, replicas)
    busy = busy_replicas(placed, workload)
    return found if busy == 1 else times(found, busy)


def _batch(placed: Placed, lengths: Lengths, requests: int) -> Estimate:
    """One replica that runs so many requests together."""
    found = core.static_batch(placed.deployment, lengths, float(requests))
    return in_batch(found, placed.encoder, float(requests))


def _loop(placed: Placed, lengths: Lengths, requests: int) -> Estimate:
    """One replica under a closed loop."""
    loop, encoder = core.simulated_loop(placed.deployment, lengths, requests), placed.encoder
    return in_loop(loop, encoder, float(requests), most_per_s(placed, lengths)) if encoder.seconds else loop


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
    timing: Timing,
    catalogs: Catalogs,
    sides: Sides | None = None,
) -> ServingEstimateAnswer:
    found, turns, timed_by = timing.found, timing.turns, _timed_by(request, catalogs)
    gpus = request.hardware.count if sides is None else all_gpus(request)
    prefills = None if sides is None else sides.pools.prefill_replicas
    lengths = lengths_of(request.workload) if turns is None else lengths_seen(turns.seen)
    rates = (found.output_tokens_per_s, found.total_tokens_per_s, found.requests_per_s)
    output, total, requests = map(float, rates)
    assumptions, warnings = said_of(request, placed, turns, sides, timed_by, requests)
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
        percentiles=percentiles_of_run(found),
        classes=told_apart(request.workload, timing),
        sessions=None
        if turns is None
        else sessions_answer(placed, request.workload, turns, busy_of(request, placed), prefills),
        trace=None if turns is None else trace_answer(placed, request.workload, turns, prefills),
        images=None,
        lora=None if placed.beside.lora is None else placed.beside.lora.answer(placed.subject.setup),
        interval=interval_of(request, placed, found),
        operators=_operators(request.workload, lengths, placed, found, sides),
        basis=basis_of(request, placed, found, catalogs),
        resolved=resolved_of(placed, found, sides),
        assumptions=assumptions,
        warnings=warnings,
    )


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
