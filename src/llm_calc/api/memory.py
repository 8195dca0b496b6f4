"""Memory that work has freed goes back to the system, where the C library can be told to (glibc).

What was kept for further questions is let go of where it has become much: each of some hundred bounded caches holds
little, but all of them together, spread between what every request allocates, would take as much as the program.
"""

import ctypes
import functools
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache

EVERY_S = 5.0
"""How often light work, of which little is left, gives back what it freed."""


PACKAGE = __name__.partition(".")[0]
MOST_BLOCKS = 100_000
"""How many more pieces of memory may be in use than after the last time: some 8 MB [blocks]."""


@cache
def _trim() -> Callable[[int], int] | None:
    try:
        found: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError, TypeError):
        return None
    return found


class Freed:
    """When memory was last given back; ``at_once``: after every piece of work, which then keeps what it likes."""

    def __init__(self, *, at_once: bool) -> None:
        self.every_s = 0.0 if at_once else EVERY_S
        self.last_s = time.monotonic()
        self.kept = None if at_once else Kept()

    def give_back(self) -> None:
        """Hand what is free to the system, unless that was done a moment ago."""
        now_s, trim = time.monotonic(), _trim()
        if now_s - self.last_s < self.every_s:
            return
        self.last_s = now_s
        if self.kept is not None:
            self.kept.bound()
        if trim is not None:
            trim(0)


class Kept:
    """What caches of the package hold, told by the pieces of memory that are in use."""

    def __init__(self, most_blocks: int = MOST_BLOCKS) -> None:
        self.most_blocks = most_blocks
        self.limit_blocks = sys.getallocatedblocks() + most_blocks

    def bound(self) -> bool:
        """Empty the caches where there is more than there may be; whether they were."""
        if sys.getallocatedblocks() <= self.limit_blocks:
            return False
        for each in bounded_caches():
            each.cache_clear()
        self.limit_blocks = sys.getallocatedblocks() + self.most_blocks
        return True


def bounded_caches() -> "Iterator[functools._lru_cache_wrapper[object]]":
    """The caches of the package's functions that are bounded: those of catalogs, which are not, stay."""
    own = [module for name, module in tuple(sys.modules.items()) if name.partition(".")[0] == PACKAGE]
    for value in [value for module in own for value in vars(module).values()]:
        is_cache = isinstance(value, functools._lru_cache_wrapper)  # noqa: SLF001 - has no other name
        if is_cache and value.cache_parameters()["maxsize"] is not None:
            yield value
