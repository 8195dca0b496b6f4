"""Running work that takes long without stopping the event loop."""

from collections.abc import Callable
from typing import TypeVar

from anyio.to_thread import run_sync

Result = TypeVar("Result")


async def run_in_thread(work: Callable[[], Result]) -> Result:
    """Run ``work`` in a worker thread and wait for it; a caller that leaves or times out stops waiting.

    An abandoned thread ends with its work: give long work a bound of its own.
    """
    return await run_sync(work, abandon_on_cancel=True)
