"""What rows of a sweep are told beside their figures: how sure their set-up is, and its words once."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.documented.subject import requested_subject
from llm_calc.adapters.idle_options import Timed, idle_options, timed
from llm_calc.adapters.memory_plan import planned_memory
from llm_calc.adapters.presets import with_preset
from llm_calc.adapters.said_unused import APPROXIMATE, EXACT, told_words, unused_of
from llm_calc.adapters.serving import place_request
from llm_calc.adapters.serving_words import RUN_OF_ARRIVALS, confidence_of, said_of
from llm_calc.adapters.sessions import time_stream
from llm_calc.adapters.wire.documented_requests import CalculateRequest
from llm_calc.adapters.wire.engines import EnginePart
from llm_calc.adapters.wire.memory import MemoryPlanRequest
from llm_calc.adapters.wire.serving import ServingEstimateRequest
from llm_calc.core.plain_numbers import precision_warnings
from llm_calc.core.serving.traffic import OPEN_REQUESTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """``confidence``: ``exact`` where everything that the set-up says is understood and counted; its ``notes``."""

    confidence: str | None = None
    notes: tuple[str, ...] = ()


NOTHING_TOLD = Told()
CLOSED_ARRIVALS = (
    "workload.request_rate: means in closed form, without a run; that more requests come at one moment than at another "
    "is left out, so that first tokens of a busy deployment come earlier than the endpoint says (method as_endpoint); "
    f"beyond what can be served the queue is that of {OPEN_REQUESTS} requests"
)
TIERS = "kv_tiers: rows of memory plans have no figures of them; /api/memory_plan has"


def told_of_memory(request: MemoryPlanRequest, catalogs: Catalogs) -> Told:
    """Of rows of ``/api/memory_plan``.

    Raises:
        CalcError: the plan cannot be made.
    """
    planned = planned_memory(request, catalogs)
    subject, part = planned.subject, request.engine
    idle = idle_options(part, subject.setup, planned.plan)
    return Told(
        confidence=APPROXIMATE if request.kv_tiers else unused_of(subject, part).confidence,
        notes=(*told_words(subject, part), *idle, *([TIERS] if request.kv_tiers else [])),
    )


def told_of_serving(
    first: ServingEstimateRequest, largest: ServingEstimateRequest, catalogs: Catalogs
) -> Told:
    """Of rows of ``/api/serving_estimate``: what its answer says of the first row, and of the most that any row asks.

    Words on one of both alone say where they hold.

    Raises:
        CalcError: the deployment cannot be made.
    """
    found = _said_of_row(first, catalogs, idle=first == largest)
    if first == largest:
        return found
    most = _said_of_row(largest, catalogs, idle=True)
    both = dict.fromkeys(
        words for words in (*found.notes, *most.notes) if words in {*found.notes} & {*most.notes}
    )
    return Told(
        confidence=APPROXIMATE if APPROXIMATE in (found.confidence, most.confidence) else EXACT,
        notes=(*both, *_alone(found, both, first, largest), *_alone(most, both, largest, first)),
    )


def _said_of_row(request: ServingEstimateRequest, catalogs: Catalogs, *, idle: bool) -> Told:
    """Of one row what its single answer says; ``idle``: also which options leave its times as they are."""
    request = with_preset(request, catalogs)
    placed, load = place_request(request, catalogs), request.workload
    turns = time_stream(placed, load) if load.is_stream else None

    def timed_by(engine: EnginePart) -> Timed:
        if not idle:
            return Timed(whole=(object(),), rest=(object(),), figures=object)
        # Whatever may have an effect in some row is not called idle: no figures are the same.
        same = engine is request.engine
        other = placed if same else place_request(request.model_copy(update={"engine": engine}), catalogs)
        return timed(other, load, object)

    assumptions, warnings = said_of(request, placed, turns, None, timed_by)
    words = (*told_words(placed.subject, request.engine), *assumptions, *warnings)
    return Told(confidence=confidence_of(placed), notes=tuple(dict.fromkeys(words)))


def _alone(
    found: Told, both: Collection[str], row: ServingEstimateRequest, other: ServingEstimateRequest
) -> Iterator[str]:
    """Words on one row that the other does not have, with its place."""
    fields = type(row.workload).model_fields
    here = {name: getattr(row.workload, name) for name in fields}
    place = ", ".join(
        f"workload.{name} {value:g}" for name, value in here.items() if value != getattr(other.workload, name)
    )
    yield from (f"at {place}: {words}" for words in found.notes if words not in both)


def in_closed_form(found: Told) -> Told:
    """The same of rows that a closed form answers in place of a run: of a rate they are not exact."""
    if RUN_OF_ARRIVALS not in found.notes:
        return found
    notes = tuple(CLOSED_ARRIVALS if words == RUN_OF_ARRIVALS else words for words in found.notes)
    return Told(confidence=APPROXIMATE, notes=notes)


def told_of_calculation(request: CalculateRequest, catalogs: Catalogs) -> Told:
    """Of rows of ``/api/calculate``.

    Raises:
        CalcError: the model is not known.
    """
    subject = requested_subject(request, catalogs)
    words = (*subject.assumptions, *subject.warnings, *precision_warnings(request.precision))
    return Told(confidence=subject.confidence, notes=words)


def told(request: Any, largest: Any, catalogs: Catalogs) -> Told:  # noqa: ANN401 - requests of any target
    """Of rows of whichever endpoint, from the first and the most that any of them asks.

    Raises:
        CalcError: the set-up cannot be answered for.
    """
    if isinstance(request, MemoryPlanRequest):
        return told_of_memory(request, catalogs)
    if isinstance(request, ServingEstimateRequest):
        return told_of_serving(request, largest, catalogs)
    return told_of_calculation(request, catalogs)
