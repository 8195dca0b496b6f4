"""What surrounds every request, as plain ASGI: size limit and time limit."""

import asyncio
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from llm_calc.api.errors import error_response


class BodyLimit:
    """Refuses bodies of more than ``max_body_bytes``, announced or streamed, with 413."""

    def __init__(self, app: ASGIApp, max_body_bytes: int) -> None:
        self.app = app
        self.max_body_bytes = max_body_bytes
        self.sentence = f"body: must have at most {max_body_bytes} bytes"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 413."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if self._announced_bytes(scope) > self.max_body_bytes:
            await error_response(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self.sentence)(scope, receive, send)
            return
        received_bytes = 0

        async def limited_receive() -> Message:
            nonlocal received_bytes
            message = await receive()
            received_bytes += len(message.get("body", b""))
            if received_bytes > self.max_body_bytes:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self.sentence)
            return message

        await self.app(scope, limited_receive, send)

    @staticmethod
    def _announced_bytes(scope: Scope) -> int:
        """Return the Content-Length, 0 where there is none."""
        announced = Headers(scope=scope).get("content-length", "0")
        return int(announced) if announced.isdecimal() else 0


class TimeLimit:
    """Answers 503 where no answer has begun after ``until_start_s``, and ends answers after ``until_end_s``.

    Both limits act where the request waits: for its body, for a worker thread, for the network. Work that may
    take long must therefore run in a thread (:class:`llm_calc.api.pools.Pool`).
    """

    def __init__(self, app: ASGIApp, until_start_s: float, until_end_s: float) -> None:
        self.app = app
        self.until_start_s = until_start_s
        self.until_end_s = until_end_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on under the limits."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False
        limit = asyncio.timeout(self.until_start_s)

        async def watched_send(message: Message) -> None:
            nonlocal started
            if not started:
                started = True
                limit.reschedule(asyncio.get_running_loop().time() + self.until_end_s)
            await send(message)

        try:
            async with limit:
                await self.app(scope, receive, watched_send)
        except TimeoutError:
            if started or not limit.expired():
                raise
            sentence = (
                f"request: took longer than the limit of {self.until_start_s:g} s; ask for less at once"
            )
            await error_response(HTTPStatus.SERVICE_UNAVAILABLE, sentence)(scope, receive, send)
