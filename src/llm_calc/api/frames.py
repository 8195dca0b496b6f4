"""Messages between the service and the process beside it: a length, then a pickled value."""

import pickle
from threading import Lock
from typing import IO, Any

_LENGTH_BYTES = 8

OPEN, NEXT, STOP = "open", "next", "stop"
READY, PIECE, END, REFUSED, FAILED = "ready", "piece", "end", "refused", "failed"
"""Verbs: of questions to the process (``OPEN`` asks for the first piece as well), and of its answers."""


class Outlet:
    """Where messages are written to, by any thread."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._lock = file, Lock()

    def send(self, verb: str, number: int, value: object = None) -> None:
        """Write one message.

        Raises:
            OSError: nobody reads any more.
        """
        data = pickle.dumps((verb, number, value), protocol=pickle.HIGHEST_PROTOCOL)
        with self._lock:
            self._file.write(len(data).to_bytes(_LENGTH_BYTES, "big"))
            self._file.write(data)
            self._file.flush()

    def close(self) -> None:
        """No more comes."""
        with self._lock:
            self._file.close()


def received(file: IO[bytes]) -> tuple[str, int, Any] | None:
    """The next message; None where no more comes."""
    length = file.read(_LENGTH_BYTES)
    if len(length) < _LENGTH_BYTES:
        return None
    size = int.from_bytes(length, "big")
    data = file.read(size)
    if len(data) < size:
        return None
    message: tuple[str, int, Any] = pickle.loads(data)  # noqa: S301 - of a process of its own
    return message
