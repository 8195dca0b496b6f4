"""Advice that was tried: a change is named only where the very request, with it, is answered by a better verdict."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from pydantic import ValidationError

from llm_calc.adapters.wire.memory import Change, MemoryPlanRequest, RecommendedGpu
from llm_calc.adapters.wire.parts import HardwarePart, ParallelismPart, WorkloadPart
from llm_calc.core.errors import CalcError

Fits = Callable[[MemoryPlanRequest], bool]
"""Whether the plan of a request holds what it asks for."""


def tried(request: MemoryPlanRequest, changes: list[Change], fits: Fits) -> list[Change]:
    """The changes that make the request fit, each in the field that it is said in there."""
    found = [_in_its_field(request, change) for change in changes]
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
    """More GPUs are said by their count where no layout is, and fewer requests by the load that is given."""
    if change.field.startswith("parallelism.") and request.parallelism is None:
        return change.model_copy(update={"field": "hardware.count"})
    if change.field == "workload.concurrency" and request.workload is not None and request.workload.batch:
        return change.model_copy(update={"field": "workload.batch"})
    return change


def changed(request: MemoryPlanRequest, change: Change) -> MemoryPlanRequest:
    """The request with one change applied.

    Raises:
        CalcError, ValidationError: what is asked for then cannot be.
    """
    part, _, name = change.field.partition(".")
    parts: dict[str, Any] = {each: getattr(request, each) for each in request.model_fields_set}
    match part:
        case "precision":
            parts["precision"] = _with(request.precision, _formats(name, change.value))
        case "parallelism":
            parts |= _layout(request, {name: change.value})
        case "engine":
            parts["engine"] = _with(request.engine, {name: change.value})
        case "workload":
            parts["workload"] = _with(request.workload or WorkloadPart(), {name: change.value})
        case _:
            parts["hardware"] = request.hardware.model_copy(update={name: change.value})
    return MemoryPlanRequest(**parts)


def _formats(name: str, value: object) -> Mapping[str, object]:
    return {name: value} if name else dict(part.split() for part in str(value).split(", "))


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
        field = "pipeline" if request.engine.name == "llama.cpp" else "tensor"
        times = other.count // grown.gpus
        parts["parallelism"] = _with(grown, {field: getattr(grown, field) * times})
    return MemoryPlanRequest(**parts)
