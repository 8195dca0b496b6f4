"""Routes that are loaded when one of them is first asked for.

A service begins with the documented calculation, health and metrics, which need a part of the program. Whatever else is
asked first loads the rest, in a thread, so that those go on being answered.
"""

import asyncio
import gc
from collections.abc import Callable
from importlib import import_module

from fastapi import FastAPI
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

ROUTERS = "llm_calc.api.routers"
OPERATIONS = "llm_calc.adapters.operations"


class LateRoutes(BaseRoute):
    """Stands for every route that an application does not have yet; ``add`` puts all of them in its place."""

    def __init__(self, app: FastAPI, add: Callable[[], None]) -> None:
        self.app, self._add = app, add
        self._loading: asyncio.Task[None] | None = None

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whatever no route before it answers."""
        return (Match.FULL if scope["type"] == "http" else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Load the rest, then look again."""
        if self._loading is None:
            self._loading = asyncio.get_running_loop().create_task(self._load())
        await asyncio.shield(self._loading)
        await self.app.router(scope, receive, send)

    async def _load(self) -> None:
        try:
            await asyncio.to_thread(load_rest)
            self._add()
        except BaseException:
            self._loading = None
            raise


def load_rest() -> None:
    """Load every route and what computes the answers: they stay, so nothing looks through them for garbage."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        import_module(ROUTERS)
        import_module(OPERATIONS).load_all(light=True)
        gc.freeze()
    finally:
        if was_enabled:
            gc.enable()
