"""Several processes that answer on one address: forked once everything is loaded, started anew where one dies."""

import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from functools import partial

from prometheus_client import multiprocess

from llm_calc.api.metrics import FOLDER_VARIABLE

BACKLOG = 2048
PAUSE_S = 0.5
"""How long a worker that died is left dead: one that cannot start must not keep the machine busy."""


def listening(host: str, port: int) -> socket.socket:
    """A socket that all workers accept from.

    Raises:
        OSError: the system refuses the address.
    """
    (family, kind, protocol, _, address), *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    opened = socket.socket(family, kind, protocol)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(address)
        opened.listen(BACKLOG)
    except OSError:
        opened.close()
        raise
    return opened


def _say(writing: int) -> None:
    """Tell the parent that one is ready."""
    os.write(writing, b".")


class Workers:
    """So many children that run ``work``; told to stop, they finish what they have accepted."""

    def __init__(self, count: int, work: Callable[[Callable[[], None]], None]) -> None:
        self.count, self.work = count, work
        self.alive: set[int] = set()
        self.stopping = False

    def run(self, ready: Callable[[], None]) -> int:
        """Keep them running until the process is told to stop; return its exit code.

        ``ready`` is called once all of them accept requests.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        reading, writing = os.pipe()
        for _ in range(self.count):
            self._fork(writing)
        if self._all_ready(reading):
            ready()
        self._watch(writing)
        return 0

    def _fork(self, writing: int) -> None:
        child = os.fork()
        if child:
            self.alive.add(child)
            return
        code = 1
        try:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            self.work(partial(_say, writing))
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _all_ready(self, reading: int) -> bool:
        """Wait until each has said that it is ready; false where one ended before."""
        said = 0
        while said < self.count and not self.stopping:
            said += len(os.read(reading, self.count))
        return said >= self.count

    def _watch(self, writing: int) -> None:
        """Start workers anew that die; return when all have ended after a stop."""
        while self.alive:
            try:
                child, _ = os.wait()
            except ChildProcessError:
                return
            self.alive.discard(child)
            if FOLDER_VARIABLE in os.environ:
                multiprocess.mark_process_dead(child)  # type: ignore[no-untyped-call]
            if not self.stopping:
                time.sleep(PAUSE_S)
                self._fork(writing)

    def _stop(self, *_: object) -> None:
        """Tell all workers to stop."""
        self.stopping = True
        for child in self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGTERM)
