"""Requests/s of ``/api/calculate`` beside an endpoint that validates the same and answers what was made before."""

import asyncio
import sys
from collections.abc import Iterator
from statistics import median

from bench._app import READY_MADE, REQUEST
from bench._figures import Figure, report
from bench._load import request_bytes, requests_per_s
from tests.process import running

ROUNDS = 7
ROUND_S = 1.5
CONNECTIONS = 8


def rates() -> dict[str, list[float]]:
    """Return requests a second of both endpoints, measured in turns."""
    measured: dict[str, list[float]] = {"/api/calculate": [], READY_MADE: []}
    with running((sys.executable, "-m", "bench._app")) as service:
        for _ in range(ROUNDS):
            for path, found in measured.items():
                request = request_bytes(path, REQUEST)
                rate = requests_per_s(service.port, request, connections=CONNECTIONS, duration_s=ROUND_S)
                found.append(asyncio.run(rate))
    return measured


def measure() -> Iterator[Figure]:
    """Yield both rates and their ratio, each the median of the rounds."""
    calculated, ready_made = rates().values()
    ratio = median(one / other for one, other in zip(calculated, ready_made, strict=True))
    yield Figure(
        title="/api/calculate, all GPUs included", value=median(calculated), unit="requests/s", more=True
    )
    yield Figure(
        title="the same validated, its answer ready-made",
        value=median(ready_made),
        unit="requests/s",
        more=True,
    )
    yield Figure(
        title="/api/calculate, part of the ready-made answer's rate",
        value=ratio,
        unit="",
        more=True,
        wanted="at least 0.9 is wanted",
    )


if __name__ == "__main__":
    report(measure)
