"""``/mcp``: the tools for language models over streamable HTTP.

The protocol's library is large and loaded with the first request: a service that nobody asks so pays nothing for it.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.json_text import refuse_many
from llm_calc.adapters.json_twice import json_once
from llm_calc.api.beside import Beside
from llm_calc.api.errors import error_response
from llm_calc.api.json_body import LARGE_BYTES
from llm_calc.api.pools import Pool
from llm_calc.core.errors import InvalidInputError, RefusedError

SERVER = "llm_calc.mcp_server.http"
PATH = "/mcp"
METHODS = ("POST", "GET", "DELETE")
MISSING = "mcp: needs the extra llm-calc[mcp]"


class McpOverHttp:
    """Answers requests of the Model Context Protocol; ``origins`` of pages that may ask beside the service's own."""

    def __init__(
        self,
        pools: dict[str, Pool],
        beside: Beside,
        catalogs: Catalogs,
        most_body_bytes: int,
        origins: list[str],
    ) -> None:
        self.pools, self.beside, self.catalogs = pools, beside, catalogs
        self.most_body_bytes, self.origins = most_body_bytes, origins
        self._task: asyncio.Task[None] | None = None
        self._answering: asyncio.Future[Any] | None = None
        self._stop: asyncio.Event | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        refusal = self._refusal(scope)
        if refusal is not None:
            await error_response(*refusal)(scope, receive, send)
            return
        try:
            answering = await self._ready()
        except ModuleNotFoundError:
            await error_response(501, MISSING)(scope, receive, send)
            return
        if scope["method"] == "POST":
            receive, body = await _read(receive)
            wrong = await self._wrong_with(body)
            if wrong is not None:
                await error_response(400, wrong)(scope, receive, send)
                return
        await answering(scope, receive, send)

    async def _wrong_with(self, body: bytes) -> str | None:
        """What a body is refused for; a large one is looked through in a thread."""
        if len(body) > LARGE_BYTES:
            return await self.pools["light"].run(lambda: _wrong_with(body))
        return _wrong_with(body)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers = dict(scope["headers"])
        origin = headers.get(b"origin", b"").decode("latin-1").lower()
        own = headers.get(b"host", b"").decode("latin-1").lower()
        if (
            origin
            and "*" not in self.origins
            and origin not in self.origins
            and urlsplit(origin).netloc != own
        ):
            return 403, f"Origin: {origin[:200]!r} may not ask; LLM_CALC_CORS_ORIGINS names those that may"
        if scope["method"] not in METHODS:
            return 405, f"method: {scope['method']} is not allowed for {PATH}; accepted: {', '.join(METHODS)}"
        return None

    async def _ready(self) -> Callable[..., Any]:
        """What answers, started with the first request of this event loop."""
        loop = asyncio.get_running_loop()
        if self._answering is None or self._answering.get_loop() is not loop:
            self._answering, self._stop = loop.create_future(), asyncio.Event()
            self._task = loop.create_task(self._run(self._answering, self._stop))
        found: Callable[..., Any] = await asyncio.shield(self._answering)
        return found

    async def _run(self, answering: asyncio.Future[Any], stop: asyncio.Event) -> None:
        """Keep the protocol's server until it is stopped."""
        try:
            server = await asyncio.to_thread(import_module, SERVER)
            async with server.answering(self._work, self.most_body_bytes) as answers:
                answering.set_result(answers)
                await stop.wait()
        except Exception as error:  # noqa: BLE001 - whoever waits for the server is told
            if not answering.done():
                answering.set_exception(error)

    async def _work(self, work: partial[Any], heavy: bool) -> Any:  # noqa: ANN401, FBT001 - as the server calls it
        try:
            if heavy:
                return await self.pools["heavy"].run(lambda: self._beside(work))
            return await self.pools["light"].run(work)
        except HTTPException as busy:
            raise RefusedError(busy.detail) from busy

    def _beside(self, work: partial[Any]) -> Any:  # noqa: ANN401 - what a tool answers
        """A heavy tool's answer, made where other heavy questions are answered."""
        from llm_calc.api.tasks import Called

        (found,) = self.beside.pieces(Called.of(work), self.catalogs)
        return found

    async def stop(self) -> None:
        """End the protocol's server, if there is one."""
        if self._task is not None and self._stop is not None and not self._task.done():
            self._stop.set()
            await self._task


async def _read(receive: Receive) -> tuple[Receive, bytes]:
    """A body whole, and what it is received from again."""
    messages = [await receive()]
    while messages[-1].get("more_body"):
        messages.append(await receive())
    waiting = iter(messages)

    async def again() -> Message:
        found = next(waiting, None)
        return found if found is not None else await receive()

    return again, b"".join(each.get("body", b"") for each in messages)


def _wrong_with(body: bytes) -> str | None:
    """A key that is said twice, of which the library would take the last, or more values than any question needs."""
    try:
        refuse_many(body, json_once(body))
    except InvalidInputError as error:
        return error.message
    except ValueError:
        pass
    return None
