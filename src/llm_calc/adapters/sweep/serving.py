"""Rows of ``/api/serving_estimate``: lengths and loads as arrays.

Static batches and offline runs are the endpoint's own formulas. Loads that the endpoint simulates are answered as it
does, row by row, or in closed form.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.certainty import NEVER_MEASURED, basis_kind, holds_one, kind_of_fit
from llm_calc.adapters.deployment import Placed
from llm_calc.adapters.graphs import beyond_graphs
from llm_calc.adapters.served import taken_capacity
from llm_calc.adapters.serving import place_request, time_load
from llm_calc.adapters.stopping import checkpoint
from llm_calc.adapters.wire.parts import WorkloadPart
from llm_calc.adapters.wire.serving import ServingEstimateRequest
from llm_calc.core.arrays import Quantity, ceil_div
from llm_calc.core.engines import traits_of
from llm_calc.core.planning.bounds import arriving, under_load
from llm_calc.core.planning.split import shape_of
from llm_calc.core.serving.batch import Lengths
from llm_calc.core.serving.estimate import Deployment, Estimate
from llm_calc.core.serving.replicas import dealt
from llm_calc.core.varying import Figures, Values, Varying

Words = np.ndarray[tuple[int, ...], np.dtype[np.object_]]
Flags = bool | np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
TIMES = (
    "ttft_s",
    "tpot_s",
    "request_latency_s",
    "output_tokens_per_s",
    "total_tokens_per_s",
    "requests_per_s",
)
LOADS = ("workload.concurrency", "workload.batch", "workload.request_rate")
HOLDS = "holds_a_request"
"""Whether the engine starts and memory holds one request of the row: else the figures are of what has to fit first."""
BASIS = "basis"
"""How near the measurements of the fit come to the row: ``basis.kind`` of the endpoint's answer."""
SERVING_FIGURES = (HOLDS, BASIS, *TIMES)
KINDS = {HOLDS: bool, BASIS: object}


def serving_rows(request: ServingEstimateRequest, changing: Varying, catalogs: Catalogs) -> Figures:
    """Figures of rows that share a model, hardware, layout and engine.

    Raises:
        CalcError: the deployment cannot be made.
    """
    varying, rows = changing.values, changing.rows
    if changing.simulate:
        return _row_by_row(request, varying, rows, catalogs)
    found = _empty(rows)
    for chosen, one in _families(request, varying, rows, catalogs):
        part = {path: values[chosen] for path, values in varying.items()}
        estimate, busy, found[HOLDS][chosen], found[BASIS][chosen] = _closed(one, part, catalogs)
        for name in TIMES:
            scale = busy if name.endswith("_per_s") else 1.0
            found[name][chosen] = np.asarray(getattr(estimate, name)) * scale
    return {name: _stored_once(values) if name in KINDS else values for name, values in found.items()}


def _stored_once(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A column; where all rows have one value, without a copy of it a row."""
    return np.broadcast_to(values[0], values.shape) if bool(np.all(values == values[0])) else values


def _empty(rows: int) -> Figures:
    return {name: np.empty(rows, dtype=KINDS.get(name, float)) for name in SERVING_FIGURES}


def is_simulated(workload: WorkloadPart, varying: Values) -> bool:
    """Whether the endpoint would simulate any of the rows."""
    if workload.load == "request_rate" or workload.is_stream:
        return True
    if workload.load != "concurrency":
        return False
    requests = varying.get("workload.concurrency", np.array([float(workload.requests_in_flight)]))
    return bool(np.any(requests > 1))


def _row_by_row(request: ServingEstimateRequest, varying: Values, rows: int, catalogs: Catalogs) -> Figures:
    """Exactly what the endpoint answers."""
    found = _empty(rows)
    for row in range(rows):
        checkpoint()
        values = {path.partition(".")[2]: column[row] for path, column in varying.items()}
        workload = request.workload.model_copy(update=_whole(values))
        one = request.model_copy(update={"workload": workload})
        placed = place_request(one, catalogs)
        estimate = time_load(placed, workload)
        found[HOLDS][row], found[BASIS][row] = holds_one(placed), basis_kind(placed)
        for name in TIMES:
            found[name][row] = float(getattr(estimate, name))
    return found


def _whole(values: Mapping[str, float]) -> dict[str, float | int]:
    """Counts as whole numbers, the others as they are."""
    shares = ("request_rate", "prefix_cache_hit_fraction")
    return {name: float(value) if name in shares else int(value) for name, value in values.items()}


def _families(
    request: ServingEstimateRequest, varying: Values, rows: int, catalogs: Catalogs
) -> list[tuple["np.ndarray[tuple[int, ...], np.dtype[np.bool_]]", ServingEstimateRequest]]:
    """Rows that are placed alike, with a request that stands for them: one at once, or several; slots of a batch."""
    everything = np.ones(rows, dtype=bool)
    batches = varying.get("workload.batch")
    if (
        batches is not None and traits_of(request.engine.name).load.slots
    ):  # a slot for each sequence of a batch
        return [
            (batches == size, request.model_copy(update={"workload": _of_batch(request.workload, int(size))}))
            for size in np.unique(batches)
        ]
    name = "batch" if batches is not None else "concurrency"
    requests = varying.get(f"workload.{name}")
    if requests is None:
        return [(everything, request)]
    replicas = place_request(request, catalogs).replicas
    groups = []
    for alone, count in ((True, 1), (False, 1 + replicas)):
        chosen = (requests <= replicas) == alone
        if np.any(chosen):
            workload = request.workload.model_copy(update={name: count})
            groups.append((chosen, request.model_copy(update={"workload": workload})))
    return groups


def _of_batch(workload: WorkloadPart, size: int) -> WorkloadPart:
    return workload.model_copy(update={"batch": size})


def _closed(
    request: ServingEstimateRequest, varying: Values, catalogs: Catalogs
) -> tuple[Estimate, Quantity, Flags, Words]:
    """One replica in closed form, how many replicas are busy, whether memory holds a request, what that rests on."""
    placed, workload = place_request(request, catalogs), request.workload
    lengths = Lengths(
        input_tokens=varying.get("workload.input_tokens", float(workload.mean_input_tokens)),
        output_tokens=varying.get("workload.output_tokens", float(workload.mean_output_tokens)),
        cached_fraction=varying.get("workload.prefix_cache_hit_fraction", workload.cached_fraction),
    )
    deployment, holds = _deployment(placed, lengths), _holds(placed, lengths)
    total = varying.get(
        "workload.concurrency", varying.get("workload.batch", float(workload.requests_in_flight))
    )
    placed = _beyond(placed, request, varying)
    basis = _basis(placed, holds, lambda: _is_larger(placed, workload, deployment, lengths, total))
    replicas = float(placed.replicas)
    if workload.load == "request_rate":
        rate = varying.get("workload.request_rate", np.array([workload.request_rate or 1.0])) / replicas
        return arriving(deployment, lengths, rate), replicas, holds, basis
    kind = shape_of(workload.load, placed.calibration.name)

    def of(each: Quantity) -> Estimate:
        return under_load(deployment, kind, lengths, each)

    if workload.load == "concurrency":
        return dealt(of, total, placed.replicas), 1.0, holds, basis
    return of(ceil_div(total, placed.replicas)), _busy(workload, total, replicas), holds, basis


def _beyond(placed: Placed, request: ServingEstimateRequest, varying: Values) -> Placed:
    """With the options whose graphs are too small for the most that rows ask: none of them is called measured."""
    loads = {path: path.partition(".")[2] for path in varying if path in LOADS}
    most = _whole({name: float(np.max(varying[path])) for path, name in loads.items()})
    workload = request.workload.model_copy(update=most)
    found = beyond_graphs(request.engine, placed.subject.setup, placed.deployment, workload, placed.replicas)
    return replace(placed, untimed=(*placed.untimed, *found)) if found else placed


def _is_larger(
    placed: Placed, workload: WorkloadPart, deployment: Deployment, lengths: Lengths, total: Quantity
) -> Flags:
    """Rows of more requests than the planned cache holds, whose figures take a larger one (``CacheRoom``)."""
    context, plan = lengths.input_tokens + lengths.output_tokens, placed.timed_plan
    more = np.asarray(deployment.capacity > plan.sequences(context) * (1 + 1e-9))
    if workload.load not in ("concurrency", "batch") or not np.any(more):
        return more
    held = np.asarray(plan.max_concurrency(np.ceil(context))) * placed.replicas
    return more & np.asarray(total > held)


def _basis(placed: Placed, holds: Flags, larger: Callable[[], Flags]) -> Words:
    """What rows rest on; ``larger``: those whose figures take a larger cache, asked where it makes a difference."""
    of = {flag: np.array(kind_of_fit(replace(placed, larger_cache=flag)), object) for flag in (True, False)}
    held = of[False] if of[True] == of[False] else np.where(larger(), of[True], of[False])
    return np.where(holds, held, np.array(NEVER_MEASURED, object))


def _holds(placed: Placed, lengths: Lengths) -> Flags:
    """Whether the engine starts with room for one request of each length."""
    context = lengths.input_tokens + lengths.output_tokens
    if not isinstance(context, np.ndarray):
        return holds_one(placed)
    room = np.asarray(placed.plan.max_concurrency(np.ceil(context)))
    most = placed.plan.limits.max_prompt_tokens
    short_enough = (context <= placed.plan.max_model_len_tokens) & (
        most is None or lengths.input_tokens <= most
    )
    return np.asarray((room >= 1) & short_enough & placed.plan.can_start)


def _busy(workload: WorkloadPart, total: Quantity, replicas: float) -> Quantity:
    return total / ceil_div(total, replicas) if workload.load == "batch" else replicas


def _deployment(placed: Placed, lengths: Lengths) -> Deployment:
    """The deployment with the capacity for each row's length."""
    context = lengths.input_tokens + lengths.output_tokens
    if not isinstance(context, np.ndarray):
        return placed.deployment
    capacity = taken_capacity(placed.timed_plan, context, placed.filled_fraction)
    return replace(placed.deployment, capacity=capacity)
