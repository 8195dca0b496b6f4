"""What a request passes before anything else is done with it: its host, and how many there are already.

Every answer gets the headers that keep browsers from guessing its type, and answers to questions from being stored.
"""

import asyncio
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from llm_calc.api.errors import error_response
from llm_calc.api.pools import CallerLeftError

ALWAYS_ANSWERED = frozenset(("/healthz", "/readyz", "/metrics"))
"""Asked by those who watch over the service: never refused for load, whatever host they call it by."""
NO_SNIFF = (b"x-content-type-options", b"nosniff")
NO_STORE = (b"cache-control", b"no-store")


class Guard:
    """Refuses unknown hosts and what is above the bound of requests in flight."""

    def __init__(self, app: ASGIApp, most_in_flight: int, hosts: frozenset[str]) -> None:
        self.app = app
        self.most_in_flight = most_in_flight
        self.hosts = hosts
        self.in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        send = _with_headers(scope, send)
        if scope["path"] not in ALWAYS_ANSWERED:
            refusal = self._refusal(scope)
            if refusal is not None:
                status, sentence, headers = refusal
                await error_response(status, sentence, headers=headers)(scope, receive, send)
                return
        self.in_flight += 1
        try:
            await self._answer(scope, receive, send)
        finally:
            self.in_flight -= 1

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application; who has left needs no answer, and who is cut off by a stop gets a short one."""
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except CallerLeftError:
            return
        except asyncio.CancelledError:
            if not started:
                sentence = "request: the service stops before the answer is ready; ask again"
                headers = {"Retry-After": "1", "Connection": "close"}
                await error_response(503, sentence, headers=headers)(scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[int, str, dict[str, str]] | None:
        """Status, sentence and headers where the request is not let in."""
        if self.in_flight >= self.most_in_flight:
            sentence = f"request: {self.in_flight} requests are being answered already; ask again in 1 s"
            return HTTPStatus.TOO_MANY_REQUESTS, sentence, {"Retry-After": "1"}
        if self.hosts and _host_of(scope) not in self.hosts:
            return HTTPStatus.BAD_REQUEST, "Host: is not a name that this service is reached by", {}
        return None


def _with_headers(scope: Scope, send: Send) -> Send:
    """``send`` with the headers that belong to every answer."""
    asks = scope["method"] == "POST"

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = message["headers"] = list(message.get("headers", ()))
            headers.append(NO_SNIFF)
            if asks and all(name != b"cache-control" for name, _ in headers):
                headers.append(NO_STORE)
        await send(message)

    return sending


def _host_of(scope: Scope) -> str:
    """The name in the Host header, without a port."""
    host = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1")
    name, _, port = host.rpartition(":")
    return (name if name and port.isdecimal() else host).lower()
