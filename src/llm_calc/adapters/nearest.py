"""The published runs nearest to a question, by :mod:`llm_calc.core.evidence.distance`, as answers show them."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.deployment import Placed
from llm_calc.adapters.engine_catalog import load_engine_rules
from llm_calc.adapters.measured_runs import (
    FIGURES,
    RunRow,
    active_parameters_of,
    kv_kind,
    load_sources,
    runs_of,
    weights_bits,
    weights_kind,
)
from llm_calc.adapters.setup import Subject
from llm_calc.adapters.wire.machines import UnlikeHardware
from llm_calc.adapters.wire.measured import MeasuredPoint, NearestRun
from llm_calc.adapters.wire.parts import WorkloadPart
from llm_calc.adapters.wire.serving import ServingEstimateRequest
from llm_calc.core.architectures.shape import shape_of
from llm_calc.core.engines import ANY_ENGINE
from llm_calc.core.evidence.distance import (
    KEPT,
    LAYOUT,
    Load,
    Near,
    RunColumns,
    Stack,
    columns_of,
    kind_of_run,
    near,
)
from llm_calc.core.serving.estimate import Estimate

Values: TypeAlias = tuple[Any, ...]
FIELDS = tuple(RunRow.model_fields)


class Rows:
    """Runs as plain tuples, which take an eighth of the memory; each becomes a row when it is asked for."""

    def __init__(self, values: Sequence[Values]) -> None:
        self._values = values

    def __getitem__(self, place: int) -> RunRow:
        """The run at a place."""
        return RunRow.model_construct(None, **dict(zip(FIELDS, self._values[place], strict=True)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EngineRuns:
    """The runs of one engine: as columns, and each as its row."""

    rows: Rows
    columns: RunColumns


@lru_cache(maxsize=4)
def index_of(catalogs: Catalogs) -> Mapping[str, EngineRuns]:
    """All published runs by the engine whose rules they follow.

    Raises:
        CatalogError: a line of the file is wrong; names it.
    """
    known = load_engine_rules()
    by_engine: dict[str, list[Values]] = {}
    for row in runs_of():
        engine = row.engine if row.engine in known else ANY_ENGINE
        by_engine.setdefault(engine, []).append(_values(row))
    return {engine: _columns(rows, catalogs) for engine, rows in by_engine.items()}


def _values(row: RunRow) -> Values:
    """What a row holds, in the order of its fields; equal texts are one."""
    held = (getattr(row, name) for name in FIELDS)
    return tuple(sys.intern(value) if isinstance(value, str) else value for value in held)


def _columns(rows: Sequence[Values], catalogs: Catalogs) -> EngineRuns:
    held = dict(zip(FIELDS, zip(*rows, strict=True), strict=True))
    bandwidths = {gpu.id: gpu.memory_bandwidth_bytes_per_s for gpu in catalogs.gpus}
    return EngineRuns(rows=Rows(rows), columns=columns_of(held, bandwidths))


MOST_SHOWN = 5
KEPT_ROWS = 128
"""Runs that are kept as answers show them."""
SENT_ALIKE = {"random_arrivals": "closed_loop"}
"""Kind of load whose measured curve stands in for one that was never measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a request asks, in the terms in which runs are compared; ``extras``: what no run has."""

    stack: Stack
    load: Load
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
    about = near(asked.stack, runs.columns)
    comparable, nearest = about.nearest(asked.load, MOST_SHOWN)
    return Evidence(
        nearest=[_shown(asked, runs.rows, *each) for each in nearest],
        note=_note(placed.engine, comparable),
        curve=_curve(asked.load, about, runs),
    )


def question_of(request: ServingEstimateRequest, placed: Placed, found: Estimate) -> Question:
    """A request as runs are compared with it."""
    workload, subject, layout = request.workload, placed.subject, placed.layout
    ways = layout.tensor, layout.pipeline, layout.data * placed.replicas, layout.expert
    name = None if request.model.name is None else subject.name
    load = Load(
        kind=kind_of(workload),
        input_tokens=workload.mean_input_tokens,
        output_tokens=workload.mean_output_tokens,
        requests=_requests(workload, found),
    )
    stack = _stack_of(subject, name, placed.kv_cache, ways, request.engine.version)
    return Question(stack=stack, load=load, extras=tuple(_extras(request)))


@lru_cache(KEPT)
def _stack_of(
    subject: Subject, model: str | None, kv_cache: str, layout: tuple[int, int, int, int], version: str | None
) -> Stack:
    gpu = subject.setup.gpu
    return Stack(
        model=model,
        shape=shape_of(subject.setup.model),
        active_parameters=active_parameters_of(subject.setup.model),
        gpu=gpu.id,
        bandwidth_bytes_per_s=gpu.memory_bandwidth_bytes_per_s,
        weights=weights_kind(subject),
        weights_bits=weights_bits(subject),
        kv_cache=kv_kind(kv_cache),
        layout=layout,
        version=version,
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


def _curve(asked: Load, about: Near, runs: EngineRuns) -> list[MeasuredPoint]:
    """All loads at which the deployment of the question was measured with like lengths; none if it was only one."""
    kind = SENT_ALIKE.get(asked.kind, asked.kind)
    closed = "static_batch" if kind == "static_batch" else "closed_loop"
    if kind == "offline":
        return []
    points = [_point(runs.rows, place) for place in about.points(asked, (closed, "single_stream"))]
    several = len({point.requests for point in points}) > 1
    return sorted(points, key=lambda point: point.requests) if several else []


@lru_cache(KEPT_ROWS)
def _point(rows: Rows, place: int) -> MeasuredPoint:
    row = rows[place]
    return MeasuredPoint(
        requests=row.requests or 1,
        **{name: getattr(row, name) for name in FIGURES},
        engine_version=row.engine_version,
        source=load_sources()[row.source],
    )


SHOWN_AS_THEY_ARE = tuple(
    name for name in NearestRun.model_fields if name not in ("source", "distance", "differs")
)


@lru_cache(KEPT_ROWS)
def _run(rows: Rows, place: int) -> tuple[RunRow, NearestRun]:
    """A run, and what an answer shows of it whatever the question."""
    row = rows[place]
    shown: dict[str, Any] = {name: getattr(row, name) for name in SHOWN_AS_THEY_ARE}
    return row, NearestRun(**shown, source=load_sources()[row.source], distance=0.0, differs=[])


def _shown(asked: Question, rows: Rows, place: int, distance: float) -> NearestRun:
    row, shown = _run(rows, place)
    own = {"distance": round(distance, 2), "differs": list(differences(asked, row))}
    return shown.model_copy(update=own)


def differences(asked: Question, row: RunRow) -> Iterator[str]:
    """The fields in which a run differs from a question; for numbers with the run's over the question's."""
    stack, load = asked.stack, asked.load
    texts = (
        ("model", row.shape, stack.shape),
        ("gpu", row.gpu, stack.gpu),
        ("weights", row.weights_kind, stack.weights),
        ("kv_cache", row.kv_kind, stack.kv_cache),
        ("load", kind_of_run(row.load, row.requests), load.kind),
    )
    yield from (name for name, own, wanted in texts if own != wanted)
    for name, wanted in zip(LAYOUT, stack.layout, strict=True):
        yield from _ratio(name, getattr(row, name), wanted)
    yield from _ratio("input_tokens", row.input_tokens, load.input_tokens)
    yield from _ratio("output_tokens", row.output_tokens, load.output_tokens)
    if row.requests is not None and load.requests is not None and load.kind not in SENT_ALIKE:
        yield from _ratio("requests", row.requests, load.requests)
    if stack.version is not None and stack.version != row.engine_version:
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
