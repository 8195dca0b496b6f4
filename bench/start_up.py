"""From the command to the first answer, and the memory that the process then holds."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import httpx

from bench._app import REQUEST
from bench._figures import Figure, report
from tests.process import running

REQUESTS = int(os.environ.get("BENCH_REQUESTS", "1000"))
STARTS = 5 if REQUESTS <= 1000 else 1
DEPLOYED = {"model": {"name": "llama-3.1-8b"}, "hardware": {"gpu": "h100-80gb-sxm"}}
MIXED = (
    ("/api/calculate", REQUEST),
    ("/api/memory_plan", DEPLOYED),
    ("/api/inspect_model", {"model": DEPLOYED["model"]}),
    ("/api/serving_estimate", DEPLOYED),
)


def start_up() -> tuple[float, float, float, float]:
    """Return seconds and processor time to the first answer, and resident bytes after it and further ones."""
    began_s = time.perf_counter()
    with running() as service, httpx.Client(base_url=service.url) as client:
        client.post("/api/calculate", json=REQUEST).raise_for_status()
        first_answer_s = time.perf_counter() - began_s
        processor_s = processor_time_s(service.process.pid)
        first_bytes = resident_bytes(service.process.pid)
        for place in range(REQUESTS):
            path, body = MIXED[place % len(MIXED)]
            client.post(path, json=body).raise_for_status()
        last_bytes = resident_bytes(service.process.pid)
        service.stop()
    return first_answer_s, processor_s, first_bytes, last_bytes


def processor_time_s(process: int) -> float:
    """Return what a process has computed for, which other processes on the machine hardly change."""
    _, _, fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")
    return sum(map(int, fields.split()[11:13])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(process: int) -> float:
    """Return what a process holds in memory."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
    return float(line.split()[1]) * 1024


def measure() -> Iterator[Figure]:
    """Yield the medians."""
    start_up()
    seconds, processor, before, after = zip(*(start_up() for _ in range(STARTS)), strict=True)
    yield Figure(title="start-up to the first answer", value=median(seconds), unit="s")
    yield Figure(title="start-up to the first answer, processor time", value=median(processor), unit="s")
    yield Figure(
        title="resident memory after the first answer",
        value=median(before) / 1e6,
        unit="MB",
        wanted="at most 80",
    )
    yield Figure(
        title=f"resident memory after {REQUESTS} further ones",
        value=median(after) / 1e6,
        unit="MB",
        wanted="at most 120",
    )


if __name__ == "__main__":
    report(measure)
