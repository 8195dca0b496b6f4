"""Reading JSON request bodies: their content type, and refusals of what is no JSON."""

from collections.abc import Callable, Coroutine
from enum import Enum
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from llm_calc.adapters.json_text import decoded_json
from llm_calc.adapters.validation_text import refusal_of
from llm_calc.api.pools import CallerLeftError, Pool, while_wanted
from llm_calc.core.errors import InvalidInputError

Handle = Callable[[Request], Coroutine[Any, Any, Response]]

BODY_MODEL = "llm_calc.body_model"
"""The key of the request's scope that holds the type of the body."""


LARGE_BYTES = 16_384
"""Bodies above this are read in a thread: read by the event loop, they would hold up all other answers [bytes]."""


class JsonRequest(Request):
    """A request whose body is JSON, or is refused with a sentence that says why."""

    validated: BaseModel | None = None
    """The body as its type, where a thread has read it; validation takes it as it is."""

    async def json(self) -> Any:  # noqa: ANN401 - whatever JSON holds
        """Decode the body.

        Raises:
            HTTPException: 400 where the body is not JSON.
        """
        if self.validated is not None:
            return self.validated
        try:
            return decoded_json(await self.body())
        except InvalidInputError as error:
            # The framework lets nothing else through from here as it is.
            raise HTTPException(400, error.message) from error

    async def whole_body(self) -> None:
        """Wait for the body, which is kept.

        Raises:
            CallerLeftError: the connection has gone before its end.
        """
        try:
            await self.body()
        except ClientDisconnect:
            raise CallerLeftError from None

    async def read_apart(self, kind: type[BaseModel]) -> None:
        """Read a large body in a thread.

        Raises:
            InvalidInputError: it is no JSON, or not of its type.
            HTTPException: 429, all threads are taken.
        """
        body = await self.body()
        if len(body) > LARGE_BYTES:
            pool: Pool = self.app.state.pools["light"]
            self.validated = await while_wanted(self, pool.run(lambda: _as_type(body, kind)))


def _as_type(body: bytes, kind: type[BaseModel]) -> BaseModel:
    try:
        return kind.model_validate(decoded_json(body))
    except ValidationError as error:
        raise refusal_of(error, kind) from None


class JsonRoute(APIRoute):
    """A route that takes its body as ``application/json`` and nothing else."""

    def get_route_handler(self) -> Handle:
        """Return the handler of the framework behind a check of the content type."""
        handle = super().get_route_handler()
        if self.body_field is None:
            return handle
        model: Any = self.body_field.field_info.annotation

        async def handle_json(request: Request) -> Response:
            _check_content_type(request.headers.get("content-type", ""))
            _check_encoding(request.headers.get("content-encoding", "identity"))
            request.scope[BODY_MODEL] = model
            own = JsonRequest(request.scope, request.receive)
            await own.whole_body()
            await own.read_apart(model)
            return await self.answer(own, handle)

        return handle_json

    async def answer(self, request: JsonRequest, handle: Handle) -> Response:
        """Let the framework read the body and whatever else the endpoint asks for."""
        return await handle(request)


class DirectRoute(JsonRoute):
    """A route whose endpoint takes a body and the request, and which is asked most often.

    Bodies that are right go to the endpoint past the framework, whose look at what else it might ask for takes as long
    as the answer. All others are the framework's, so that they are refused as everywhere.
    """

    async def answer(self, request: JsonRequest, handle: Handle) -> Response:
        """Call the endpoint with the body, or let the framework say what is wrong with it."""
        kind: type[BaseModel] = request.scope[BODY_MODEL]
        try:
            body = request.validated or kind.model_validate(await request.json())
        except (HTTPException, ValidationError):
            return await handle(request)
        response: Response = await self.endpoint(body, request)
        return response


def _check_content_type(content_type: str) -> None:
    """Refuse bodies that are not declared as JSON."""
    media_type, _, _ = content_type.partition(";")
    kind, _, subtype = media_type.strip().lower().partition("/")
    if kind != "application" or not (subtype == "json" or subtype.endswith("+json")):
        got = f"got {media_type.strip()[:80]!r}" if media_type else "it is missing"
        raise HTTPException(415, f"Content-Type: must be application/json; {got}")


def _check_encoding(encoding: str) -> None:
    """Refuse bodies that would have to be unpacked first."""
    if encoding.strip().lower() not in ("", "identity"):
        raise HTTPException(415, f"Content-Encoding: must be left out; got {encoding.strip()[:80]!r}")


def new_router(tag: str) -> APIRouter:
    """Return a router whose routes read JSON bodies as this module does, under one tag of the description."""
    tags: list[str | Enum] = [tag]
    return APIRouter(route_class=JsonRoute, tags=tags)
