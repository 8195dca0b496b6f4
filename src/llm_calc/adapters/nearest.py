"""The published runs nearest to a question.

Only runs of the question's engine on the same model or the same GPU compare. How far one is from the question:

```
distance = model + gpu + weights + kv_cache + layout + load + lengths + requests + version
model    = 0 for the same shape of decoder (0.1 if asked by another name), else 6 + |log2 ratio of active parameters|
gpu      = 0 for the same, else 4 + |log2 ratio of memory bandwidths|
weights  = 0 for the same kind of numbers, else 1 + |log2 ratio of bits|
kv_cache = 0 for the same kind of numbers, else 0.5
layout   = 0.5 x sum over tensor, pipeline, data and expert of |log2 ratio|
load     = 0 for the same kind, else 1.5; one request at once is one kind, whichever way it was sent
lengths  = 0.5 x (|log2 ratio of input tokens| + |log2 ratio of output tokens|); 1 for each that a run lacks
requests = 0.5 x |log2 ratio of requests at once|, where both have a number of them
version  = 0.25 for another release than the one that the question names
```

The numbers are chosen, not fitted: 256 times the load on the same deployment is as far as another GPU, and another
GPU is nearer than another model. Runs further than ``FARTHEST`` are left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.deployment import Placed
from llm_calc.adapters.measured_index import LAYOUT, BoolArray, EngineRuns, index_of, kind_of_run
from llm_calc.adapters.measured_runs import (
    FIGURES,
    RunRow,
    active_parameters_of,
    kv_kind,
    load_sources,
    weights_bits,
    weights_kind,
)
from llm_calc.adapters.wire.machines import UnlikeHardware
from llm_calc.adapters.wire.measured import MeasuredPoint, NearestRun
from llm_calc.adapters.wire.parts import WorkloadPart
from llm_calc.adapters.wire.serving import ServingEstimateRequest
from llm_calc.core.architectures.shape import shape_of
from llm_calc.core.arrays import FloatArray
from llm_calc.core.serving.estimate import Estimate

MOST_SHOWN = 5
FARTHEST = 12.0
OTHER_MODEL, OTHER_NAME, OTHER_GPU, OTHER_WEIGHTS, OTHER_CACHE = 6.0, 0.1, 4.0, 1.0, 0.5
OTHER_LOAD, OTHER_VERSION, DOUBLING, NO_LENGTH, NO_BANDWIDTH = 1.5, 0.25, 0.5, 1.0, 1.0
LIKE_LENGTH = float(np.log2(1.25))
"""Lengths of points of one curve differ by at most a quarter."""
SENT_ALIKE = {"random_arrivals": "closed_loop"}
"""Kind of load whose measured curve stands in for one that was never measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a request asks, in the terms in which runs are compared.

    ``model``: the catalog's name, None where the request describes the model instead.
    ``requests``: at once, of random arrivals as estimated, None offline. ``extras``: what no run has.
    """

    model: str | None
    shape: str
    active_parameters: int
    gpu: str
    bandwidth_bytes_per_s: float
    weights: str
    weights_bits: float
    kv_cache: str
    layout: tuple[int, int, int, int]
    kind: str
    input_tokens: int
    output_tokens: int
    requests: float | None
    version: str | None
    extras: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Published runs beside an answer, and in words how many compare."""

    nearest: list[NearestRun]
    note: str
    curve: list[MeasuredPoint]


def evidence_of(
    request: ServingEstimateRequest, placed: Placed, found: Estimate, catalogs: Catalogs
) -> Evidence:
    """The runs nearest to a request, and those of the same deployment under several loads."""
    asked, runs = question_of(request, placed, found), index_of(catalogs).get(placed.engine)
    if runs is None:
        return Evidence(nearest=[], note=_note(placed.engine, 0), curve=[])
    far = distances(asked, runs)
    comparable = np.flatnonzero((runs.shape.are(asked.shape) | runs.gpu.are(asked.gpu)) & (far <= FARTHEST))
    places = comparable[np.argsort(far[comparable], kind="stable")[:MOST_SHOWN]].tolist()
    return Evidence(
        nearest=[_shown(asked, runs.rows[place], float(far[place])) for place in places],
        note=_note(placed.engine, len(comparable)),
        curve=_curve(asked, runs),
    )


def question_of(request: ServingEstimateRequest, placed: Placed, found: Estimate) -> Question:
    """A request as runs are compared with it."""
    setup, workload, layout = placed.subject.setup, request.workload, placed.layout
    return Question(
        model=None if request.model.name is None else placed.subject.name,
        shape=shape_of(setup.model),
        active_parameters=active_parameters_of(setup.model),
        gpu=setup.gpu.id,
        bandwidth_bytes_per_s=setup.gpu.memory_bandwidth_bytes_per_s,
        weights=weights_kind(placed),
        weights_bits=weights_bits(placed),
        kv_cache=kv_kind(placed),
        layout=(layout.tensor, layout.pipeline, layout.data * placed.replicas, layout.expert),
        kind=kind_of(workload),
        input_tokens=workload.mean_input_tokens,
        output_tokens=workload.mean_output_tokens,
        requests=_requests(workload, found),
        version=request.engine.version,
        extras=tuple(_extras(request)),
    )


def kind_of(workload: WorkloadPart) -> str:
    """The kind of load in the words of the runs; random arrivals are a kind that none of them has."""
    if workload.load == "request_rate":
        return "random_arrivals"
    if workload.load == "offline":
        return "offline"
    if workload.requests_in_flight == 1:
        return "single_stream"
    return "static_batch" if workload.load == "batch" else "closed_loop"


def _requests(workload: WorkloadPart, found: Estimate) -> float | None:
    """Requests at once; of random arrivals their rate times the time of one (Little's law)."""
    if workload.load == "offline":
        return None
    if workload.load == "request_rate":
        return max(1.0, float(found.requests_per_s) * float(found.request_latency_s))
    return float(workload.requests_in_flight)


def _extras(request: ServingEstimateRequest) -> Iterator[str]:
    if request.workload.prefix_cache_hit_fraction:
        yield "prefix_cache_hit_fraction"
    if request.workload.grows:
        yield "sessions"
    if request.workload.trace is not None:
        yield "trace"
    elif request.workload.varies:
        yield "lengths that vary"
    if request.hardware.gpu_memory_bytes is not None:
        yield "gpu_memory_bytes"
    if isinstance(request.hardware, UnlikeHardware):
        yield "hardware"
    for name in ("speculative", "disaggregated", "lora"):
        if getattr(request, name) is not None:
            yield name


def distances(asked: Question, runs: EngineRuns) -> FloatArray:
    """How far every run of an engine is from a question, by the formula of this module [-]."""
    same_model, same_gpu = runs.shape.are(asked.shape), runs.gpu.are(asked.gpu)
    parameters = np.abs(runs.log_parameters - np.log2(asked.active_parameters))
    bandwidths = np.abs(runs.log_bandwidth - np.log2(asked.bandwidth_bytes_per_s))
    bandwidths[np.isnan(bandwidths)] = NO_BANDWIDTH
    renamed = 0.0 if asked.model is None else OTHER_NAME * ~runs.model.are(asked.model)
    total: FloatArray = np.where(same_model, renamed, OTHER_MODEL + parameters)
    total += ~same_gpu * (OTHER_GPU + bandwidths)
    total += ~runs.weights.are(asked.weights) * (
        OTHER_WEIGHTS + np.abs(runs.log_bits - np.log2(asked.weights_bits))
    )
    total += OTHER_CACHE * ~runs.kv_cache.are(asked.kv_cache)
    total += DOUBLING * np.abs(runs.log_layout - np.log2(asked.layout)[:, None]).sum(axis=0)
    total += OTHER_LOAD * ~runs.kind.are(asked.kind)
    for column, tokens in ((runs.log_input, asked.input_tokens), (runs.log_output, asked.output_tokens)):
        total += np.nan_to_num(DOUBLING * np.abs(column - np.log2(tokens)), nan=NO_LENGTH)
    if asked.requests is not None:
        total += np.nan_to_num(DOUBLING * np.abs(runs.log_requests - np.log2(asked.requests)), nan=0.0)
    if asked.version is not None:
        total += OTHER_VERSION * ~runs.version.are(asked.version)
    return total


def _curve(asked: Question, runs: EngineRuns) -> list[MeasuredPoint]:
    """All loads at which the deployment of the question was measured with like lengths; none if it was only one."""
    kind = SENT_ALIKE.get(asked.kind, asked.kind)
    closed = "static_batch" if kind == "static_batch" else "closed_loop"
    if kind == "offline":
        return []
    alike: BoolArray = runs.shape.are(asked.shape) & runs.gpu.are(asked.gpu)
    alike &= runs.weights.are(asked.weights) & runs.kv_cache.are(asked.kv_cache)
    alike &= runs.kind.are(closed) | runs.kind.are("single_stream")
    alike &= (runs.log_layout == np.log2(asked.layout)[:, None]).all(axis=0)
    for column, tokens in ((runs.log_input, asked.input_tokens), (runs.log_output, asked.output_tokens)):
        alike &= np.abs(column - np.log2(tokens)) <= LIKE_LENGTH
    points = [_point(runs.rows[place]) for place in np.flatnonzero(alike).tolist()]
    several = len({point.requests for point in points}) > 1
    return sorted(points, key=lambda point: point.requests) if several else []


def _point(row: RunRow) -> MeasuredPoint:
    return MeasuredPoint(
        requests=row.requests or 1,
        **{name: getattr(row, name) for name in FIGURES},
        engine_version=row.engine_version,
        source=load_sources()[row.source],
    )


SHOWN_AS_THEY_ARE = tuple(
    name for name in NearestRun.model_fields if name not in ("source", "distance", "differs")
)


def _shown(asked: Question, row: RunRow, distance: float) -> NearestRun:
    return NearestRun(
        **{name: getattr(row, name) for name in SHOWN_AS_THEY_ARE},
        source=load_sources()[row.source],
        distance=round(distance, 2),
        differs=list(differences(asked, row)),
    )


def differences(asked: Question, row: RunRow) -> Iterator[str]:
    """The fields in which a run differs from a question; for numbers with the run's over the question's."""
    texts = (
        ("model", row.shape, asked.shape),
        ("gpu", row.gpu, asked.gpu),
        ("weights", row.weights_kind, asked.weights),
        ("kv_cache", row.kv_kind, asked.kv_cache),
        ("load", kind_of_run(row.load, row.requests), asked.kind),
    )
    yield from (name for name, own, wanted in texts if own != wanted)
    for name, wanted in zip(LAYOUT, asked.layout, strict=True):
        yield from _ratio(name, getattr(row, name), wanted)
    yield from _ratio("input_tokens", row.input_tokens, asked.input_tokens)
    yield from _ratio("output_tokens", row.output_tokens, asked.output_tokens)
    if row.requests is not None and asked.requests is not None and asked.kind not in SENT_ALIKE:
        yield from _ratio("requests", row.requests, asked.requests)
    if asked.version is not None and asked.version != row.engine_version:
        yield "engine_version"
    yield from asked.extras


def _ratio(name: str, own: int | None, wanted: float) -> Iterator[str]:
    if own is None:
        yield f"{name} unknown"
    elif own == 0:
        yield f"{name} none"
    elif own != wanted:
        yield f"{name} {own / wanted:.3g}x"


def _note(engine: str, comparable: int) -> str:
    count = f"{comparable} published runs" if comparable > 1 else "1 published run"
    if not comparable:
        count = "no published run"
    return f"{count} of {engine} with this model or on this GPU near enough to compare"
