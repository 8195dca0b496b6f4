"""The service under twice the load that it can hold: what light questions wait, what is refused, what is lost.

``python -m bench.load [seconds]``: in turn idle and with clients that ask for plans and sweeps without end, twice as
many as there are places for them, then stopped in the middle of it. Light questions come at a low rate all the time.
In turn, since what else the machine does lengthens both: in one run after the other the ratio told of the others.
"""

import asyncio
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import quantiles

from bench._app import REQUEST
from bench._figures import Figure, report
from bench._load import request_bytes
from bench.plans import CASES
from bench.sweep import BASE, LENGTHS, REQUESTS
from tests.process import Service, running

ROUNDS = 5
IDLE_S = 5.0
PAUSE_S = 0.02
HEAVY_CLIENTS = 20
CLIENTS_NICENESS = 10
SILENT = 1000
SWEEP = {
    "target": "memory_plan",
    "base": BASE,
    "grid": {"workload.input_tokens": LENGTHS, "workload.concurrency": REQUESTS},
    "format": "ndjson",
}
LIGHT = {
    "/healthz": b"GET /healthz HTTP/1.1\r\nHost: bench\r\n\r\n",
    "/api/calculate": request_bytes("/api/calculate", REQUEST),
}
HEAVY = {
    "/api/deployment_plans": request_bytes("/api/deployment_plans", CASES["DeepSeek-V3"]),
    "/api/sweep": request_bytes("/api/sweep", SWEEP),
}


@dataclass(slots=True)
class Seen:
    """Seconds of light answers by path, and the statuses of heavy ones; 0 stands for a lost request."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: {path: [] for path in LIGHT})
    statuses: Counter[int] = field(default_factory=Counter)
    longest_s: float = 0.0

    def add(self, other: "Seen") -> None:
        """Take in what was seen in another round."""
        for path, seconds in other.seconds.items():
            self.seconds[path] += seconds
        self.statuses += other.statuses
        self.longest_s = max(self.longest_s, other.longest_s)


async def answered(port: int, request: bytes) -> int:
    """Ask over a connection of its own and read to the end; return the status, 0 where the answer is not whole."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head, _, body = request.partition(b"\r\n\r\n")
    writer.write(head + b"\r\nConnection: close\r\n\r\n" + body)
    try:
        answer_head = await reader.readuntil(b"\r\n\r\n")
        last = b""
        while part := await reader.read(1 << 16):
            last = (last + part)[-5:]
    except (asyncio.IncompleteReadError, ConnectionError):
        return 0
    finally:
        writer.close()
    whole = b"chunked" not in answer_head.lower() or last == b"0\r\n\r\n"
    return int(answer_head.split()[1]) if whole else 0


async def ask_light(port: int, path: str, seen: Seen, until_s: float) -> None:
    """Ask one light question after the other, with a pause between them."""
    while time.perf_counter() < until_s:
        began_s = time.perf_counter()
        status = await answered(port, LIGHT[path])
        assert status == 200, f"{path}: {status}"
        seen.seconds[path].append(time.perf_counter() - began_s)
        await asyncio.sleep(PAUSE_S)


async def ask_heavy(port: int, path: str, seen: Seen, until_s: float) -> None:
    """Ask one heavy question after the other; who is refused waits a little."""
    while time.perf_counter() < until_s:
        began_s = time.perf_counter()
        try:
            status = await answered(port, HEAVY[path])
        except ConnectionRefusedError:
            return
        seen.statuses[status] += 1
        if status == 200:
            seen.longest_s = max(seen.longest_s, time.perf_counter() - began_s)
        else:
            await asyncio.sleep(0.2)


async def asked_heavy(port: int, seconds: float, clients: int) -> Seen:
    """Return what so many clients of each heavy question see in so many seconds."""
    seen, until_s = Seen(), time.perf_counter() + seconds
    await asyncio.gather(*(ask_heavy(port, path, seen, until_s) for path in HEAVY for _ in range(clients)))
    return seen


def heavy_clients(port: int, seconds: float, clients: int, told: Connection) -> None:
    """Ask heavy questions from a process of its own, after all others: else light clients would wait for these."""
    os.nice(CLIENTS_NICENESS)
    told.send(asyncio.run(asked_heavy(port, seconds, clients)))


def loaded(port: int, seconds: float, clients: int) -> Seen:
    """Return what was seen in so many seconds, with so many clients of each heavy question."""
    ours, theirs = Pipe()
    heavy = get_context("spawn").Process(target=heavy_clients, args=(port, seconds, clients, theirs))
    heavy.start()
    light = asyncio.run(asked_light(port, seconds))
    seen: Seen = ours.recv()
    heavy.join()
    seen.seconds = light.seconds
    return seen


async def asked_light(port: int, seconds: float) -> Seen:
    """Return what one client of each light question sees in so many seconds."""
    seen, until_s = Seen(), time.perf_counter() + seconds
    await asyncio.gather(*(ask_light(port, path, seen, until_s) for path in LIGHT))
    return seen


async def stopped(service: Service) -> Seen:
    """Return what heavy clients see of a service that is stopped while they ask."""
    seen, until_s = Seen(), time.perf_counter() + 10
    heavy = [ask_heavy(service.port, path, seen, until_s) for path in HEAVY for _ in range(3)]
    asking = asyncio.gather(*heavy)
    await asyncio.sleep(3)
    service.process.terminate()
    await asking
    return seen


async def silent_connections(port: int) -> float:
    """Return the seconds of a health check while a thousand connections are silent."""
    opened = await asyncio.gather(*(asyncio.open_connection("127.0.0.1", port) for _ in range(SILENT)))
    began_s = time.perf_counter()
    assert await answered(port, LIGHT["/healthz"]) == 200
    seconds = time.perf_counter() - began_s
    for _, writer in opened:
        writer.close()
    return seconds


def p99_s(seconds: list[float]) -> float:
    """Return the 99th percentile."""
    return quantiles(seconds, n=100)[98]


def files_of(service: Service) -> int:
    """Return how many files the service has open."""
    return len(list(Path(f"/proc/{service.process.pid}/fd").iterdir()))


def measure() -> Iterator[Figure]:
    """Yield the figures."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    with running() as service:
        loaded(service.port, 2.0, 0)
        files = files_of(service)
        idle, busy = Seen(), Seen()
        for _ in range(ROUNDS):
            idle.add(loaded(service.port, IDLE_S, 0))
            busy.add(loaded(service.port, seconds / ROUNDS, HEAVY_CLIENTS // 2))
        for path in LIGHT:
            before, under = p99_s(idle.seconds[path]), p99_s(busy.seconds[path])
            yield Figure(title=f"{path}, p99 idle", value=1e3 * before, unit="ms")
            yield Figure(title=f"{path}, p99 under load", value=1e3 * under, unit="ms")
            yield Figure(
                title=f"{path}, p99 under load over idle", value=under / before, unit="", wanted="at most 3"
            )
        for status, count in sorted(busy.statuses.items()):
            yield Figure(title=f"heavy questions answered {status}", value=count, unit="")
        yield Figure(title="longest heavy answer", value=busy.longest_s, unit="s")
        silent = asyncio.run(silent_connections(service.port))
        yield Figure(title=f"/healthz beside {SILENT} silent connections", value=1e3 * silent, unit="ms")
        time.sleep(1.0)
        yield Figure(title="files left open", value=files_of(service) - files, unit="")
        ended = asyncio.run(stopped(service))
        service.process.wait(60)
        yield Figure(title="heavy answers lost by a stop", value=ended.statuses[0], unit="", wanted="0")
        print(json.dumps(dict(ended.statuses)), file=sys.stderr)


if __name__ == "__main__":
    report(measure)
