"""``/api/serving_estimate``: from a request to a timed deployment, and from its estimate to the answer."""

import math
from collections.abc import Iterator
from dataclasses import replace

from llm_calc.adapters.arrivals import were_measured
from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.certainty import basis_of, interval_of
from llm_calc.adapters.class_answers import class_answers, only_class
from llm_calc.adapters.deployment import Placed, place
from llm_calc.adapters.disaggregation import (
    all_gpus,
    apart_words,
    check_apart,
    disaggregated_estimate,
    replica_hardware,
)
from llm_calc.adapters.engines import release_of, version_warnings
from llm_calc.adapters.idle_options import idle_in_time
from llm_calc.adapters.image_times import (
    with_encoder,
    with_timed_images,
    with_untimed_images,
)
from llm_calc.adapters.images import seen_images, with_images
from llm_calc.adapters.lora import lora_answer, lora_words
from llm_calc.adapters.operator_rows import operator_rows
from llm_calc.adapters.presets import chosen_words, with_preset
from llm_calc.adapters.release_days import release_note
from llm_calc.adapters.session_words import check_sessions, session_assumptions, session_warnings
from llm_calc.adapters.sessions import sessions_answer, time_stream
from llm_calc.adapters.trace_words import trace_answer
from llm_calc.adapters.wire.engines import EnginePart
from llm_calc.adapters.wire.parts import WorkloadPart
from llm_calc.adapters.wire.serving import (
    Percentiles,
    PercentilesOfRun,
    Resolved,
    ServingEstimateAnswer,
    ServingEstimateRequest,
)
from llm_calc.core.serving import estimate as core
from llm_calc.core.serving.arrivals import OPEN_REQUESTS, simulated_arrivals
from llm_calc.core.serving.batch import Lengths
from llm_calc.core.serving.encoder import in_batch, in_loop, in_queue
from llm_calc.core.serving.estimate import Estimate
from llm_calc.core.workloads.estimate import Found, lengths_seen
from llm_calc.core.workloads.patience import Patience


def answer_serving_estimate(request: ServingEstimateRequest, catalogs: Catalogs) -> ServingEstimateAnswer:
    """What users of a deployment wait for, and what it delivers.

    Raises:
        InvalidInputError: a field that cannot be right, or a layout that does not fill the GPUs.
        UnsupportedError: a layout or format that the engine does not run, or a GPU without published rates.
    """
    seen = seen_images(request.workload, request.model, catalogs)
    request = with_preset(with_images(request, seen), catalogs)
    placed = with_encoder(place_request(request, catalogs), seen)
    apart = None if request.disaggregated is None else disaggregated_estimate(placed, request, catalogs)
    turns = apart if isinstance(apart, Found) else None
    if turns is None and request.workload.is_stream:
        turns = time_stream(placed, request.workload)
    if turns is not None:
        answer = _answer(request, placed, times(turns.estimate, busy_of(request, placed)), catalogs, turns)
        return with_untimed_images(answer, seen)
    found = apart if isinstance(apart, Estimate) else time_load(placed, request.workload)
    answer = _answer(request, placed, found, catalogs)
    return answer if seen is None else with_timed_images(answer, seen, placed)


def place_request(request: ServingEstimateRequest, catalogs: Catalogs) -> Placed:
    """The deployment of a request; with prefill and decode apart, one replica of them."""
    request = with_images(request, seen_images(request.workload, request.model, catalogs))
    request = with_preset(request, catalogs)
    check_sessions(request)
    check_apart(request)
    placed = place(
        catalogs,
        model=request.model,
        precision=request.precision,
        hardware=replica_hardware(request),
        parallelism=request.parallelism,
        engine=request.engine,
        workload=request.workload,
        speculative=request.speculative,
        lora=request.lora,
        own=request.calibration,
        tiers=request.kv_tiers,
    )
    apart = any(part is not None for part in (request.speculative, request.disaggregated, request.lora))
    apart = apart or len(set(placed.subject.setup.layout.stage_layers)) > 1
    return replace(placed, novel=apart or request.workload.is_stream)


def lengths_of(workload: WorkloadPart) -> Lengths:
    """Tokens of a request."""
    return Lengths(
        input_tokens=float(workload.mean_input_tokens),
        output_tokens=float(workload.mean_output_tokens),
        cached_fraction=workload.cached_fraction,
    )


def time_load(placed: Placed, workload: WorkloadPart, patience: Patience | None = None) -> Estimate:
    """The estimate of all replicas under their shares of the load.

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
            found = simulated_arrivals(deployment, lengths, rate, encoder)
        case _ if batched:
            found = in_batch(
                core.static_batch(deployment, lengths, float(requests)), encoder, float(requests)
            )
        case _:
            loop = core.simulated_loop(deployment, lengths, requests)
            found = in_loop(loop, encoder, float(requests), _most(placed, lengths))
    return times(found, busy_replicas(placed, workload))


def _most(placed: Placed, lengths: Lengths) -> float:
    """What one replica can serve of an endless queue [requests/s]."""
    return float(placed.encoder.most(core.queue_of_many(placed.deployment, lengths).requests_per_s))


def busy_replicas(placed: Placed, workload: WorkloadPart) -> float:
    """Replicas that have anything to do, each as busy as the one with the most requests."""
    if workload.load in ("batch", "concurrency"):
        return workload.requests_in_flight / math.ceil(workload.requests_in_flight / placed.replicas)
    return placed.replicas


def busy_of(request: ServingEstimateRequest, placed: Placed) -> float:
    """The same of a request; with prefill and decode apart all of them are one."""
    return 1.0 if request.disaggregated is not None else busy_replicas(placed, request.workload)


def times(found: Estimate, replicas: float) -> Estimate:
    """The same from so many replicas at once."""
    return replace(
        found,
        output_tokens_per_s=found.output_tokens_per_s * replicas,
        total_tokens_per_s=found.total_tokens_per_s * replicas,
        requests_per_s=found.requests_per_s * replicas,
        running=found.running * replicas,
    )


def _answer(
    request: ServingEstimateRequest,
    placed: Placed,
    found: Estimate,
    catalogs: Catalogs,
    turns: Found | None = None,
) -> ServingEstimateAnswer:
    gpus = all_gpus(request)
    lengths = lengths_of(request.workload) if turns is None else lengths_seen(turns.seen)
    output, total, requests = (
        float(each) for each in (found.output_tokens_per_s, found.total_tokens_per_s, found.requests_per_s)
    )
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
        classes=only_class(request.workload, found, _percentiles(found))
        if turns is None
        else class_answers(request.workload, turns, requests),
        sessions=None
        if turns is None
        else sessions_answer(placed, request.workload, turns, busy_of(request, placed)),
        trace=None if turns is None else trace_answer(placed, request.workload, turns),
        images=None,
        lora=lora_answer(placed.beside.lora, placed.subject.setup),
        interval=interval_of(request, placed, found),
        operators=list(operator_rows(lengths, placed, found)),
        basis=basis_of(request, placed, found, catalogs),
        resolved=_resolved(placed, found),
        assumptions=[*placed.assumptions, *_assumptions(request, placed), *_idle(request, placed, catalogs)],
        warnings=[*placed.warnings, *_warnings(request, placed, turns)],
    )


def _percentiles(found: Estimate) -> PercentilesOfRun | None:
    if not found.percentiles:
        return None
    rows = {
        name: Percentiles(p50=values[0], p90=values[1], p95=values[2], p99=values[3])
        for name, values in found.percentiles
    }
    return PercentilesOfRun(**rows)


def _resolved(placed: Placed, found: Estimate) -> Resolved:
    layout, sequences = placed.layout, float(placed.deployment.capacity) * placed.replicas
    return Resolved(
        model=placed.subject.name,
        weights=placed.subject.precision.weights.words,
        kv_cache=placed.kv_cache,
        engine=placed.engine,
        tensor=layout.tensor,
        pipeline=layout.pipeline,
        data=layout.data * placed.replicas,
        expert=layout.expert,
        kv_capacity_tokens=sequences * placed.context_tokens,
        kv_capacity_sequences=sequences,
        running_sequences=float(found.running),
    )


def _assumptions(request: ServingEstimateRequest, placed: Placed) -> Iterator[str]:
    yield from chosen_words(request)
    yield from session_assumptions(placed, request.workload)
    if request.engine.version is not None:
        yield release_note(placed.release_factor)
    load = "stream" if request.workload.is_stream else request.workload.load
    several = request.workload.requests_in_flight > 1
    if load == "concurrency" and several and placed.calibration.name == "served":
        yield (
            "workload: as benchmark clients do, ten requests a slot, all slots at once at the start, lengths drawn "
            "between 80 and 100 % of those given"
        )
    if load == "request_rate" and request.disaggregated is None:
        yield f"workload.request_rate: one simulated run of {OPEN_REQUESTS} requests of equal lengths"
    yield from placed.beside.draft.words
    yield from lora_words(placed.beside.lora)
    yield from apart_words(request, placed.subject.setup.gpu)
    if request.calibration is not None:
        yield (
            f"calibration: efficiencies scaled by {request.calibration.measurements} measured figures of the caller; "
            "intervals are those of the published measurements"
        )
    if request.workload.prefix_cache_hit_fraction and not request.workload.grows:
        yield "workload.prefix_cache_hit_fraction: every prompt finds this share cached; that was not calibrated"


def _idle(request: ServingEstimateRequest, placed: Placed, catalogs: Catalogs) -> Iterator[str]:
    def again(engine: EnginePart) -> Placed:
        return place_request(request.model_copy(update={"engine": engine}), catalogs)

    return idle_in_time(request.engine, placed, again)


def _warnings(request: ServingEstimateRequest, placed: Placed, turns: Found | None) -> Iterator[str]:
    workload = request.workload
    yield from version_warnings(request.engine)
    if placed.beside.draft.assumed:
        yield (
            "speculative: what is gained rests on an assumed acceptance; state acceptance_length or "
            "acceptance_fraction as measured on your text"
        )
    for option in placed.untimed:
        yield f"engine.{option}: its effect on time is not known; times are those of the engine's default"
    if turns is not None:
        yield from session_warnings(placed, workload, turns)
        return
    room = float(placed.deployment.capacity) * placed.replicas
    if workload.load == "concurrency" and workload.requests_in_flight > room:
        yield f"workload.concurrency: the KV cache holds about {room:.0f} requests of this length; the others wait"
    if workload.load == "request_rate":
        if not were_measured(placed.engine):
            yield "workload.request_rate: never measured of this engine; the intervals are those of other loads"
        most = _most(placed, lengths_of(workload)) * placed.replicas
        if (workload.request_rate or 0.0) > most:
            yield (
                f"workload.request_rate: above the {most:.3g} requests a second that the deployment can serve; "
                "the queue grows without end, and waiting times with the length of the run"
            )
