"""Reading JSON request bodies: content type, syntax, and the numbers that JSON does not have."""

from collections.abc import Callable, Coroutine, Iterator
from enum import Enum
from math import isfinite
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from pydantic_core import from_json
from starlette.exceptions import HTTPException

BODY_MODEL = "llm_calc.body_model"
"""The key of the request's scope that holds the type of the body."""

_FORGIVING_FIELD = "hf_config"


class JsonRequest(Request):
    """A request whose body is JSON, or is refused with a sentence that says why."""

    async def json(self) -> Any:  # noqa: ANN401 - whatever JSON holds
        """Decode the body.

        Raises:
            HTTPException: 400 where the body is not JSON, or holds NaN or an infinity outside of ``hf_config``:
                JSON has no such numbers, but published configs hold them.
        """
        body = await self.body()
        try:
            decoded = from_json(body, allow_inf_nan=False)
        except ValueError as error:
            decoded = _decode_non_finite(body, str(error))
        return _with_whole_numbers(decoded)


def _decode_non_finite(body: bytes, reason: str) -> object:
    """Decode a body that is JSON but for NaN and infinities inside of ``hf_config``, or say where it is not."""
    try:
        decoded: object = from_json(body)
    except ValueError:
        raise HTTPException(400, f"body: must be valid JSON ({reason})") from None
    for path in _non_finite_paths(decoded):
        raise HTTPException(400, f"{path}: must be a finite number; JSON has no NaN and no Infinity")
    return decoded


def _with_whole_numbers(value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Make 2.0 a whole number outside of ``hf_config``: JSON has one kind of number, and to it 2.0 is 2."""
    if isinstance(value, dict):
        return {
            key: entry if key == _FORGIVING_FIELD else _with_whole_numbers(entry)
            for key, entry in value.items()
        }
    if isinstance(value, list):
        return [_with_whole_numbers(entry) for entry in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _non_finite_paths(value: object, path: str = "") -> Iterator[str]:
    """Yield the path of each number that is not finite, outside of ``hf_config``."""
    if isinstance(value, float) and not isfinite(value):
        yield path.lstrip(".") or "body"
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _non_finite_paths(item, f"{path}[{index}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            if key != _FORGIVING_FIELD:
                yield from _non_finite_paths(item, f"{path}.{key}")


class JsonRoute(APIRoute):
    """A route that takes its body as ``application/json`` and nothing else."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler of the framework behind a check of the content type."""
        handle = super().get_route_handler()
        if self.body_field is None:
            return handle
        model = self.body_field.field_info.annotation

        async def handle_json(request: Request) -> Response:
            _check_content_type(request.headers.get("content-type", ""))
            request.scope[BODY_MODEL] = model
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
