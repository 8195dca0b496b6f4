"""Heavy questions are answered by a process beside the service, so that light ones do not wait for them.

It is started by the first heavy question, which a thread answers meanwhile, and ended when none came for a while:
a service that is asked for none pays nothing for it. Where it cannot be started, threads answer as well. Where it is
ended since one question does not stop that nobody wants any more, all others are asked again.
"""

import contextlib
import logging
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http import HTTPStatus
from itertools import count, islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from starlette.exceptions import HTTPException

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.stopping import StoppedError, checkpoint
from llm_calc.api.frames import END, FAILED, NEXT, OPEN, PIECE, READY, REFUSED, STOP, Outlet, received

if TYPE_CHECKING:
    from llm_calc.api.tasks import Task

CODE = (
    "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); from llm_calc.api.heavy import main; main()"
)
"""Ctrl-C reaches every process of a terminal, this one also while it still loads."""
IDLE_S = 120.0
LOOK_S = 0.05
"""How often a thread that waits for a piece looks whether anybody still wants it [s]."""
STOPS_WITHIN_S = 10.0
"""How long work that nobody wants may take to its next checkpoint; then the process is ended [s]."""
ENDED = "request: the process that worked on it has ended before its answer; ask again"
_GONE = "gone"

log = logging.getLogger(__name__)
Message = tuple[str, Any]


class Beside:
    """The process, or none yet. ``enabled``: it may be started."""

    def __init__(self, catalogs_path: Path | None = None, *, enabled: bool = False) -> None:
        self.catalogs_path, self.enabled = catalogs_path, enabled
        self._running: _Running | None = None
        self._lock = threading.Lock()

    def pieces(self, task: "Task", catalogs: Catalogs) -> Iterator[Any]:
        """A question's answer piece by piece, made by the process where it is ready."""
        running = self._ready()
        if running is not None and running.digest != catalogs.digest:
            self._other_data()
            running = None
        return (
            task.pieces(catalogs)
            if running is None
            else self._from(running, running.pieces(task), task, catalogs)
        )

    def _from(
        self, running: "_Running", pieces: Iterator[Any], task: "Task", catalogs: Catalogs
    ) -> Iterator[Any]:
        """The pieces; where the process is ended for another question's sake, the rest is made elsewhere."""
        sent = 0
        try:
            for piece in pieces:
                yield piece
                sent += 1
        except HTTPException:
            if not running.is_ended_for_one:
                raise
            yield from islice(self.pieces(task, catalogs), sent, None)

    def _ready(self) -> "_Running | None":
        with self._lock:
            if self._running is not None and self._running.is_gone:
                self._lost(self._running)
            if self._running is None and self.enabled:
                self._running = self._started()
            return self._running if self._running is not None and self._running.is_ready else None

    def _lost(self, running: "_Running") -> None:
        """Forget a process that has gone; one that could not start would not start again."""
        self._running = None
        if not running.is_ready:
            self._not_possible(f"it ended with {running.process.wait()}")

    def _other_data(self) -> None:
        """End a process that read other catalogs than the service, whose files have changed since it began."""
        self.close()
        log.warning(
            "the catalogs have changed since the service began; threads answer heavy questions by the old ones"
        )

    def _not_possible(self, why: str) -> None:
        self.enabled = False
        log.warning("no process for heavy questions: %s; threads answer them", why)

    def _started(self) -> "_Running | None":
        try:
            return _Running(str(self.catalogs_path or ""))
        except OSError as error:
            self._not_possible(str(error))
            return None

    def look_after(self, idle_s: float = IDLE_S) -> None:
        """End the process where no question came for a while."""
        with self._lock:
            running = self._running
            if running is not None and running.idle_for_s > idle_s:
                self._running = None
                running.close()

    def close(self) -> None:
        """End the process; it is not started again."""
        self.enabled = False
        self.look_after(-1.0)

    @property
    def process_id(self) -> int | None:
        """The number of the process, where it is ready."""
        return self._running.process.pid if self._running is not None and self._running.is_ready else None


class _Running:
    """A process that was started."""

    def __init__(self, catalogs: str) -> None:
        self.process = subprocess.Popen(  # noqa: S603 - this interpreter, this package
            (sys.executable, "-P", "-c", CODE, catalogs), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.outlet = Outlet(_open(self.process.stdin))
        self.is_ready = self.is_gone = False
        self.is_ended_for_one = False
        """Whether it was ended since work that nobody wanted came to no checkpoint: others were well."""
        self.digest = ""
        self.waiting: dict[int, queue.SimpleQueue[Message]] = {}
        self._numbers = count(1)
        self._last_s = time.monotonic()
        threading.Thread(target=self._read, name="llm-calc-beside", daemon=True).start()

    @property
    def idle_for_s(self) -> float:
        """Since when it has nothing to do [s]; before it is ready it is not idle."""
        return 0.0 if self.waiting or not self.is_ready else time.monotonic() - self._last_s

    def pieces(self, task: "Task") -> Iterator[Any]:
        """The pieces of a question, which is put with the first of them; until then the process does not idle."""
        self._last_s = time.monotonic()
        return self._pieces(next(self._numbers), task)

    def _pieces(self, number: int, task: "Task") -> Iterator[Any]:
        self.waiting[number] = queue.SimpleQueue()
        try:
            self._send(OPEN, number, task)
            while (message := self._next(number))[0] == PIECE:
                yield message[1]
                self._send(NEXT, number)
            _raise(*message)
        except (StoppedError, GeneratorExit):
            self._await_end(number)
            raise
        finally:
            self.waiting.pop(number, None)
            self._last_s = time.monotonic()

    def _next(self, number: int) -> Message:
        """What comes next of a question, unless nobody waits for it any more."""
        messages = self.waiting[number]
        while True:
            checkpoint()
            with contextlib.suppress(queue.Empty):
                return messages.get(timeout=LOOK_S)
            if self.is_gone and messages.empty():
                return _GONE, None

    def _await_end(self, number: int) -> None:
        """Have the work stopped, and keep the place that it takes until it is."""
        self._send(STOP, number)
        until_s = time.monotonic() + STOPS_WITHIN_S
        with contextlib.suppress(queue.Empty):
            while self.waiting[number].get(timeout=max(0.0, until_s - time.monotonic()))[0] == PIECE:
                pass
            return
        self.is_ended_for_one = True
        self.kill()

    def _send(self, verb: str, number: int, value: object = None) -> None:
        """Write to the process; that it has gone is told by what it does not answer."""
        with contextlib.suppress(OSError, ValueError):
            self.outlet.send(verb, number, value)

    def _read(self) -> None:
        """Hand each message to whoever waits for it, until the process has gone."""
        answers = _open(self.process.stdout)
        try:
            self._hand_on(answers)
        except Exception:
            log.exception("an answer of the process for heavy questions cannot be read; it is ended")
            self.kill()
        self.is_gone = True
        for messages in list(self.waiting.values()):
            messages.put((_GONE, None))
        self.close()
        answers.close()
        self.process.wait()

    def _hand_on(self, answers: IO[bytes]) -> None:
        while (message := received(answers)) is not None:
            verb, number, value = message
            if verb == READY:
                self._last_s, self.digest = time.monotonic(), value
                self.is_ready = True
            elif (messages := self.waiting.get(number)) is not None:
                messages.put((verb, value))

    def close(self) -> None:
        """Let it end by itself, or at once where it still loads."""
        if not self.is_ready:
            self.kill()
        with contextlib.suppress(OSError):
            self.outlet.close()

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()


def _open(pipe: IO[bytes] | None) -> IO[bytes]:
    """A pipe that was asked for."""
    if pipe is None:
        raise OSError("no pipe")
    return pipe


def _raise(verb: str, value: Any) -> None:  # noqa: ANN401 - an error, or its text
    """How a question ended, where that is no answer.

    Raises:
        CalcError: as the work raised it.
        HTTPException: 503, the process has gone.
        RuntimeError: the work failed; holds its trace, for the log.
    """
    if verb == REFUSED:
        raise value
    if verb == FAILED:
        raise RuntimeError(value)
    if verb != END:
        raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, ENDED, {"Retry-After": "1"})
