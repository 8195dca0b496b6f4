"""Threads for work that takes long: so many at a time, a short queue, and a refusal above it.

Light work (one estimate, one model read) and heavy work (searches, sweeps, comparisons) have a pool each, so that
neither waits behind the other, and the event loop behind none. A place is held until the thread is done with it,
whether or not anybody still waits for the answer.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from threading import Lock
from typing import TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request

from llm_calc.adapters.stopping import Stop, StoppedError, stoppable
from llm_calc.api.memory import Freed

Result = TypeVar("Result")

LONGEST_RETRY_S = 30
_NEW_SHARE = 0.2
"""Weight of the latest duration in the mean of recent ones."""


def _ignore(*_: object) -> None:
    """Nobody counts."""


class CallerLeftError(Exception):
    """Nobody is there to be answered."""


class Pool:
    """``threads`` pieces of work at a time, ``waiting`` more in line; above that, 429.

    ``large``: each piece leaves much memory behind, which is given back to the system at once.
    """

    def __init__(self, name: str, threads: int, waiting: int, *, large: bool = False) -> None:
        self.name, self.threads, self.places = name, threads, threads + waiting
        self.taken = 0
        self.refused = 0
        self.mean_s = 0.5
        self.on_taken: Callable[[float], object] = _ignore
        self.on_refused: Callable[[], object] = _ignore
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=f"llm-calc-{name}")
        self._lock = Lock()
        self._freed = Freed(at_once=large)

    def admit(self) -> None:
        """Refuse where there is no place left.

        Raises:
            HTTPException: 429, with the seconds after which a place is likely to be free.
        """
        if self.taken < self.places:
            return
        self.refused += 1
        self.on_refused()
        seconds = self.retry_after_s
        sentence = (
            f"request: the service is busy with {self.taken} questions of this kind; ask again in {seconds} s"
        )
        raise HTTPException(HTTPStatus.TOO_MANY_REQUESTS, sentence, {"Retry-After": str(seconds)})

    @property
    def retry_after_s(self) -> int:
        """Seconds until the line is likely to be through."""
        return min(LONGEST_RETRY_S, max(1, math.ceil(self.taken * self.mean_s / self.threads)))

    async def run(self, work: Callable[[], Result], *, admitted: bool = False) -> Result:
        """Run the work in a thread and wait for it; it is told to stop if the waiting ends early.

        Raises:
            HTTPException: 429 where there is no place; ``admitted`` work had one before.
        """
        if not admitted:
            self.admit()
        stop = Stop()
        self._count(1)
        future = self._executor.submit(self._timed, stoppable(work, stop))
        future.add_done_callback(lambda _: self._count(-1))
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            stop.tell()
            raise

    def _timed(self, work: Callable[[], Result]) -> Result:
        began_s = time.perf_counter()
        try:
            return work()
        finally:
            self.mean_s += _NEW_SHARE * (time.perf_counter() - began_s - self.mean_s)
            self._freed.give_back()

    def _count(self, places: int) -> None:
        with self._lock:
            self.taken += places
            self.on_taken(places)


async def while_wanted(request: Request, answer: Awaitable[Result]) -> Result:
    """The answer, unless the caller leaves before; then its work is told to stop.

    Raises:
        CallerLeftError: the connection is gone.
    """
    work, leaving = asyncio.ensure_future(answer), asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait((work, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise CallerLeftError
        return work.result()
    except StoppedError:
        raise CallerLeftError from None
    finally:
        work.cancel()
        leaving.cancel()


async def _left(request: Request) -> None:
    """Wait until the caller has gone; the body has been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
