"""The process beside the service that answers heavy questions: ``main`` is all it does.

It reads questions from its input and writes pieces of answers to its output, for as long as the service is there. Each
question has a thread; the next piece is made while the one before is sent, and kept until it is asked for.
"""

import contextlib
import gc
import os
import pickle
import signal
import sys
import threading
import traceback
from pathlib import Path

from llm_calc.adapters.all_catalogs import load_all_catalogs
from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.operations import load_all
from llm_calc.adapters.stopping import Stop, StoppedError, stoppable
from llm_calc.api.frames import END, FAILED, NEXT, OPEN, PIECE, READY, REFUSED, Outlet, received
from llm_calc.api.logs import set_up_logging
from llm_calc.api.memory import Freed
from llm_calc.api.tasks import Task
from llm_calc.core.errors import CalcError

NICENESS = 5
"""Where there is one core for both, the service's light answers come first."""


class _Question:
    """One question that is worked on."""

    def __init__(self, number: int, task: Task, outlet: Outlet) -> None:
        self.number, self.task, self.outlet = number, task, outlet
        self.stop = Stop()
        self.asked = threading.Semaphore(1)

    def work(self, catalogs: Catalogs) -> None:
        """Send every piece once it is asked for, then how it ended."""
        try:
            stoppable(lambda: self._pieces(catalogs), self.stop)()
            self.outlet.send(END, self.number)
        except StoppedError:
            self.outlet.send(END, self.number)
        except CalcError as error:
            self._refuse(error)
        except Exception:  # noqa: BLE001 - the service logs it
            self.outlet.send(FAILED, self.number, traceback.format_exc())

    def _refuse(self, error: CalcError) -> None:
        try:
            self.outlet.send(REFUSED, self.number, error)
        except (TypeError, AttributeError, pickle.PicklingError):
            self.outlet.send(FAILED, self.number, "".join(traceback.format_exception(error)))

    def _pieces(self, catalogs: Catalogs) -> None:
        for piece in self.task.pieces(catalogs):
            self.asked.acquire()
            if self.stop.told:
                return
            self.outlet.send(PIECE, self.number, piece)

    def end(self) -> None:
        """Nobody wants the rest."""
        self.stop.tell()
        self.asked.release()


class _Questions:
    """All that are worked on, by number."""

    def __init__(self, catalogs: Catalogs, outlet: Outlet) -> None:
        self.catalogs, self.outlet = catalogs, outlet
        self.open: dict[int, _Question] = {}
        self.freed = Freed(at_once=True)

    def take(self, verb: str, number: int, value: Task) -> None:
        """Do what a message says; of a question that has ended it says nothing."""
        if verb == OPEN:
            question = self.open[number] = _Question(number, value, self.outlet)
            threading.Thread(target=self._work, args=(question,), daemon=True).start()
        elif (known := self.open.get(number)) is not None:
            known.asked.release() if verb == NEXT else known.end()

    def _work(self, question: _Question) -> None:
        try:
            with contextlib.suppress(OSError):
                question.work(self.catalogs)
        finally:
            self.open.pop(question.number, None)
            self.freed.give_back()


def main() -> None:
    """Answer until nothing more can come; the argument is the folder of the catalogs, empty for the package's."""
    # A stop of the service ends this process as well, once its last answers have been sent.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    with contextlib.suppress(AttributeError, OSError):
        os.nice(NICENESS)
    # Whatever else is printed must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    outlet = Outlet(answers)
    set_up_logging("warning")
    catalogs = load_all_catalogs(Path(sys.argv[1]) if sys.argv[1] else None)
    questions = _Questions(catalogs, outlet)
    load_all()
    gc.freeze()
    outlet.send(READY, 0, catalogs.digest)
    while (message := received(sys.stdin.buffer)) is not None:
        questions.take(*message)
    os._exit(0)
