"""The one place where errors become answers: ``{"error": sentence, "details"?: {…}}`` with a status.

Expected refusals of the core are mapped by class, subclasses included; the framework's own errors and failed
validation come out in the same shape. Invalid input is 400.
"""

from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.responses import Response

from llm_calc.adapters.validation_text import faults_of, sentence_of
from llm_calc.api.json_body import BODY_MODEL
from llm_calc.core.errors import CalcError, InvalidInputError, RefusedError

STATUS_OF: Mapping[type[CalcError], HTTPStatus] = {
    InvalidInputError: HTTPStatus.BAD_REQUEST,
    RefusedError: HTTPStatus.BAD_REQUEST,
    CalcError: HTTPStatus.BAD_REQUEST,
}


def error_response(
    status: int,
    error: str,
    details: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return the answer for one error. ``details`` is left out where there is nothing in it."""
    body = {"error": error, "details": details} if details else {"error": error}
    content = to_json(body, inf_nan_mode="null", serialize_unknown=True)
    return Response(content, status_code=status, headers=headers, media_type="application/json")


def status_of(error: CalcError) -> HTTPStatus:
    """Return the status of an expected refusal: that of its nearest class in the map."""
    return next(STATUS_OF[kind] for kind in type(error).__mro__ if kind in STATUS_OF)


def add_error_handlers(app: FastAPI) -> None:
    """Make ``app`` answer all errors in the one shape."""
    # The framework's types do not say that a handler gets errors of the class it was added for.
    app.add_exception_handler(CalcError, _answer_refusal)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, _answer_validation)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, _answer_http)  # type: ignore[arg-type]


async def _answer_refusal(_: Request, error: CalcError) -> Response:
    """Answer an expected refusal of the core or the adapters."""
    return error_response(status_of(error), error.message, error.details)


async def _answer_validation(request: Request, error: RequestValidationError) -> Response:
    """Answer a request whose types or values are wrong."""
    faults = faults_of(error.errors(), request.scope.get(BODY_MODEL))
    return error_response(HTTPStatus.BAD_REQUEST, sentence_of(faults), {"fields": faults})


async def _answer_http(request: Request, error: HTTPException) -> Response:
    """Answer the framework's own errors, and the few that routes raise themselves."""
    sentence = _framework_sentence(request, error)
    refusal = error.__cause__  # of a body that the framework read
    details = refusal.details if isinstance(refusal, CalcError) else None
    return error_response(error.status_code, sentence, details, headers=error.headers)


def _framework_sentence(request: Request, error: HTTPException) -> str:
    """Return what is wrong where the framework says only the name of the status."""
    if error.detail != HTTPStatus(error.status_code).phrase:
        return error.detail
    path = request.url.path[:200]
    if error.status_code == HTTPStatus.NOT_FOUND:
        return f"path: nothing is found at {path!r}; /docs and /openapi.json list what is there"
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (error.headers or {}).get("Allow", "the documented methods")
        return f"method: {request.method} is not allowed for {path}; accepted: {allowed}"
    return f"request: {error.detail}"
