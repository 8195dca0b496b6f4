"""The process beside the service: it answers as threads do, stops when told, and is started anew where it dies."""

import os
import pickle
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.exceptions import HTTPException

from llm_calc.adapters.catalog import Catalogs, load_catalogs
from llm_calc.adapters.operations import COMPARE, DEPLOYMENT_PLANS, FIT, OPERATIONS
from llm_calc.adapters.stopping import Stop, StoppedError, stoppable
from llm_calc.adapters.sweep.grid import SweepLimits
from llm_calc.adapters.wire.sweep import SweepRequest
from llm_calc.api import beside as module
from llm_calc.api.beside import Beside
from llm_calc.api.tasks import Answer, Called, Rows, Task
from llm_calc.core import errors
from tests.process import running

LIMITS = SweepLimits(rows=10**6, setups=1000)
LLAMA = {"name": "llama-3.1-8b"}
SWEEP = {
    "target": "memory_plan",
    "base": {"model": LLAMA, "hardware": {"gpu": "h100-80gb-sxm"}},
    "grid": {
        "workload.input_tokens": {"start": 1, "stop": 20_000},
        "engine.name": ["vllm", "sglang", "generic"],
    },
}
LONG = {
    **SWEEP,
    "grid": {"workload.input_tokens": {"start": 1, "stop": 100_000}, "hardware.count": [1, 2, 4, 8]},
}


def answer(operation: Any, **fields: Any) -> Answer:
    return Answer(operation.name, operation.request.model_validate(fields))


def rows(body: dict[str, Any]) -> Rows:
    return Rows(SweepRequest.model_validate(body), LIMITS)


@pytest.fixture(scope="module")
def catalogs() -> Catalogs:
    return load_catalogs()


@pytest.fixture(scope="module")
def beside(catalogs: Catalogs) -> Iterator[Beside]:
    made = Beside(enabled=True)
    wait_for(made, catalogs)
    yield made
    made.close()


def wait_for(beside: Beside, catalogs: Catalogs) -> int:
    """The number of the process, once it is ready; whatever is asked meanwhile is answered by a thread."""
    for _ in range(1200):
        beside.pieces(rows(SWEEP), catalogs)
        if beside.process_id is not None:
            return beside.process_id
        time.sleep(0.05)
    raise AssertionError("it does not start")


def outcome(pieces: Iterator[Any]) -> Any:
    """All pieces, or the error in place of them."""
    try:
        return list(pieces)
    except errors.CalcError as error:
        return type(error), error.message, error.details


@pytest.mark.parametrize(
    "task",
    [
        answer(FIT, model=LLAMA, hardware={"gpu": "rtx-4090"}),
        answer(DEPLOYMENT_PLANS, model={"name": "llama-3.1-9b"}, workload={"input_tokens": 512}),
        rows(SWEEP),
        rows({**SWEEP, "format": "parquet"}),
        rows({**SWEEP, "grid": {"hardware.gpus": [1, 2]}}),
        rows(
            {
                **SWEEP,
                "grid": {"workload.input_tokens": {"start": 1, "stop": 900_000}, "hardware.count": [1, 2]},
            }
        ),
    ],
)
def test_it_answers_as_a_thread_does(task: Task, beside: Beside, catalogs: Catalogs) -> None:
    found = beside.pieces(task, catalogs)
    assert outcome(found) == outcome(task.pieces(catalogs))
    assert beside.process_id is not None


def test_every_long_operation_can_be_asked_of_it() -> None:
    assert COMPARE in [each for each in OPERATIONS if each.takes_long]
    for operation in OPERATIONS:
        for example in operation.request.model_config["json_schema_extra"]["examples"]:
            task = Answer(operation.name, operation.request.model_validate(example))
            assert pickle.loads(pickle.dumps(task)) == task


@pytest.mark.parametrize(
    "error",
    [
        errors.UnknownNameError("model", "lama", ["llama"], field="model.name"),
        errors.DoesNotFitError("too large", needed_bytes=2.0, available_bytes=1.0),
        errors.InvalidInputError("x: wrong", field="x", accepted=3),
    ],
)
def test_errors_travel_whole(error: errors.CalcError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert (copy.args, copy.__dict__) == (error.args, error.__dict__)


def test_work_that_nobody_waits_for_stops_and_the_next_is_answered(
    beside: Beside, catalogs: Catalogs
) -> None:
    stop, begun = Stop(), threading.Event()
    ended: list[str] = []

    def work() -> None:
        try:
            for _ in beside.pieces(rows(LONG), catalogs):
                begun.set()
        except StoppedError:
            ended.append("stopped")

    thread = threading.Thread(target=stoppable(work, stop))
    thread.start()
    assert begun.wait(30)
    stop.tell()
    thread.join(30)
    assert ended == ["stopped"]
    assert next(beside.pieces(rows(SWEEP), catalogs)) == 60_000


def test_a_stream_that_is_dropped_is_forgotten(beside: Beside, catalogs: Catalogs) -> None:
    pieces = beside.pieces(rows(LONG), catalogs)
    assert next(pieces) == 400_000
    del pieces
    first = beside.process_id
    beside.look_after(60.0)
    assert beside.process_id == first
    beside.look_after(-1.0)
    assert beside.process_id != first
    assert wait_for(beside, catalogs) != first


def test_a_failure_is_told_with_its_trace(beside: Beside, catalogs: Catalogs) -> None:
    with pytest.raises(RuntimeError, match="Traceback"):
        list(beside.pieces(unknown(), catalogs))


def unknown() -> Answer:
    return Answer(
        "no_such_operation", FIT.request.model_validate({"model": LLAMA, "hardware": {"gpu": "l4"}})
    )


def test_a_process_that_dies_is_replaced(beside: Beside, catalogs: Catalogs) -> None:
    number = wait_for(beside, catalogs)
    pieces = beside.pieces(rows(LONG), catalogs)
    assert next(pieces) == 400_000
    os.kill(number, signal.SIGKILL)
    with pytest.raises(HTTPException) as refusal:
        list(pieces)
    assert refusal.value.status_code == 503
    assert wait_for(beside, catalogs) != number


def test_what_does_not_stop_costs_no_other_its_answer(
    catalogs: Catalogs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One caller leaves work that does not stop: the process is ended, and the other's rows go on where they were."""
    monkeypatch.setattr(module, "STOPS_WITHIN_S", 0.5)
    made = Beside(enabled=True)
    number = wait_for(made, catalogs)
    other, stop = made.pieces(rows(SWEEP), catalogs), Stop()
    first = [next(other), next(other)]
    deaf = made.pieces(Called("time", "sleep", (600.0,), {}), catalogs)
    leaving = threading.Thread(target=stoppable(lambda: outcome(deaf), stop))
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    leaving.start()
    time.sleep(0.3)
    stop.tell()
    leaving.join(30)
    assert [*first, *other] == outcome(rows(SWEEP).pieces(catalogs))
    assert made.process_id != number
    made.close()


def test_one_that_cannot_start_is_not_tried_again(catalogs: Catalogs, tmp_path: Any) -> None:
    beside = Beside(tmp_path, enabled=True)
    for _ in range(1200):
        assert len(outcome(beside.pieces(rows(SWEEP), catalogs))) > 1
        if not beside.enabled:
            return
        time.sleep(0.05)
    raise AssertionError("still tried")


def test_it_ends_with_the_service() -> None:
    with running() as service:
        httpx.post(f"{service.url}/api/sweep", json=SWEEP, timeout=60).raise_for_status()
        children = children_of(service.process.pid)
        assert len(children) == 1
        assert service.stop() == 0
    for _ in range(1200):
        if not any(alive(child) for child in children):
            return
        time.sleep(0.05)
    raise AssertionError("left behind")


def children_of(number: int) -> list[int]:
    lists = Path(f"/proc/{number}/task").glob("*/children")
    return [int(each) for found in lists for each in found.read_text(encoding="ascii").split()]


def alive(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_process_that_read_other_catalogs_is_not_asked(catalogs: Catalogs) -> None:
    made, task = Beside(enabled=True), rows(SWEEP)
    wait_for(made, catalogs)
    assert outcome(made.pieces(task, replace(catalogs, digest="changed"))) == outcome(task.pieces(catalogs))
    assert made.process_id is None or not made.enabled
    made.close()
