"""Work that stops when nobody waits for it any more.

Long work asks :func:`checkpoint` between its pieces. Who runs it in a thread sets a :class:`Stop` for it and tells it
when the caller has left or its time is over; elsewhere nothing ever stops.
"""

from collections.abc import Callable
from contextvars import ContextVar, copy_context
from typing import TypeVar

Result = TypeVar("Result")


class StoppedError(Exception):
    """Nobody waits for the answer."""


class Stop:
    """Whether work is to end; may be told from any thread."""

    __slots__ = ("told",)

    def __init__(self) -> None:
        self.told = False

    def tell(self) -> None:
        """The work ends at its next checkpoint."""
        self.told = True


_CURRENT: ContextVar[Stop | None] = ContextVar("stop", default=None)


def checkpoint() -> None:
    """End here if nobody waits any more.

    Raises:
        StoppedError: the caller has left, or the time for the answer is over.
    """
    stop = _CURRENT.get()
    if stop is not None and stop.told:
        raise StoppedError


def stoppable(work: Callable[[], Result], stop: Stop) -> Callable[[], Result]:
    """The work, whose checkpoints ask ``stop``."""

    def run() -> Result:
        _CURRENT.set(stop)
        checkpoint()
        return work()

    return lambda: copy_context().run(run)
