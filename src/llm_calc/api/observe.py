"""Request ids, access log, metrics and the last line of defence against unexpected errors, as plain ASGI."""

import logging
import re
import time
from dataclasses import dataclass
from http import HTTPStatus
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from llm_calc.api.errors import error_response
from llm_calc.api.metrics import Metrics

access_log = logging.getLogger("llm_calc.access")
error_log = logging.getLogger("llm_calc.error")

REQUEST_ID_HEADER = "x-request-id"
_GIVEN_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_CLIENT_CLOSED_REQUEST = 499


@dataclass(slots=True)
class _Seen:
    """What was seen of one answer so far. A status of 499 stands for a caller that left before it began."""

    status: int = _CLIENT_CLOSED_REQUEST
    sent_bytes: int = 0

    @property
    def started(self) -> bool:
        """Whether the answer has begun."""
        return self.status != _CLIENT_CLOSED_REQUEST


class Observe:
    """Outermost layer: every request gets an id, one log line, its counts, and an answer whatever happens."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and watch its answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began_s = time.perf_counter()
        request_id = request_id_of(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        seen = _Seen()

        async def watched_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen.status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID_HEADER] = request_id
            seen.sent_bytes += len(message.get("body", b""))
            await send(message)

        self.metrics.in_flight.inc()
        try:
            await self._answer(scope, receive, watched_send, seen, request_id)
        finally:
            self.metrics.in_flight.dec()
            self._record(scope, seen, time.perf_counter() - began_s, request_id)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, seen: _Seen, request_id: str) -> None:
        """Run the application; an unexpected error is logged with its trace and answered without it."""
        try:
            await self.app(scope, receive, send)
        except Exception:
            error_log.exception("unexpected error", extra={"request_id": request_id})
            if seen.started:
                raise
            sentence = "internal error: the calculation failed; please report it with the request id"
            response = error_response(HTTPStatus.INTERNAL_SERVER_ERROR, sentence, {"request_id": request_id})
            await response(scope, receive, send)

    def _record(self, scope: Scope, seen: _Seen, duration_s: float, request_id: str) -> None:
        """Count the request and write its line."""
        route = getattr(scope.get("route"), "path", "unmatched")
        self.metrics.observe(scope["method"], route, seen.status, duration_s)
        if access_log.isEnabledFor(logging.INFO):
            fields = {
                "request_id": request_id,
                "method": scope["method"],
                "path": scope["path"][:200],
                "route": route,
                "status": seen.status,
                "duration_s": round(duration_s, 6),
                "answer_bytes": seen.sent_bytes,
                "client": (scope.get("client") or ("unknown",))[0],
            }
            access_log.info("request", extra={"fields": fields})


def request_id_of(scope: Scope) -> str:
    """Return the caller's own request id where it is a sound one, else a new one."""
    given = Headers(scope=scope).get(REQUEST_ID_HEADER, "")
    return given if _GIVEN_ID.fullmatch(given) else uuid4().hex
