"""The operations of the product, once: what each takes, what answers it, and where the service offers it.

The library, the command line, the client and the tools for language models are views of this table.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import to_json

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.compare import answer_compare
from llm_calc.adapters.documented.calculate import calculate
from llm_calc.adapters.documented.scaling import model_scaling_analysis
from llm_calc.adapters.inspection import inspect_model
from llm_calc.adapters.memory_plan import answer_memory_plan
from llm_calc.adapters.own_calibration import answer_calibrate
from llm_calc.adapters.planning.plans import answer_deployment_plans
from llm_calc.adapters.planning.recommend import answer_recommend_gpus
from llm_calc.adapters.serving import answer_serving_estimate
from llm_calc.adapters.wire.calibrate import CalibrateAnswer, CalibrateRequest
from llm_calc.adapters.wire.compare import CompareAnswer, CompareRequest
from llm_calc.adapters.wire.documented_analyses import ScalingResponse
from llm_calc.adapters.wire.documented_requests import CalculateRequest, ScalingRequest
from llm_calc.adapters.wire.documented_responses import CalculateResponse
from llm_calc.adapters.wire.faults import faults_of, sentence_of
from llm_calc.adapters.wire.inspect import InspectRequest, InspectResponse
from llm_calc.adapters.wire.memory import MemoryPlanAnswer, MemoryPlanRequest
from llm_calc.adapters.wire.plans import (
    DeploymentPlansAnswer,
    DeploymentPlansRequest,
    RecommendGpusAnswer,
    RecommendGpusRequest,
)
from llm_calc.adapters.wire.serving import ServingEstimateAnswer, ServingEstimateRequest
from llm_calc.core.errors import InvalidInputError

Body = dict[str, Any]
"""A request as JSON holds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One thing that can be asked: the types of request and answer, the path, and the function that answers."""

    name: str
    path: str
    request: type[BaseModel]
    answer: type[BaseModel]
    run: Callable[[Any, Catalogs], object]


OPERATIONS: dict[str, Operation] = {
    operation.name: operation
    for operation in (
        Operation(
            name="calculate",
            path="/api/calculate",
            request=CalculateRequest,
            answer=CalculateResponse,
            run=calculate,
        ),
        Operation(
            name="analyze_scaling",
            path="/api/model_scaling_analysis",
            request=ScalingRequest,
            answer=ScalingResponse,
            run=lambda request, _: model_scaling_analysis(request),
        ),
        Operation(
            name="inspect_model",
            path="/api/inspect_model",
            request=InspectRequest,
            answer=InspectResponse,
            run=inspect_model,
        ),
        Operation(
            name="memory_plan",
            path="/api/memory_plan",
            request=MemoryPlanRequest,
            answer=MemoryPlanAnswer,
            run=answer_memory_plan,
        ),
        Operation(
            name="serving_estimate",
            path="/api/serving_estimate",
            request=ServingEstimateRequest,
            answer=ServingEstimateAnswer,
            run=answer_serving_estimate,
        ),
        Operation(
            name="deployment_plans",
            path="/api/deployment_plans",
            request=DeploymentPlansRequest,
            answer=DeploymentPlansAnswer,
            run=answer_deployment_plans,
        ),
        Operation(
            name="recommend_gpus",
            path="/api/recommend_gpus",
            request=RecommendGpusRequest,
            answer=RecommendGpusAnswer,
            run=answer_recommend_gpus,
        ),
        Operation(
            name="compare",
            path="/api/compare",
            request=CompareRequest,
            answer=CompareAnswer,
            run=answer_compare,
        ),
        Operation(
            name="calibrate",
            path="/api/calibrate",
            request=CalibrateRequest,
            answer=CalibrateAnswer,
            run=answer_calibrate,
        ),
    )
}


def checked_request(operation: Operation, body: Body) -> BaseModel:
    """The typed request of a body.

    Raises:
        InvalidInputError: a field is missing, unknown or cannot be right; names each.
    """
    try:
        return operation.request.model_validate_json(to_json(body, inf_nan_mode="constants"))
    except ValidationError as error:
        problems = [{**each, "loc": ("body", *each["loc"])} for each in error.errors()]
        faults = faults_of(problems, operation.request)
        raise InvalidInputError(sentence_of(faults), field=faults[0]["field"]) from None


def answer(operation: Operation, body: Body, catalogs: Catalogs) -> BaseModel:
    """The typed answer to a body.

    Raises:
        CalcError: what the service answers with an error.
    """
    given = operation.run(checked_request(operation, body), catalogs)
    return given if isinstance(given, BaseModel) else operation.answer.model_validate(given)
