"""Advice that was tried: a change is named only where the very request, with it, is answered by a better verdict."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from pydantic import ValidationError

from llm_calc.adapters.wire.memory import Change, MemoryPlanRequest, RecommendedGpu
from llm_calc.adapters.wire.parts import HardwarePart, ParallelismPart, WorkloadPart
from llm_calc.core.engines import traits_of
from llm_calc.core.engines.context_flags import CONTEXT_FLAGS
from llm_calc.core.errors import CalcError

Fits = Callable[[MemoryPlanRequest], bool]
"""Whether the engine starts with a request and holds what it asks for."""

MOST_CHANGES = 8
PROMPTS = "workload.input_tokens"
AS_ASKED = ("engine", "precision")
"""Parts of a request that a change may touch for it to take the same load on the same GPUs."""


Ways = Callable[[], list[Change]]
"""Changes to try."""


def advised(request: MemoryPlanRequest, alone: Ways, with_context: Ways, fits: Fits) -> list[Change]:
    """The changes that make the request fit; those of two fields too where no single one keeps load and GPUs."""
    return [_applicable(request, change) for change in _chosen(request, alone, with_context, fits)]


def _chosen(request: MemoryPlanRequest, alone: Ways, with_context: Ways, fits: Fits) -> list[Change]:
    found = tried(request, alone(), fits)
    single = [change for change in found if not change.also]
    if any(change.field.partition(".")[0] in AS_ASKED for change in single):
        return single[:MOST_CHANGES]
    more = tried(request, with_context(), fits)
    known = {(change.field, change.value) for change in single}
    several = [
        change for change in [*found, *more] if change.also and (change.field, change.value) not in known
    ]
    if single:
        several = [change for change in several if change.field != PROMPTS]
    return [*single, *several][:MOST_CHANGES]


def _applicable(request: MemoryPlanRequest, change: Change) -> Change:
    """The change with all that a body without it needs: formats apart, the count of a layout, the engine of a flag."""
    update: dict[str, Any] = {}
    said = {change.field: change.value, **change.also}
    if change.field == "precision":
        formats = {f"precision.{name}": value for name, value in _formats("", change.value).items()}
        update = dict(zip(("field", "value"), next(iter(formats.items())), strict=True))
        said = {**formats, **change.also}
    if change.field.startswith("parallelism."):
        count = changed(request, change).hardware.count
        said["hardware.count"] = count
        _, comma, besides = change.change.partition(", ")
        update["change"] = f"hardware.count {count} instead of {request.hardware.count}{comma}{besides}"
    if any(field.startswith("engine.") for field in said):
        said["engine.name"] = request.engine.name
    also = {field: value for field, value in said.items() if field != update.get("field", change.field)}
    return change.model_copy(update={**update, "also": also})


def tried(request: MemoryPlanRequest, changes: Iterable[Change], fits: Fits) -> list[Change]:
    """The changes that make the request fit, each in the field that it is said in there."""
    found = (_in_its_field(request, change) for change in changes)
    return [change for change in found if _holds(partial(changed, request, change), fits)]


def tried_gpu(request: MemoryPlanRequest, other: RecommendedGpu | None, fits: Fits) -> RecommendedGpu | None:
    """The GPU, where the request on it holds what it asks for."""
    if other is None:
        return None
    return other if _holds(partial(_on_gpu, request, other), fits) else None


def _holds(of: Callable[[], MemoryPlanRequest], fits: Fits) -> bool:
    try:
        return fits(of())
    except (CalcError, ValidationError):
        return False


def _in_its_field(request: MemoryPlanRequest, change: Change) -> Change:
    """More GPUs are said by their count where no layout is, fewer requests and tokens by the load that is given."""
    usual = "parallelism.pipeline" if traits_of(request.engine.name).deals_layers else "parallelism.tensor"
    load = request.workload
    if change.field == usual and request.parallelism is None:
        return change.model_copy(update={"field": "hardware.count"})
    if change.field == "workload.concurrency" and load is not None and load.batch:
        return change.model_copy(update={"field": "workload.batch"})
    flag = f"engine.{CONTEXT_FLAGS[request.engine.name]}"
    if change.field == flag and load is not None and float(change.value) < load.longest_tokens:
        return _shorter_prompts(request, load, change)
    return change


def _shorter_prompts(request: MemoryPlanRequest, load: WorkloadPart, change: Change) -> Change:
    """A context below the request's length is one for shorter prompts, which the load has to say."""
    kept = int(change.value) - (load.longest_tokens - round(load.mean_input_tokens))
    flag = change.field.removeprefix("engine.")
    said = getattr(request.engine, flag, None) is not None
    return Change(
        field=PROMPTS,
        value=kept,
        change=f"prompts of {kept} tokens instead of {load.mean_input_tokens:g}",
        also={} if said else {change.field: change.value},
    )


def changed(request: MemoryPlanRequest, change: Change) -> MemoryPlanRequest:
    """The request with one change applied, and what it takes besides.

    Raises:
        CalcError, ValidationError: what is asked for then cannot be.
    """
    for field, value in {change.field: change.value, **change.also}.items():
        request = _set(request, field, value)
    return request


def _set(request: MemoryPlanRequest, field: str, value: str | float) -> MemoryPlanRequest:
    part, _, name = field.partition(".")
    parts: dict[str, Any] = {each: getattr(request, each) for each in request.model_fields_set}
    match part:
        case "precision":
            parts["precision"] = _with(request.precision, _formats(name, value))
        case "parallelism":
            parts |= _layout(request, {name: value})
        case "engine":
            parts["engine"] = _with(request.engine, {name: value})
        case "workload":
            parts["workload"] = _with(request.workload or WorkloadPart(), {name: value})
        case _:
            parts["hardware"] = request.hardware.model_copy(update={name: value})
    return MemoryPlanRequest(**parts)


def _formats(name: str, value: str | float) -> Mapping[str, str | float]:
    if name:
        return {name: value}
    parts = (part.partition(" ") for part in str(value).split(", "))
    return {field: kind for field, _, kind in parts}


def _layout(request: MemoryPlanRequest, sizes: Mapping[str, object]) -> dict[str, Any]:
    layout = _with(request.parallelism or ParallelismPart(), sizes)
    return {
        "parallelism": layout,
        "hardware": request.hardware.model_copy(update={"count": layout.gpus}),
    }


def _with(part: Any, fields: Mapping[str, object]) -> Any:  # noqa: ANN401 - a part of the kind that was given
    """The part with other values, checked as those of a request are."""
    said = {name: getattr(part, name) for name in part.model_fields_set}
    return type(part)(**{**said, **fields})


def _on_gpu(request: MemoryPlanRequest, other: RecommendedGpu) -> MemoryPlanRequest:
    hardware = HardwarePart(
        gpu=other.gpu,
        count=other.count,
        gpus_per_node=request.hardware.gpus_per_node,
        host=request.hardware.host,
    )
    parts: dict[str, Any] = {each: getattr(request, each) for each in request.model_fields_set}
    parts["hardware"] = hardware
    grown = request.parallelism
    if grown is not None:
        field = "pipeline" if traits_of(request.engine.name).deals_layers else "tensor"
        times = other.count // grown.gpus
        parts["parallelism"] = _with(grown, {field: getattr(grown, field) * times})
    return MemoryPlanRequest(**parts)
