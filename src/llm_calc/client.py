"""An asynchronous client of a running service, with the functions of the library as methods."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import from_json, to_json

from llm_calc.adapters import listings, operations
from llm_calc.adapters.listings import Listing
from llm_calc.adapters.operations import Operation
from llm_calc.adapters.request_fields import (
    CalculateFields,
    CalibrateFields,
    CompareFields,
    EstimateFields,
    FitFields,
    InspectFields,
    MemoryPlanFields,
    ModelsForFields,
    PlanFields,
    RecommendFields,
    SweepFields,
    takes,
)
from llm_calc.adapters.shorthand import expanded
from llm_calc.adapters.wire.calibrate import CalibrateAnswer
from llm_calc.adapters.wire.compare import CompareAnswer
from llm_calc.adapters.wire.documented_responses import AvailableGpu, AvailableModel, CalculateResponse
from llm_calc.adapters.wire.fitting import FitAnswer, ModelsForAnswer
from llm_calc.adapters.wire.inspect import InspectResponse
from llm_calc.adapters.wire.listings import AvailableEngine, AvailableFormat, AvailableLink, AvailablePrice
from llm_calc.adapters.wire.memory import MemoryPlanAnswer
from llm_calc.adapters.wire.plans import DeploymentPlansAnswer
from llm_calc.adapters.wire.recommend import RecommendGpusAnswer
from llm_calc.adapters.wire.serving import ServingEstimateAnswer
from llm_calc.core.errors import CalcError

LOCAL = "http://127.0.0.1:8000"
TIME_LIMIT_S = 60.0
GGUF_HEAD_BYTES = 2**19
"""As much of a GGUF file as a service with default limits takes in one request [bytes]."""
JSON = {"content-type": "application/json"}

AnswerT = TypeVar("AnswerT", bound=BaseModel)
ReadT = TypeVar("ReadT")
Row = dict[str, Any]


class ServiceError(CalcError):
    """The service did not answer the request. ``status`` is 0 where it could not be reached.

    ``retry_after_s``: when a busy service (429, 503) is likely to have a place; None where it does not say.
    """

    def __init__(
        self, message: str, status: int, *, retry_after_s: int | None = None, **details: object
    ) -> None:
        super().__init__(message, **details)
        self.status = status
        self.retry_after_s = retry_after_s


class Client:
    """A client of one service; use it as ``async with Client(url) as client``.

    Methods take and return what the functions of ``llm_calc`` do, and raise ``CalcError`` with the service's own
    sentence where it refuses a request (400), ``ServiceError`` where it fails or cannot be reached.
    """

    def __init__(
        self,
        url: str = LOCAL,
        *,
        time_limit_s: float = TIME_LIMIT_S,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Remember the address.

        Args:
            url: of the service, with its scheme.
            time_limit_s: longest wait for a connection, and for each piece of an answer [s].
            transport: in place of the network, as httpx takes it.
        """
        self._http = httpx.AsyncClient(base_url=url, timeout=time_limit_s, transport=transport)

    async def __aenter__(self) -> Self:
        """Open the client."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all connections."""
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    @takes(EstimateFields)
    async def estimate(self, **request: Unpack[EstimateFields]) -> ServingEstimateAnswer:
        """As ``llm_calc.estimate``."""
        return await self._ask(operations.SERVING_ESTIMATE, request)

    @takes(PlanFields)
    async def plan(self, **request: Unpack[PlanFields]) -> DeploymentPlansAnswer:
        """As ``llm_calc.plan``."""
        return await self._ask(operations.DEPLOYMENT_PLANS, request)

    @takes(MemoryPlanFields)
    async def memory_plan(self, **request: Unpack[MemoryPlanFields]) -> MemoryPlanAnswer:
        """As ``llm_calc.memory_plan``."""
        return await self._ask(operations.MEMORY_PLAN, request)

    @takes(InspectFields)
    async def inspect_model(self, **request: Unpack[InspectFields]) -> InspectResponse:
        """As ``llm_calc.inspect_model``."""
        return await self._ask(operations.INSPECT_MODEL, request)

    @takes(CalculateFields)
    async def calculate(self, **request: Unpack[CalculateFields]) -> CalculateResponse:
        """As ``llm_calc.calculate``."""
        return await self._ask(operations.CALCULATE, request)

    @takes(RecommendFields)
    async def recommend(self, **request: Unpack[RecommendFields]) -> RecommendGpusAnswer:
        """As ``llm_calc.recommend``."""
        return await self._ask(operations.RECOMMEND_GPUS, request)

    @takes(FitFields)
    async def fit(self, **request: Unpack[FitFields]) -> FitAnswer:
        """As ``llm_calc.fit``."""
        return await self._ask(operations.FIT, request)

    @takes(ModelsForFields)
    async def models_for(self, **request: Unpack[ModelsForFields]) -> ModelsForAnswer:
        """As ``llm_calc.models_for``."""
        return await self._ask(operations.MODELS_FOR, request)

    @takes(CompareFields)
    async def compare(self, **request: Unpack[CompareFields]) -> CompareAnswer:
        """As ``llm_calc.compare``."""
        return await self._ask(operations.COMPARE, request)

    @takes(CalibrateFields)
    async def calibrate(self, **request: Unpack[CalibrateFields]) -> CalibrateAnswer:
        """As ``llm_calc.calibrate``."""
        return await self._ask(operations.CALIBRATE, request)

    async def models(self) -> list[AvailableModel]:
        """As ``llm_calc.models``."""
        return await self._list(listings.MODELS)

    async def gpus(self) -> list[AvailableGpu]:
        """As ``llm_calc.gpus``."""
        return await self._list(listings.GPUS)

    async def engines(self) -> list[AvailableEngine]:
        """As ``llm_calc.engines``."""
        return await self._list(listings.ENGINES)

    async def formats(self) -> list[AvailableFormat]:
        """As ``llm_calc.formats``."""
        return await self._list(listings.FORMATS)

    async def prices(self) -> list[AvailablePrice]:
        """As ``llm_calc.prices``."""
        return await self._list(listings.PRICES)

    async def links(self) -> list[AvailableLink]:
        """As ``llm_calc.links``."""
        return await self._list(listings.LINKS)

    @takes(SweepFields)
    async def sweep(self, **request: Unpack[SweepFields]) -> AsyncIterator[Row]:
        """As ``llm_calc.sweep``, row by row as the service sends them; leaving the loop stops it."""
        async with self._answer(self._request("/api/sweep", expanded(request, GGUF_HEAD_BYTES))) as answer:
            async for line in answer.aiter_lines():
                yield _row(line)

    async def _ask(self, operation: Operation[Any, AnswerT], fields: Mapping[str, Any]) -> AnswerT:
        """Send a request of an operation and read its answer."""
        request = self._request(operation.path, operation.body(fields, GGUF_HEAD_BYTES))
        return _understood(TypeAdapter(operation.answer), await self._body(request))

    async def _list(self, listing: Listing) -> list[Any]:
        """Ask for a list of what the catalogs hold."""
        body = await self._body(self._http.build_request("GET", listing.path))
        return _understood(TypeAdapter(list[listing.row]), body)  # type: ignore[name-defined]

    def _request(self, path: str, body: Mapping[str, Any]) -> httpx.Request:
        return self._http.build_request("POST", path, content=to_json(body), headers=JSON)

    async def _body(self, request: httpx.Request) -> bytes:
        async with self._answer(request) as answer:
            return await answer.aread()

    @asynccontextmanager
    async def _answer(self, request: httpx.Request) -> AsyncIterator[httpx.Response]:
        """The service's answer, its body still to be read; anything but an answer becomes an error."""
        try:
            answer = await self._http.send(request, stream=True)
            try:
                if answer.status_code != HTTPStatus.OK:
                    raise _refusal(answer.status_code, await answer.aread(), answer.headers)
                yield answer
            finally:
                await answer.aclose()
        except httpx.TimeoutException as error:
            limit_s = self._http.timeout.read
            raise ServiceError(f"service: {request.url} did not answer within {limit_s:g} s", 0) from error
        except httpx.HTTPError as error:
            raise ServiceError(
                f"service: {request.url} does not answer: {str(error) or repr(error)}", 0
            ) from error


def _row(line: str) -> Row:
    """A line of a sweep.

    Raises:
        ServiceError: it is no row.
    """
    try:
        row = from_json(line)
    except ValueError:
        row = None
    if not isinstance(row, dict):
        raise ServiceError(
            "service: its answer is none that this version knows (no row of a sweep)", HTTPStatus.OK
        )
    return row


def _understood(kind: TypeAdapter[ReadT], body: bytes) -> ReadT:
    """The answer as an object.

    Raises:
        ServiceError: it is none that this version knows: another service, or one of another version.
    """
    try:
        return kind.validate_json(body, extra="ignore")  # a newer service answers more
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = ".".join(map(str, fault["loc"])) or "the whole"
        raise ServiceError(
            f"service: its answer is none that this version knows ({where}: {fault['msg']})", HTTPStatus.OK
        ) from error


def _refusal(status: int, body: bytes, headers: Mapping[str, str]) -> CalcError:
    """The service's own words, where it had some."""
    try:
        content = from_json(body)
        message, details = str(content["error"]), dict(content.get("details") or {})
    except (ValueError, KeyError, TypeError):
        message, details = f"service: answered {status} and no explanation", {}
    if status == HTTPStatus.BAD_REQUEST:
        return CalcError(message, **details)
    own = {name: value for name, value in details.items() if name not in ("status", "retry_after_s")}
    after = headers.get("retry-after", "")
    return ServiceError(message, status, retry_after_s=int(after) if after.isdecimal() else None, **own)
