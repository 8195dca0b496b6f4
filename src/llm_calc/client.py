"""An asynchronous client of the service, with the surface of the library."""

from collections.abc import AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, Unpack, cast

import httpx
from pydantic import BaseModel, TypeAdapter

from llm_calc import scenario
from llm_calc.adapters.operations import OPERATIONS, Body
from llm_calc.adapters.wire.calibrate import CalibrateAnswer
from llm_calc.adapters.wire.compare import CompareAnswer
from llm_calc.adapters.wire.documented_responses import AvailableGpu, AvailableModel, CalculateResponse
from llm_calc.adapters.wire.inspect import InspectResponse
from llm_calc.adapters.wire.memory import MemoryPlanAnswer
from llm_calc.adapters.wire.plans import DeploymentPlansAnswer, RecommendGpusAnswer
from llm_calc.adapters.wire.serving import ServingEstimateAnswer
from llm_calc.scenario import Limits, ModelLike, Options


class ServiceError(Exception):
    """The service refused, or failed: ``status`` and its sentence; ``details`` holds what it added."""

    def __init__(self, status: int, message: str, details: object = None) -> None:
        super().__init__(message)
        self.status = status
        self.details = details


class Client:
    """Asks a running service; use as ``async with Client("http://localhost:8000") as client``.

    ``http``: a client of httpx to use instead (another transport, other time limits).
    """

    def __init__(self, url: str = "http://localhost:8000", *, http: httpx.AsyncClient | None = None) -> None:
        self._http = http or httpx.AsyncClient(base_url=url, timeout=120)

    async def __aenter__(self) -> Self:
        """The client itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def ask(self, name: str, body: Body) -> BaseModel:
        """The answer to the body of a request.

        Raises:
            ServiceError: the service answered with an error.
        """
        operation = OPERATIONS[name]
        response = await self._http.post(operation.path, json=body)
        _refuse_errors(response)
        return operation.answer.model_validate_json(response.content)

    async def calculate(self, **fields: Any) -> CalculateResponse:  # noqa: ANN401 - the documented fields
        """The documented calculation."""
        return cast("CalculateResponse", await self.ask("calculate", fields))

    async def inspect_model(
        self, model: ModelLike, *, context_tokens: Sequence[int] | None = None, **options: Unpack[Options]
    ) -> InspectResponse:
        """What a model is."""
        body = scenario.inspection_body(model, options, context_tokens)
        return cast("InspectResponse", await self.ask("inspect_model", body))

    async def memory_plan(self, model: ModelLike, gpu: str, **options: Unpack[Options]) -> MemoryPlanAnswer:
        """What an engine does with memory."""
        return cast(
            "MemoryPlanAnswer", await self.ask("memory_plan", scenario.memory_body(model, gpu, options))
        )

    async def estimate(self, model: ModelLike, gpu: str, **options: Unpack[Options]) -> ServingEstimateAnswer:
        """What users wait for."""
        body = scenario.deployment_body(model, gpu, options)
        return cast("ServingEstimateAnswer", await self.ask("serving_estimate", body))

    async def plan(
        self,
        model: ModelLike,
        *,
        limits: Limits | None = None,
        **further: Any,  # noqa: ANN401
    ) -> DeploymentPlansAnswer:
        """Deployments for a workload under limits."""
        body = scenario.plans_body(model, limits or {}, further)
        return cast("DeploymentPlansAnswer", await self.ask("deployment_plans", body))

    async def recommend(self, model: ModelLike, **further: Any) -> RecommendGpusAnswer:  # noqa: ANN401
        """GPUs that hold a model."""
        body = scenario.recommendation_body(model, further)
        return cast("RecommendGpusAnswer", await self.ask("recommend_gpus", body))

    async def compare(self, scenarios: Sequence[Body]) -> CompareAnswer:
        """Scenarios side by side."""
        return cast("CompareAnswer", await self.ask("compare", {"scenarios": list(scenarios)}))

    async def calibrate(self, measurements: Sequence[Body]) -> CalibrateAnswer:
        """A calibration from measurements of your own."""
        return cast("CalibrateAnswer", await self.ask("calibrate", {"measurements": list(measurements)}))

    async def sweep(
        self,
        target: str,
        base: Body,
        grid: Mapping[str, Any],
        *,
        format: str = "ndjson",  # noqa: A002
    ) -> AsyncIterator[bytes]:
        """Rows of a grid, in pieces as they arrive."""
        body = {"target": target, "base": base, "grid": dict(grid), "format": format}
        async with self._http.stream("POST", "/api/sweep", json=body) as response:
            if response.is_error:
                await response.aread()
                _refuse_errors(response)
            async for piece in response.aiter_bytes():
                yield piece

    async def models(self) -> list[AvailableModel]:
        """Every predefined model."""
        response = await self._http.get("/api/available_models")
        _refuse_errors(response)
        return TypeAdapter(list[AvailableModel]).validate_json(response.content)

    async def gpus(self) -> list[AvailableGpu]:
        """Every GPU of the catalog."""
        response = await self._http.get("/api/available_gpus")
        _refuse_errors(response)
        return TypeAdapter(list[AvailableGpu]).validate_json(response.content)


def _refuse_errors(response: httpx.Response) -> None:
    if not response.is_error:
        return
    try:
        body = response.json()
        raise ServiceError(response.status_code, str(body["error"]), body.get("details"))
    except (ValueError, KeyError, TypeError):
        raise ServiceError(response.status_code, response.text[:200] or response.reason_phrase) from None
