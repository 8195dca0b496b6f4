"""Several processes on one address: sums of what they count, a new one for one that dies, and one stop for all."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.api.test_observe import metric
from tests.process import SERVE, Service, running

COMMAND = (*SERVE, "--workers", "2")


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with running(COMMAND) as started:
        yield started


def children(service: Service) -> list[int]:
    own = service.process.pid
    return [int(each) for each in Path(f"/proc/{own}/task/{own}/children").read_text().split()]


def health(service: Service) -> int:
    """Over a connection of its own, so that any of the processes may answer."""
    return httpx.get(f"{service.url}/healthz", timeout=60).status_code


def test_metrics_are_those_of_all(service: Service) -> None:
    assert len(children(service)) == 2
    assert [health(service) for _ in range(40)] == [200] * 40
    for _ in range(4):
        text = httpx.get(f"{service.url}/metrics").text
        assert metric(text, "llm_calc_requests_total", route="/healthz", status="200") == 40
        assert metric(text, "llm_calc_requests_in_flight") == 1


def test_a_worker_that_dies_is_replaced(service: Service) -> None:
    before = children(service)
    os.kill(before[0], signal.SIGKILL)
    for _ in range(400):
        now = children(service)
        if len(now) == 2 and now != before:
            break
        time.sleep(0.05)
    assert before[0] not in children(service)
    assert len(children(service)) == 2
    assert [health(service) for _ in range(5)] == [200] * 5


def test_a_stop_ends_all(service: Service) -> None:
    workers = children(service)
    assert service.stop() == 0
    assert not [each for each in workers if Path(f"/proc/{each}").exists()]


def test_an_address_that_is_taken_is_said(service: Service) -> None:
    with running() as other:
        command = [*SERVE[:-1], str(other.port), "--workers", "2"]
        import subprocess

        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert f"127.0.0.1:{other.port}: cannot listen there" in ended.stderr
    assert sys.executable not in ended.stderr
