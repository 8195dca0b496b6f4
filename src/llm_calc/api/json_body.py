"""Reading JSON request bodies: content type, syntax, and the numbers that JSON does not have."""

from collections.abc import Callable, Coroutine
from enum import Enum
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from pydantic_core import from_json
from starlette.exceptions import HTTPException

_FORGIVING_FIELD = b'"hf_config"'


class JsonRequest(Request):
    """A request whose body is JSON, or is refused with a sentence that says why."""

    async def json(self) -> Any:  # noqa: ANN401 - whatever JSON holds
        """Decode the body.

        Raises:
            HTTPException: 400 where the body is not JSON, or holds NaN or an infinity although it holds no
                ``hf_config`` (published configs hold such numbers; typed fields refuse them all the same).
        """
        body = await self.body()
        try:
            return from_json(body, allow_inf_nan=_FORGIVING_FIELD in body)
        except ValueError as error:
            raise HTTPException(400, f"body: must be valid JSON ({error})") from error


class JsonRoute(APIRoute):
    """A route that takes its body as ``application/json`` and nothing else."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler of the framework behind a check of the content type."""
        handle = super().get_route_handler()
        if self.body_field is None:
            return handle

        async def handle_json(request: Request) -> Response:
            _check_content_type(request.headers.get("content-type", ""))
            return await handle(JsonRequest(request.scope, request.receive))

        return handle_json


def _check_content_type(content_type: str) -> None:
    """Refuse bodies that are not declared as JSON."""
    media_type, _, _ = content_type.partition(";")
    kind, _, subtype = media_type.strip().lower().partition("/")
    if kind != "application" or not (subtype == "json" or subtype.endswith("+json")):
        got = f"got {media_type.strip()[:80]!r}" if media_type else "it is missing"
        raise HTTPException(415, f"Content-Type: must be application/json; {got}")


def new_router(tag: str) -> APIRouter:
    """Return a router whose routes read JSON bodies as this module does, under one tag of the description."""
    tags: list[str | Enum] = [tag]
    return APIRouter(route_class=JsonRoute, tags=tags)
