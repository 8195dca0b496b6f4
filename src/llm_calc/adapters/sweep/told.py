"""What rows of a sweep are told beside their figures: how sure their set-up is, and its words once."""

from dataclasses import dataclass
from typing import Any

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.documented.subject import requested_subject
from llm_calc.adapters.idle_options import idle_options
from llm_calc.adapters.memory_plan import planned_memory
from llm_calc.adapters.said_unused import told_words, unused_of
from llm_calc.adapters.serving import place_request
from llm_calc.adapters.wire.documented_requests import CalculateRequest
from llm_calc.adapters.wire.memory import MemoryPlanRequest
from llm_calc.adapters.wire.serving import ServingEstimateRequest
from llm_calc.core.plain_numbers import precision_warnings


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """``confidence``: ``exact`` where everything that the set-up says is understood and counted; its ``notes``."""

    confidence: str | None = None
    notes: tuple[str, ...] = ()


NOTHING_TOLD = Told()


def told_of_memory(request: MemoryPlanRequest, catalogs: Catalogs) -> Told:
    """Of rows of ``/api/memory_plan``.

    Raises:
        CalcError: the plan cannot be made.
    """
    planned = planned_memory(request, catalogs)
    subject, part = planned.subject, request.engine
    idle = idle_options(part, subject.setup, planned.plan)
    return Told(
        confidence=unused_of(subject, part).confidence,
        notes=(*told_words(subject, part), *idle),
    )


def told_of_serving(request: ServingEstimateRequest, catalogs: Catalogs) -> Told:
    """Of rows of ``/api/serving_estimate``.

    Raises:
        CalcError: the deployment cannot be made.
    """
    placed = place_request(request, catalogs)
    words = (*told_words(placed.subject, request.engine), *placed.assumptions)
    return Told(confidence=placed.unused.confidence, notes=tuple(dict.fromkeys(words)))


def told_of_calculation(request: CalculateRequest, catalogs: Catalogs) -> Told:
    """Of rows of ``/api/calculate``.

    Raises:
        CalcError: the model is not known.
    """
    subject = requested_subject(request, catalogs)
    words = (*subject.assumptions, *subject.warnings, *precision_warnings(request.precision))
    return Told(confidence=subject.confidence, notes=words)


def told(request: Any, catalogs: Catalogs) -> Told:  # noqa: ANN401 - a request of any target
    """Of rows of whichever endpoint.

    Raises:
        CalcError: the set-up cannot be answered for.
    """
    if isinstance(request, MemoryPlanRequest):
        return told_of_memory(request, catalogs)
    if isinstance(request, ServingEstimateRequest):
        return told_of_serving(request, catalogs)
    return told_of_calculation(request, catalogs)
