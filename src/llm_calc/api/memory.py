"""Memory that work has freed goes back to the system, where the C library can be told to (glibc)."""

import ctypes
import time
from collections.abc import Callable
from functools import cache

EVERY_S = 5.0
"""How often light work, of which little is left, gives back what it freed."""


@cache
def _trim() -> Callable[[int], int] | None:
    try:
        found: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError, TypeError):
        return None
    return found


class Freed:
    """When memory was last given back; ``at_once``: after every piece of work."""

    def __init__(self, *, at_once: bool) -> None:
        self.every_s = 0.0 if at_once else EVERY_S
        self.last_s = time.monotonic()

    def give_back(self) -> None:
        """Hand what is free to the system, unless that was done a moment ago."""
        now_s, trim = time.monotonic(), _trim()
        if trim is not None and now_s - self.last_s >= self.every_s:
            self.last_s = now_s
            trim(0)
