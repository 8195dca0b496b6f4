"""What a sweep evaluates: for each endpoint, its request, the fields that it takes as arrays, and its figures."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.said_as import refused_within
from llm_calc.adapters.sweep.calculate import CALCULATE_ARRAYS, CALCULATE_FIGURES, calculate_rows
from llm_calc.adapters.sweep.memory import LENGTHS, MEMORY_FIGURES, memory_rows
from llm_calc.adapters.sweep.serving import SERVING_FIGURES, serving_rows
from llm_calc.adapters.validation_text import faults_in
from llm_calc.adapters.wire.documented_requests import CalculateRequest
from llm_calc.adapters.wire.memory import MemoryPlanRequest
from llm_calc.adapters.wire.serving import ServingEstimateRequest
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.varying import Figures, Varying

Evaluate = Callable[[Any, Varying, Catalogs], Figures]
"""Figures of rows by name, from the request of the first of them and what differs in the others."""

REQUESTS = frozenset(("workload.concurrency", "workload.batch"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One endpoint as a sweep evaluates it; ``figures`` are its columns, in their order.

    ``unswept``: parts of its request that none of them depends on.
    """

    request: type[BaseModel]
    arrays: frozenset[str]
    figures: tuple[str, ...]
    evaluate: Evaluate
    unswept: frozenset[str] = frozenset()

    def validated(self, body: Mapping[str, Any]) -> BaseModel:
        """A request of this endpoint.

        Raises:
            InvalidInputError: it is none; names the first field that is wrong.
        """
        try:
            with refused_within("base"):
                request = self.request.model_validate(body)
        except ValidationError as error:
            raise _refusal(error, self.request) from error
        if isinstance(request, CalculateRequest):
            for warning in request.unknown_field_warnings():
                raise InvalidInputError(f"base.{warning.replace(', ignored', '')}", field="base")
        return request


TARGETS: Mapping[str, Target] = {
    "serving_estimate": Target(
        request=ServingEstimateRequest,
        arrays=LENGTHS | REQUESTS | {"workload.request_rate", "workload.prefix_cache_hit_fraction"},
        figures=SERVING_FIGURES,
        evaluate=serving_rows,
    ),
    "memory_plan": Target(
        request=MemoryPlanRequest,
        arrays=LENGTHS | REQUESTS,
        figures=MEMORY_FIGURES,
        evaluate=memory_rows,
        unswept=frozenset(("kv_tiers",)),
    ),
    "calculate": Target(
        request=CalculateRequest,
        arrays=CALCULATE_ARRAYS,
        figures=CALCULATE_FIGURES,
        evaluate=calculate_rows,
    ),
}


def _refusal(error: ValidationError, kind: type[BaseModel]) -> InvalidInputError:
    fault = faults_in(error, kind)[0]
    field = "base" if fault["field"] == "body" else f"base.{fault['field']}"
    return InvalidInputError(f"{field}: {fault['accepted']}", field=field)
